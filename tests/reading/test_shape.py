"""Records of other widths than the header, files that are packed or misnamed, and blanks that mean zero."""

import tomllib
from pathlib import Path

import pyarrow as pa
import pytest
from made_files import HEADER, cells, csv_text, outcome, parquet, refusal, written, xlsx, zipped

from wholesale.reading import CustomerFile, open_customers, read_block
from wholesale.scoring.cluster import portions

CASES = tomllib.loads(Path(__file__).with_name("uneven_records.toml").read_text())["case"]
ONE, TWO = "12669,9656,7561,214,2674,1338", "7057,9810,9568,1762,3293,1776"
AMOUNTS = {row: list(map(float, row.split(","))) for row in (ONE, TWO)}
LATE = [f"{TWO},x"] * 60_000
"""More records than are looked at, and than a block holds."""


def filled(text: str) -> str:
    return text.replace("{six}", HEADER).replace("{one}", ONE).replace("{two}", TWO)


def expected(result: str | list) -> str | list:
    """Give the reason, or the fields, each six amounts as numbers."""
    if isinstance(result, str):
        return result
    return [each for field in map(filled, result) for each in AMOUNTS.get(field, [field])]


class InPortions(CustomerFile):
    """A file that is read as a cluster's workers do, unless it is told in how large blocks."""

    def blocks(self, size=0, portion=None):
        if size:
            return super().blocks(size)
        read = super().blocks
        return (block for portion, _ in portions(self) for block in read(portion=portion))


def read_in(path, size: int = 0) -> tuple[dict, list]:
    """Give of each record, by its line, its fields or the reason why it is rejected; and the notes."""
    found = outcome(InPortions(**vars(open_customers(path))), size)
    return {line: fields for line, *fields in cells(found.accepted)} | found.reasons, found.notes


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_record_of_another_width_is_read_only_where_nothing_can_have_moved(case, tmp_path, monkeypatch):
    path = written(tmp_path, "a.csv", csv_text(*map(filled, case["rows"]), header=filled(case["header"])))
    right = dict(enumerate(map(expected, case["rows"].values()), start=2))
    monkeypatch.setattr("wholesale.scoring.cluster.PORTION", 60)
    for size in (1 << 20, 1, 40, 0):  # in memory, streamed, and in a cluster's portions
        assert read_in(path, size) == (right, case.get("notes", []))


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_without_commas_between_fields_no_comma_moves_them(delimiter, tmp_path):
    text = f"{HEADER},Region\n{ONE},3,\n{TWO},1,\n".replace(",", delimiter)
    rows = {2: [*AMOUNTS[ONE], "3"], 3: [*AMOUNTS[TWO], "1"]}
    assert read_in(written(tmp_path, "a.csv", text)) == (rows, [])


@pytest.mark.parametrize(
    ("late", "accepted"),
    [
        ([f"{ONE},x,"], len(LATE) + 1),  # a blank too many, and the last column filled
        ([f"{ONE},x,", f"{ONE},"], len(LATE) + 1),  # and not filled
        ([f"{ONE},x,", f"{ONE},x,y"], len(LATE)),  # and something more than a blank
        ([ONE], len(LATE) + 1),  # a blank left out
        ([ONE, f"{TWO},3"], len(LATE) + 1),  # where the column may hold an amount
    ],
)
def test_what_only_a_late_part_of_the_file_shows_holds_for_all_of_it(late, accepted, tmp_path):
    path = written(tmp_path, "a.csv", csv_text(*LATE, *late, header=f"{HEADER},note"))
    first, again = read_in(path, 1 << 20), read_in(path)
    assert first == again
    assert sum(isinstance(its, list) for its in first[0].values()) == accepted


def test_a_field_too_few_among_records_with_a_blank_too_many_is_no_record_without_it(tmp_path):
    rows = [f"{i},{ONE},3," for i in range(1, 1200)]
    path = written(tmp_path, "a.csv", csv_text(*rows, f"{TWO},2,", header=f"id,{HEADER},Region"))
    for size in (1 << 20, 30_000, 1000):
        found, _ = read_in(path, size)
        assert found.pop(1201) == "8 fields, but the header has 8 and records end in 1 more"
        assert {tuple(its[1:]) for its in found.values()} == {(*AMOUNTS[ONE], "3")} and len(found) == 1199


