#!/usr/bin/env python3
"""Small real tables: t2m builds a model from 16 to 5000 rows of one table, beside methods fitted from scratch to the same rows.
Usage: tables.py DATA [--t2m PATH] [--learner NAME=PATH]... [options], or tables.py DATA --draw to choose the tables' parts anew.
DATA: a folder of CSVs with the last column target, and index.csv. bench/tables.csv says which tables take part. What the other methods
reached is kept in --cache, by method, table, rows, seed and versions; t2m is run as a user would, by its command, each time."""
import argparse
import collections
import csv
import json
import pathlib
import subprocess
import tempfile
import time
import zlib

import numpy as np
from sklearn.metrics import roc_auc_score

import tables_baselines as baselines
import tables_draw
import tables_report as report

SIZES, SEEDS, LEAST_TEST = [16, 64, 256], 5, 20
LARGE_SIZES, LARGE_SEEDS, LARGE_LEAST_TEST = [1000, 2000, 5000], 2, 200
MOST_TEST = 512  # rows that are predicted
BINS = 15  # of the top probability, for the calibration error
PROTOCOL = 1  # a part of the cache's keys: count up when the drawn rows, the measures or the settings of a method change
PARTS_FILE = pathlib.Path(__file__).resolve().parent.parent / "tables.csv"
Cell = collections.namedtuple("Cell", "table n seed")
Failure = collections.namedtuple("Failure", "method cell text")


class Table:
    def __init__(self, row, folder):
        self.name, self.task, self.features, self.classes = row["name"], row["task"], int(row["features"]), int(row["classes"])
        with open(folder / self.task / f"{self.name}.csv") as f:
            self.header, *self.rows = list(csv.reader(f))
        numbers = np.array(self.rows, float)
        self.x, y = numbers[:, :-1], numbers[:, -1]
        self.y = y.astype(int) if self.task == "classification" else y
        self.unit = y.std()


# ---- rows of a cell ----


def is_large(n):
    return n >= LARGE_SIZES[0]


def cells_of(table, n, seeds):
    rest = len(table.y) - n
    if rest < (LARGE_LEAST_TEST if is_large(n) else LEAST_TEST):
        return []
    return [Cell(table, n, seed) for seed in range(min(seeds, LARGE_SEEDS) if is_large(n) else seeds)]


def quotas(counts, n):
    """Rows of each class: in proportion, but one at least where there are enough rows for all classes."""
    least = 1 if len(counts) <= n else 0
    share = n * counts / counts.sum()
    rows = np.maximum(np.floor(share).astype(int), least)
    while rows.sum() > n:
        rows[np.argmax(np.where(rows > least, rows - share, -np.inf))] -= 1
    while rows.sum() < n:
        rows[np.argmax(np.where(rows < counts, share - rows, -np.inf))] += 1
    return rows


def split(cell):
    """Indices of the training and of the test rows."""
    table, random = cell.table, np.random.default_rng([cell.seed, cell.n, zlib.crc32(cell.table.name.encode())])
    order = random.permutation(len(table.y))
    if table.task == "classification":
        kinds, counts = np.unique(table.y, return_counts=True)
        train = np.concatenate([order[table.y[order] == kind][:rows] for kind, rows in zip(kinds, quotas(counts, cell.n))])
        train = random.permutation(train)
    else:
        train = order[:cell.n]
    rest = order[~np.isin(order, train)]
    return train, rest[:MOST_TEST]


# ---- measures ----


def auc(p, y):
    """Each class that the test rows have against the rest, averaged; None where the test rows have one class."""
    kinds = np.unique(y)
    return float(np.mean([roc_auc_score(y == kind, p[:, kind]) for kind in kinds])) if len(kinds) > 1 else None


def calibration_bins(p, y):
    """[bin]: rows, sum of the top probabilities, rows that were right."""
    top, right = p.max(1), p.argmax(1) == y
    places = np.minimum((top * BINS).astype(int), BINS - 1)
    return [[float(np.sum(w[places == i])) for w in (np.ones(len(y)), top, right)] for i in range(BINS)]


def classification_measures(p, y):
    bins = calibration_bins(p, y)
    return {"accuracy": float(np.mean(p.argmax(1) == y)), "auc": auc(p, y), "log_loss": baselines.log_loss(p, y),
            "ece": report.calibration_error(bins), "bins": bins}


