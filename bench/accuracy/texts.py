#!/usr/bin/env python3
"""Short texts whose classes were never seen, from a few examples each: t2m beside TF-IDF with class means and with logistic regression.
Usage: texts.py DATA [--t2m PATH] [--encoder DIR] [options], or texts.py DATA --choose for the settings of texts_baselines.py.
DATA: a folder with text_clinc150/, text_banking77/, text_hwu64/ (NAME_train.jsonl, NAME_val.jsonl) and text_arsc/. Learners are trained on
the training parts alone, at whose own episodes their best step is chosen; all that is measured is on validation parts, whose classes are
others. What is printed is Markdown; the interval is 1.96 s / sqrt(n). t2m eval draws its tasks in C, anew, in the same way."""
import argparse
import functools
import json
import pathlib
import subprocess
import sys

import numpy as np

import texts_baselines as baselines
import texts_choose
import texts_draw as draw
import texts_report as report
import texts_reviews as reviews
from texts_command import ROWS, TRAIN, TRAIN_ENCODER, Command, CommandError, quicker

WAYS, SHOTS, QUERIES = 5, [1, 5], 15
MANY_SET, MANY_SHOTS, MANY_QUERIES = "clinc150", [5, 10], 40
TIMED_TEXTS, TIMED_TEXTS_ENCODER = 5000, 300
NONE_SHOTS, NONE_TASKS = 5, 200
MOST_ENCODED = 100  # reviews of a label and task that a learner with an encoder is trained on: it takes some 10 ms for each
QUICK = dict(tasks=50, draws=2, none_tasks=10, steps=100, most_encoded=15)
CHOSEN = baselines.CHOSEN


class Bench:
    """What several tables need; each is made when it is first asked for."""
    def __init__(self, given):
        self.given, self.folder = given, given.folder
        self.command = Command(given.t2m, given.folder)
        self.encoded = Command(given.t2m, given.folder, given.encoder) if given.encoder else None

    @functools.cache
    def texts(self, name, part="val"):
        return draw.load(self.given.data, name, part)

    @functools.cache
    def tf_idf(self, name):
        training = [text for n in draw.SETS for text in self.texts(n, "train").text]
        return baselines.TfIdf(self.texts(name).text, training)

    @functools.cache
    def vectors(self, name):
        return baselines.Vectors(self.texts(name).text, self.given.encoder, self.given.engine, self.folder)

    def path(self, name, part):
        return draw.path_of(self.given.data, name, part)

    @functools.cache
    def learner(self, names=tuple(draw.SETS)):
        if self.given.learner and len(names) > 1:
            return self.given.learner
        return self.train(self.command, "-".join(names), names, TRAIN)

    @functools.cache
    def encoder_learner(self):
        if self.given.encoder_learner:
            return self.given.encoder_learner
        return self.train(self.encoded, "encoder", draw.SETS, TRAIN_ENCODER)

    def train(self, command, name, sets, options):
        return command.train(self.given.prefix + name, [self.path(n, "train") for n in sets], quicker(self.given, options))

    def encoder_is_possible(self):
        if not self.encoded:
            return False
        if not self.encoded.has("--encoder"):
            report.note("This t2m has no --encoder: its rows are left out.")
        return self.encoded.has("--encoder")


# ---- 5 classes of 1 and 5 examples ----


def classes_of(ways, count):
    return np.repeat(np.arange(ways), count)


def episode_accuracies(texts, source, shots, tasks, choices):
    """Accuracies of the tasks, for each choice: method and key of CHOSEN."""
    y, truth, found = classes_of(WAYS, shots), classes_of(WAYS, QUERIES), [[] for _ in choices]
    for task in draw.episodes(texts, WAYS, shots, QUERIES, tasks):
        for which, accuracies in zip(choices, found):
            accuracies.append(np.mean(fitted(source, task, y, *which).argmax(1) == truth))
    return found


def few_shot_options(shots, tasks):
    return ["--ways", WAYS, "--shots", shots, "--queries", QUERIES, "--tasks", tasks]


def few_shot_rows(b, command, learner, source_of, choices):
    for name in draw.SETS:
        for shots in SHOTS:
            beside = episode_accuracies(b.texts(name), source_of(name), shots, b.given.tasks, choices)
            rows = command.eval(learner, [b.path(name, "val")], *few_shot_options(shots, b.given.tasks))
            yield [f"{name} {shots}", *map(report.cell, beside), *(report.percent(*rows[r]) for r in ROWS)]


def few_shot(b):
    heads = [f"t2m {row}" for row in ROWS]
    title = f"{WAYS} classes of 1 and 5 examples, {QUERIES} queries a class, {b.given.tasks} tasks: accuracy in %"
    rows = list(few_shot_rows(b, b.command, b.learner(), b.tf_idf, [("centroids", key) for key in ("alone centroids", "centroids")] +
                              [("logistic", key) for key in ("alone logistic", "logistic")]))
    report.table(title, [["set, examples", "TF-IDF centroids", "idf of training", "TF-IDF + LR", "idf of training", *heads], *rows])
    report.note("Inverse frequencies are those of the supports or, where the head says so, of the training parts. "
                f"Learner: {b.given.learner or ' '.join(quicker(b.given, TRAIN))}")
    if b.encoder_is_possible():
        choices = [(m, f"encoder {m}") for m in ("centroids", "ridge", "logistic")]
        rows = list(few_shot_rows(b, b.encoded, b.encoder_learner(), b.vectors, choices))
        report.table("The same with a sentence encoder", [["set, examples", *(f"encoder + {w}" for w in ("centroids", "ridge", "LR")),
                                                           *heads], *rows])
        report.note(f"Learner: {b.given.encoder_learner or ' '.join(quicker(b.given, TRAIN_ENCODER))}")


