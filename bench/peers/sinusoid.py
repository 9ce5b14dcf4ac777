#!/usr/bin/env python3
"""MAML on the sinusoid (Finn et al. 2017, section 5.1) by PyTorch, to have a second opinion on what its error is: 10 points, one step of
rate 0.1, 1-40-40-1, 25 tasks a meta-step, Adam 0.001, gradients clamped to +-10; error on 100 equally spaced x, 1,000 tasks.
Usage: sinusoid.py [SEED] [STEPS]"""
import math
import sys

import torch
from torch.func import grad, vmap

SHOTS, RATE, TASKS = 10, 0.1, 25
seed, steps = (int(a) for a in (sys.argv[1:] + ["0", "70000"][len(sys.argv) - 1 :])[:2])
torch.set_num_threads(1)
torch.manual_seed(seed)
layers = [torch.nn.Linear(a, b) for a, b in ((1, 40), (40, 40), (40, 1))]
start = [p for layer in layers for p in (layer.weight, layer.bias)]


def network(p, x):
    h = torch.relu(x @ p[0].T + p[1])
    return torch.relu(h @ p[2].T + p[3]) @ p[4].T + p[5]


def loss(p, x, y):
    return ((network(p, x) - y) ** 2).mean()


def after_one_step(p, xs, ys, xq, yq):
    return loss(tuple(w - RATE * g for w, g in zip(p, grad(loss)(p, xs, ys))), xq, yq)


def tasks(n, even):
    height, phase = torch.rand(n, 1, 1) * 4.9 + 0.1, torch.rand(n, 1, 1) * math.pi
    xs = torch.rand(n, SHOTS, 1) * 10 - 5
    xq = torch.linspace(-5, 5, 100).view(1, 100, 1).expand(n, 100, 1) if even else torch.rand(n, SHOTS, 1) * 10 - 5
    return xs, height * torch.sin(xs - phase), xq, height * torch.sin(xq - phase)


losses = vmap(after_one_step, in_dims=(None, 0, 0, 0, 0))
adam = torch.optim.Adam(start, 0.001)
for step in range(steps + 1):
    if step % 5000 == 0:
        e = losses(tuple(start), *tasks(1000, True)).detach()
        print(f"{step} steps: {e.mean():.4f} +- {1.96 * e.std() / 1000**0.5:.4f}", flush=True)
    adam.zero_grad()
    losses(tuple(start), *tasks(TASKS, False)).mean().backward()
    for p in start:
        p.grad.clamp_(-10, 10)
    adam.step()
