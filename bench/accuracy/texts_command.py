"""t2m as its user runs it, by its command with one thread, for texts.py: learners that are kept, models, their answers, times."""
import collections
import json
import pathlib
import subprocess
import tempfile
import time

import numpy as np

import texts_draw

ROWS = ["scratch", "shared", "wrong-task", "generated", "tuned"]  # of t2m eval
TRAIN = ["--method", "ridge", "--within-domain", "--ways", "16", "--shots", "3", "--queries", "5", "--meta-batch", "16", "--steps",
         "150", "--meta-rate", "0.001", "--augment", "1"]
TRAIN_ENCODER = ["--method", "ridge", "--within-domain", "--ways", "16", "--shots", "2", "--queries", "5", "--steps", "300",
                 "--meta-rate", "0.0003"]
TRAIN_REVIEWS = ["--within-domain", "--ways", "2", "--shots", "5", "--queries", "10", "--meta-batch", "16", "--steps", "600", "--meta-rate",
                 "0.001"]
TIMES = 5  # the best of so many
Answer = collections.namedtuple("Answer", "p none")  # p [text, class]; none [text], or None where the command has no such member


class CommandError(Exception):
    pass


class Command:
    def __init__(self, t2m, folder, encoder=None):
        self.t2m, self.folder = str(pathlib.Path(t2m).resolve()), folder
        self.encoder = ["--encoder", str(encoder)] if encoder else []
        folder.mkdir(parents=True, exist_ok=True)

    def run(self, *arguments):
        arguments = [*map(str, arguments), *self.encoder, "--threads", "1"]
        r = subprocess.run([self.t2m, *arguments], capture_output=True, text=True)
        if r.returncode:
            said = r.stderr.strip().splitlines() or [f"t2m {arguments[0]}: status {r.returncode}"]
            raise CommandError(said[-1])
        return r.stdout

    def has(self, option):
        return option in subprocess.run([self.t2m, "train", "--help"], capture_output=True, text=True).stdout

    def train(self, name, families, options):
        """The learner of this name, trained anew unless it is there, younger than the command and the families, by the same options."""
        learner, said = self.folder / name, self.folder / f"{name}.options"
        words = " ".join([*map(str, families), *options, *self.encoder])
        made_of = [self.t2m, *families]
        if not (learner.exists() and said.exists() and said.read_text() == words and
                all(pathlib.Path(p).stat().st_mtime < learner.stat().st_mtime for p in made_of)):
            self.run("train", *families, "-o", learner, *options, "--force")
            said.write_text(words)
        return learner

    def eval(self, learner, families, *options):
        """row of ROWS -> mean, half-width of the 95 % interval"""
        rows = json.loads(self.run("eval", learner, *families, *options, "--json"))["data"]["rows"]
        return {row["name"]: (row["mean"], row["ci95"]) for row in rows}

    def build(self, learner, shots, model):
        self.run("build", learner, shots, "-o", model, "--force")

    def predict(self, model, path, kinds):
        answers = json.loads(self.run("predict", model, path, "--json"))["data"]["predictions"]
        none = np.array([a["none"] for a in answers]) if answers and "none" in answers[0] else None
        return Answer(np.array([[a["probabilities"].get(kind, 0.0) for kind in kinds] for a in answers]), none)

    def answer(self, learner, supports, queries, kinds):
        """supports, queries: pairs of text and label; the probabilities are in the order of kinds."""
        with tempfile.TemporaryDirectory() as folder:
            shots, new, model = (pathlib.Path(folder) / name for name in ("shots.jsonl", "new.jsonl", "model"))
            texts_draw.write(shots, supports)
            texts_draw.write(new, queries)
            self.build(learner, shots, model)
            answer = self.predict(model, new, kinds)
        if len(answer.p) != len(queries):
            raise CommandError(f"t2m predict: {len(answer.p)} answers for {len(queries)} texts")
        return answer

    def times(self, learner, supports, queries):
        """Seconds of a whole build; seconds for a text, all queries beyond the first alone; bytes of the model."""
        with tempfile.TemporaryDirectory() as folder:
            shots, new, first, model = (pathlib.Path(folder) / name for name in ("shots.jsonl", "new.jsonl", "first.jsonl", "model"))
            texts_draw.write(shots, supports)
            texts_draw.write(new, queries)
            texts_draw.write(first, queries[:1])
            build = least(lambda: self.build(learner, shots, model))
            alone, many = (least(lambda: self.run("predict", model, path)) for path in (first, new))
            return build, (many - alone) / (len(queries) - 1), model.stat().st_size


def quicker(given, options):
    """The options of a training with fewer steps, where so many are given."""
    options = list(options)
    if given.steps:
        options[options.index("--steps") + 1] = str(given.steps)
    return options


def least(action):
    """Seconds of the quickest of TIMES."""
    spent = []
    for _ in range(TIMES):
        start = time.perf_counter()
        action()
        spent.append(time.perf_counter() - start)
    return min(spent)
