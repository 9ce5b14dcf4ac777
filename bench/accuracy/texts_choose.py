"""texts.py --choose: the settings of texts_baselines.CHOSEN, from tasks of training classes. Inverse frequencies come from the other
sets' training classes, as they do where these settings are used."""
import numpy as np

import texts_baselines as baselines
import texts_draw as draw
import texts_report as report
import texts_reviews as reviews

TASKS, REVIEW_DRAWS = 40, 6  # of each set and number of shots; of each task of reviews
MANY_SET, MANY_SHOTS, MANY_QUERIES, MANY_DRAWS = "clinc150", [5, 10], 20, 2
WAYS, SHOTS, QUERIES = 5, [1, 5], 15


def accuracy(scores, truth):
    return np.mean(scores.argmax(1) == truth)


def minus_log_loss(p, truth):
    return -report.log_loss(p, truth)


def balanced(scores, truth):
    return report.balanced_accuracy(scores.argmax(1), truth)


def sources(b):
    """name -> TF-IDF of its training part"""
    return {name: baselines.TfIdf(b.texts(name, "train").text, [t for n in draw.SETS if n != name for t in b.texts(n, "train").text])
            for name in draw.SETS}


def few_tasks(b, source_of):
    return [(source_of[name], task, np.repeat(np.arange(WAYS), shots), np.repeat(np.arange(WAYS), QUERIES))
            for name in draw.SETS for shots in SHOTS for task in draw.episodes(b.texts(name, "train"), WAYS, shots, QUERIES, TASKS, 1)]


def many_tasks(b, source_of):
    texts = b.texts(MANY_SET, "train")
    tasks = [draw.whole(texts, shots, MANY_QUERIES, n) for shots in MANY_SHOTS for n in range(MANY_DRAWS)]
    kinds = list(texts.rows)
    return [(source_of[MANY_SET], t, *(np.searchsorted(kinds, texts.label[rows]) for rows in t)) for t in tasks]


def review_tasks(b):
    """Of every other domain that is not held out; inverse frequencies from the rest."""
    domains = draw.read_archive(b.given.data / draw.ARSC_ARCHIVE)
    names = [n for n in sorted(domains) if n not in draw.held_out(domains)]
    chosen = [n for n in names[::2] if draw.can_be_tested(domains[n])]
    tasks = reviews.Tasks(domains, chosen, REVIEW_DRAWS, reviews.rarity_texts(domains, names[1::2]))
    return [(tasks.tf_idf, task, reviews.labels_of(s), reviews.labels_of(q)) for task, s, q in tasks.tasks]


def tell(key, choice_and_value):
    choice, value = choice_and_value
    report.note(f'    "{key}": {choice},  # {value:.4f}')
    return choice


def show(b):
    source_of = sources(b)
    few, whole = few_tasks(b, source_of), many_tasks(b, source_of)
    tell("centroids", baselines.best("centroids", accuracy, few))
    one = [tell("logistic", baselines.best("logistic", accuracy, few)).features]
    alone = [f for f in baselines.FEATURES if f.idf == "supports"]
    for method in ("centroids", "logistic"):
        tell(f"alone {method}", baselines.best(method, accuracy, few, alone))
    tell("many centroids", baselines.best("centroid probabilities", minus_log_loss, whole))
    tell("many accurate", baselines.best("logistic", accuracy, whole, one))
    tell("many alone", baselines.best("logistic", accuracy, whole, alone))
    tell("many calibrated", baselines.best("logistic", minus_log_loss, whole, one))
    all_reviews = review_tasks(b)
    for method in ("centroids", "logistic"):
        tell(f"reviews {method}", baselines.best(method, balanced, all_reviews))
    if b.given.encoder:
        show_encoder(b)


def show_encoder(b):
    source_of = {name: baselines.Vectors(b.texts(name, "train").text, b.given.encoder, b.given.engine, b.folder) for name in draw.SETS}
    few = few_tasks(b, source_of)
    for method in ("centroids", "ridge", "logistic"):
        tell(f"encoder {method}", baselines.best(method, accuracy, few, [None]))
    tell("encoder many", baselines.best("logistic", minus_log_loss, many_tasks(b, source_of), [None]))
