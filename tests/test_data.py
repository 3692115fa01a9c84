import pytest

from wholesale import data
from wholesale.columns import CHANNELS, REGIONS, SPEND_COLUMNS
from wholesale.data import DataError, load_customers


def test_the_shipped_table_is_440_by_8_numbered_from_1(customers):
    assert customers.shape == (440, 8) and (customers.dtypes == "int64").all()
    assert list(customers.columns) == ["Channel", "Region", *SPEND_COLUMNS]
    assert (customers.index[0], customers.index[-1], customers.index.name) == (1, 440, "customer")
    assert customers.loc[1].tolist() == [2, 3, 12669, 9656, 7561, 214, 2674, 1338]
    assert set(customers["Channel"]) == set(CHANNELS)
    assert set(customers["Region"]) == set(REGIONS)
    assert (customers[list(SPEND_COLUMNS)] >= 0).all(axis=None)


@pytest.mark.parametrize(
    "change", [lambda b: b.replace(b"12669", b"12668"), lambda b: b[:-20], lambda b: b""]
)
def test_an_altered_shipped_file_is_refused(tmp_path, monkeypatch, change):
    altered = tmp_path / "wholesale_customers.csv"
    altered.write_bytes(change(data.SHIPPED.read_bytes()))
    monkeypatch.setattr(data, "SHIPPED", altered)
    with pytest.raises(DataError, match=r"^wholesale_customers\.csv differs from its recorded sha256"):
        load_customers()


def test_a_missing_file_and_a_folder_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "SHIPPED", tmp_path / "none.csv")
    with pytest.raises(DataError, match=r"^none\.csv is not there$"):
        load_customers()
    monkeypatch.setattr(data, "SHIPPED", tmp_path)
    with pytest.raises(DataError, match=r"cannot be read \(Is a directory\)"):
        load_customers()
