"""Log, then standardize: the matrix that every model sees."""

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler


def log_standardizer() -> Pipeline:
    """Return an unfitted pipeline of log1p and :class:`~sklearn.preprocessing.StandardScaler`.

    Returns
    -------
    Pipeline
        Takes amounts ≥ 0 shape (n_customers, d), and returns a float matrix of the same shape
        with mean 0 and population standard deviation 1 in each column. It can be inverted.
    """
    log1p = FunctionTransformer(np.log1p, np.expm1, check_inverse=False, feature_names_out="one-to-one")
    return Pipeline([("log1p", log1p), ("standardize", StandardScaler())])
