#!/usr/bin/env python3
"""Values of meta-training computed by PyTorch in double, for tests/test_reference.c to compare with.
Usage: build/peers/torch/bin/python bench/peers/reference.py tests/data/reference.safetensors
For every method and kind of task: the start phi, the data of a meta-batch, and PyTorch's loss, gradient of the
mean query loss, and phi after one step of Adam. Written from the papers that the method table names."""
import json
import math
import struct
import sys

import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
random = np.random.default_rng(1)
TASKS, WAYS, SHOTS, QUERIES, SIDE, WIDTH, FEATURES, RATE, META_RATE = 2, 3, 2, 2, 16, 4, 2, 0.05, 0.01
CONTEXT, BASES, DECODER, ENCODER, TINY = 5, 16, 64, 32, 1e-6
stored = {}


def keep(name, array):
    stored[name] = np.ascontiguousarray(array, dtype="<f4")
    return torch.from_numpy(stored[name].astype("f8"))


# ---- structures: [(name, shape)], body first, head last ----

IMAGE_BODY = [(f"layer{i}.{part}", shape) for i in range(1, 5) for part, shape in
              (("filter", (3, 3, 1 if i == 1 else WIDTH, WIDTH)), ("scale", (WIDTH,)), ("bias", (WIDTH,)))]
ROW_BODY = [("layer1.weight", (FEATURES, 8)), ("layer1.bias", (8,)), ("layer2.weight", (8, 8)), ("layer2.bias", (8,))]
HEAD = {"images": [("head.weight", (WIDTH, WAYS)), ("head.bias", (WAYS,))],
        "rows": [("head.weight", (8, 1)), ("head.bias", (1,))],
        "line": [("head.weight", (FEATURES, 1)), ("head.bias", (1,))]}
BODY = {"images": IMAGE_BODY, "rows": ROW_BODY, "line": []}


def conv4(p, x, given=None, seen=None):
    """x [n, h, w, c] -> [n, features]; norm by the statistics given, or those of this batch, which go into `seen`."""
    x = x.movedim(3, 1)
    for i in range(1, 5):
        x = F.conv2d(x, p[f"layer{i}.filter"].permute(3, 2, 0, 1), padding=1)
        mean, var = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), unbiased=False, keepdim=True)
        if given is not None:
            mean, var = given[i - 1]
        if seen is not None:
            seen.append((mean, var))
        scale = (p[f"layer{i}.scale"][:, None, None]) / torch.sqrt(var + 1e-5)
        x = F.max_pool2d(torch.relu((x - mean) * scale + p[f"layer{i}.bias"][:, None, None]), 2)
    return x.movedim(1, 3).flatten(1)


def mlp(p, x, given=None, seen=None):
    x = torch.relu(x @ p["layer1.weight"] + p["layer1.bias"])
    return torch.relu(x @ p["layer2.weight"] + p["layer2.bias"])


FEATURES_OF = {"images": conv4, "rows": mlp, "line": lambda p, x, given=None, seen=None: x}


def loss_of(kind, output, y):
    return F.cross_entropy(output, y.long()) if kind == "images" else ((output[:, 0] - y) ** 2).mean()


def output_of(kind, p, x, given=None):
    return FEATURES_OF[kind](p, x, given) @ p["head.weight"] + p["head.bias"]


# ---- heads, representations ----

def prototypes(h, y):
    mean = torch.stack([h[y == k].mean(0) for k in range(WAYS)])
    return 2 * mean.T, -(mean**2).sum(1)


def ridge(h, targets, penalty):
    x = torch.cat([h, torch.ones(len(h), 1)], 1)
    w = torch.linalg.solve(x.T @ x + penalty * torch.eye(x.shape[1]), x.T @ targets)
    return w[:-1], w[-1]


def prior_of(p):
    """Penalty, mean and scales of the weights before, the bias last."""
    return p["ridge.log_penalty"].exp(), p["ridge.mean"][:, None], p["ridge.log_scale"].exp()


def ridge_with_prior(h, targets, p):
    """The minimum of |y - X w|^2 + penalty |(w - mean) / scale|^2."""
    penalty, mean, scale = prior_of(p)
    x = torch.cat([h, torch.ones(len(h), 1)], 1)
    precision = penalty * torch.diag(scale**-2)
    w = torch.linalg.solve(x.T @ x + precision, x.T @ targets + precision @ mean)
    return w[:-1], w[-1]


