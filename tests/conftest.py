import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings
from servers import running

from wholesale.bundle import Bundle, load_bundle
from wholesale.columns import SPEND_COLUMNS
from wholesale.data import load_customers
from wholesale.models import cross_validated_log_density, fit_gmm
from wholesale.predict import Predictor, load_predictor

settings.register_profile("any load", deadline=None)
settings.load_profile("any load")


def pytest_configure() -> None:
    """Let SIGTERM end a run as Ctrl+C does: fixtures then stop the servers and kernels they started."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background ignores it


@pytest.fixture(scope="session")
def customers() -> pd.DataFrame:
    return load_customers()


@pytest.fixture(scope="session")
def amounts(customers: pd.DataFrame) -> np.ndarray:
    return customers[list(SPEND_COLUMNS)].to_numpy(dtype=float)


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    """The committed models."""
    return load_bundle()


@pytest.fixture(scope="session")
def predictor() -> Predictor:
    return load_predictor()


@pytest.fixture(scope="session")
def X(bundle: Bundle, customers: pd.DataFrame) -> np.ndarray:
    return bundle.standardizer.transform(customers[list(SPEND_COLUMNS)])


@pytest.fixture(scope="module")
def quick_training() -> Iterator[None]:
    """Look for a mixture and judge it less thoroughly, where it does not matter how good it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(fit_gmm.__kwdefaults__, "restarts", 3)
        patch.setitem(cross_validated_log_density.__kwdefaults__, "n_splits", 3)
        yield


@pytest.fixture(scope="session")
def random_amounts() -> np.ndarray:
    """A thousand customers that nobody has seen, zeros and huge amounts among them."""
    rng = np.random.default_rng(7)
    amounts = rng.lognormal(mean=8, sigma=2, size=(1000, 6))
    amounts[rng.random(amounts.shape) < 0.05] = 0
    return np.vstack([amounts, np.zeros((1, 6)), np.full((1, 6), 1e9)])


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder with a shorter name than pytest's."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page and its API as `make app` serves them, from a folder that is not the repository's."""
    with running("wholesale", "serve", folder=tmp_path_factory.mktemp("serve")) as server:
        yield server.address
