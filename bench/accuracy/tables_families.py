#!/usr/bin/env python3
"""A learner of tables adapted to a family of related tables, beside the one it starts from.
Usage: tables_families.py T2M CSV COLUMN [--learner FILE] [--steps N]. The CSV is cut into one table for each value of COLUMN (a person,
a school, a state): of those with 10 rows or more, three fifths are adapted to, a fifth chooses the best step, on a fifth both are measured,
on the same tasks."""
import argparse
import collections
import csv
import pathlib
import random
import subprocess
import tempfile

LEAST_ROWS, SEED, TASKS = 10, 7, 300
PARTS = [("adapted to", 0.6), ("choosing", 0.8), ("measured on", 1.0)]  # ends of the parts


def tables_of(path, column):
    """value of the column -> rows, without it"""
    tables = collections.defaultdict(list)
    with open(path, newline="") as f:
        for row in csv.DictReader(f):
            tables[row.pop(column)].append(row)
    return {name: rows for name, rows in tables.items() if len(rows) >= LEAST_ROWS}


def write_parts(tables, folder):
    """The folders of the three parts."""
    names, folders, begin = sorted(tables), [], 0
    random.Random(SEED).shuffle(names)
    for part, end in PARTS:
        folders.append(pathlib.Path(folder, part.replace(" ", "-")))
        folders[-1].mkdir()
        end = int(end * len(names))
        for name in names[begin:end]:
            with open(folders[-1] / f"{name}.csv", "w", newline="") as f:
                out = csv.DictWriter(f, tables[name][0])
                out.writeheader()
                out.writerows(tables[name])
        print(f"{end - begin} tables {part}", end="; " if end < len(names) else "\n", flush=True)
        begin = end
    return folders


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("t2m")
    parser.add_argument("csv")
    parser.add_argument("column")
    parser.add_argument("--learner", default="tables")
    parser.add_argument("--steps", default="200")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        train, choose, test = write_parts(tables_of(given.csv, given.column), folder)
        mine = f"{folder}/mine"
        subprocess.run([given.t2m, "train", train, "-o", mine, "--from", given.learner, "--validation", choose, "--steps", given.steps,
                        "--threads", "1"], check=True, stderr=subprocess.DEVNULL)
        for learner in (given.learner, mine):
            subprocess.run([given.t2m, "eval", learner, test, "--tasks", str(TASKS), "--threads", "1"], check=True, stderr=subprocess.DEVNULL)


main()
