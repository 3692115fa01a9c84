import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from wholesale.preprocessing import log_standardizer


def test_it_equals_the_formula_written_out_and_inverts_and_is_unfitted_at_each_call(amounts):
    logs, standardizer = np.log(1 + amounts), log_standardizer().fit(amounts)
    expected = (logs - logs.mean(axis=0)) / logs.std(axis=0, ddof=0)
    np.testing.assert_allclose(standardizer.transform(amounts), expected)
    np.testing.assert_allclose(standardizer.inverse_transform(expected), amounts)
    with pytest.raises(NotFittedError):
        log_standardizer().transform(amounts)
