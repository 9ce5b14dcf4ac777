#!/usr/bin/env python3
"""make bench-peers: the library's meta-training steps beside PyTorch and JAX, in turn, on this machine.
Usage: compare.py BENCH_WORKLOADS [SECONDS]. The peers are installed in build/peers, versions pinned."""
import json
import os
import pathlib
import subprocess
import sys

here = pathlib.Path(__file__).resolve().parent
root = here.parent.parent / "build" / "peers"
PINNED = {"torch": ["torch==2.8.0", "numpy==2.2.6"], "jax": ["jax[cpu]==0.7.2", "optax==0.2.6", "numpy==2.2.6"]}
PEERS = [("W1", "torch", "func"), ("W1", "torch", "compile"), ("W1", "jax", "vmap"),
         ("W2", "torch", "eager"), ("W2", "jax", "scan")]  # W2 by JAX's vmap takes minutes a step: grouped convolutions
THREADS, ROUNDS = 2, 3
seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 4.0


def python(name):
    """The interpreter of a peer's environment; made at the first call. None if it cannot be had."""
    folder = root / name
    program = folder / "bin" / "python"
    try:
        if not (folder / "ready").exists():
            print(f"installing {' '.join(PINNED[name])} in build/peers/{name}", flush=True)
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
            subprocess.run([program, "-m", "pip", "install", "-q", *PINNED[name]], check=True)
            (folder / "ready").touch()
    except subprocess.CalledProcessError:
        print(f"{name} cannot be installed here; it is left out")
        return None
    return program


def run(command):
    out = subprocess.run(command, capture_output=True, text=True, cwd=here)
    lines = [line for line in out.stdout.splitlines() if line.startswith("{")]
    if out.returncode != 0 or not lines:
        print("  failed:", " ".join(map(str, command[-5:])), out.stderr.strip()[-200:])
        return None
    return json.loads(lines[-1])


def tell(turn, workload, name, result):
    print(f"round {turn + 1} of {ROUNDS}: {workload} {name} {result['ms']:.3f} ms" if result else
          f"round {turn + 1} of {ROUNDS}: {workload} {name} failed", flush=True)


interpreters = {name: python(name) for name in PINNED}
bench = os.path.abspath(sys.argv[1])
results = {}
for turn in range(ROUNDS):
    for workload in ("W1", "W2"):
        ours = run([bench, "--json", "--only", workload, "--threads", str(THREADS), "--seconds", str(seconds)])
        results.setdefault((workload, "task2model", ""), []).append(ours)
        tell(turn, workload, "task2model", ours)
        for name, framework, variant in PEERS:
            tried = results.get((name, framework, variant), [1])
            if name == workload and interpreters[framework] and None not in tried:
                script = here / f"maml_{framework}.py"
                result = run([interpreters[framework], script, workload, variant, str(THREADS), str(seconds)])
                results.setdefault((name, framework, variant), []).append(result)
                tell(turn, workload, f"{framework} {variant}", result)
print(f"\n{THREADS} threads, {ROUNDS} rounds in turn, median of the medians\n")
print(f"{'':4} {'':12} {'':9} {'ms/step':>9} {'ratio':>7} {'start s':>8} {'MiB':>6}  loss")
for workload in ("W1", "W2"):
    rows = []
    for (name, framework, variant), all_runs in results.items():
        good = sorted((r for r in all_runs if r), key=lambda r: r["ms"])
        if name == workload and good:
            rows.append((good[len(good) // 2]["ms"], framework, variant, good[0]))
    mine = next(ms for ms, framework, _, _ in rows if framework == "task2model")
    for ms, framework, variant, r in sorted(rows, key=lambda row: row[0]):
        start = r.get("startup", r.get("compile_ms", 0) / 1e3)
        print(f"{workload:4} {framework:12} {variant:9} {ms:9.3f} {ms / mine:7.2f} {start:8.2f} {r.get('mib', 0):6.0f}  "
              f"{r['first_loss']:.3f} -> {r['loss']:.3f}")
print("\nratio: how many times longer than task2model")
