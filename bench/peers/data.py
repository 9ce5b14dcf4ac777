"""Data and timing that the peers' scripts share. Shapes: [pool, tasks, ...]."""
import json
import resource
import time

import numpy as np


def sinusoids(pool=16, tasks=25, shots=10, queries=10):
    r = np.random.default_rng(0)
    size, phase = r.uniform(0.1, 5, (pool, tasks, 1, 1)), r.uniform(0, np.pi, (pool, tasks, 1, 1))
    x = r.uniform(-5, 5, (pool, tasks, shots + queries, 1))
    x, y = x.astype("f4"), (size * np.sin(x - phase)).astype("f4")
    return x[:, :, :shots], y[:, :, :shots], x[:, :, shots:], y[:, :, shots:]


def patterns(pool=3, tasks=32, ways=5, shots=1, queries=5, channels_last=False):
    r = np.random.default_rng(0)
    class_pattern = r.standard_normal((pool, tasks, ways, 1, 1, 28, 28), dtype="f4")

    def pictures(n):
        x = class_pattern + 0.7 * r.standard_normal((pool, tasks, ways, n, 1, 28, 28), dtype="f4")
        x = x.reshape(pool, tasks, ways * n, 1, 28, 28)
        return np.ascontiguousarray(np.moveaxis(x, 3, -1)) if channels_last else x

    labels = lambda n: np.broadcast_to(np.repeat(np.arange(ways), n), (pool, tasks, ways * n)).astype("i8").copy()
    return pictures(shots), labels(shots), pictures(queries), labels(queries)


def report(step, seconds):
    begin = time.perf_counter()
    first = step(0)
    startup = time.perf_counter() - begin
    times, i, loss = [], 1, first
    for _ in range(2):
        loss, i = step(i), i + 1
    start = time.perf_counter()
    while len(times) < 3 or time.perf_counter() - start < seconds:
        t = time.perf_counter()
        loss = step(i)
        times.append(time.perf_counter() - t)
        i += 1
    print(json.dumps({"ms": 1e3 * float(np.median(times)), "startup": startup, "first_loss": first, "loss": loss,
                      "steps": i, "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
