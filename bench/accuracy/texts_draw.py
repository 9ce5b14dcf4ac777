"""Texts and the tasks drawn from them, for texts.py: each choice follows from its seed and from what it is for, so that every method sees
the same examples. A task is the rows of its supports and of its queries."""
import collections
import json
import zipfile
import zlib

import numpy as np

SETS = ["clinc150", "banking77", "hwu64"]
ARSC_ARCHIVE = "text_arsc/arsc_train_domains.zip"
ARSC_FIRST = ["books", "dvd", "electronics", "kitchen_housewares"]  # held out where they are there, as is usual
ARSC_HELD_OUT, ARSC_SHOTS = 4, 5
Task = collections.namedtuple("Task", "support query")
Reviews = collections.namedtuple("Reviews", "train test")  # the parts of a task: [(text, label)]


def random_of(*keys):
    return np.random.default_rng([zlib.crc32(k.encode()) if isinstance(k, str) else k for k in keys])


class Texts:
    """text [n], label [n], and rows: label -> its rows."""
    def __init__(self, pairs, name):
        self.name, self.text, self.label = name, [t for t, _ in pairs], np.array([y for _, y in pairs])
        self.rows = {kind: np.flatnonzero(self.label == kind) for kind in sorted(set(self.label))}

    def pairs(self, rows):
        return [(self.text[i], str(self.label[i])) for i in rows]


def read_lines(lines):
    objects = map(json.loads, lines)
    return [(o["text"], str(o["label"])) for o in objects]


def path_of(folder, name, part):
    return folder / f"text_{name}" / f"{name}_{part}.jsonl"


def load(folder, name, part):
    with open(path_of(folder, name, part), encoding="utf8") as f:
        return Texts(read_lines(f), name)


def write(path, pairs):
    with open(path, "w", encoding="utf8") as f:
        f.writelines(json.dumps({"text": text, "label": label}, ensure_ascii=False) + "\n" for text, label in pairs)


# ---- tasks of intents ----


def draw_rows(texts, kinds, count, random):
    """[kind, count] different rows of each class"""
    return np.array([random.choice(texts.rows[kind], count, replace=False) for kind in kinds])


def episodes(texts, ways, shots, queries, tasks, seed=0):
    """Classes drawn evenly; every class of a task has as many queries."""
    kinds = [kind for kind, rows in texts.rows.items() if len(rows) >= shots + queries]
    for number in range(tasks):
        random = random_of("episode", texts.name, ways, shots, seed, number)
        rows = draw_rows(texts, random.choice(kinds, ways, replace=False), shots + queries, random)
        yield Task(rows[:, :shots].ravel(), rows[:, shots:].ravel())


def whole(texts, shots, queries, draw):
    """All classes at once."""
    rows = draw_rows(texts, texts.rows, shots + queries, random_of("whole", texts.name, shots, draw))
    return Task(rows[:, :shots].ravel(), rows[:, shots:].ravel())


def strangers(texts, ways, shots, queries, number):
    """A task, and as many queries of classes that it does not have as of its own."""
    random = random_of("strangers", texts.name, ways, shots, number)
    kinds = random.permutation(list(texts.rows))
    rows = draw_rows(texts, kinds[:ways], shots + queries, random)
    others = np.concatenate([texts.rows[kind] for kind in kinds[ways:]])
    return Task(rows[:, :shots].ravel(), rows[:, shots:].ravel()), random.choice(others, ways * queries, replace=False)


# ---- reviews: a task is DOMAIN.tT, its supports are drawn from its training file, its queries are its test file ----


def read_archive(path):
    """domain -> threshold -> part -> [(text, "1" or "-1")]"""
    domains = collections.defaultdict(lambda: collections.defaultdict(dict))
    with zipfile.ZipFile(path) as z:
        for name in sorted(z.namelist()):
            domain, threshold, part, _ = name.split(".")
            domains[domain][threshold][part] = read_lines(z.read(name).decode("utf8").splitlines())
    return domains


def can_be_tested(thresholds):
    """Whether each of a domain's tasks has enough supports, and queries of both labels."""
    def labels(part, least):
        counts = collections.Counter(y for _, y in part)
        return len(counts) == 2 and min(counts.values()) >= least
    return all("train" in parts and labels(parts["train"], ARSC_SHOTS) and labels(parts["test"], 1) for parts in thresholds.values())


def held_out(domains):
    usual = [name for name in ARSC_FIRST if name in domains]
    return usual if len(usual) == ARSC_HELD_OUT else [name for name in sorted(domains) if can_be_tested(domains[name])][-ARSC_HELD_OUT:]


def review_rows(reviews, seed, *name):
    """Rows of the supports in reviews.train."""
    random, labels = random_of("reviews", *name, seed), np.array([y for _, y in reviews.train])
    return np.concatenate([random.choice(np.flatnonzero(labels == kind), ARSC_SHOTS, replace=False) for kind in ("-1", "1")])