def regression_measures(value, intervals, y, unit):
    """intervals: percent -> lower and upper ends; their widths are in units of the targets' standard deviation."""
    measures = {"nrmse": float(np.sqrt(np.mean((value - y) ** 2)) / unit)}
    for percent in (80, 95):
        low, high = intervals.get(percent, (None, None))
        measures[f"cover{percent}"] = None if low is None else float(np.mean((low <= y) & (y <= high)))
        measures[f"width{percent}"] = None if low is None else float(np.mean(high - low) / unit)
    return measures


# ---- the methods ----


def measure_baseline(method, fit, cell):
    table, (train, test) = cell.table, split(cell)
    x, y, xt, yt = table.x[train], table.y[train], table.x[test], table.y[test]
    start = time.perf_counter()
    if table.task == "classification":
        kinds, codes = np.unique(y, return_inverse=True)
        model = fit(x, codes, cell.seed)
        fitted = time.perf_counter()
        p = model.predict_proba(xt)
        done = time.perf_counter()
        measures = classification_measures(baselines.spread(p, kinds, table.classes), yt)
    else:
        model, deviation = fit(x, y, cell.seed)
        fitted = time.perf_counter()
        value = model.predict(xt)
        done = time.perf_counter()
        measures = regression_measures(value, baselines.intervals(value, deviation, len(y)), yt, table.unit)
    return measures | {"fit_ms": 1e3 * (fitted - start), "predict_us": 1e6 * (done - fitted) / len(yt)}


class CommandError(Exception):
    pass


class Command:
    """t2m, one process for each build and for each prediction; times are those of the whole process."""
    def __init__(self, t2m, learner):
        self.t2m, self.learner = str(pathlib.Path(t2m).resolve()), [str(pathlib.Path(learner).resolve())] if learner else []

    def run(self, folder, *arguments):
        r = subprocess.run([self.t2m, *arguments, "--threads", "1"], cwd=folder, capture_output=True, text=True)
        if r.returncode:
            raise CommandError(f"t2m {' '.join(arguments)}: {' '.join(r.stderr.split()) or f'status {r.returncode}'}")
        return r.stdout

    def measure(self, cell):
        table, (train, test) = cell.table, split(cell)
        with tempfile.TemporaryDirectory() as folder:
            write(f"{folder}/train.csv", [table.header, *(table.rows[i] for i in train)])
            write(f"{folder}/test.csv", [line[:-1] for line in [table.header, *(table.rows[i] for i in test)]])
            start = time.perf_counter()
            self.run(folder, "build", *self.learner, "train.csv", "--target", "target", "-o", "model", "--force", f"--{table.task}")
            built = time.perf_counter()
            answer = json.loads(self.run(folder, "predict", "model", "test.csv", "--json"))["data"]["predictions"]
            done = time.perf_counter()
        if len(answer) != len(test):
            raise CommandError(f"t2m predict: {len(answer)} answers for {len(test)} rows")
        return self.judge(table, answer, table.y[test]) | {"fit_ms": 1e3 * (built - start), "predict_us": 1e6 * (done - built) / len(test)}

    @staticmethod
    def judge(table, answer, y):
        if table.task == "classification":
            p = np.array([[row["probabilities"].get(str(kind), 0.0) for kind in range(table.classes)] for row in answer])
            return classification_measures(baselines.spread(p, range(table.classes), table.classes), y)
        intervals = {percent: np.array([row[f"interval{percent}"] for row in answer]).T
                     for percent in (80, 95) if f"interval{percent}" in answer[0]}
        return regression_measures(np.array([row["value"] for row in answer]), intervals, y, table.unit)


def write(path, rows):
    with open(path, "w", newline="") as f:
        csv.writer(f, lineterminator="\n").writerows(rows)


# ---- what was measured before ----


class Cache:
    def __init__(self, path):
        self.path, self.kept = path, {}
        if path.exists():
            for line in open(path):
                record = json.loads(line)
                self.kept[self.key(record)] = record["measures"]

    @staticmethod
    def key(record):
        return tuple(record[k] for k in ("versions", "protocol", "method", "table", "n", "seed"))

    def record(self, method, cell):
        return {"versions": baselines.VERSIONS, "protocol": PROTOCOL, "method": method, "table": cell.table.name, "n": cell.n,
                "seed": cell.seed}

    def find(self, method, cell):
        return self.kept.get(self.key(self.record(method, cell)))

    def keep(self, method, cell, measures):
        record = self.record(method, cell)
        self.kept[self.key(record)] = measures
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path, "a") as f:
            f.write(json.dumps(record | {"measures": measures}) + "\n")


