import pytest

from wholesale import data
from wholesale.columns import CHANNELS, REGIONS, SPEND_COLUMNS
from wholesale.data import DataError, load_customers


def test_the_shipped_table_is_440_by_8_numbered_from_1(customers):
    assert customers.shape == (440, 8)
    assert list(customers.columns) == ["Channel", "Region", *SPEND_COLUMNS]
    assert (customers.index[0], customers.index[-1], customers.index.name) == (1, 440, "customer")
    assert customers.loc[1].tolist() == [2, 3, 12669, 9656, 7561, 214, 2674, 1338]
    assert set(customers["Channel"]) == set(CHANNELS)
    assert set(customers["Region"]) == set(REGIONS)


def _put(value):
    def change(table):
        table = table.astype(object)
        table.loc[3, "Milk"] = value
        return table

    return change


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_put(-5), "mine.csv: row 3, Milk: -5 is not a whole amount ≥ 0"),
        (_put("abc"), "mine.csv: row 3, Milk: abc is not a whole amount ≥ 0"),
        (_put(None), "mine.csv: row 3, Milk: nan is not a whole amount ≥ 0"),
        (_put("inf"), "mine.csv: row 3, Milk: inf is not a whole amount ≥ 0"),
        (_put(10**23), "mine.csv: row 3, Milk: 100000000000000000000000 is not a whole amount ≥ 0"),
        (_put("1e30"), "mine.csv: row 3, Milk: 1e+30 is not a whole amount ≥ 0"),
        (_put("x" * 500), "mine.csv: row 3, Milk: " + "x" * 39 + "… is not a whole amount ≥ 0"),
        (_put(1.5), "mine.csv: row 3, Milk: 1.5 is not a whole amount ≥ 0"),
        (lambda t: t.assign(Channel=[3] + [1] * 439), "row 1, Channel: 3 is not 1 (Horeca) or 2 (Retail)"),
        (lambda t: t.assign(Region=4), "row 1, Region: 4 is not 1 (Lisbon), 2 (Oporto) or 3 (other)"),
        (lambda t: t.drop(columns="Milk"), "the columns must be Channel, Region, Fresh, Milk"),
        (lambda t: t[t.columns[::-1]], "in that order"),
        (lambda t: t.iloc[:0], "mine.csv has no rows"),
    ],
)
def test_a_bad_table_is_refused_in_one_sentence(customers, tmp_path, change, sentence):
    file = tmp_path / "mine.csv"
    change(customers).to_csv(file, index=False)
    with pytest.raises(DataError) as refusal:
        load_customers(file)
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(("content", "sentence"), [(b"", "not a CSV"), (b"\xff\xfe\x00\x01", "not a CSV")])
def test_a_file_that_is_no_table_is_refused(tmp_path, content, sentence):
    file = tmp_path / "mine.csv"
    file.write_bytes(content)
    with pytest.raises(DataError, match=sentence):
        load_customers(file)


def test_a_folder_and_rows_longer_than_the_header_are_refused(customers, tmp_path):
    with pytest.raises(DataError, match=r"cannot be read \(Is a directory\)"):
        load_customers(tmp_path)
    file = tmp_path / "mine.csv"
    lines = customers.head(12).to_csv(index=False).splitlines()
    file.write_text("\n".join([lines[0], *(f"{line},9" for line in lines[1:])]))
    with pytest.raises(DataError, match=r"mine\.csv: the rows have more fields than the header"):
        load_customers(file)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"^none\.csv is not there$"):
        load_customers(tmp_path / "none.csv")


def test_a_good_table_of_another_size_is_accepted_elsewhere(customers, tmp_path):
    customers.head(20).to_csv(tmp_path / "mine.csv", index=False)
    assert load_customers(tmp_path / "mine.csv").equals(customers.head(20))


def test_an_altered_shipped_file_is_refused(tmp_path, monkeypatch):
    altered = tmp_path / "wholesale_customers.csv"
    altered.write_bytes(data.SHIPPED.read_bytes().replace(b"12669", b"12668"))
    monkeypatch.setattr(data, "SHIPPED", altered)
    with pytest.raises(DataError, match="differs from its recorded sha256"):
        load_customers()
