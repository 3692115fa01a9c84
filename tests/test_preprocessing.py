import numpy as np
import pytest

from wholesale.preprocessing import log_standardizer


def test_columns_come_out_with_mean_0_and_population_deviation_1(amounts):
    X = log_standardizer().fit_transform(amounts)
    np.testing.assert_allclose(X.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(X.std(axis=0, ddof=0), 1)


def test_it_equals_the_formula_written_out(amounts):
    logs = np.log(1 + amounts)
    expected = (logs - logs.mean(axis=0)) / logs.std(axis=0)
    np.testing.assert_allclose(log_standardizer().fit_transform(amounts), expected)


def test_it_inverts(amounts):
    standardizer = log_standardizer().fit(amounts)
    np.testing.assert_allclose(standardizer.inverse_transform(standardizer.transform(amounts)), amounts)


def test_each_call_returns_an_unfitted_pipeline(amounts):
    from sklearn.exceptions import NotFittedError

    log_standardizer().fit(amounts)
    with pytest.raises(NotFittedError):
        log_standardizer().transform(amounts)
