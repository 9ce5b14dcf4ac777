import os
os.environ["JAX_PLATFORMS"] = "cpu"
import numpy as np
from maml_jax import *
f = os.environ["W8_MODEL"]
if os.environ.get("W8_SAVE"): np.savez(f, *map(np.asarray, conv4_init(jax.random.PRNGKey(0)))); raise SystemExit
z = np.load(f); p = [jnp.asarray(z[f"arr_{i}"]) for i in range(18)]; r = np.random.default_rng(0)
x = r.standard_normal((30, 28, 28, 1), dtype="f4"); y = np.arange(5)
@jax.jit
def sgd(p, x, y): return [a - .05 * g for a, g in zip(p, jax.grad(lambda q: xent(conv4_f(q, x), y))(p))]
for _ in range(5): p = sgd(p, x[:5], y)
print(np.asarray(jax.jit(conv4_f)(p, x[5:]).argmax(1))[:3].tolist())
