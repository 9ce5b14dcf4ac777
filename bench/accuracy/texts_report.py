"""Measures and Markdown for texts.py. An interval is 1.96 s / sqrt(n), of 95 %."""
import numpy as np

BINS = 15  # of the top probability, for the calibration error
LEAST_PROBABILITY = 1e-6


def mean_and_interval(values):
    values = np.asarray(list(values), float)
    return values.mean(), 1.96 * values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float("nan")


def percent(mean, interval, digits=1):
    return f"{100 * mean:.{digits}f} +- {100 * interval:.{digits}f}"


def number(mean, interval, digits=3):
    return f"{mean:.{digits}f} +- {interval:.{digits}f}"


def cell(values, show=percent):
    return show(*mean_and_interval(values))


def table(title, rows):
    """rows: the first is the heads."""
    print(f"\n## {title}\n")
    for i, row in enumerate(rows):
        print("| " + " | ".join(map(str, row)) + " |")
        if i == 0:
            print("| " + " | ".join("---" for _ in row) + " |")
    print(flush=True)


def note(words):
    print(words, flush=True)


# ---- measures of probabilities p [row, class] and classes y [row] ----


def log_loss(p, y):
    """Natural logarithm; p is clipped, and its sums made 1."""
    p = np.clip(p, LEAST_PROBABILITY, 1)
    return float(-np.mean(np.log((p / p.sum(1, keepdims=True))[np.arange(len(y)), y])))


def calibration_error(p, y):
    top, right = p.max(1), p.argmax(1) == y
    places = np.minimum((top * BINS).astype(int), BINS - 1)
    return float(sum(abs(np.sum(top[places == i]) - np.sum(right[places == i])) for i in range(BINS)) / len(y))


def balanced_accuracy(said, y):
    return float(np.mean([np.mean(said[y == kind] == kind) for kind in np.unique(y)]))


def auroc(known, unknown):
    """Chance that a text of an unknown class has the larger value; equals count half."""
    order = np.sort(known)
    below, upto = np.searchsorted(order, unknown, "left"), np.searchsorted(order, unknown, "right")
    return float(np.mean((below + upto) / 2) / len(known))