def surprise_with_prior(h, targets, p):
    """The surprise of examples whose weights come from the prior: the inputs and targets seen from it."""
    penalty, mean, scale = prior_of(p)
    x = torch.cat([h, torch.ones(len(h), 1)], 1)
    inverse = torch.linalg.inv((x * scale**2) @ x.T + penalty * torch.eye(len(x)))
    a, d = inverse @ (targets - x @ mean), inverse.diagonal()[:, None]
    return 0.5 * ((a**2 / d).mean().log() - d.log().mean() + 1)


def left_out(h, targets, penalty):
    """Errors of examples by the fit to the others, and -log likelihood of one with the likeliest noise, in the mean."""
    x = torch.cat([h, torch.ones(len(h), 1)], 1)
    inverse = torch.linalg.inv(x @ x.T + penalty * torch.eye(len(x)))
    a, d = inverse @ targets, inverse.diagonal()[:, None]
    return a / d, 0.5 * ((a**2 / d).mean().log() - d.log().mean() + 1)


def prototype_score(h, y):
    """Cross-entropy of the examples, each left out of the mean of its own class."""
    logits = []
    for i in range(len(h)):
        rest = [(y == k) & (torch.arange(len(y)) != i) for k in range(WAYS)]
        logits.append(torch.stack([-((h[i] - h[r].mean(0)) ** 2).sum() for r in rest]))
    return F.cross_entropy(torch.stack(logits), y.long())


def statistics(p, x, y):
    """Of rows; logarithms are of squares."""
    n, spread = len(x), lambda v: ((v - v.mean(0)) ** 2).mean(0)
    w, b = ridge(x, y[:, None], p["encoder.log_penalty"].exp())
    error, _ = left_out(x, y[:, None], p["encoder.log_penalty"].exp())
    correlation = ((x - x.mean(0)) * (y - y.mean())[:, None]).mean(0) / torch.sqrt(spread(x) * spread(y) + TINY)
    count = torch.tensor([0.0, 1.0, math.log(n), math.log(x.shape[1])])
    mean_error = (spread(y) + TINY).log() + 2 * math.log(n / (n - 1))
    return torch.cat([w[:, 0], b, count, y.mean()[None], (spread(y) + TINY).log()[None],
                      ((error**2).mean() + TINY).log()[None], mean_error[None], x.mean(0),
                      (spread(x) + TINY).log(), correlation])


def class_means(h, y):
    return torch.stack([h[y == k].mean(0) for k in range(WAYS)])


def class_statistics(h, y):
    means = class_means(h, y)
    log = lambda v: ((v**2).mean() + TINY).log()[None]
    count = torch.tensor([1.0, 0.0, math.log(len(h)), math.log(h.shape[1]), math.log(WAYS)])
    return torch.cat([count, log(h - means[y.long()]), log(means - means.mean(0)), log(means)])


def represent(method, kind, parts, p, x, y):
    """x: of pictures, their features at theta0."""
    rows = torch.cat([x, y[:, None]], 1)
    if parts == "concat":
        return rows.flatten()
    items = class_means(x, y) if kind == "images" else rows
    h = torch.relu(items @ p["encoder.weight1"] + p["encoder.bias1"])
    t = [torch.relu(h @ p["encoder.weight2"] + p["encoder.bias2"]).mean(0)]
    if method != "cnp" and method != "leo":
        t.append((class_statistics if kind == "images" else statistics)(*([] if kind == "images" else [p]), x, y))
    return torch.cat(t)


def decode(p, t, name="decoder"):
    hidden = torch.relu(t @ p[f"{name}.weight1"] + p[f"{name}.bias1"])
    return hidden @ p[f"{name}.weight2"] + t @ p[f"{name}.skip"]


def squash(t):
    return t / torch.sqrt(1 + t**2)


def on_bases(p, names, z):
    """theta0 plus L diag(z) R for each tensor."""
    made = {}
    for k in names:
        right = p[f"basis.{k}" + (".right" if p[k].dim() > 1 else "")]
        mixed = p[f"basis.{k}.left"] * z if p[k].dim() > 1 else z[None]
        made[k] = p[k] + (mixed @ right).reshape(p[k].shape)
    return made


def probe(p, names, gradient):
    sizes, z = [], torch.zeros(BASES)
    for k in names:
        slope = gradient[k]
        sizes.append(((slope**2).mean() + 1e-8).sqrt())
        if p[k].dim() > 1:
            z = z + ((p[f"basis.{k}.left"].T @ slope.reshape(-1, slope.shape[-1])) * p[f"basis.{k}.right"]).sum(1)
        else:
            z = z + p[f"basis.{k}"] @ slope
    return torch.cat([torch.stack(sizes), z])


