"""Latency: copy the weights, 5 SGD steps on 5 support images, predict 25 queries."""
from common import *
limit_threads()
import torch, torch.nn.functional as F
torch.set_num_threads(args.threads); torch.manual_seed(0)
from models_torch import Conv4, conv4_f
v = args.variant or "eager"; m = Conv4()
xs, ys, xq, yq = (torch.from_numpy(a) for a in images(1, 8, 5, 1, 5, 28, 1)); ys, yq = ys.long(), yq.long()
theta = [p.detach() for p in m.parameters()]
def step(i):
    t = i % 8
    p = [q.clone().requires_grad_() for q in theta]
    for _ in range(5):
        g = torch.autograd.grad(F.cross_entropy(conv4_f(p, xs[0, t]), ys[0, t]), p)
        with torch.no_grad(): torch._foreach_add_(p, g, alpha=-.05)
    with torch.no_grad(): o = conv4_f(p, xq[0, t])
    o.argmax(1).numpy()
    return float(F.cross_entropy(o, yq[0, t]))
bench("W5", "torch", v, step, FLOPS["W5"](5))
