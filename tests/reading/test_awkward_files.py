import gzip
import pickle
import tomllib
from pathlib import Path

import pytest
from made_files import HEADER, csv_text, written

from wholesale.columns import SPEND_COLUMNS
from wholesale.reading import ReadError, Settings, open_customers

ONE = [1, 2, 3, 4, 5, 6]
PLACES = {"{six}": HEADER, "{not}": "is not an amount ≥ 0", "{late}": "1,2,3,4,5,6\n" * 99_999}
AWKWARD = tomllib.loads(Path(__file__).with_name("awkward_files.toml").read_text())


def filled(text: str) -> str:
    for place, content in PLACES.items():
        text = text.replace(place, content)
    return text


def content_of(case: dict) -> bytes:
    content = filled(case["text"]).encode(case.get("encoding", "utf-8"))
    return gzip.compress(content) if case.get("gzip") else content


def read(path, settings=None):
    *tables, notes = open_customers(path, settings).read()
    return notes, *tables


@pytest.mark.parametrize("file", AWKWARD["file"], ids=lambda file: file["name"])
def test_an_awkward_file_is_understood_row_by_row(file, tmp_path):
    path = written(tmp_path, "customers.csv.gz" if file.get("gzip") else "customers.csv", content_of(file))
    notes, accepted, rejected = read(path, Settings(**file.get("settings", {})))
    six = [accepted[column].to_pylist() for column in SPEND_COLUMNS]
    rows = dict(zip(accepted.column(0).to_pylist(), map(list, zip(*six, strict=True)), strict=True))
    late = {line: ONE for line in range(3, 100_002) if "{late}" in file["text"]}
    expected = {int(line): row for line, row in file.get("accepted", {"2": ONE}).items()}
    assert rows == late | expected and "-0.0" not in str(rows)
    reasons = dict(zip(map(str, rejected["line"].to_pylist()), rejected["reason"].to_pylist(), strict=True))
    assert reasons == {line: filled(reason) for line, reason in file.get("rejected", {}).items()}
    assert notes == file.get("notes", [])
    others = {name: accepted[name].to_pylist() for name in accepted.column_names[1:]}
    assert others == dict(zip(SPEND_COLUMNS, six, strict=True)) | file.get("others", {})


SUGGESTION = "say, for example, "
REFUSED = {case["name"]: (content_of(case), case.get("sentence", "")) for case in AWKWARD["refused"]} | {
    "binary": (bytes(range(256)) * 100, "it is not a table of text"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(100), "it is not a table of text"),
    "binary without an end of line": (b"\xff" * 200_000, "its first line is too long to be a header"),
    "half of UTF-16": (HEADER.encode("utf-16") + b"\n\0\x00\xd8\n\0", "it begins as UTF-16 does, but is not"),
    "an unclosed quote before much text": (
        csv_text("1,2,3,4,5,6,x", f'1,2,3,4,5,6,"{"y" * 140_000}', header=f"{HEADER},a"),
        "line 3: a field of more than 131,072 characters; is a quote not closed?",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_in_one_sentence(name, tmp_path):
    content, sentence = REFUSED[name]
    with pytest.raises(ReadError) as refusal:
        read(written(tmp_path, "mine.csv", content))
    assert "\n" not in str(refusal.value) and str(refusal.value).startswith("mine.csv: ")
    assert not sentence or str(refusal.value) == f"mine.csv: {sentence}"


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"Wine": "x"}, "Wine is not a category: choose from " + ", ".join(SPEND_COLUMNS)),
        ({"Fresh": "Milk"}, "Milk cannot be both Fresh and Milk; each --column must name another one"),
        (
            {"Fresh": "frsh"},
            "frsh is not in the file; no column for Fresh (nearest: fresh 2);"
            f" {SUGGESTION}--column Fresh='fresh 2'",
        ),
    ],
)
def test_a_mapping_that_cannot_be_is_refused(columns, sentence, tmp_path):
    path = written(tmp_path, "mine.csv", csv_text("1,2,3,4,5,6,7", header=f"{HEADER},fresh 2"))
    with pytest.raises(ReadError) as refusal:
        read(path, Settings(columns))
    assert str(refusal.value) == f"mine.csv: {sentence}"


