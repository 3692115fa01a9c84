"""What becomes of files that are written in odd ways, and how their decimal sign is decided on."""

import gzip
import pickle
import tomllib
from pathlib import Path

import pytest
from made_files import HEADER, NOT, csv_text, outcome, refusal, written

from wholesale.columns import ANSWERS, SPEND_COLUMNS
from wholesale.reading import ReadError, open_customers
from wholesale.reading.dialect import NAMED

ONE = [1, 2, 3, 4, 5, 6]
SIX = {"{six}": HEADER, "{semi}": HEADER.replace(",", ";"), "{tabs}": HEADER.replace(",", "\t")}
PLACES = {**SIX, "{not}": NOT, "{late}": "1,2,3,4,5,6\n" * 99_999}
AWKWARD = tomllib.loads(Path(__file__).with_name("awkward_files.toml").read_text())


def filled(text: str) -> str:
    for place, content in PLACES.items():
        text = text.replace(place, content)
    return text


def as_table(case: str | list | dict, *names: str) -> dict:
    """Give a case by the names of what is said of it, of which the first may stand alone."""
    case = [case] if isinstance(case, str) else case
    return case if isinstance(case, dict) else dict(zip(names, case, strict=False))


def content_of(case: dict) -> bytes:
    if isinstance(case["text"], bytes):
        return case["text"]
    content = filled(case["text"]).encode(case.get("encoding", "utf-8"))
    return gzip.compress(content) if case.get("gzip") else content


@pytest.mark.parametrize("file", AWKWARD["file"].values(), ids=AWKWARD["file"])
def test_an_awkward_file_is_understood_row_by_row(file, tmp_path):
    file = as_table(file, "text", "accepted")
    path = written(tmp_path, "customers.csv.gz" if file.get("gzip") else "customers.csv", content_of(file))
    found = outcome(path, **file.get("settings", {}))
    late = {line: ONE for line in range(3, 100_002) if "{late}" in file["text"]}
    expected = {int(line): row for line, row in file.get("accepted", {"2": ONE}).items()}
    assert found.amounts == late | expected and "-0.0" not in str(found.amounts)
    reasons = {int(line): filled(reason) for line, reason in file.get("rejected", {}).items()}
    assert found.reasons == reasons and found.notes == file.get("notes", [])
    others = dict(zip(found.accepted.column_names[1:], found.accepted.columns[1:], strict=True))
    others = {name: column.to_pylist() for name, column in others.items() if name not in SPEND_COLUMNS}
    assert others == file.get("others", {})


