#!/usr/bin/env python3
"""Real families of regression tasks: k rows of a task, the others foretold, beside ridge regression and a mixed model.
Usage: families.py T2M DATA [--draws N] [--only FAMILY]. DATA: a folder of CSVs with the columns task, inputs, target, and index.csv.
Error: root mean squared error of a task's other rows / standard deviation of the family's targets; mean over draws of the k rows and
over tasks; differences are paired by task, with 95 % intervals."""
import argparse
import csv
import pathlib
import subprocess
import tempfile
import warnings

import numpy as np
import statsmodels.api as sm
from sklearn.linear_model import Ridge

CELLS = {"orthodont": [2], "dialyzer": [2], "gasoline": [5, 10], "ovary": [5, 10]}
FOLDS, PENALTIES = 5, 10.0 ** np.arange(-3, 3)
STRUCTURES = "linear+mlp:16"
WIDTH = 5  # columns of the learner for new families


def load(folder):
    """name -> (split, list of tasks (x [n, inputs], y [n]))"""
    families = {}
    for row in csv.DictReader(open(folder / "index.csv")):
        with open(folder / f"{row['name']}.csv") as f:
            lines = list(csv.reader(f))[1:]
        tasks = {}
        for line in lines:
            tasks.setdefault(line[0], []).append([float(v) for v in line[1:]])
        families[row["name"]] = row["split"], [(np.array(t)[:, :-1], np.array(t)[:, -1]) for t in tasks.values()]
    return families


def write(path, tasks, width, with_task=True):
    """Columns c1 .. c<width>, zeros where the tasks have fewer."""
    with open(path, "w") as f:
        f.write(",".join((["task"] if with_task else []) + [f"c{i + 1}" for i in range(width)] + ["target"]) + "\n")
        for number, (x, y) in enumerate(tasks):
            for row, value in zip(x, y):
                cells = [repr(float(v)) for v in row] + ["0"] * (width - len(row)) + [repr(float(value))]
                f.write(",".join(([str(number)] if with_task else []) + cells) + "\n")


def standardised(tasks):
    x, y = np.concatenate([t[0] for t in tasks]), np.concatenate([t[1] for t in tasks])
    spread = np.where(x.std(0) > 0, x.std(0), 1)
    return [((a - x.mean(0)) / spread, (b - y.mean()) / y.std()) for a, b in tasks]


class Command:
    def __init__(self, t2m, folder):
        self.t2m, self.folder = t2m, folder

    def run(self, *arguments):
        r = subprocess.run([self.t2m, *map(str, arguments)], cwd=self.folder, capture_output=True, text=True)
        if r.returncode:
            raise SystemExit(f"t2m {' '.join(map(str, arguments))}: {r.stderr}")
        return r.stdout

    def train(self, family, learner, *arguments):
        self.run("train", family, "-o", learner, "--target", "target", "--force", "--method", "t2m", "--structure", STRUCTURES,
                 "--threads", 1, *arguments)

    def foretell(self, learner, support, x, width):
        write(self.folder / "support.csv", [support], width, False)
        write(self.folder / "query.csv", [(x, np.zeros(len(x)))], width, False)
        self.run("build", learner, "support.csv", "-o", "model", "--force")
        lines = self.run("predict", "model", "query.csv").splitlines()
        return np.array([float(line.split(",")[1]) for line in lines[1:]])


# ---- the others ----


def ridge(x, y, query, penalty):
    centre, spread = x.mean(0), np.where(x.std(0) > 0, x.std(0), 1)
    fit = Ridge(alpha=penalty).fit((x - centre) / spread, y)
    return fit.predict((query - centre) / spread)


def best_penalty(tasks, k, random):
    """Of ridge regression of one task: the penalty that does best on these tasks."""
    cases = [draw(t, k, random) for t in tasks if len(t[1]) > k for _ in range(3)]
    return PENALTIES[int(np.argmin([np.mean([error(ridge(xs, ys, xq, p), yq) for xs, ys, xq, yq in cases]) for p in PENALTIES]))]


