"""The methods beside which tables.py puts t2m: each is fitted from scratch to the training rows of one table, in one thread.
A classifier is f(x, y, seed) -> model with predict_proba, y coded 0 .. K-1 with every class present. A regressor is f(x, y, seed) ->
(model with predict, standard deviation of a new row's error or None). Columns are z-scored where the method depends on their scale.
What was left open was chosen on the development tables: Adam, not L-BFGS; k by log loss, not accuracy; the kind of boosting."""
import warnings

import numpy as np
import sklearn
import xgboost
from scipy.stats import t as student_t
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import (GradientBoostingClassifier, GradientBoostingRegressor, HistGradientBoostingClassifier, RandomForestClassifier,
                              RandomForestRegressor)
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

VERSIONS = f"sklearn {sklearn.__version__}, xgboost {xgboost.__version__}"
LEAST_PROBABILITY = 1e-6  # also of a class that the training rows lack
TREES = 200
PENALTIES = 10.0 ** np.arange(-3, 4)
STRENGTHS = 10.0 ** np.arange(-3, 3)  # C of logistic regression
NEIGHBOURS = [1, 3, 5, 9, 15]
BOOSTING_DEPTHS, BOOSTING_RATES, BOOSTING_TREES = [3, 6], [0.03, 0.1], [100, 300]
HISTOGRAM_ROWS = 64  # histogram boosting asks for 20 rows a leaf: with few rows it says the same of all; the other kind has no such limit
NETWORK = dict(hidden_layer_sizes=(32, 32), alpha=1e-2, max_iter=500, solver="adam")

threadpool_limits(1)
warnings.filterwarnings("ignore")  # of convergence and of classes rarer than folds: expected with 16 rows


def spread(p, kinds, classes):
    """Probabilities [row, kind] of the classes of the training rows -> [row, class] of all classes: clipped, sums 1."""
    whole = np.zeros((len(p), classes))
    whole[:, kinds] = p
    whole = np.clip(whole, LEAST_PROBABILITY, 1)
    return whole / whole.sum(1, keepdims=True)


def log_loss(p, y):
    """Natural logarithm; p [row, class] as of spread."""
    return float(-np.mean(np.log(p[np.arange(len(y)), y])))


def intervals(value, deviation, n):
    """percent -> ends of the interval about each value, by Student's t; empty where the method has no deviation."""
    if deviation is None:
        return {}
    halves = {percent: deviation * student_t.ppf(0.5 + percent / 200, n - 1) for percent in (80, 95)}
    return {percent: (value - half, value + half) for percent, half in halves.items()}


# ---- choosing by cross-validation ----


def class_folds(y, folds, seed):
    """Stratified parts, or none where some training part would hold a single class."""
    folds = min(folds, np.bincount(y).max())
    if folds < 2:
        return []
    parts = list(StratifiedKFold(folds, shuffle=True, random_state=seed).split(y, y))
    return parts if all(len(np.unique(y[train])) > 1 for train, _ in parts) else []


def held_out_loss(model, x, y, parts):
    total = 0.0
    for train, test in parts:
        kinds, codes = np.unique(y[train], return_inverse=True)
        p = spread(model.fit(x[train], codes).predict_proba(x[test]), kinds, y.max() + 1)
        total += log_loss(p, y[test]) * len(test)
    return total


def held_out_error(model, x, y, parts):
    return sum(np.sum((model.fit(x[train], y[train]).predict(x[test]) - y[test]) ** 2) for train, test in parts)


def best(settings, make, score):
    """The fresh model of the setting with the least score; the first of equals."""
    return make(settings[int(np.argmin([score(make(s)) for s in settings]))])


def scaled(model):
    return make_pipeline(StandardScaler(), model)


# ---- classifiers ----


def logistic(x, y, seed):
    def make(c):
        return scaled(LogisticRegression(C=c, max_iter=1000))
    parts = class_folds(y, 5, seed)
    model = best(STRENGTHS, make, lambda m: held_out_loss(m, x, y, parts)) if parts else make(1.0)
    return model.fit(x, y)


def neighbours(x, y, seed):
    def make(k):
        return scaled(KNeighborsClassifier(k))
    parts = class_folds(y, 5, seed)
    most = min((len(train) for train, _ in parts), default=0)
    model = best([k for k in NEIGHBOURS if k <= most], make, lambda m: held_out_loss(m, x, y, parts)) if parts else make(min(5, len(y)))
    return model.fit(x, y)


