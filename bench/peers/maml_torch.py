"""MAML meta-training steps in PyTorch, shared by w1/w2/w3.  Variants: eager, func, compile; +fo."""
import torch, torch.nn.functional as F
from common import args


def make_step(model, f, f_vmap, data, loss_f, lr, inner, variant, fo=False):
    """Returns step(i): one meta-step (all tasks, backward, Adam)."""
    xs, ys, xq, yq = (torch.from_numpy(a) for a in data)
    if xs.dtype == torch.float32 and ys.dtype == torch.int32:
        ys, yq = ys.long(), yq.long()
    pool, T = xs.shape[:2]
    if variant.endswith("-cl"):            # channels-last weights and inputs
        variant = variant[:-3]
        model.to(memory_format=torch.channels_last)
        xs, xq = ([[t.to(memory_format=torch.channels_last) for t in b] for b in a] for a in (xs, xq))
    get = (lambda a, b, t: a[b][t])
    theta = list(model.parameters())
    opt = torch.optim.Adam(theta, 1e-3, fused=True)

    def adapt(p, x, y, fwd):
        for _ in range(inner):
            g = torch.autograd.grad(loss_f(fwd(p, x), y), p, create_graph=not fo)
            p = [a - lr * b for a, b in zip(p, g)]
        return p

    if variant == "eager":
        def step(i):
            b = i % pool
            opt.zero_grad(set_to_none=True); tot = 0.
            for t in range(T):
                p = adapt(theta, get(xs, b, t), ys[b, t], f)
                l = loss_f(f(p, get(xq, b, t)), yq[b, t]) / T
                l.backward(); tot += l.detach()
            opt.step()
            return float(tot)
    elif variant in ("func", "compile", "funcloop"):
        from torch.func import grad, vmap

        def task(p, a, b, c, d):
            for _ in range(inner):
                g = grad(lambda q: loss_f(f_vmap(q, a), b))(p)
                if fo: g = [x.detach() for x in g]
                p = [u - lr * v for u, v in zip(p, g)]
            return loss_f(f_vmap(p, c), d)

        meta = torch.func.grad_and_value(lambda p, a, b, c, d: vmap(task, in_dims=(None, 0, 0, 0, 0))(list(p), a, b, c, d).mean())
        if variant == "compile":
            meta = torch.compile(meta)

        def step(i):
            b = i % pool
            with torch.no_grad():
                g, l = meta([p.detach() for p in theta], xs[b], ys[b], xq[b], yq[b])
            for p, q in zip(theta, g): p.grad = q
            opt.step()
            return float(l)
    else:
        raise SystemExit("unknown variant " + variant)
    return step