# ---- one task: query loss, or the move of Reptile ----

def tune(p, tuned, loss, rate, steps, exact):
    """Steps on p[tuned], each at a point of its own: the gradient does not see what p was made from."""
    for _ in range(steps):
        gradient = torch.func.grad(lambda q: loss(p | q))({k: p[k] for k in tuned})
        p = p | {k: p[k] - (rate[k] if isinstance(rate, dict) else rate) * (g if exact else g.detach())
                 for k, g in gradient.items()}
    return p


def inferred_loss(method, kind, names, p, xs, ys, xq, yq):
    """cnp, leo and t2m: a code from t changes theta0, and may be tuned, then the weights."""
    features, closed = FEATURES_OF[kind], method == "t2m"
    body = [k for k in names if not k.startswith("head")]
    changed = names if kind == "rows" and not closed else body

    def with_head(q, h):
        """q with the head that goes with the support features h."""
        if kind == "rows" and not closed:
            return q
        if closed and kind == "images":
            w, b = prototypes(h, ys)
        elif closed:
            w, b = ridge_with_prior(h, ys[:, None], p)
        else:
            made = decode(p, class_means(h, ys), "class")
            w, b = made[:, :-1].T, made[:, -1]
        return q | {"head.weight": w, "head.bias": b}

    complete = lambda q: with_head(p | q, features(p | q, xs))

    def score(q):
        if closed and kind == "images":
            return prototype_score(features(p | q, xs), ys)
        if closed:
            return surprise_with_prior(features(p | q, xs), ys[:, None], p)
        return loss_of(kind, output_of(kind, p | q, xs), ys)

    def query_loss(q):
        seen = [] if kind == "images" else None
        features(q, xs, None, seen)
        return loss_of(kind, output_of(kind, q, xq, seen), yq)

    t = represent(method, kind, "set", p, features(p, xs) if kind == "images" else xs, ys)
    theta = {k: p[k] for k in changed}
    if closed:
        t = torch.cat([t, probe(p, changed, torch.func.grad(score)(theta))])
    code = decode(p, squash(t))
    if method == "cnp":
        shifted = p | {"layer1.bias": p["layer1.bias"] + code @ p["context.weight"]}
        h = features(shifted, torch.cat([xs, xq]))
        q = with_head(shifted, h[:len(xs)])
        return loss_of(kind, h[len(xs):] @ q["head.weight"] + q["head.bias"], yq)
    made = lambda q: complete(on_bases(p, changed, q["z"]))
    at_code = lambda q: score(on_bases(p, changed, q["z"])) if closed else score(made(q))
    z = tune({"z": code}, ["z"], at_code, p["rates.code"], STEPS, True)
    start = on_bases(p, changed, z["z"]) if closed else {k: made(z)[k] for k in names}
    tuned = tune(start, list(start), score, p["rates.weights"], STEPS, True)
    if not closed:
        return query_loss(p | tuned)
    n = len(xs)
    scores = torch.stack([score(tuned), at_code({"z": code}), score(theta) + p["choice.shared"] / n])
    losses = torch.stack([query_loss(complete(q)) for q in (tuned, on_bases(p, changed, code), theta)])
    return 0.5 * (losses.mean() + (torch.softmax(-n * scores, 0) * losses).sum())