# ---- all classes at once ----


MANY_METHODS = {"TF-IDF centroids": ("centroid probabilities", "many centroids"), "TF-IDF + LR": ("logistic", "many alone"),
                "TF-IDF + LR, idf of training": ("logistic", "many accurate"),
                "the same, C by log loss": ("logistic", "many calibrated")}


def fitted(source, task, y, method, key):
    choice, (fit, _) = CHOSEN[key], baselines.METHODS[method]
    return fit(source.products(choice.features, *task), y, choice.setting)


def many_answers(b, task, texts, kinds):
    """method -> probabilities [query, class]"""
    y, pairs = np.searchsorted(kinds, texts.label[task.support]), (texts.pairs(task.support), texts.pairs(task.query))
    found = {"t2m": b.command.answer(b.learner(), *pairs, kinds).p}
    found |= {name: fitted(b.tf_idf(texts.name), task, y, *which) for name, which in MANY_METHODS.items()}
    if b.encoded and b.encoded.has("--encoder"):
        found["t2m with encoder"] = b.encoded.answer(b.encoder_learner(), *pairs, kinds).p
        found["encoder + LR"] = fitted(b.vectors(texts.name), task, y, "logistic", "encoder many")
    return found


MEASURES = {"accuracy": (lambda p, y: np.mean(p.argmax(1) == y), report.percent), "log loss": (report.log_loss, report.number),
            "calibration error": (report.calibration_error, report.number)}


def many(b):
    texts, rows = b.texts(MANY_SET), []
    kinds = list(texts.rows)
    for shots in MANY_SHOTS:
        found = {}
        for number in range(b.given.draws):
            task = draw.whole(texts, shots, MANY_QUERIES, number)
            truth = np.searchsorted(kinds, texts.label[task.query])
            for method, p in many_answers(b, task, texts, kinds).items():
                found.setdefault(method, []).append([measure(p, truth) for measure, _ in MEASURES.values()])
        rows += [[method, shots, *(report.cell(values, show) for values, (_, show) in zip(zip(*v), MEASURES.values()))]
                 for method, v in found.items()]
    report.table(f"All {len(kinds)} validation classes of {MANY_SET} at once, {b.given.draws} draws, {MANY_QUERIES} queries a class",
                 [["method", "examples a class", *MEASURES], *rows])
    many_times(b, texts)


def many_times(b, texts):
    shots, least = MANY_SHOTS[-1], min(map(len, texts.rows.values()))
    task = draw.whole(texts, shots, least - shots, 0)
    order = draw.random_of("timed").permutation(task.query)
    cases = [("t2m", b.command, b.learner, TIMED_TEXTS)]
    if b.encoded and b.encoded.has("--encoder"):
        cases.append(("t2m with encoder", b.encoded, b.encoder_learner, TIMED_TEXTS_ENCODER))
    rows = []
    for method, command, learner, count in cases:
        build, predict, size = command.times(learner(), texts.pairs(task.support), texts.pairs(order[:count]))
        rows.append([method, f"{1e3 * build:.0f}", f"{1e6 * predict:.1f}", f"{size:,}"])
    report.table(f"Time of a build from {len(task.support)} texts and of a prediction in a batch, one thread; size of the model",
                 [["method", "build, ms", "a text, us", "bytes"], *rows])
    report.note(f"Least of 5; the build is the whole process, a text is (all texts - one text) / (texts - 1) of {TIMED_TEXTS} "
                f"(encoder: {TIMED_TEXTS_ENCODER}).")


# ---- one set's learner, other sets' classes ----


def crossed(b):
    learners = {f"learner of {name}": b.learner((name,)) for name in draw.SETS} | {"learner of all": b.learner()}
    accuracy = {(who, name, shots): b.command.eval(learner, [b.path(name, "val")], *few_shot_options(shots, b.given.tasks))["tuned"]
                for who, learner in learners.items() for name in draw.SETS for shots in SHOTS}
    columns = [(name, shots) for name in draw.SETS for shots in SHOTS]
    rows = [[who, *(report.percent(*accuracy[who, *c]) for c in columns)] for who in learners]

    def lost(name, shots):
        others = [accuracy[f"learner of {n}", name, shots][0] for n in draw.SETS if n != name]
        return f"{100 * (accuracy[f'learner of {name}', name, shots][0] - np.mean(others)):.1f}"
    rows.append(["lost by the two others, points", *(lost(*c) for c in columns)])
    report.table(f"A learner of one set on the classes of each: accuracy in %, {b.given.tasks} tasks",
                 [["", *(f"{name} {shots}" for name, shots in columns)], *rows])


