"""The standard methods beside which texts.py puts t2m, in one thread: TF-IDF and class means, logistic regression or ridge regression.
All that they need of texts are inner products. Coordinates of the supports in their own span hold the same products, and penalised linear
models have the same answers there (Hastie and Tibshirani 2004, "Efficient quadratic regularization for expression arrays").
What was left open was chosen by texts.py --choose on training classes; inverse frequencies there come from the two other sets."""
import collections
import ctypes
import hashlib
import itertools
import pathlib
import sys
import warnings

import numpy as np
from scipy.sparse import csr_matrix, hstack
from scipy.special import softmax
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.preprocessing import normalize
from threadpoolctl import threadpool_limits

# blocks: words, chars or both; idf: rarity in the "supports" or in "training" texts; sublinear: 1 + ln(count) instead of the count
Features = collections.namedtuple("Features", "blocks idf sublinear")
Products = collections.namedtuple("Products", "own others")  # [support, support], [query, support]

BLOCKS = {"words": dict(analyzer="word", ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b"),
          "chars": dict(analyzer="char_wb", ngram_range=(2, 5))}
FEATURES = [Features(b, idf, sub) for b in (("words",), ("chars",), ("words", "chars")) for idf in ("supports", "training")
            for sub in (False, True)]
STRENGTHS = [0.1, 1.0, 10.0, 100.0, 1e3, 1e4, 1e5]  # C of logistic regression
PENALTIES = [0.01, 0.1, 1.0, 10.0, 100.0]  # of ridge regression
SHARPNESS = [10.0, 20.0, 40.0, 80.0]  # of the probabilities that come from cosines

threadpool_limits(1)
warnings.filterwarnings("ignore", category=UserWarning)


class TfIdf:
    """Counts of all n-grams of the texts; rarity also from texts of other classes."""
    def __init__(self, texts, training):
        self.count, self.rarity = {}, {}
        for name, settings in BLOCKS.items():
            both = CountVectorizer(dtype=np.float32, **settings).fit_transform([*texts, *training])
            self.count[name] = both[:len(texts)]
            self.rarity[name] = inverse_frequency(both[len(texts):]) if training else None

    def products(self, features, support, query):
        blocks = [self.block(name, features, support, query) for name in features.blocks]
        s, q = (hstack(parts) for parts in zip(*blocks))
        return Products((s @ s.T).toarray() / len(blocks), (q @ s.T).toarray() / len(blocks))

    def block(self, name, features, support, query):
        s, q = self.count[name][support], self.count[name][query]
        if features.sublinear:
            s, q = (csr_matrix((1 + np.log(m.data), m.indices, m.indptr), m.shape) for m in (s, q))
        weights = self.rarity[name] if features.idf == "training" else inverse_frequency(s) * known(s)
        return [normalize(m.multiply(weights).tocsr()) for m in (s, q)]


def inverse_frequency(counts):
    return (np.log((1 + counts.shape[0]) / (1 + np.bincount(counts.indices, minlength=counts.shape[1]))) + 1).astype(np.float32)


def known(counts):
    return np.bincount(counts.indices, minlength=counts.shape[1]) > 0


class Vectors:
    """Texts as vectors of length 1 by an encoder; kept in the folder."""
    def __init__(self, texts, encoder, library, folder):
        key = hashlib.sha256("\0".join([str(encoder.resolve()), *texts]).encode()).hexdigest()[:16]
        path = folder / f"vectors-{key}.npy"
        if not path.exists():
            np.save(path, encode(texts, encoder, library))
        self.x = np.load(path)

    def products(self, _, support, query):
        s, q = self.x[support], self.x[query]
        return Products(s @ s.T, q @ s.T)


def encode(texts, encoder, library):
    """By the same code as t2m's, whose vectors bench/peers/encoder.py compares with those of sentence-transformers."""
    sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "peers"))
    from encoder import Ours
    run = Ours(library, encoder)
    x = np.concatenate([run(texts[i:i + 512]) for i in range(0, len(texts), 512)])
    return x / np.linalg.norm(x, axis=1, keepdims=True)


# ---- classifiers: products, classes of the supports [support] from 0 -> scores [query, class] ----


def centroids(products, y):
    """Cosines with the mean of a class."""
    mean = np.eye(y.max() + 1)[y]
    mean /= mean.sum(0)
    length = np.sqrt(np.einsum("ik,ij,jk->k", mean, products.own, mean, optimize=True))
    return products.others @ mean / np.maximum(length, 1e-9)


def centroid_probabilities(products, y, sharpness):
    return softmax(sharpness * centroids(products, y), axis=1)


def coordinates(products):
    values, vectors = np.linalg.eigh(products.own)
    kept = values > 1e-6 * values[-1]
    root, vectors = np.sqrt(values[kept]), vectors[:, kept]
    return vectors * root, products.others @ vectors / root


def logistic(products, y, strength):
    """Probabilities."""
    x, new = coordinates(products)
    return LogisticRegression(C=strength, max_iter=300).fit(x, y).predict_proba(new)


def ridge(products, y, penalty):
    x, new = coordinates(products)
    said = RidgeClassifier(alpha=penalty).fit(x, y).decision_function(new)
    return np.stack([-said, said], 1) if said.ndim == 1 else said


# ---- choosing ----

Choice = collections.namedtuple("Choice", "features setting")
METHODS = {"centroids": (lambda p, y, _: centroids(p, y), [None]), "logistic": (logistic, STRENGTHS), "ridge": (ridge, PENALTIES),
           "centroid probabilities": (centroid_probabilities, SHARPNESS)}
ALL = Features(blocks=("words", "chars"), idf="training", sublinear=True)
ALONE = ALL._replace(idf="supports")
CHOSEN = {
    "centroids": Choice(ALL, None),
    "logistic": Choice(ALL, 100.0),
    "alone centroids": Choice(ALONE._replace(blocks=("chars",)), None),
    "alone logistic": Choice(ALONE._replace(blocks=("chars",)), 0.1),
    "many centroids": Choice(ALONE, 40.0),
    "many alone": Choice(ALONE, 100.0),
    "many accurate": Choice(ALL, 100.0),
    "many calibrated": Choice(ALL, 1000.0),
    "reviews centroids": Choice(ALONE._replace(blocks=("words",)), None),
    "reviews logistic": Choice(ALONE, 1.0),
    "encoder centroids": Choice(None, None),
    "encoder ridge": Choice(None, 1.0),
    "encoder logistic": Choice(None, 1.0),
    "encoder many": Choice(None, 1000.0),
}


def best(method, measure, tasks, features=FEATURES):
    """The Choice with the greatest mean over tasks; a task: (source of products, Task, y of the supports, y of the queries)."""
    fit, settings = METHODS[method]
    sums = collections.Counter()
    for (source, task, y, truth), f in itertools.product(tasks, features):
        products = source.products(f, *task)
        for s in settings:
            sums[Choice(f, s)] += measure(fit(products, y, s), truth) / len(tasks)
    choice = max(sums, key=sums.get)
    return choice, sums[choice]