# ---- all of it ----


def measure_baselines(cell, cache, given):
    """method -> measures"""
    methods = (baselines.LARGE if is_large(cell.n) else baselines.SMALL)[cell.table.task]
    found = {}
    for method, fit in methods.items():
        measures = None if given.fresh_times else cache.find(method, cell)
        if measures is None and not given.only_t2m:
            measures = measure_baseline(method, fit, cell)
            if not given.fresh_times:
                cache.keep(method, cell, measures)
        if measures is not None:
            found[method] = measures
    return found


def measure_commands(cell, commands, failures):
    found = {}
    for method, command in commands.items():
        try:
            found[method] = command.measure(cell)
        except CommandError as error:
            failures.append(Failure(method, cell, str(error)))
    return found


def measure(tables, n, commands, cache, given):
    """Records of all tables at n training rows, and what failed: a method's records of a table count only if no draw failed."""
    records, failures = [], []
    for cell in (c for table in tables for c in cells_of(table, n, given.seeds)):
        found = measure_commands(cell, commands, failures) | measure_baselines(cell, cache, given)
        records += [{"method": m, "table": cell.table.name, "features": cell.table.features, "n": n, "seed": cell.seed, **measures}
                    for m, measures in found.items()]
    failed = {(f.method, f.cell.table.name) for f in failures}
    return [r for r in records if (r["method"], r["table"]) not in failed], failures


def load(folder, parts, names):
    with open(PARTS_FILE) as f:
        rows = [row for row in csv.DictReader(f) if row["part"] in parts]
    missing = (set(parts) - {row["part"] for row in rows}) | (set(names) - {row["name"] for row in rows})
    if missing:
        raise SystemExit(f"{PARTS_FILE.name} has no such part, or those parts have no such table: {', '.join(sorted(missing))}")
    return [Table(row, folder) for row in rows if not names or row["name"] in names]


def commands_of(given):
    """method -> command; the first is compared with all others."""
    if given.learner and not given.t2m:
        raise SystemExit("--learner needs --t2m")
    if not given.t2m:
        return {}
    learners = [text.partition("=") for text in given.learner]
    if any(not path for _, _, path in learners):
        raise SystemExit("--learner takes NAME=PATH")
    return {f"t2m {name}": Command(given.t2m, path) for name, _, path in learners} or {"t2m": Command(given.t2m, None)}


def options():
    def names(text):
        return text.split(",")

    def numbers(text):
        return [int(part) for part in text.split(",")]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--draw", action="store_true", help="choose the parts of the tables and write bench/tables.csv")
    parser.add_argument("--t2m", help="the command; without it the other methods alone")
    parser.add_argument("--learner", action="append", default=[], metavar="NAME=PATH", help="build from this learner; one row each")
    parser.add_argument("--parts", type=names, default=["evaluation"], help="evaluation, development, training; with commas")
    parser.add_argument("--tables", type=names, default=[], help="only these, with commas")
    parser.add_argument("--sizes", type=numbers, default=SIZES + LARGE_SIZES, help="training rows, with commas")
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"draws of the rows (from {LARGE_SIZES[0]} rows: {LARGE_SEEDS} at most)")
    parser.add_argument("--cache", type=pathlib.Path, default=pathlib.Path("build/peers/tables/results.jsonl"))
    parser.add_argument("--json", type=pathlib.Path, help="write every measure into this file")
    parser.add_argument("--only-t2m", action="store_true", help="of the other methods only what the cache has")
    parser.add_argument("--fresh-times", action="store_true", help="time one draw of every table anew, cache untouched; prints times only")
    return parser.parse_args()


def main():
    given = options()
    if given.draw:
        return tables_draw.write_parts(given.data / "index.csv", PARTS_FILE)
    if given.fresh_times:
        given.seeds = 1
    tables, commands, cache, everything = load(given.data, given.parts, given.tables), commands_of(given), Cache(given.cache), []
    for task in ("classification", "regression"):
        for n in given.sizes:
            records, failures = measure([t for t in tables if t.task == task], n, commands, cache, given)
            everything += [{"task": task, **r} for r in records]
            report.show(task, n, records, next(iter(commands), None), given.fresh_times)
            report.show_failures(failures)
    report.show_times(everything)
    if given.json:
        given.json.write_text(json.dumps({"versions": baselines.VERSIONS, "protocol": PROTOCOL, "records": everything}) + "\n")


main()
