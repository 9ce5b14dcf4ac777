"""Which table serves what: evaluation (only measured), development (settings are chosen there), training, or excluded because a table
of the same family is in evaluation or development. bench/tables.csv is what write_parts makes of the index of the tables."""
import collections
import csv

import numpy as np

SEED = 20
MANY_ROWS = 300  # tables for evaluation have more, as far as there are any
EVALUATION = {"classification": 8, "regression": 6}  # of the index's split train; its split val is evaluation too
Wish = collections.namedtuple("Wish", "task rows classes count")
DEVELOPMENT = [Wish("classification", (301, 10**9), (3, 10**9), 2), Wish("classification", (301, 10**9), (2, 2), 2),
               Wish("classification", (0, 300), (2, 10**9), 2), Wish("regression", (200, 10**9), (0, 0), 1),
               Wish("regression", (100, 199), (0, 0), 1), Wish("regression", (0, 99), (0, 0), 1)]
COLUMNS = ["name", "task", "rows", "features", "classes", "family", "part"]


def pick(rows, count, sizes, random):
    """The first count rows, one of a family: those with many rows before others, small families before large ones, else by chance."""
    order = [rows[i] for i in random.permutation(len(rows))]
    order.sort(key=lambda r: (int(r["rows"]) <= MANY_ROWS, sizes[r["family"]]))
    first = {}
    for row in order:
        first.setdefault(row["family"], row["name"])
    return list(first.values())[:count]


def draw(index):
    """name -> part"""
    random, sizes = np.random.default_rng(SEED), collections.Counter(r["family"] for r in index)
    parts, taken = {r["name"]: "evaluation" for r in index if r["split"] == "val"}, set()

    def take(rows, count, part):
        parts.update((name, part) for name in pick([r for r in rows if r["family"] not in taken], count, sizes, random))
        taken.update(r["family"] for r in index if r["name"] in parts)

    for task, count in EVALUATION.items():
        take([r for r in index if r["split"] == "train" and r["task"] == task], count, "evaluation")
    for wish in DEVELOPMENT:
        take([r for r in index if r["task"] == wish.task and wish.rows[0] <= int(r["rows"]) <= wish.rows[1]
              and wish.classes[0] <= int(r["classes"]) <= wish.classes[1]], wish.count, "development")
    return {r["name"]: parts.get(r["name"], "excluded" if r["family"] in taken else "training") for r in index}


def write_parts(index_path, path):
    with open(index_path) as f:
        index = list(csv.DictReader(f))
    parts = draw(index)
    with open(path, "w", newline="") as f:
        out = csv.DictWriter(f, COLUMNS, extrasaction="ignore", lineterminator="\n")
        out.writeheader()
        out.writerows(r | {"part": parts[r["name"]]} for r in index)
    print(", ".join(f"{count} {part}" for part, count in collections.Counter(parts.values()).items()))
