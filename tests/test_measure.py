"""Familiarity: who is on record is ranked by a mixture that did not see it, wherever it is asked about."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from wholesale.columns import SPEND_COLUMNS
from wholesale.customers import read_file
from wholesale.manifest import SHIPPED
from wholesale.models import cross_validated_log_density, fit_gmm
from wholesale.predict import measure, mixture, predict_segment, predict_segments
from wholesale.preprocessing import log_standardizer
from wholesale.report.study import fit
from wholesale.scoring import score_file


def _shares(densities):
    """Count, of each, those not above it."""
    return (densities[None, :] <= densities[:, None]).mean(axis=1)


@pytest.fixture(scope="module")
def sixty(customers, predictor):
    """Sixty customers and a full mixture of six, which knows everyone, as it saw them."""
    amounts = customers.sample(60, random_state=0)[list(SPEND_COLUMNS)]
    standardizer = log_standardizer().fit(amounts)
    X = standardizer.transform(amounts)
    gmm = fit_gmm(X, 6)
    return replace(
        predictor,
        mean=standardizer["standardize"].mean_,
        scale=standardizer["standardize"].scale_,
        centers=predictor.centers | {"gmm": gmm.means_},
        overlap=predictor.overlap | {"gmm": np.zeros((6, 3))},
        weights=gmm.weights_,
        precisions_cholesky=gmm.precisions_cholesky_,
        densities=cross_validated_log_density(gmm, X),
        amounts=amounts.to_numpy(),
    )


def test_of_sixty_in_six_segments_the_least_familiar_is_the_last_of_sixty(sixty):
    familiarity = measure(sixty, sixty.amounts).familiarity
    assert sorted(familiarity) == [i / 60 for i in range(1, 61)]
    assert (familiarity == _shares(sixty.densities)).all()
    in_sample = mixture(sixty, sixty.standardize(sixty.amounts))[1]
    assert min((sixty.densities <= density).mean() for density in in_sample) == 0.7, "what it was before"


def test_everybody_on_record_is_so_alone_and_among_others_and_in_any_order(
    predictor, amounts, random_amounts
):
    shares = _shares(predictor.densities)
    assert sorted(shares) == [i / 440 for i in range(1, 441)]
    assert [predict_segment(predictor, row).familiarity for row in amounts] == shares.tolist()
    listed = predictor.amounts.tolist()
    assert [predict_segment(predictor, row).familiarity for row in listed] == shares.tolist()
    rng = np.random.default_rng(3)
    for n in (2, 3, 7, 8, 9, 100, 5000):
        i = rng.integers(0, 440, n)
        rows = np.vstack([random_amounts[:n], amounts[i]])
        answers = predict_segments(predictor, np.asfortranarray(rows) if n % 2 else rows)
        assert (answers["familiarity"][-n:] == shares[i]).all()
    assert (predict_segments(predictor, amounts)["unfamiliar"] == (shares < 0.01)).all()


def test_who_is_not_on_record_is_ranked_by_the_mixture(predictor, amounts, random_amounts):
    near = amounts + np.eye(6)[np.arange(440) % 6]
    near = near[~(near[:, None] == amounts).all(axis=2).any(axis=1)]
    for rows in (near, random_amounts):
        density = mixture(predictor, predictor.standardize(rows))[1]
        shares = (predictor.densities <= density[:, None]).mean(axis=1)
        assert (measure(predictor, rows).familiarity == shares).all()


def test_of_several_alike_on_record_the_highest_counts(predictor):
    amounts, densities = predictor.amounts.copy(), predictor.densities.copy()
    amounts[[3, 200, 439]] = amounts[7]
    densities[[3, 200, 439, 7]] = densities.min() - np.array([4, 1, 3, 2])
    twins = replace(predictor, amounts=amounts, densities=densities)
    familiarity = measure(twins, amounts).familiarity
    assert (familiarity[[3, 200, 439, 7]] == 4 / 440).all()
    others = np.setdiff1d(np.arange(440), [3, 200, 439, 7])
    assert (familiarity[others] == _shares(densities)[others]).all()


def test_zero_is_zero_whatever_its_sign(sixty):
    none = np.where(np.arange(6) == 2, 0.0, sixty.amounts)
    with_none = replace(sixty, amounts=none)
    assert (measure(with_none, np.where(none == 0, -0.0, none)).familiarity == _shares(sixty.densities)).all()


def test_the_least_familiar_is_one_of_all_and_a_scored_file_says_the_same(predictor, tmp_path):
    unlike = predictor.amounts[predictor.densities.argmin()]
    assert predict_segment(predictor, unlike).familiarity == 1 / 440
    score_file(SHIPPED, tmp_path / "scored.csv", predictor)
    scored = pd.read_csv(tmp_path / "scored.csv")
    np.testing.assert_allclose(scored["familiarity"], _shares(predictor.densities), rtol=1e-9)
    assert scored["unfamiliar"].sum() == 4


def test_the_report_says_the_same_of_customers_of_one_s_own(customers, tmp_path):
    few = customers.sample(150, random_state=0)[list(SPEND_COLUMNS)]
    few.to_csv(tmp_path / "mine.csv", index=False)
    fitted = fit(read_file(tmp_path / "mine.csv"), 2)
    assert (fitted.answers["familiarity"] == _shares(fitted.bundle.predictor.densities)).all()
