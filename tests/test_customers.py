"""Customers of a file, read to be fitted or reported on."""

import numpy as np
import pandas as pd
import pytest

from wholesale.columns import SPEND_COLUMNS
from wholesale.customers import read_file


@pytest.mark.parametrize(("copies", "said"), [(0, ""), (1, ""), (2, "2 of 32 (6%)"), (30, "30 of 60 (50%)")])
def test_customers_that_may_be_there_twice_are_said(tmp_path, copies, said):
    rows = np.random.default_rng(0).integers(1, 10**5, (30, 6)).tolist()
    rows += rows[:copies]
    pd.DataFrame(rows, columns=list(SPEND_COLUMNS)).to_csv(tmp_path / "in.csv", index=False)
    note = (
        f"Rows that repeat all amounts of an earlier one: {said}; delete them if the customers are the same."
    )
    assert read_file(tmp_path / "in.csv").notes == [note] * bool(said)