# ---- none of these ----


def none_scores(b, texts, number):
    """method -> (how foreign the task's queries are, how foreign the strangers are)"""
    task, others = draw.strangers(texts, WAYS, NONE_SHOTS, QUERIES, number)
    rows, choice = np.concatenate([task.query, others]), CHOSEN["logistic"]
    kinds = sorted(set(texts.label[task.support]))
    y, products = np.searchsorted(kinds, texts.label[task.support]), b.tf_idf(texts.name).products(choice.features, task.support, rows)
    scores = {"TF-IDF + LR, 1 - largest probability": 1 - baselines.logistic(products, y, choice.setting).max(1)}
    commands = [("t2m", b.command, b.learner)]
    if b.encoded and b.encoded.has("--encoder"):
        commands.append(("t2m with encoder", b.encoded, b.encoder_learner))
    for method, command, learner in commands:
        answer = command.answer(learner(), texts.pairs(task.support), texts.pairs(rows), kinds)
        if answer.none is not None:
            scores[f"{method}, none"] = answer.none
        scores[f"{method}, 1 - largest probability"] = 1 - answer.p.max(1)
    return {method: (s[:len(task.query)], s[len(task.query):]) for method, s in scores.items()}


def none(b):
    found = {}
    for name in draw.SETS:
        for number in range(b.given.none_tasks):
            for method, scores in none_scores(b, b.texts(name), number).items():
                found.setdefault(method, {}).setdefault(name, []).append(report.auroc(*scores))
    rows = [[method, *(report.cell(by_set[name], report.number) for name in draw.SETS)] for method, by_set in found.items()]
    report.table(f"Texts of other classes told from those of {WAYS} classes with {NONE_SHOTS} examples: AUROC, {b.given.none_tasks} tasks",
                 [["method", *draw.SETS], *rows])
    if "t2m, none" not in found:
        report.note("This t2m writes no member none: its row is left out.")


# ---- the encoder in PyTorch ----


def encoder_times(b):
    if not b.given.encoder:
        return report.note("\nNo --encoder: no times of an encoder.")
    peers = pathlib.Path(__file__).resolve().parent.parent / "peers" / "encoder.py"
    lines = b.folder / "lines.txt"
    lines.write_text("\n".join(b.texts(MANY_SET).text), encoding="utf8")
    r = subprocess.run([b.given.python, peers, b.given.encoder, lines, "--library", b.given.engine], capture_output=True, text=True)
    if r.returncode:
        return report.note(f"\nNo times of the encoder in PyTorch: {(r.stderr.split(chr(10)) or [''])[-2:][0]}")
    said = json.loads(r.stdout)
    rows = [[who, *(f"{said[f'ms a text, {how}'][key]:.2f}" for how in ("many", "alone"))]
            for who, key in (("t2m", "task2model"), ("sentence-transformers", "torch"))]
    report.table("The sentence encoder, processor time for a text on one thread, ms", [["", "in batches", "alone"], *rows])
    report.note(f"Largest difference of their vectors: {said['largest difference']:.1e}.")


# ---- all of it ----

TABLES = {"few": few_shot, "reviews": reviews.show, "many": many, "crossed": crossed, "none": none, "encoder": encoder_times}


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--t2m", type=pathlib.Path, default=pathlib.Path("build/release/t2m"))
    parser.add_argument("--learner", type=pathlib.Path, help="take this one for few, many and none")
    parser.add_argument("--encoder", type=pathlib.Path, metavar="DIR", help="a sentence encoder: its rows too")
    parser.add_argument("--encoder-learner", type=pathlib.Path, metavar="FILE", help="as --learner, for the encoder's rows")
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(TABLES), help=f"of {','.join(TABLES)}")
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--draws", type=int, default=10, help="of all classes at once, and of the supports of reviews")
    parser.add_argument("--none-tasks", type=int, default=NONE_TASKS)
    parser.add_argument("--quick", action="store_true", help="few tasks, short trainings: two minutes, with an encoder ten")
    parser.add_argument("--choose", action="store_true", help="choose the settings of the standard methods on training classes")
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("build/bench-text"), help="for learners")
    parser.add_argument("--library", dest="engine", type=pathlib.Path, help="libtask2model.so (default: beside t2m)")
    parser.add_argument("--python", default=sys.executable, help="that has sentence-transformers, for the table encoder")
    given = parser.parse_args()
    if unknown := set(given.only) - set(TABLES):
        parser.error(f"--only: no table {', '.join(sorted(unknown))}")
    given.steps, given.prefix, given.most_encoded = None, "", MOST_ENCODED
    if given.quick:
        given.prefix = "quick-"
        vars(given).update(QUICK)
    given.engine = given.engine or given.t2m.parent / "libtask2model.so"
    return given


def main():
    given = options()
    bench = Bench(given)
    if given.choose:
        return texts_choose.show(bench)
    for name in given.only:
        try:
            TABLES[name](bench)
        except CommandError as error:
            report.note(f"\nThe table {name} is left out: {error}")


main()
