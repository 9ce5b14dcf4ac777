#!/usr/bin/env python3
"""make bench-peers: the library beside PyTorch and JAX on W1 to W8, in turn, on this machine.
Usage: compare.py BENCH [--only W2] [--seconds X] [--rounds N]. The peers are installed in build/peers, versions pinned."""
import argparse
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import time

here = pathlib.Path(__file__).resolve().parent
root = here.parent.parent / "build" / "peers"
PINNED = {"torch": ["torch==2.8.0", "numpy==2.2.6"], "jax": ["jax[cpu]==0.7.2", "optax==0.2.6", "numpy==2.2.6"]}
# workload: threads, and each peer's best variants
PEERS = {
    "W1": (2, [("jax", "w1", ["--variant", "vmap", "--threads", "1"]), ("torch", "w1", ["--variant", "compile"])]),
    "W1x5": (2, [("torch", "w1", ["--variant", "compile", "--inner", "5"]), ("jax", "w1", ["--variant", "vmap", "--inner", "5"])]),
    "W2": (2, [("torch", "w2", ["--variant", "eager-cl"]), ("jax", "w2", ["--variant", "loop"])]),
    "W2fo": (2, [("torch", "w2", ["--variant", "eager-cl+fo"]), ("jax", "w2", ["--variant", "loop+fo"])]),
    "W3": (2, [("torch", "w3", ["--variant", "eager-cl"]), ("jax", "w3", ["--variant", "loop"])]),
    "W4": (2, [("torch", "w4", ["--variant", "eager"]), ("jax", "w4", ["--variant", "jit"])]),
    "W5": (2, [("jax", "w5", ["--variant", "jit"]), ("torch", "w5", ["--variant", "eager"])]),
    "W6": (2, [("torch", "w6", ["--variant", "eager-cl"]), ("jax", "w6", ["--variant", "jit"])]),
    "W7": (2, [("torch", "w7", ["--variant", "eager-cl"]), ("jax", "w7", ["--variant", "jit"])]),
    "W8": (2, [("jax", "w8", None), ("torch", "w8", None)]),
}
LIMIT = 600  # seconds for one run of a peer; compilers are slow


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


def output(command):
    try:
        out = subprocess.run(command, capture_output=True, text=True, cwd=here, timeout=LIMIT)
    except subprocess.TimeoutExpired:
        return None
    lines = [line for line in out.stdout.splitlines() if line.startswith("{")]
    return json.loads(lines[-1]) if out.returncode == 0 and lines else None


def ours(bench, workload, threads, seconds):
    r = output([bench, "--json", "--only", workload, "--threads", str(threads), "--seconds", str(seconds)])
    return r and dict(ms=r["ms"], start=r["compile_ms"] / 1e3, mib=r["process_mib"], first=r["first_loss"], last=r["loss"])


def cold(program, script, framework):
    """A process of a peer from start to end, five times."""
    environment = dict(os.environ, W8_MODEL=str(root / f"w8_{framework}.npz"))
    subprocess.run([program, script], cwd=here, env=dict(environment, W8_SAVE="1"), capture_output=True)
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        if subprocess.run([program, script], cwd=here, env=environment, capture_output=True).returncode != 0:
            return None
        times.append(time.perf_counter() - begin)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return dict(ms=statistics.median(times) * 1e3, start=times[0], mib=peak, first=None, last=None)


def peer(program, framework, script, options, threads, seconds):
    path = here / f"{script}_{framework}.py"
    if options is None:
        return cold(program, path, framework)
    r = output([program, path, "--threads", str(threads), "--seconds", str(seconds), *options])
    return r and dict(ms=r["median_step_ms"], start=r["startup_to_first_step_s"], mib=r["peak_rss_mib"],
                      first=r["loss_first"], last=r["loss"])


def table(results):
    print(f"\n{'':5} {'':10} {'':12} {'ms':>10} {'ratio':>7} {'start s':>8} {'MiB':>6}  loss")
    for workload in PEERS:
        rows = []
        for (name, framework, variant), runs in results.items():
            good = sorted((r for r in runs if r), key=lambda r: r["ms"])
            if name == workload and good:
                rows.append((good[len(good) // 2], framework, variant))
        mine = [r["ms"] for r, framework, _ in rows if framework == "task2model"]
        for r, framework, variant in sorted(rows, key=lambda row: row[0]["ms"]):
            loss = f"{r['first']:.3f} -> {r['last']:.3f}" if r["first"] else ""
            ratio = f"{r['ms'] / mine[0]:7.2f}" if mine else ""
            print(f"{workload:5} {framework:10} {variant:12} {r['ms']:10.3f} {ratio:>7} {r['start']:8.2f} {r['mib']:6.0f}  {loss}")
    print("\nratio: how many times longer than task2model; start: until the first step, task2model's from its own start")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bench")
    parser.add_argument("--only", default="")
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=2)
    a = parser.parse_args()
    bench, results = os.path.abspath(a.bench), {}
    interpreters = {name: python(name) for name in PINNED}
    for turn in range(a.rounds):
        for workload, (threads, peers) in PEERS.items():
            if a.only and a.only != workload:
                continue
            runs = [("task2model", "", lambda: ours(bench, workload, threads, a.seconds))]
            for framework, script, options in peers:
                if interpreters[framework]:
                    runs.append((framework, options[1] if options else "", lambda f=framework, s=script, o=options:
                                 peer(interpreters[f], f, s, o, threads, a.seconds)))
            for framework, variant, run in runs:
                result = run()
                results.setdefault((workload, framework, variant), []).append(result)
                told = f"{result['ms']:.3f} ms" if result else "failed"
                print(f"round {turn + 1} of {a.rounds}: {workload} {framework} {variant} {told}", flush=True)
    table(results)


main()
