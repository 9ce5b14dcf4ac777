"""The table of reviews of texts.py: sentiment in domains that the learner never saw, 5 + 5 supports (ARSC; Yu et al. 2018, "Diverse
Few-Shot Text Classification with Multiple Metrics"). A domain has three tasks, t2, t4 and t5, which differ in the stars from which a review
is positive. Learners of them are for this table alone: the reviews have no licence."""
import numpy as np

import texts_baselines as baselines
import texts_draw as draw
import texts_report as report
from texts_command import ROWS, TRAIN_REVIEWS, quicker

LEAST = 15  # reviews of a label, for an episode of training
MOST_QUERIES = 50  # of a label
RARITY_TEXTS = 3000  # for inverse frequencies
NAMES = {"1": "positive", "-1": "negative"}


def most_of_each(pairs, most, *seed):
    """At most so many of each label."""
    order = draw.random_of(*seed).permutation(len(pairs))
    return [pairs[i] for kind in NAMES for i in [i for i in order if pairs[i][1] == kind][:most]]


def write_families(domains, names, folder, most=None):
    """One file for each task: all its parts together."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for domain in names:
        for threshold, parts in domains[domain].items():
            pairs = [pair for part in parts.values() for pair in part]
            pairs = most_of_each(pairs, most or len(pairs), "training", domain, threshold)
            if min(sum(y == kind for _, y in pairs) for kind in NAMES) >= LEAST:
                paths.append(folder / f"{domain}.{threshold}.jsonl")
                write_once(paths[-1], [(text, f"{domain}.{threshold} {NAMES[y]}") for text, y in pairs])
    return paths


def write_once(path, pairs):
    """What is there is left as it is: learners older than their families are trained anew."""
    if not path.exists():
        draw.write(path, pairs)


class Tasks:
    """Supports and queries of each task and draw, and their texts in one list."""
    def __init__(self, domains, names, draws, rarity):
        self.text, self.tasks = [], []
        for domain in names:
            for threshold, parts in domains[domain].items():
                reviews = draw.Reviews(parts["train"], most_of_each(parts["test"], MOST_QUERIES, "queries", domain, threshold))
                query = self.add(reviews.test)
                for seed in range(draws):
                    support = [reviews.train[i] for i in draw.review_rows(reviews, seed, domain, threshold)]
                    self.tasks.append((draw.Task(self.add(support), query), support, reviews.test))
        self.tf_idf = baselines.TfIdf(self.text, rarity)

    def add(self, pairs):
        self.text += [text for text, _ in pairs]
        return np.arange(len(self.text) - len(pairs), len(self.text))


def rarity_texts(domains, names):
    texts = [text for name in names for text, _ in domains[name]["t4"].get("train", [])]
    return [texts[i] for i in draw.random_of("rarity").permutation(len(texts))[:RARITY_TEXTS]]


def labels_of(pairs):
    """0 negative, 1 positive"""
    return np.array([int(y == "1") for _, y in pairs])


def answers_of_commands(b, learners, supports, queries):
    named = [[(text, NAMES[y]) for text, y in pairs] for pairs in (supports, queries)]
    return {method: command.answer(learner, *named, ["negative", "positive"]).p for method, (command, learner) in learners.items()}


def answers(b, tasks, vectors, learners, task, supports, queries):
    """method -> scores [query, class]"""
    y, found = labels_of(supports), answers_of_commands(b, learners, supports, queries)
    sources = [("TF-IDF centroids", tasks.tf_idf, "centroids", "reviews centroids"), ("TF-IDF + LR", tasks.tf_idf, "logistic",
                                                                                      "reviews logistic")]
    sources += [("encoder + LR", vectors, "logistic", "encoder logistic")] if vectors else []
    for name, source, method, key in sources:
        choice = baselines.CHOSEN[key]
        found[name] = baselines.METHODS[method][0](source.products(choice.features, *task), y, choice.setting)
    return found


def trained(b, domains, names):
    """method -> command, learner"""
    families = write_families(domains, names, b.folder / "review-texts")
    learners = {"t2m": (b.command, b.command.train(b.given.prefix + "reviews", families, quicker(b.given, TRAIN_REVIEWS)))}
    if b.encoder_is_possible():
        most = b.given.most_encoded
        families = write_families(domains, names, b.folder / f"review-texts-{most}", most)
        learner = b.encoded.train(b.given.prefix + "reviews-encoder", families, quicker(b.given, TRAIN_REVIEWS))
        learners["t2m with encoder"] = (b.encoded, learner)
    return learners


def show(b):
    domains = draw.read_archive(b.given.data / draw.ARSC_ARCHIVE)
    held_out = draw.held_out(domains)
    names = [name for name in domains if name not in held_out]
    tasks = Tasks(domains, held_out, b.given.draws, rarity_texts(domains, names))
    learners = trained(b, domains, names)
    vectors = baselines.Vectors(tasks.text, b.given.encoder, b.given.engine, b.folder) if b.encoder_is_possible() else None
    found = {}
    for task, supports, queries in tasks.tasks:
        for method, scores in answers(b, tasks, vectors, learners, task, supports, queries).items():
            found.setdefault(method, []).append(report.balanced_accuracy(scores.argmax(1), labels_of(queries)))
    report.table(f"Sentiment in domains never seen, {draw.ARSC_SHOTS} + {draw.ARSC_SHOTS} reviews: accuracy in %, mean of both labels",
                 [["method", "accuracy"], *([method, report.cell(values)] for method, values in found.items())])
    describe(b, tasks, held_out, vectors)
    show_controls(b, domains, held_out, *learners["t2m"])


def describe(b, tasks, held_out, encoded):
    usual, count, shots = ", ".join(draw.ARSC_FIRST), draw.ARSC_HELD_OUT, draw.ARSC_SHOTS
    report.note(f"{len(tasks.tasks)} tasks: held out are {', '.join(held_out)} ({usual} or, if one is absent, the last {count} by name whose "
                f"every task has {shots} supports and test reviews of both labels), three tasks each, {b.given.draws} draws of the supports "
                f"from the training file; queries from the test file, at most {MOST_QUERIES} a label. The learner is trained on all other "
                f"domains: {' '.join(quicker(b.given, TRAIN_REVIEWS))}")
    if encoded:
        report.note(f"With the encoder on at most {b.given.most_encoded} reviews of a label of each task.")


def show_controls(b, domains, held_out, command, learner):
    """By t2m eval, whose supports and queries come from all parts of a task."""
    families = write_families(domains, held_out, b.folder / "review-texts-held-out")
    rows = command.eval(learner, families, "--within-domain", "--ways", 2, "--shots", draw.ARSC_SHOTS, "--queries",
                        LEAST - draw.ARSC_SHOTS, "--tasks", b.given.tasks)
    report.table(f"Its controls, {b.given.tasks} tasks drawn from all reviews of these domains", [[f"t2m {row}" for row in ROWS],
                                                                                    [report.percent(*rows[row]) for row in ROWS]])
