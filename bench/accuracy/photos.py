#!/usr/bin/env python3
"""Photographs of classes that were never seen, from 1 and 5 examples each: the methods side by side.
Usage: photos.py T2M DATA [options]. DATA: a folder with one archive of class folders whose name holds `train` and one whose name holds
`val`, of other classes. Every method is trained for each number of examples on the first, its best step chosen on the second; what is
printed is accuracy on tasks of the second in %, with the 95 % interval, each query answered alone, as one Markdown table. Learners are
kept in --folder, so a run that was cut goes on where it was."""
import argparse
import json
import pathlib
import subprocess
import sys

WAYS, SHOTS = 5, [1, 5]
# Methods whose head is made from the examples are trained with more classes than they are used for (Snell et al. 2017, section 3.1), one
# task a step; the others, whose head is learned for so many classes, with two tasks of 5.
MANY = ["--ways", "20", "--queries", "5", "--meta-batch", "1", "--meta-rate", "0.004"]
FEW = ["--ways", str(WAYS), "--queries", "10", "--meta-batch", "2"]
METHODS = {
    "maml": [*FEW, "--inner-steps", "3", "--eval-steps", "5", "--inner-rate", "0.05"],
    "fomaml": [*FEW, "--inner-steps", "3", "--eval-steps", "5", "--inner-rate", "0.05"],
    "anil": [*FEW, "--inner-steps", "5", "--inner-rate", "0.05"],
    "protonet": MANY,
    "ridge": MANY,
    "protomaml": [*FEW, "--inner-steps", "3", "--inner-rate", "0.01"],
    "t2m": MANY,
}


def run(given, *arguments):
    arguments = [given.t2m, *map(str, arguments), "--threads", given.threads, "--json"]
    done = subprocess.run(arguments, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(arguments)}\n{done.stdout}{done.stderr[-500:]}")
    return json.loads(done.stdout)["data"]


def archive(folder, word):
    found = sorted(p for p in folder.iterdir() if word in p.name and (p.suffix == ".zip" or p.is_dir()))
    if len(found) != 1:
        sys.exit(f"{folder}: one archive or folder with '{word}' in its name is needed, not {len(found)}")
    return found[0]


def train(given, method, shots):
    """The learner, and what t2m train said of it."""
    learner = given.folder / f"{method}-{shots}"
    said = learner.with_suffix(".json")
    options = ["--method", method, "--structure", given.structure, "--image-size", given.image_size, "--shots", shots, "--augment", "1",
               "--steps", given.steps, "--validation-ways", WAYS, "--validation-tasks", "200", *METHODS[method]]
    words = " ".join(map(str, [given.train, *options]))
    kept = json.loads(said.read_text()) if said.exists() and learner.exists() else {}
    if kept.get("words") != words:
        half_way = ["--resume"] if (given.folder / f"{learner.name}.run").exists() and not learner.exists() else ["--force"]
        kept = run(given, "train", given.train, "-o", learner, "--validation", given.validation, *half_way, *options) | {"words": words}
        said.write_text(json.dumps(kept))
    return learner, kept


def measure(given, method):
    cells, minutes, outside = [], 0, []
    for shots in SHOTS:
        learner, said = train(given, method, shots)
        rows = run(given, "eval", learner, given.validation, "--ways", WAYS, "--shots", shots, "--queries", "10", "--tasks", given.tasks)["rows"]
        tuned = next(row for row in rows if row["name"] == "tuned")
        cells.append(f"{100 * tuned['mean']:.1f} +- {100 * tuned['ci95']:.1f}")
        print(f"{method}, {shots} examples: {cells[-1]}", file=sys.stderr, flush=True)
        minutes += said["seconds"] / 60
        outside.append(f"{100 * said['outside']:.1f}")
    return [method, *cells, f"{minutes:.1f}", ", ".join(outside)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("t2m")
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--structure", default="conv4:32")
    parser.add_argument("--image-size", default="64")
    parser.add_argument("--steps", type=int, default=1500, help="of each of the trainings, two for a method")
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--threads", default="0")
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("build/photos"))
    given = parser.parse_args()
    given.t2m = str(pathlib.Path(given.t2m).resolve())
    given.train, given.validation = archive(given.data, "train"), archive(given.data, "val")
    given.folder.mkdir(parents=True, exist_ok=True)
    rows = [measure(given, method) for method in given.methods.split(",")]
    print(f"{given.structure} on {given.image_size} x {given.image_size} pixels, {given.steps} steps, {given.tasks} tasks of {WAYS} classes\n")
    heads = ["method", *(f"{n} example{'s' * (n > 1)}, %" for n in SHOTS), "minutes of training", "% of them outside arithmetic"]
    for row in [heads, ["---"] * len(heads), *rows]:
        print("| " + " | ".join(row) + " |")


main()