def task_loss(method, kind, represented, shapes, p, xs, ys, xq, yq):
    features = FEATURES_OF[kind]
    names = [k for k, _ in BODY[kind] + HEAD[kind]]
    if method in INFERRED:
        return inferred_loss(method, kind, names, p, xs, ys, xq, yq)
    if method in ("protonet", "ridge") or method == "hyper" and kind == "images":
        h = features(p, torch.cat([xs, xq]))
        support, query = h[:len(xs)], h[len(xs):]
        if method == "protonet":
            w, b = prototypes(support, ys)
        elif method == "ridge" and kind == "rows":
            w, b = ridge_with_prior(support, ys[:, None], p)
        elif method == "ridge":
            targets = F.one_hot(ys.long(), WAYS).double()
            w, b = (p["ridge.scale"] * part for part in ridge(support, targets, p["ridge.log_penalty"].exp()))
        else:
            made = decode(p, class_means(support, ys), "class")
            w, b = made[:, :-1].T, made[:, -1]
        return loss_of(kind, query @ w + b, yq)
    if method == "hyper":
        made, at = decode(p, represent(method, kind, represented, p, xs, ys)), 0
        for k, shape in BODY[kind] + HEAD[kind]:
            size = int(np.prod(shape))
            p = p | {k: p[k] + made[at:at + size].reshape(shape)}
            at += size
        return loss_of(kind, output_of(kind, p, xq), yq)
    if method == "cavia":
        first = "layer1.bias"
        start = {"context": torch.zeros(CONTEXT, requires_grad=True)}
        shifted = lambda q: p | {first: p[first] + q["context"] @ p["context.weight"]}
        q = tune(start, ["context"], lambda q: loss_of(kind, output_of(kind, shifted(q), xs), ys), RATE, STEPS, True)
        return loss_of(kind, output_of(kind, shifted(q), xq), yq)
    if method == "protomaml":
        w, b = prototypes(features(p, xs), ys)
        p = p | {"head.weight": w, "head.bias": b}
    tuned = ["head.weight", "head.bias"] if method == "anil" else names
    rate, at = RATE, 0
    if method == "metasgd":
        rate = {}
        for k, shape in BODY[kind] + HEAD[kind]:
            size = int(np.prod(shape))
            rate[k] = p["rates"][at:at + size].reshape(shape)
            at += size
    exact = method not in ("fomaml", "reptile")
    q = tune(p, tuned, lambda q: loss_of(kind, output_of(kind, q, xs), ys), rate, STEPS, exact)
    loss = loss_of(kind, output_of(kind, q, xq), yq)
    return (loss, {k: p[k] - q[k] for k in names}) if method == "reptile" else loss


STEPS = 2


# ---- phi, data, and one step of each method ----

INFERRED = ("cnp", "leo", "t2m")


def generator(name, inputs, outputs):
    return [(f"{name}.weight1", (inputs, DECODER)), (f"{name}.bias1", (DECODER,)),
            (f"{name}.weight2", (DECODER, outputs)), (f"{name}.skip", (inputs, outputs))]


def inferred_parts(method, kind, represented, theta):
    """What a method with a task vector adds: bases or context, encoder, generators."""
    parts, images = [], kind == "images"
    features = WIDTH if images else FEATURES
    if method == "cnp":
        parts.append(("context.weight", (CONTEXT, WIDTH if images else 8)))
    for k, shape in theta if method in ("leo", "t2m") else []:
        parts.append((f"basis.{k}" + (".right" if len(shape) > 1 else ""), (BASES, shape[-1])))
        if len(shape) > 1:
            parts.append((f"basis.{k}.left", (int(np.prod(shape[:-1])), BASES)))
    size = SHOTS * WAYS * (FEATURES + 1)
    if represented != "concat":
        size = ENCODER
        inputs = features + (not images)
        parts += [("encoder.weight1", (inputs, ENCODER)), ("encoder.bias1", (ENCODER,)),
                  ("encoder.weight2", (ENCODER, ENCODER)), ("encoder.bias2", (ENCODER,))]
        if method in ("hyper", "t2m"):
            size += 8 if images else 4 * features + 9
            parts += [] if images else [("encoder.log_penalty", ())]
    if method == "t2m":
        size += len(theta) + BASES
    if images and method != "t2m":
        parts += generator("class", WIDTH, WIDTH + 1)
    if not (images and method == "hyper"):
        numel = sum(int(np.prod(s)) for _, s in theta)
        parts += generator("decoder", size, {"cnp": CONTEXT, "hyper": numel}.get(method, BASES))
    return parts


def shapes_of(method, kind, represented):
    parts = list(BODY[kind])
    with_t = method in INFERRED or method == "hyper"
    if method not in ("protonet", "ridge", "protomaml", "t2m") and not (with_t and kind == "images"):
        parts += HEAD[kind]
    theta, size = list(parts), sum(int(np.prod(s)) for _, s in parts)
    if method == "metasgd":
        parts.append(("rates", (size,)))
    if method in ("leo", "t2m"):
        parts += [("rates.code", ()), ("rates.weights", ())]
    if method == "ridge" or method == "t2m" and kind == "rows":
        parts.append(("ridge.log_penalty", ()))
        weights = (HEAD[kind][0][1][0] + 1,)
        parts += [("ridge.scale", ())] if kind == "images" else [("ridge.mean", weights), ("ridge.log_scale", weights)]
    if method == "t2m":
        parts.append(("choice.shared", ()))
    if method == "cavia":
        parts.append(("context.weight", (CONTEXT, WIDTH if kind == "images" else 8)))
    return parts + (inferred_parts(method, kind, represented, theta) if with_t else [])