def mixed(tasks, xs, ys, xq):
    """Random intercepts, fitted to the tasks and the k rows."""
    every = list(tasks) + [(xs, ys)]
    x, y = np.concatenate([t[0] for t in every]), np.concatenate([t[1] for t in every])
    group = np.concatenate([np.full(len(t[1]), i) for i, t in enumerate(every)])
    centre, spread = x.mean(0), np.where(x.std(0) > 0, x.std(0), 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = sm.MixedLM(y, sm.add_constant((x - centre) / spread, has_constant="add"), groups=group).fit(reml=True)
    fixed = sm.add_constant((xq - centre) / spread, has_constant="add") @ fit.fe_params
    return fixed + float(np.asarray(fit.random_effects[len(every) - 1])[0])


# ---- the two questions ----


def draw(task, k, random):
    x, y = task
    order = random.permutation(len(y))
    return x[order[:k]], y[order[:k]], x[order[k:]], y[order[k:]]


def error(a, b):
    return float(np.sqrt(np.mean((a - b) ** 2)))


def table(title, results):
    """results: method -> list of cells, each an array of errors by task"""
    print(title)
    ours = results["t2m"]
    for method, cells in results.items():
        means = [c.mean() for c in cells]
        line = f"  {method:22s} " + " ".join(f"{m:8.4f}" for m in means) + f"  mean {np.mean(means):.4f}"
        if method != "t2m":
            differences = [o - c for o, c in zip(ours, cells)]
            mean = np.mean([d.mean() for d in differences])
            half = 1.96 * np.sqrt(sum(d.var(ddof=1) / len(d) for d in differences)) / len(differences)
            line += f"   t2m - this {mean:+.4f} +- {half:.4f}"
        print(line, flush=True)


def known_family(command, families, cells, draws):
    """(b) New tasks of a known family: five parts of its tasks, each foretold from the learner that was adapted on the others."""
    results = {}
    for name, k in cells:
        tasks = families[name][1]
        width, unit = tasks[0][0].shape[1], np.concatenate([t[1] for t in tasks]).std()
        base = command.folder / f"base{width}_{k}"
        if not base.exists():
            others = [t for split, all_ in families.values() if split == "train" and all_[0][0].shape[1] <= width
                      for t in standardised(all_) if len(t[1]) > k + 1]
            write(command.folder / "others.csv", others, width)
            queries = min(10, min(len(t[1]) for t in others) - k)
            command.train("others.csv", base, "--shots", k, "--queries", queries, "--steps", 4000)
        part = np.random.default_rng(1).permutation(len(tasks)) % FOLDS
        errors = {m: np.zeros(len(tasks)) for m in ("t2m", "t2m, wrong task", "ridge of the task", "pooled ridge", "mixed model")}
        for fold in range(FOLDS):
            rest = [t for t, p in zip(tasks, part) if p != fold]
            write(command.folder / "rest.csv", rest, width)
            queries = min(10, min(len(t[1]) for t in rest) - k)
            command.train("rest.csv", "adapted", "--from", base, "--shots", k, "--queries", queries, "--steps", 1500)
            penalty = best_penalty(rest, k, np.random.default_rng(2))
            for i in np.flatnonzero(part == fold):
                for d in range(draws):
                    xs, ys, xq, yq = draw(tasks[i], k, np.random.default_rng([3, i, d]))
                    wrong = draw(tasks[i - 1], k, np.random.default_rng([4, i, d]))[:2]
                    x, y = np.concatenate([t[0] for t in rest] + [xs]), np.concatenate([t[1] for t in rest] + [ys])
                    said = {"t2m": command.foretell("adapted", (xs, ys), xq, width),
                            "t2m, wrong task": command.foretell("adapted", wrong, xq, width), "ridge of the task": ridge(xs, ys, xq, penalty),
                            "pooled ridge": ridge(x, y, xq, 1.0), "mixed model": mixed(rest, xs, ys, xq)}
                    for method, y_said in said.items():
                        errors[method][i] += error(y_said, yq) / unit / draws
        for method, e in errors.items():
            results.setdefault(method, []).append(e)
    table("(b) new tasks of a known family: " + ", ".join(f"{n} {k}" for n, k in cells), results)


def new_family(command, families, cells, draws):
    """(a) Families that the learner has never seen; it was trained on the training families, each task in its own units."""
    results, trained = {}, [tasks for split, tasks in families.values() if split == "train"]
    for name, k in cells:
        learner = command.folder / f"any{k}"
        others = [t for tasks in trained for t in standardised(tasks) if len(t[1]) > k + 1]
        if not learner.exists():
            write(command.folder / "others.csv", others, WIDTH)
            queries = min(10, min(len(t[1]) for t in others) - k)
            command.train("others.csv", learner, "--scale-by-task", "--shots", k, "--queries", queries, "--steps", 8000)
        tasks = families[name][1]
        unit = np.concatenate([t[1] for t in tasks]).std()
        penalty = best_penalty(others, k, np.random.default_rng(2))
        errors = {m: np.zeros(len(tasks)) for m in ("t2m", "t2m, wrong task", "ridge of the task", "mean of the rows")}
        for i, task in enumerate(tasks):
            for d in range(draws):
                xs, ys, xq, yq = draw(task, k, np.random.default_rng([3, i, d]))
                wrong = draw(tasks[i - 1], k, np.random.default_rng([4, i, d]))[:2]
                said = {"t2m": command.foretell(learner, (xs, ys), xq, WIDTH),
                        "t2m, wrong task": command.foretell(learner, wrong, xq, WIDTH), "ridge of the task": ridge(xs, ys, xq, penalty),
                        "mean of the rows": np.full(len(yq), ys.mean())}
                for method, y_said in said.items():
                    errors[method][i] += error(y_said, yq) / unit / draws
        for method, e in errors.items():
            results.setdefault(method, []).append(e)
    table("(a) new families: " + ", ".join(f"{n} {k}" for n, k in cells), results)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("t2m")
    parser.add_argument("data")
    parser.add_argument("--draws", type=int, default=5, help="choices of the k rows of each task")
    parser.add_argument("--only", help="one family")
    given = parser.parse_args()
    families = load(pathlib.Path(given.data))
    cells = [(name, k) for name, ks in CELLS.items() for k in ks if given.only in (None, name)]
    with tempfile.TemporaryDirectory() as folder:
        command = Command(str(pathlib.Path(given.t2m).resolve()), pathlib.Path(folder))
        new_family(command, families, cells, given.draws)
        known_family(command, families, cells, given.draws)


main()
