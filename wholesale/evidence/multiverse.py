"""Every careful analysis that somebody else might have made: scales, floors, methods and numbers of segments.

Steegen et al. (2016), Increasing transparency through a multiverse analysis.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import product

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.preprocessing import StandardScaler, power_transform

from wholesale.criteria import check_fit
from wholesale.evidence.mixtures import ParsimoniousMixture, StudentMixture
from wholesale.models import FEW_STARTS, SEED, fit_gmm, fit_kmeans, fit_ward, one_thread
from wholesale.segments import match_segments

# These, like the one of log(x + 1), are in the unit of the amounts, whatever it is, and were chosen for the
# 440: of amounts in thousands, say, they make other analyses.
SHIFT = 100  # added before the logarithm, where it is not one: small amounts then differ less
NEXT_TO_NOTHING, LEAST = 3, 40  # up to 3 is next to nothing; where amounts are winsorized, none is below 40

KS = range(2, 6)
STARTS = 20  # of a mixture in one cell, from scratch


def log_ratios(amounts: np.ndarray) -> np.ndarray:
    """Return isometric log-ratios of the shares of spending, shape (n, d − 1): the mix, whatever the total.

    The centred ones are singular for a mixture. Egozcue et al. (2003), Isometric logratio transformations.
    """
    d = amounts.shape[1]
    logs = np.log(amounts + 1)
    basis = np.array([[1 / i] * i + [-1] + [0] * (d - i - 1) for i in range(1, d)])
    return logs @ (basis / np.linalg.norm(basis, axis=1, keepdims=True)).T


SCALES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "log(x + 1)": np.log1p,
    f"log(x + {SHIFT})": lambda amounts: np.log(amounts + SHIFT),
    "Box-Cox": lambda amounts: power_transform(amounts + 1, method="box-cox", standardize=False),
    "fourth root": lambda amounts: amounts**0.25,
    "cube root": np.cbrt,
    "log-ratios of shares": log_ratios,
}
"""Each before standardizing; Yeo-Johnson's, of amounts ≥ 0, is this Box-Cox."""

FLOORS = ("kept", "dropped", "winsorized")
"""What becomes of a customer that buys next to nothing of something, or of that amount."""


def floored(amounts: np.ndarray, floor: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the amounts and which customers, shape (n,), are kept."""
    kept = np.logical_or(floor != "dropped", (amounts > NEXT_TO_NOTHING).all(axis=1))
    return np.maximum(amounts, LEAST) if floor == "winsorized" else amounts, kept


METHODS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "K-Means": lambda X, k: fit_kmeans(X, k, n_init=FEW_STARTS).labels_,
    "Ward": lambda X, k: fit_ward(X, k).labels_,
    "Mixture": lambda X, k: fit_gmm(X, k, restarts=STARTS // 4).predict(X),
    "Mixture, common axes": lambda X, k: ParsimoniousMixture(k, "VVE", n_init=STARTS).fit(X).predict(X),
    "Mixture of t": lambda X, k: StudentMixture(k, n_init=STARTS).fit(X).predict(X),
}


def analyse(amounts: np.ndarray, scale: str, floor: str, method: str, k: int) -> np.ndarray:
    """Segments 0…k − 1 of one analysis, shape (n,); −1 for who is left out, all where it fails."""
    labels = np.full(len(amounts), -1)
    used, kept = floored(np.asarray(amounts, dtype=float), floor)
    with suppress(ValueError), one_thread():  # too few are kept, a category is lifted flat, no proper mixture
        X = check_fit(SCALES[scale](used[kept]), [k])
        labels[kept] = METHODS[method](StandardScaler().fit_transform(X), k)
    return labels


def multiverse(
    amounts: np.ndarray, ks: Iterable[int], scales: Iterable[str] = SCALES, methods: Iterable[str] = METHODS
) -> pd.DataFrame:
    """Segment the customers in every way of `scales` and `methods`, into each of `ks`.

    Takes `amounts` (n_customers, d) in a unit in which `SHIFT`, `NEXT_TO_NOTHING` and `LEAST` are small;
    these are not derived from them.

    Returns
    -------
    DataFrame indexed by ``scale``, ``floor``, ``method`` and ``k``
        A column per customer, 1…n, with its segment as `analyse` numbers it.
    """
    cells = list(product(scales, FLOORS, methods, ks))
    labels = Parallel()(delayed(analyse)(amounts, *cell) for cell in cells)
    index = pd.MultiIndex.from_tuples(cells, names=["scale", "floor", "method", "k"])
    return pd.DataFrame(labels, index=index, columns=pd.RangeIndex(1, len(amounts) + 1, name="customer"))


def rand_to(served: np.ndarray, cells: pd.DataFrame) -> pd.Series:
    """Adjusted Rand index of each cell with the served partition, over the customers that it keeps."""
    kept = ((row, row >= 0) for row in cells.to_numpy())
    values = [adjusted_rand_score(served[its], row[its]) if its.any() else np.nan for row, its in kept]
    return pd.Series(values, index=cells.index, name="adjusted Rand")


def consensus(cells: pd.DataFrame) -> np.ndarray:
    """Share of the cells that put two customers together, of those that keep both, if any; shape (n, n)."""
    rows = cells.to_numpy()
    kept = (rows >= 0).astype(float)
    members = ((rows == segment).astype(float) for segment in range(rows.max() + 1))
    with np.errstate(invalid="ignore"):
        return sum(each.T @ each for each in members) / (kept.T @ kept)


def firmness(served: np.ndarray, cells: pd.DataFrame) -> pd.Series:
    """Share of analyses that put a customer into its served segment, by ``customer``.

    Counted are the cells with as many segments as are served that keep the customer and somebody of each
    served segment, each with its segments matched to those (Hungarian method); NaN if there is none.
    """
    k = len(np.unique(served))
    agreeing, counted = np.zeros(len(served)), np.zeros(len(served))
    for row in cells.xs(k, level="k").to_numpy():
        kept = row >= 0
        if len(np.unique(served[kept])) == len(np.unique(row[kept])) == k:
            counted += kept
            agreeing[kept] += match_segments(served[kept], row[kept]) == served[kept]
    with np.errstate(invalid="ignore"):
        return pd.Series(agreeing / counted, index=cells.columns, name="share of analyses")


def usual_recipe(amounts: np.ndarray, k: int = 2) -> tuple[np.ndarray, float, float]:
    """Segment as most public notebooks on these data do: their partition and silhouette, and the full one.

    Logarithms, not standardized; without the customers beyond Tukey's fences (1.5 interquartile ranges) in
    more than one category; the first two principal components; K-Means. The first silhouette is taken in the
    plane of the components, as they do, the second in all logarithms.
    """
    logs = np.log(amounts)
    low, high = np.quantile(logs, [0.25, 0.75], axis=0)
    beyond = (logs < low - 1.5 * (high - low)) | (logs > high + 1.5 * (high - low))
    kept = beyond.sum(axis=1) < 2
    plane = PCA(2, random_state=SEED).fit_transform(logs[kept])
    labels = np.full(len(amounts), -1)
    labels[kept] = fit_kmeans(plane, k, n_init=FEW_STARTS).labels_
    silhouettes = [silhouette_score(space, labels[kept]) for space in (plane, logs[kept])]
    return labels, float(silhouettes[0]), float(silhouettes[1])
