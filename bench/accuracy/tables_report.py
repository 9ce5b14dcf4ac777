"""Printing what tables.py measured. A record is the measures of one method on one draw of n rows of one table; means are taken over
draws, then over tables, and standard errors are over tables."""
import collections

import numpy as np

HEADLINE_FEATURES = 20  # tables with more columns count among all tables only
Measure = collections.namedtuple("Measure", "key title sign digits")  # sign: +1 less is better, -1 more is better, 0 neither
MEASURES = {"classification": [Measure("accuracy", "accuracy", -1, 3), Measure("auc", "AUC", -1, 3), Measure("log_loss", "log loss", 1, 3),
                               Measure("ece", "calibration", 1, 3)],
            "regression": [Measure("nrmse", "error/sd", 1, 3), Measure("cover80", "in 80 %", 0, 3), Measure("cover95", "in 95 %", 0, 3),
                           Measure("width80", "width 80/sd", 0, 2), Measure("width95", "width 95/sd", 0, 2)]}


def calibration_error(bins):
    """bins [bin]: rows, sum of the top probabilities, rows that were right"""
    bins = np.asarray(bins)
    return float(np.sum(np.abs(bins[:, 1] - bins[:, 2])) / np.sum(bins[:, 0]))


# ---- means ----


def by_method(records, key):
    """method -> table -> mean over draws, without those where the measure is undefined"""
    values = collections.defaultdict(lambda: collections.defaultdict(list))
    for r in records:
        if r[key] is not None:
            values[r["method"]][r["table"]].append(r[key])
    return {m: {t: float(np.mean(v)) for t, v in tables.items()} for m, tables in values.items()}


def with_error(values):
    """Mean and standard error."""
    values = np.asarray(list(values))
    return values.mean(), values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float("nan")


def rank_of(values):
    """Ranks from 1 of the least; equals share the mean of theirs."""
    values = np.asarray(values)
    return [np.sum(values < v) + (np.sum(values == v) + 1) / 2 for v in values]


def mean_ranks(means, sign):
    """method -> mean rank, over the tables that every method has"""
    tables = set.intersection(*(set(tables) for tables in means.values()))
    if not tables:
        return {}
    ranks = np.array([rank_of([round(sign * tables_of[t], 9) for tables_of in means.values()]) for t in sorted(tables)])
    return dict(zip(means, ranks.mean(0)))


def pooled_calibration(records):
    """method -> calibration error over all test rows of all tables and draws"""
    bins = collections.defaultdict(float)
    for r in records:
        bins[r["method"]] = bins[r["method"]] + np.asarray(r["bins"])
    return {m: calibration_error(b) for m, b in bins.items()}


# ---- printing ----


def show(task, n, records, ours, only_times):
    if only_times or not records:
        return
    tables = {r["table"]: r["features"] for r in records}
    blocks = [(f"at most {HEADLINE_FEATURES} features", [r for r in records if r["features"] <= HEADLINE_FEATURES])]
    if max(tables.values()) > HEADLINE_FEATURES:
        blocks.append(("any number of features", records))
    for words, chosen in blocks:
        if chosen:
            print(f"\n{task}, {n} training rows, tables with {words}")
            show_means(task, chosen)
            if ours:
                show_differences(task, chosen, ours)


def show_means(task, records):
    measures = MEASURES[task]
    means = {m.key: by_method(records, m.key) for m in measures}
    columns = {m.title: {method: cell(tables.values(), m.digits) for method, tables in means[m.key].items()} for m in measures}
    if task == "classification":
        columns["pooled"] = {method: f"{error:.3f}" for method, error in pooled_calibration(records).items()}
    for m in measures:
        if m.sign and means[m.key]:
            columns[f"rank {m.title}"] = {method: f"{rank:.2f}" for method, rank in mean_ranks(means[m.key], m.sign).items()}
    columns["tables"] = {method: str(len(tables)) for method, tables in means[measures[0].key].items()}
    show_columns(columns, list(columns["tables"]))


def show_columns(columns, methods):
    """columns: title -> method -> text"""
    widths = {title: max(len(title), *(len(text) for text in cells.values()), 1) for title, cells in columns.items() if cells}
    print(f"  {'':22s}" + "".join(f"  {title:>{w}s}" for title, w in widths.items()))
    for method in methods:
        print(f"  {method:22s}" + "".join(f"  {columns[title].get(method, '-'):>{w}s}" for title, w in widths.items()))


def cell(values, digits, plus=""):
    mean, error = with_error(values)
    return f"{mean:{plus}.{digits}f}" + ("" if np.isnan(error) else f" +-{error:.{digits}f}")


def show_differences(task, records, ours):
    """A negative difference is in t2m's favour for losses and errors, a positive one for accuracy and AUC."""
    measures = [m for m in MEASURES[task] if m.sign]
    means = {m.key: by_method(records, m.key) for m in measures}
    if ours not in means[measures[0].key]:
        return
    pairs = {m: {method: paired(means[m.key][ours], tables) for method, tables in means[m.key].items() if method != ours} for m in measures}
    columns = {m.title: {method: cell(values, m.digits, "+") for method, values in pairs[m].items() if values} for m in measures}
    columns["tables"] = {method: str(len(values)) for method, values in pairs[measures[0]].items()}
    print(f"  {ours} minus the other, paired by table")
    show_columns(columns, list(columns["tables"]))


def paired(ours, theirs):
    return [ours[t] - theirs[t] for t in ours if t in theirs]


def show_failures(failures):
    if failures:
        first = failures[0]
        print(f"  failed on {len(failures)} draws; tables with such a draw are left out of that row; first: {first.method}, "
              f"{first.cell.table.name}, {first.cell.n} rows, draw {first.cell.seed}: {first.text}")


def show_times(records):
    """Median over tables; t2m's are those of its whole processes, which also read and write files."""
    print("\ntimes, median over tables: fit in ms / prediction in us a row")
    for task in MEASURES:
        chosen = [r for r in records if r["task"] == task]
        sizes = sorted({r["n"] for r in chosen})
        print(f"  {task + ', training rows':38s}" + "".join(f"{n:>18d}" for n in sizes))
        for method in dict.fromkeys(r["method"] for r in chosen):
            print(f"  {method:38s}" + "".join(times_cell([r for r in chosen if r["method"] == method and r["n"] == n]) for n in sizes))


def times_cell(records):
    if not records:
        return f"{'-':>18s}"
    fit, predict = (np.median(list(next(iter(by_method(records, key).values())).values())) for key in ("fit_ms", "predict_us"))
    return f"{fit:.1f} / {predict:.1f}".rjust(18)