@pytest.mark.parametrize("name", ["one column missing", "two candidates", "binary", "header only"])
def test_a_refusal_has_the_header_if_only_its_names_are_at_fault(name, tmp_path):
    content, _ = REFUSED[name]
    with pytest.raises(ReadError) as refusal:
        read(written(tmp_path, "mine.csv", content))
    names = tuple(content.decode().strip().split(",")) if "column" in name or "candidates" in name else ()
    assert pickle.loads(pickle.dumps(refusal.value)).header == refusal.value.header == names


def test_what_cannot_be_opened_is_refused(tmp_path, monkeypatch):
    for name in ("none.csv", "none.parquet", "none.xlsx"):
        with pytest.raises(ReadError, match=rf"^{name} is not there$"):
            open_customers(tmp_path / name)
    with pytest.raises(ReadError, match=r"cannot be read \(Is a directory\)$"):
        open_customers(tmp_path)
    path = written(tmp_path, "mine.csv", csv_text("1,2,3,4,5,6"))
    path.chmod(0)
    monkeypatch.setattr(type(path), "open", _denied)  # root may read everything
    with pytest.raises(ReadError, match=r"^mine.csv cannot be read \(Permission denied\)$"):
        open_customers(path)


def _denied(*_args):
    raise PermissionError(13, "Permission denied")


@pytest.mark.parametrize("name", ["not.csv.gz", "cut.csv.gz"])
def test_a_compressed_file_that_is_none_or_cut_is_refused(name, tmp_path):
    rows = csv_text(*(f"{i},2,3,4,5,6" for i in range(200_000)))
    content = rows if name.startswith("not") else gzip.compress(rows)[:-1000]
    with pytest.raises(ReadError, match=rf"^{name}(: it)? cannot be read"):
        read(written(tmp_path, name, content))


def amounts_of(column_texts: list[str], tmp_path, told: str | None = None) -> tuple[list, dict, list]:
    """Read a table with these amounts for Fresh: what is accepted of them, reasons by line, notes."""
    rows = [f"{text};2;3;4;5;{i}" for i, text in enumerate(column_texts)]
    path = written(tmp_path, "in.csv", csv_text(*rows, header=HEADER.replace(",", ";")))
    notes, accepted, rejected = read(path, Settings(decimal=told))
    reasons = dict(zip(rejected["line"].to_pylist(), rejected["reason"].to_pylist(), strict=True))
    return accepted["Fresh"].to_pylist(), reasons, notes


GROUPED_POINT = (
    "12.669 is read as 12669, its point as a mark of thousands; if it is a decimal, say --decimal point."
)
GROUPED_COMMA = (
    "12,669 is read as 12669, its comma as a mark of thousands; if it is a decimal, say --decimal comma."
)
ODD = [
    ("0.5", ".", "Fresh: 0.5 has a decimal point, but the file a decimal comma"),
    ("1234.", ".", "Fresh: 1234. has a decimal point, but the file a decimal comma"),
    ("9,656.50", ".", "Fresh: 9,656.50 has a decimal point, but the file a decimal comma"),
    ("12,669", ".", "Fresh: 12,669 could be 12669 or 12.669"),
    ("1234,", ",", "Fresh: 1234, has a decimal comma, but the file a decimal point"),
    ("€ 0,5", ",", "Fresh: € 0,5 has a decimal comma, but the file a decimal point"),
    ("12.669", ",", "Fresh: 12.669 could be 12669 or 12.669"),
]


