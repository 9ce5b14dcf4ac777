"""W1 and W2 in PyTorch. Usage: maml_torch.py W1|W2 VARIANT THREADS SECONDS. W1: func, compile; W2: eager."""
import os
import sys

workload, variant, threads, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(threads)
import torch
import torch.nn.functional as F
from torch.func import grad, grad_and_value, vmap

from data import report, sinusoids, patterns

torch.set_num_threads(threads)
torch.manual_seed(0)


def uniform(*shape, fan):
    return ((torch.rand(*shape) * 2 - 1) / fan**0.5).requires_grad_()


def mlp(p, x):
    x = torch.relu(x @ p[0] + p[1])
    return torch.relu(x @ p[2] + p[3]) @ p[4] + p[5]


def conv4(p, x):
    for i in range(0, 12, 3):
        x = F.conv2d(x, p[i], padding=1)
        x = F.batch_norm(x, None, None, p[i + 1], p[i + 2], training=True)
        x = F.max_pool2d(F.relu(x), 2)
    return F.linear(x.flatten(1), p[12], p[13])


if workload == "W1":
    theta = [uniform(1, 40, fan=1), uniform(40, fan=1), uniform(40, 40, fan=40), uniform(40, fan=40),
             uniform(40, 1, fan=40), uniform(1, fan=40)]
    net, loss_of, rate, data = mlp, F.mse_loss, 0.01, [torch.from_numpy(a) for a in sinusoids()]
else:
    theta = []
    for fan_in in (1, 64, 64, 64):
        theta += [uniform(64, fan_in, 3, 3, fan=9 * fan_in), torch.ones(64, requires_grad=True),
                  torch.zeros(64, requires_grad=True)]
    theta = [t.detach().to(memory_format=torch.channels_last).requires_grad_() if t.dim() == 4 else t for t in theta]
    theta += [uniform(5, 64, fan=64), uniform(5, fan=64)]
    net, loss_of, rate, data = conv4, F.cross_entropy, 0.4, [torch.from_numpy(a) for a in patterns()]
optimiser = torch.optim.Adam(theta, 1e-3, fused=True)


def tuned_loss(p, xs, ys, xq, yq, gradient):
    p = [a - rate * b for a, b in zip(p, gradient(p, xs, ys))]
    return loss_of(net(p, xq), yq)


def functional(p, *batch):
    inner = grad(lambda q, x, y: loss_of(net(q, x), y))
    task = lambda *one: tuned_loss(list(p), *one, inner)
    return vmap(task)(*batch).mean()


both = grad_and_value(functional)
if variant == "compile":
    both = torch.compile(both)


def step_functional(batch):
    with torch.no_grad():
        g, loss = both([t.detach() for t in theta], *batch)
    for t, d in zip(theta, g):
        t.grad = d
    optimiser.step()
    return float(loss)


def step_eager(batch):
    optimiser.zero_grad(set_to_none=True)
    inner = lambda p, x, y: torch.autograd.grad(loss_of(net(p, x), y), p, create_graph=True)
    total, tasks = 0.0, len(batch[0])
    for t in range(tasks):
        one = [a[t].contiguous(memory_format=torch.channels_last) if a[t].dim() == 4 else a[t] for a in batch]
        loss = tuned_loss(theta, *one, inner) / tasks
        loss.backward()
        total += float(loss)
    optimiser.step()
    return total


step = step_eager if variant == "eager" else step_functional
report(lambda i: step([a[i % len(a)] for a in data]), seconds)
