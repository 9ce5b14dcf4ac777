"""W1 and W2 in JAX. Usage: maml_jax.py W1|W2 VARIANT THREADS SECONDS. vmap: all tasks at once; scan: one by one."""
import os
import sys

workload, variant, threads, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
os.environ["JAX_PLATFORMS"] = "cpu"
if threads == 1:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
import jax
import jax.numpy as jnp
import optax

from data import report, sinusoids, patterns

keys = iter(jax.random.split(jax.random.PRNGKey(0), 32))


def uniform(*shape, fan):
    return jax.random.uniform(next(keys), shape, minval=-fan**-0.5, maxval=fan**-0.5)


def mlp(p, x):
    x = jax.nn.relu(x @ p[0] + p[1])
    return jax.nn.relu(x @ p[2] + p[3]) @ p[4] + p[5]


def conv4(p, x):
    for i in range(0, 12, 3):
        x = jax.lax.conv_general_dilated(x, p[i], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        mean = x.mean((0, 1, 2))
        var = ((x - mean) ** 2).mean((0, 1, 2))
        x = jax.nn.relu((x - mean) * (jax.lax.rsqrt(var + 1e-5) * p[i + 1]) + p[i + 2])
        n, h, w, c = x.shape
        x = x[:, :h // 2 * 2, :w // 2 * 2].reshape(n, h // 2, 2, w // 2, 2, c).max((2, 4))
    return x.reshape(x.shape[0], -1) @ p[12] + p[13]


if workload == "W1":
    theta = [uniform(1, 40, fan=1), uniform(40, fan=1), uniform(40, 40, fan=40), uniform(40, fan=40),
             uniform(40, 1, fan=40), uniform(1, fan=40)]
    net, rate, data = mlp, 0.01, sinusoids()
    loss_of = lambda y, t: ((y - t) ** 2).mean()
else:
    theta = []
    for fan_in in (1, 64, 64, 64):
        theta += [uniform(3, 3, fan_in, 64, fan=9 * fan_in), jnp.ones(64), jnp.zeros(64)]
    theta += [uniform(64, 5, fan=64), uniform(5, fan=64)]
    net, rate, data = conv4, 0.4, patterns(channels_last=True)
    loss_of = lambda y, t: optax.softmax_cross_entropy_with_integer_labels(y, t).mean()
data = [jnp.asarray(a) for a in data]
optimiser = optax.adam(1e-3)


def task(p, xs, ys, xq, yq):
    g = jax.grad(lambda q: loss_of(net(q, xs), ys))(p)
    return loss_of(net([a - rate * b for a, b in zip(p, g)], xq), yq)


def value_and_grad(p, batch):
    if variant == "vmap":
        return jax.value_and_grad(lambda q: jax.vmap(task, (None, 0, 0, 0, 0))(q, *batch).mean())(p)
    body = lambda total, one: (jax.tree.map(jnp.add, total, jax.value_and_grad(task)(p, *one)), None)
    total, _ = jax.lax.scan(body, (jnp.zeros(()), jax.tree.map(jnp.zeros_like, p)), batch)
    return jax.tree.map(lambda a: a / len(batch[0]), total)


@jax.jit
def meta(p, state, batch):
    loss, g = value_and_grad(p, batch)
    change, state = optimiser.update(g, state)
    return optax.apply_updates(p, change), state, loss


current = [theta, optimiser.init(theta)]


def step(i):
    current[0], current[1], loss = meta(*current, tuple(a[i % len(a)] for a in data))
    return float(loss)


report(step, seconds)