def forest(x, y, seed):
    return RandomForestClassifier(TREES, n_jobs=1, random_state=seed).fit(x, y)


def xgboost_classifier(x, y, seed):
    return xgboost.XGBClassifier(n_jobs=1, random_state=seed).fit(x, y)


def boosting(x, y, seed):
    kind = GradientBoostingClassifier if len(y) < HISTOGRAM_ROWS else HistGradientBoostingClassifier
    return kind(random_state=seed).fit(x, y)


def network(x, y, seed):
    return scaled(MLPClassifier(random_state=seed, **NETWORK)).fit(x, y)


# ---- regressors ----


def mean(x, y, seed):
    return DummyRegressor().fit(x, y), float(np.std(y, ddof=1) * np.sqrt(1 + 1 / len(y)))


def ridge(x, y, seed):
    """The errors of leaving one row out choose the penalty and give the width of the intervals."""
    model = scaled(RidgeCV(PENALTIES)).fit(x, y)
    return model, float(np.sqrt(-model[-1].best_score_))


def neighbours_mean(x, y, seed):
    parts = list(KFold(5, shuffle=True, random_state=seed).split(x))
    most = min(len(train) for train, _ in parts)
    model = best([k for k in NEIGHBOURS if k <= most], lambda k: scaled(KNeighborsRegressor(k)), lambda m: held_out_error(m, x, y, parts))
    return model.fit(x, y), None


def forest_mean(x, y, seed):
    return RandomForestRegressor(TREES, n_jobs=1, random_state=seed).fit(x, y), None


def xgboost_regressor(x, y, seed):
    return xgboost.XGBRegressor(n_jobs=1, random_state=seed).fit(x, y), None


def boosting_mean(x, y, seed):
    return GradientBoostingRegressor(random_state=seed).fit(x, y), None


def network_mean(x, y, seed):
    model = scaled(MLPRegressor(random_state=seed, **NETWORK))
    return TransformedTargetRegressor(model, transformer=StandardScaler()).fit(x, y), None


# ---- boosting whose settings are chosen: for the sizes from 1000 rows ----


def boosting_settings():
    return [dict(max_depth=d, learning_rate=r) for d in BOOSTING_DEPTHS for r in BOOSTING_RATES]


def tuned(kind, parts, x, y, loss, seed):
    """xgboost with the depth, rate and number of trees that do best on the parts held out; one fit serves all numbers of trees."""
    scores = {}
    for i, setting in enumerate(boosting_settings()):
        for train, test in parts:
            model = kind(n_estimators=max(BOOSTING_TREES), n_jobs=1, random_state=seed, **setting).fit(x[train], y[train])
            for trees in BOOSTING_TREES:
                scores[i, trees] = scores.get((i, trees), 0.0) + loss(model, x[test], y[test], (0, trees))
    i, trees = min(scores, key=scores.get)
    return kind(n_estimators=trees, n_jobs=1, random_state=seed, **boosting_settings()[i]).fit(x, y)


def tuned_classifier(x, y, seed):
    parts = class_folds(y, 3, seed)
    if not parts or any(len(np.unique(y[train])) <= y.max() for train, _ in parts):
        return xgboost_classifier(x, y, seed)  # a class is too rare for xgboost to take a part of the rows

    def loss(model, xt, yt, trees):
        return len(yt) * log_loss(np.maximum(model.predict_proba(xt, iteration_range=trees), LEAST_PROBABILITY), yt)
    return tuned(xgboost.XGBClassifier, parts, x, y, loss, seed)


def tuned_regressor(x, y, seed):
    parts = list(KFold(3, shuffle=True, random_state=seed).split(x))

    def loss(model, xt, yt, trees):
        return np.sum((model.predict(xt, iteration_range=trees) - yt) ** 2)
    return tuned(xgboost.XGBRegressor, parts, x, y, loss, seed), None


# ---- by task and by size ----

SMALL = {"classification": {"logistic regression": logistic, "k-NN": neighbours, "random forest": forest, "xgboost": xgboost_classifier,
                            "gradient boosting": boosting, "MLP": network},
         "regression": {"mean": mean, "ridge regression": ridge, "k-NN": neighbours_mean, "random forest": forest_mean,
                        "xgboost": xgboost_regressor, "gradient boosting": boosting_mean, "MLP": network_mean}}
LARGE = {"classification": {"random forest": forest, "tuned xgboost": tuned_classifier},
         "regression": {"random forest": forest_mean, "tuned xgboost": tuned_regressor}}