REFUSED = AWKWARD["refused"] | {
    "binary": (bytes(range(256)) * 100, "it is not a table of text"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(100), "it is not a table of text"),
    "no end of line": (b"\xff" * 200_000, "its first line is too long to be a header"),
    "half UTF-16": (HEADER.encode("utf-16") + b"\n\0\0\xd8\n\0", "it begins as UTF-16 does, but is not"),
    "an unclosed quote before much text": (
        csv_text("1,2,3,4,5,6,x", f'1,2,3,4,5,6,"{"y" * 140_000}', header=f"{HEADER},a"),
        "line 3: a field of more than 131,072 characters; is a quote not closed?",
    ),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_is_refused_in_one_sentence_with_its_header_if_only_names_are_at_fault(
    case, tmp_path
):
    content = content_of(case := as_table(case, "text", "sentence"))
    with pytest.raises(ReadError) as error:
        outcome(written(tmp_path, "mine.csv", content), **case.get("settings", {}))
    assert str(error.value) == f"mine.csv: {filled(case['sentence'])}" and "\n" not in str(error.value)
    header = tuple(content.decode().splitlines()[0].split(",")) if case.get("names") else ()
    assert pickle.loads(pickle.dumps(error.value)).header == error.value.header == header


def test_what_cannot_be_opened_is_refused(tmp_path, monkeypatch):
    for name in ("none.csv", "none.parquet", "none.xlsx"):
        assert refusal(tmp_path / name) == f"{name} is not there"
    assert refusal(tmp_path).endswith("cannot be read (Is a directory)")
    path = written(tmp_path, "mine.csv", csv_text("1,2,3,4,5,6"))
    monkeypatch.setattr(type(path), "open", _denied)  # root may read everything
    with pytest.raises(ReadError, match=r"^mine.csv cannot be read \(Permission denied\)$"):
        open_customers(path)


def _denied(*_args):
    raise PermissionError(13, "Permission denied")


@pytest.mark.parametrize("name", ["not.csv.gz", "cut.csv.gz"])
def test_a_compressed_file_that_is_none_or_cut_is_refused(name, tmp_path):
    rows = csv_text(*(f"{i},2,3,4,5,6" for i in range(200_000)))
    content = rows if name.startswith("not") else gzip.compress(rows)[:-1000]
    said = refusal(written(tmp_path, name, content))
    assert said.startswith((f"{name} cannot be read", f"{name}: it cannot be read"))


def amounts_of(texts: list[str], tmp_path, told: str | None = None) -> tuple[list, dict, list]:
    """Read a table with these amounts for Fresh: what is accepted of them, reasons by line, notes."""
    rows = [f"{text};2;3;4;5;{i}" for i, text in enumerate(texts)]
    path = written(tmp_path, "in.csv", csv_text(*rows, header=HEADER.replace(",", ";")))
    found = outcome(path, decimal=told)
    return [row[0] for row in found.amounts.values()], found.reasons, found.notes


@pytest.mark.parametrize(
    ("odd", "mark", "reason"),
    [
        ("0.5", ".", "has a decimal point, but the file a decimal comma"),
        ("1234.", ".", "has a decimal point, but the file a decimal comma"),
        ("9,656.50", ".", "has a decimal point, but the file a decimal comma"),
        ("12,669", ".", "could be 12669 or 12.669"),
        ("1234,", ",", "has a decimal comma, but the file a decimal point"),
        ("€ 0,5", ",", "has a decimal comma, but the file a decimal point"),
        ("12.669", ",", "could be 12669 or 12.669"),
    ],
)
@pytest.mark.parametrize("place", [0, 150, 300])
def test_one_odd_amount_among_thousands_is_rejected_and_said(odd, mark, reason, place, tmp_path):
    texts = [f"12{mark}669"] * 300
    texts.insert(place, odd)
    amounts, reasons, (first, second) = amounts_of(texts, tmp_path)
    assert (amounts, reasons) == ([12669] * 300, {place + 2: f"Fresh: {odd} {reason}"})
    assert first.startswith("Rejected: 1 amount ") and "--decimal" in first
    assert second == (
        f"12{mark}669 is read as 12669, its {NAMED[mark]} as a mark of thousands; if it is a decimal, say"
        f" --decimal {NAMED[mark]}."
    )


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
        (["12.669"] * 99 + ["0.5"], ("1 amount", 0, 99)),
        (["12,669"] * 96 + ["1234,"] * 4, ("0 amounts", 4, 96)),
        (["12.669", "12,669"], ("0 amounts", 0, 2)),
        (["12.5"] * 90 + ["12.669", "12,669"] * 5, ("90 amounts", 0, 10)),
        (["1.5"] * 9 + ["1,5"] * 9 + ["12.669"], ("9 amounts", 9, 1)),
    ],
    ids=["1%", "4%", "both marks", "both marks, though the sign is settled", "both signs"],
)
def test_what_contradicts_itself_is_refused_with_the_way_out(texts, counts, tmp_path):
    with pytest.raises(ReadError) as error:
        amounts_of(texts, tmp_path)
    example = "12.669" if "12.669" in texts else "12,669"
    assert str(error.value) == (
        "in.csv: its decimal sign is not clear: {} can only have a point, {} only a comma, and {} such as"
        " {} could be either; say --decimal point or --decimal comma"
    ).format(*counts, example)
    for sign, other in (".,", ",."):
        amounts, reasons, notes = amounts_of(texts, tmp_path, NAMED[sign])
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


IMPLIED = (
    "{} is read with a decimal point, as scored files are written; if it marks thousands, say --decimal"
    " comma."
)


@pytest.mark.parametrize(
    ("wines", "told", "amounts", "notes"),
    [
        (["9.493", "15.244", "0.5"], None, [9.493, 15.244, 0.5], [IMPLIED.format("9.493")]),
        (["9.493", "15.244"], None, [9.493, 15.244], [IMPLIED.format("9.493")]),
        (["9.493", "15.244"], "comma", [9493, 15244], []),
        (["9.493", "15.244"], "point", [9.493, 15.244], []),
        (["9.493", "1.25", "0.5"], None, [9.493, 1.25, 0.5], []),
        (["9493", "15244"], None, [9493, 15244], []),
    ],
)
def test_amounts_of_another_column_of_a_scored_file_are_said_where_most_may_be_thousands(
    wines, told, amounts, notes, tmp_path
):
    rows = [f'1,2,3,4,5,6,"{wine}"{"," * len(ANSWERS)}' for wine in wines]
    path = written(tmp_path, "in.csv", csv_text(*rows, header=f"{HEADER},Wine,{','.join(ANSWERS)}"))
    found = outcome(path, decimal=told, columns={"Fresh": "Wine"})
    assert ([row[0] for row in found.amounts.values()], found.notes) == (amounts, notes)