TEXT = f"{HEADER}\n{ONE}\n{TWO}\n"
TABS = TEXT.replace(",", "\t")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.xls", TABS),
        ("a.xlsx", TEXT.encode("utf-8-sig")),
        ("a.xls", TABS.encode("utf-16")),
        ("a.xls", TABS.encode("utf-16-le")),
        ("a.ods", TEXT.replace(",", ";")),
        ("a.zip", zipped({"a": TEXT})),
        ("a.zip", zipped({"in/": "", "in/a": TABS.encode("utf-16"), "__MACOSX/in/._a": "x", "in/.DS": ""})),
        ("a.csv", zipped({"a": TEXT})),
    ],
)
def test_a_file_is_what_it_holds_and_not_what_it_is_called(name, content, tmp_path):
    file = open_customers(written(tmp_path, name, content))
    found = outcome(file)
    assert found.amounts == {2: AMOUNTS[ONE], 3: AMOUNTS[TWO]} and not found.reasons
    ((portion, _),) = portions(file)
    assert sum(len(read_block(file.dialect, block).accepted) for block in file.blocks(portion=portion)) == 2


MANY = TEXT + "".join(f"{i},2,3,4,5,6\n" for i in range(99))


def damaged(place: int, count: int = 1, text: str = MANY) -> bytes:
    """Pack a text, and spoil some bytes of what that gives."""
    content = zipped({"a": text})
    spoilt = bytes(each ^ 1 for each in content[place : place + count])
    return content[:place] + spoilt + content[place + count :]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.xls", "<html><table><tr><td>Fresh</table>", ": it is a web page or XML; open it in a"),
        ("a.xls", bytes(range(256)) * 9, ": it is not a whole Excel file"),
        ("a.xlsx", "", ": it is empty"),
        ("a.zip", zipped({"a": "x", "b": "y"}), ": it is a ZIP of 2 files; unpack it and name one of them"),
        ("a.zip", zipped({}), ": it is not a table of text"),
        ("a.zip", zipped({"in/": ""}), ": it is a ZIP of 0 files; unpack it and name one of them"),
        ("a.zip", zipped({"a": TEXT})[:-9], ": it is a ZIP that is damaged or has a password; unpack it"),
        ("a.zip", zipped({"a": TEXT}).replace(b"\0\0\x08\0", b"\1\0\x08\0"), ": it is a ZIP that is dam"),
        ("a.zip", zipped({"a": xlsx([["Fresh"], [1]])}), ": it is not a table of text"),
        ("a.zip", zipped({"a": TEXT.replace("Milk", "x")}), ": no column for Milk"),
        ("a.zip", damaged(200, 40, TEXT + "1,2,3,4,5,6\n" * 99_999), ": it "),
        *(("a.zip", damaged(place), " cannot be read (") for place in (40, 60, 80)),
        ("a.xlsx", xlsx([["a"]]).replace(b"PK\1\2\x14\3\x14", b"PK\1\2\x14\3\xf3"), " cannot be read (zip"),
    ],
)  # fmt: skip
def test_what_a_name_promises_and_the_file_is_not_is_said(name, content, sentence, tmp_path):
    said = refusal(written(tmp_path, name, content))
    assert said.startswith(f"{name}{sentence}") and said.isprintable()


def test_blanks_mean_zero_in_parquet_and_workbooks_too(tmp_path):
    numbers = {"Fresh": pa.array([1.0, None, float("nan")]), "Milk": pa.array(["1", None, "-"])}
    rows = [HEADER.split(","), [1, 1, *range(4)], [None, "-", *range(4)]]
    for content, count in ((parquet(numbers), 3), (xlsx(rows), 2)):
        found = outcome(written(tmp_path, "a", content), blank="zero")
        amounts = [row[:2] for row in found.amounts.values()]
        assert amounts == [[1, 1], *[[0, 0]] * (count - 1)] and not found.reasons


BLANK = f"{HEADER}\n{ONE}\n,1,-,2,3,4\n–,1,2,3,4,5\n,,,,,\n"
DECIMALS = '1,2,3,4,5,0.5\n,2,3,4,5,"6,5"\n'  # with 0 for the blank it is none either


@pytest.mark.parametrize(
    ("more", "note"),
    [
        ("", "Blanks are why 2 of the rejected 3 are; if a blank means 0, say --blank zero."),
        ("x,1,2,3,4,5\n", None),
        (",x,2,3,4,5\n-,1,2,3,4,5\n", "Blanks are why 3 of the rejected 5 are; if a blank means 0, say"),
        (DECIMALS, "Some amounts have a decimal point and some a decimal comma"),
    ],
)
def test_the_option_for_blanks_is_advised_where_most_rejects_have_only_them_at_fault(more, note, tmp_path):
    notes = outcome(written(tmp_path, "a.csv", BLANK + more)).notes
    assert len(notes) == bool(note) and "".join(notes).startswith(note or "")