def start(name, shape):
    fan = int(np.prod(shape[:-1])) if len(shape) > 1 else 1
    value = random.standard_normal(shape) * (0.7 / fan**0.5 if len(shape) > 1 else 0.2)
    one = name.endswith("scale")
    if name.startswith("rates."):  # so small that rounding does not grow from step to step
        return value * 0.0005 + 0.0005
    return value * 0.2 + 0.05 if name == "rates" else value + 1 if one else value


def step(method, kind, represented, data):
    case = "/".join([method, kind] + ([represented] if represented else []))
    parts = shapes_of(method, kind, represented)
    phi = keep(f"{case}/phi", np.concatenate([np.ravel(start(*part)) for part in parts]))
    phi.requires_grad_()
    p, at = {}, 0
    for name, shape in parts:
        size = int(np.prod(shape))
        p[name] = phi[at:at + size].reshape(shape)
        at += size
    total, move = 0.0, torch.zeros(len(phi))
    for t in range(TASKS):
        loss = task_loss(method, kind, represented, parts, p, *(a[t] for a in data))
        if method == "reptile":
            loss, by_name = loss
            with torch.no_grad():
                move += torch.cat([by_name[k].flatten() for k, _ in parts]) / TASKS
        total = total + loss / TASKS
    gradient = move if method == "reptile" else torch.autograd.grad(total, phi)[0]
    after = phi.detach().clone().requires_grad_()
    after.grad = gradient.detach().clone()
    torch.optim.Adam([after], META_RATE).step()
    keep(f"{case}/loss", total.detach().reshape(1))
    keep(f"{case}/gradient", gradient.detach())
    keep(f"{case}/after", after.detach())


def images(n):
    y = np.tile(np.repeat(np.arange(WAYS), n), (TASKS, 1))
    return random.uniform(0, 1, (TASKS, WAYS * n, SIDE, SIDE, 1)) + 0.3 * np.sin(y)[..., None, None, None], y


def rows(n):
    x = random.standard_normal((TASKS, WAYS * n, FEATURES))
    return x, np.sin(x[..., 0]) + 0.5 * x[..., 1]


def maml_by_hand():
    """The gradient through 5 steps of tuning in tests/test_maml.c: 1-8-8-1 with tanh, the same formulas."""
    m = torch.from_numpy(0.5 * np.sin(1.3 * np.arange(97) + 0.7)).requires_grad_()
    xs, xq = (torch.arange(5.0)[:, None] + first for first in (-2.0, -1.5))

    def loss(m, x):
        h, at = x, 0
        for i, (a, b) in enumerate(((1, 8), (8, 8), (8, 1))):
            h = h @ m[at:at + a * b].reshape(a, b) + m[at + a * b:at + a * b + b]
            h, at = torch.tanh(h) if i < 2 else h, at + a * b + b
        return ((h - torch.sin(x)) ** 2).mean()

    fast = m
    for _ in range(5):
        fast = fast - 0.1 * torch.autograd.grad(loss(fast, xs), fast, create_graph=True)[0]
    keep("by hand/gradient", torch.autograd.grad(loss(fast, xq), m)[0].numpy())


for kind, made in (("images", images), ("rows", rows)):
    parts = made(SHOTS) + made(QUERIES)
    names = ("x_support", "y_support", "x_query", "y_query")
    data = [keep(f"{kind}/{name}", a) for name, a in zip(names, parts)]
    for method in ("maml", "fomaml", "reptile", "anil", "metasgd", "protonet", "ridge", "protomaml", "cavia", "cnp", "hyper",
                   "leo", "t2m"):
        if kind == "images":
            step(method, kind, None, data)
        elif method == "hyper":
            for represented in ("set", "concat"):
                step(method, "line", represented, data)
        elif not method.startswith("proto"):
            step(method, kind, None, data)
maml_by_hand()

header, offset = {}, 0
for name, a in stored.items():
    header[name] = {"dtype": "F32", "shape": list(a.shape), "data_offsets": [offset, offset + a.nbytes]}
    offset += a.nbytes
header["__metadata__"] = {"made_by": f"bench/peers/reference.py, PyTorch {torch.__version__}"}
text = json.dumps(header).encode()
text += b" " * (-(8 + len(text)) % 64)
with open(sys.argv[1], "wb") as f:
    f.write(struct.pack("<Q", len(text)) + text + b"".join(a.tobytes() for a in stored.values()))
print(f"{len(stored)} tensors, {8 + len(text) + offset} bytes")
