#!/usr/bin/env python3
"""Lake's minimal background sets: train on the characters of one set, tell 20 characters of one alphabet of the other set apart from
one drawing each. Alphabets that both sets have are left out of the test.
Usage: minimal.py T2M FIRST.zip SECOND.zip [--train 1] [--seeds N] [--steps N] [--methods A,B]"""
import argparse
import json
import pathlib
import subprocess
import tempfile
import zipfile

SETTINGS = ["--structure", "conv4:32", "--rotations", "--augment", "1", "--within-domain", "--ways", "20", "--shots", "1", "--queries", "5",
            "--meta-batch", "2"]


def alphabet(name):
    return name.split("/")[1]


def pictures(archive):
    return [n for n in zipfile.ZipFile(archive).namelist() if n.endswith(".png")]


def without(archive, alphabets, path):
    """A copy of the archive without some alphabets."""
    source = zipfile.ZipFile(archive)
    with zipfile.ZipFile(path, "w") as z:
        for name in pictures(archive):
            if alphabet(name) not in alphabets:
                z.writestr(name.split("/", 1)[1], source.read(name))
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("t2m")
    parser.add_argument("sets", nargs=2)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=2500)
    parser.add_argument("--methods", default="protonet,ridge,t2m")
    parser.add_argument("--train", type=int, choices=[1, 2], help="train on this set only")
    parser.add_argument("--image-size", default="28")
    parser.add_argument("--threads", default="0")
    given = parser.parse_args()
    t2m = str(pathlib.Path(given.t2m).resolve())
    both = set(map(alphabet, pictures(given.sets[0]))) & set(map(alphabet, pictures(given.sets[1])))
    errors = {}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for i in [given.train - 1] if given.train else range(2):
            train = without(given.sets[i], set(), folder / f"train{i}.zip")
            test = without(given.sets[1 - i], both, folder / f"test{i}.zip")
            for method in given.methods.split(","):
                for seed in range(given.seeds):
                    learner = folder / "learner"
                    subprocess.run([t2m, "train", train, "-o", learner, "--force", "--method", method, "--steps", str(given.steps), "--seed",
                                    str(seed), "--threads", given.threads, "--image-size", given.image_size, *SETTINGS], check=True, capture_output=True)
                    out = subprocess.run([t2m, "eval", learner, test, "--ways", "20", "--shots", "1", "--queries", "5", "--within-domain",
                                          "--tasks", "200", "--json", "--threads", given.threads], check=True, capture_output=True, text=True)
                    rows = {r["name"]: r for r in json.loads(out.stdout)["data"]["rows"]}
                    errors.setdefault((method, i), []).append(100 * (1 - rows["tuned"]["mean"]))
                    print(f"{method}, trained on set {i + 1}, seed {seed}: error {errors[method, i][-1]:.2f} %", flush=True)
    for (method, i), values in errors.items():
        print(f"{method:10s} trained on set {i + 1}: mean {sum(values) / len(values):.2f} %, from {min(values):.2f} to {max(values):.2f}")


main()