@pytest.mark.parametrize(("odd", "mark", "reason"), ODD, ids=[odd for odd, _, _ in ODD])
@pytest.mark.parametrize("place", [0, 150, 300])
def test_one_odd_amount_among_thousands_is_rejected_and_said(odd, mark, reason, place, tmp_path):
    texts = [f"12{mark}669"] * 300
    texts.insert(place, odd)
    amounts, reasons, notes = amounts_of(texts, tmp_path)
    assert amounts == [12669] * 300
    assert reasons == {place + 2: reason}
    grouped = GROUPED_POINT if mark == "." else GROUPED_COMMA
    assert len(notes) == 2 and notes[1].split(" is read")[1] == grouped.split(" is read")[1]
    assert notes[0].startswith("Rejected: 1 amount ") and "--decimal" in notes[0]


@pytest.mark.parametrize(
    ("texts", "amounts"),
    [
        (["12.669"] * 190 + ["0.5"] * 10, [12.669] * 190 + [0.5] * 10),
        (["12,669"] * 190 + ["1234,"] * 10, [12.669] * 190 + [1234] * 10),
        (["12.669"] * 190 + ["1,5"] * 2, [12669] * 190 + [1.5] * 2),
        ([f"{i}.{i + 100}" for i in range(1, 181)] + [f"0.{i}" for i in range(120, 140)], None),
    ],
    ids=["5% with a point", "5% with a comma", "what agrees needs no share", "three decimals"],
)
def test_enough_amounts_that_settle_the_sign_decide_for_all(texts, amounts, tmp_path):
    found, reasons, _ = amounts_of(texts, tmp_path)
    assert found == (amounts or [float(text) for text in texts]) and not reasons


@pytest.mark.parametrize(
    ("texts", "counts"),
    [
        (["12.669"] * 99 + ["0.5"], "1 amount can only have a point, 0 only a comma, and 99 such as 12.669"),
        (["12,669"] * 96 + ["1234,"] * 4, "0 amounts can only have a point, 4 only a comma, and 96 such as"),
        (["12.669", "12,669"], "0 amounts can only have a point, 0 only a comma, and 2 such as 12.669"),
        (
            ["12.5"] * 90 + ["12.669", "12,669"] * 5,
            "90 amounts can only have a point, 0 only a comma, and 10",
        ),
        (
            ["1.5"] * 9 + ["1,5"] * 9 + ["12.669"],
            "9 amounts can only have a point, 9 only a comma, and 1 such",
        ),
    ],
    ids=["1%", "4%", "both marks", "both marks, though the sign is settled", "both signs"],
)
def test_what_contradicts_itself_is_refused_with_the_way_out(texts, counts, tmp_path):
    with pytest.raises(ReadError) as refusal:
        amounts_of(texts, tmp_path)
    assert str(refusal.value).startswith(f"in.csv: its decimal sign is not clear: {counts}")
    assert str(refusal.value).endswith(" could be either; say --decimal point or --decimal comma")
    for told, sign in (("point", "."), ("comma", ",")):
        amounts, reasons, notes = amounts_of(texts, tmp_path, told)
        other = {".": ",", ",": "."}[sign]
        fits = [text.replace(other, "").replace(sign, ".") for text in texts if not odd(text, other)]
        assert amounts == [float(text) for text in fits]
        assert len(reasons) == len(texts) - len(fits)
        assert bool(notes) == bool(reasons or {"12.669", "12,669"} <= set(texts))


def odd(text: str, sign: str) -> bool:
    """Say whether a text makes sense with this decimal sign only."""
    return (sign in text and len(text.partition(sign)[2]) != 3) or text.startswith(f"0{sign}")


def test_few_unclear_amounts_are_rejected_though_the_sign_is_settled(tmp_path):
    for few, many in (("12.669", "12,669"), ("12,669", "12.669")):
        amounts, reasons, notes = amounts_of(["12.5"] * 100 + [many] * 100 + [few], tmp_path)
        assert amounts == [12.5] * 100 + [12669 if "," in many else 12.669] * 100
        assert reasons == {202: f"Fresh: {few} could be 12669 or 12.669"}
        assert any("to have all of them read, say --decimal point" in note for note in notes)
