"""Segments: numbered 1…k, matched between models, named from their own profiles."""

from collections.abc import Hashable, Mapping, Sequence
from itertools import permutations

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from sklearn.base import BaseEstimator
from sklearn.metrics.cluster import contingency_matrix

from wholesale.columns import NOTABLE, WHOLESALE, Categories
from wholesale.preprocessing import log_standardizer
from wholesale.wording import lacking


def size_order(labels: np.ndarray) -> np.ndarray:
    """Return the raw labels by decreasing size, ties by their first row: no fit's raw numbers matter."""
    raw, first, sizes = np.unique(labels, return_index=True, return_counts=True)
    return raw[np.lexsort((first, -sizes))]


def match_order(reference: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Order raw labels as the segments they match; of equal pairings by the one with most in common."""
    both, jaccard = contingency_matrix(reference, labels), overlap(labels, reference)
    if both.shape[0] != both.shape[1]:
        raise ValueError(f"cannot match {both.shape[1]} segments to {both.shape[0]}")
    ties = jaccard / (len(both) + 1)  # together less than one customer
    return np.unique(labels)[linear_sum_assignment(-both - ties)[1]]


def match_segments(reference: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Renumber `labels` (n_customers,) so that they share as many customers as possible with `reference`.

    Each label is replaced by that of its match; a ValueError if there are not as many segments in both. A
    match is not an identity: see `overlap`. Kuhn (1955), The Hungarian method for the assignment problem.
    """
    targets = np.unique(reference)
    order = match_order(reference, labels)
    return targets[np.argsort(order)[np.searchsorted(np.sort(order), labels)]]


def overlap(reference: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Jaccard index (0…1) of every segment of `labels` (rows) with every reference segment."""
    both = contingency_matrix(labels, reference)
    either = both.sum(axis=1, keepdims=True) + both.sum(axis=0, keepdims=True) - both
    return both / either


def renumber(model: BaseEstimator, order: np.ndarray) -> BaseEstimator:
    """Reorder a fitted model in place, so that its raw label `order[i]` becomes i, segment i + 1."""
    arrays = ["cluster_centers_", "weights_", "means_"]
    if getattr(model, "covariance_type", None) != "tied":  # one covariance serves all components there
        arrays += ["covariances_", "precisions_", "precisions_cholesky_"]
    for name in arrays:
        if hasattr(model, name):
            setattr(model, name, getattr(model, name)[order])
    if hasattr(model, "labels_"):
        model.labels_ = np.argsort(order)[model.labels_].astype(model.labels_.dtype)
    return model


def profile_segments(
    customers: pd.DataFrame, labels: np.ndarray, categories: Categories = WHOLESALE
) -> pd.DataFrame:
    """Describe each segment by its size, its place on each category and what it typically buys.

    Parameters
    ----------
    customers : DataFrame
        With the columns of the categories; others are ignored.

    Returns
    -------
    DataFrame indexed by ``segment``
        Two-level columns: ``customers`` (``size``, ``share`` 0…1), ``standardized`` (means of the
        log-standardized amounts) and ``typical`` (medians), one per category, and the median ``Total``.
    """
    amounts = customers[list(categories.columns)]
    by = pd.Series(np.asarray(labels), index=amounts.index, name="segment")
    X = pd.DataFrame(log_standardizer().fit_transform(amounts), amounts.index, amounts.columns)
    sizes = by.value_counts().sort_index()
    typical = amounts.assign(Total=amounts.sum(axis=1)).groupby(by).median()
    counted = pd.DataFrame({"size": sizes, "share": sizes / len(by)})
    parts = {"customers": counted, "standardized": X.groupby(by).mean(), "typical": typical}
    return pd.concat(parts, axis=1)


def name_segments(profiles: pd.DataFrame, categories: Categories = WHOLESALE) -> dict[Hashable, str]:
    """Name each segment of one model from its own profile (see `profile_segments`); names are unique.

    Categories form groups, of the data set staples (Milk, Grocery, Detergents_Paper), fresh (Fresh, Frozen)
    and deli (Delicassen); one that is in no group is a group of its own. A segment is named after the group
    it buys most above the average customer and, after "few" or "little", the one it buys most below, if its
    mean is 0.25 standard deviations away. All categories so far on one side make "High all round" or "Low
    all round", no group "Average". Equal names keep their first part, then comes the category in which they
    differ most, of those that this part does not name: "more" or "less" than the average customer, too. If
    there is none, they stay equal, and are numbered.
    """
    (names,) = name_models({"": profiles}, {"": profiles.index.to_numpy()}, categories).values()
    return dict(zip(profiles.index, names, strict=True))


def name_models(
    profiles: dict[str, pd.DataFrame], labels: dict[str, np.ndarray], categories: Categories = WHOLESALE
) -> dict[str, list[str]]:
    """Name the segments of several models of the same customers, so that names do not contradict.

    Each is named as by `name_segments`. Where segments of two models share more than half of the customers
    of either and one name says much of a group of which the other says little ("High all round" says much
    of all groups), the one nearer the average leaves that group out. The strongest claims go first.
    """
    groups = categories.by_group
    means = {(model, i): row for model, its in profiles.items() for i, row in its["standardized"].iterrows()}
    members = {(model, i): labels[model] == i for model, i in means}
    alike = [
        (one, other)
        for one, other in permutations(means, 2)
        if max(members[one][members[other]].mean(), members[other][members[one]].mean()) > 0.5
    ]
    claims = {key: _claims(profile, groups) for key, profile in means.items()}
    while reverse := [
        (abs(level), other, group)
        for one, other in alike
        for group, level in claims[one].items()
        if level * claims[other].get(group, 0) < 0
    ]:
        _, weaker, group = max(reverse)  # the other is the strongest claim of all
        means[weaker] = means[weaker].mask(means[weaker].index.isin(groups[group]))
        claims[weaker] = _claims(means[weaker], groups)
    named = {}
    for model, its in profiles.items():
        names = {i: _name(claims[model, i], len(groups)) for i in its.index}
        named[model] = _distinct(names, its["standardized"], categories)
    return named


def _claims(profile: pd.Series, groups: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """Give the level of each group that a name speaks of: of all, or of the highest and the lowest."""
    means = {group: profile[list(columns)].mean() for group, columns in groups.items()}
    if (profile >= NOTABLE).all() or (profile <= -NOTABLE).all():
        return means
    ranked = sorted((level, group) for group, level in means.items() if abs(level) >= NOTABLE)
    ends = [each for each in ranked[-1:] if each[0] > 0] + [each for each in ranked[:1] if each[0] < 0]
    return {group: level for level, group in ends}


def _name(claims: dict[str, float], groups: int) -> str:
    signs = {level > 0 for level in claims.values()}
    if len(claims) == groups and len(signs) == 1:
        return "High all round" if signs == {True} else "Low all round"
    parts = (group if level > 0 else lacking(group) for group, level in claims.items())
    name = ", ".join(parts) or "average"
    return name[0].upper() + name[1:]


def _distinct(names: dict[Hashable, str], standardized: pd.DataFrame, categories: Categories) -> list[str]:
    """Tell equal names apart by the category in which their segments differ most, or by number."""
    distinct, label = list[str](), categories.label
    spoken = {i: label(i) if its[1:] else group for group, its in categories.by_group.items() for i in its}
    for segment, name in names.items():
        rivals = [other for other in names if names[other] == name and other != segment]
        if rivals:
            first = name.split(",")[0]
            unsaid = [each for each in standardized if spoken[each].casefold() not in first.casefold()]
            own = standardized.loc[segment, unsaid]
            gap = own - standardized.loc[rivals, unsaid].mean()
            gap = gap[(gap != 0) & (gap * own >= 0)]
            if len(gap):
                category = gap.abs().idxmax()
                name = f"{first}, {'more' if gap[category] > 0 else 'less'} {label(category)}"
        taken = sum(other == name or other.startswith(f"{name} (") for other in distinct)
        distinct.append(f"{name} ({taken + 1})" if taken else name)
    return distinct
