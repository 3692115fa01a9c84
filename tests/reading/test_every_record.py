import csv
import io
import math

import pyarrow as pa
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from made_files import HEADER, by_hand, written

from wholesale.reading import CustomerFile, ReadError, Settings, open_customers

WIDTH = 7
GOOD = [
    "1,2,3,4,5,6\n",
    '1,2,3,4,5,6,"x\ny"\r\n',
    "1,2,3,4,5,6.5,x\n",
    '1,2,3,4,5,6,5" p\n',
    "1,2,3,4,5,6,\ufeff\n",
]
BAD = ["1,2,3,4,5,-6,x\n", "1,2,3,4,5,6,x,,\n", "1,2,3\n", '""\n', " \n", ",,,,,,\n", "1,2,3,4,5,6,x,y\n"]
SIGNS = [*'",\n\r\0 1é\ufeff\x1c-', '""', ",", "\r\n", "1.5", "\x85\u2028"]
TEXTS = st.lists(
    st.one_of(st.sampled_from(SIGNS), st.sampled_from(GOOD), st.sampled_from(BAD), st.text(max_size=3)),
    max_size=16,
).map("".join)


def by_the_csv_module(text: str) -> dict[int, list[str]]:
    """Give the records after the header by the line they start on; empty lines are none."""
    reader = csv.reader(io.StringIO(text, newline=""))
    records, line = {}, 1
    for fields in reader:
        if fields:
            records[line] = fields
        line = reader.line_num + 1
    return dict(list(records.items())[1:])


def read_in(file: CustomerFile, size: int) -> tuple[list[tuple], list[tuple]]:
    """Read a file cut into blocks of some size, and judge it: accepted and rejected rows."""
    accepted, rejected, _ = file.read(size)
    return rows(accepted), rows(rejected)


def rows(table: pa.Table) -> list[tuple]:
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


@settings(max_examples=150)
@given(body=TEXTS, end=st.sampled_from(["\n", "\r\n", "\r"]), size=st.integers(1, 40))
@example(body="1.511,2,3,4,5,6,x\n", end="\n", size=1)  # clear, as the decimal sign is told
@example(body='1,2,3,4,5,6,"x\r', end="\n", size=1)
@example(body="1,2,3,4,5,6,x\r\r\n\n\r1,2,3,4,5,6,x", end="\r", size=1)
@example(body=",1,2,3,4,5,6,x\n", end="\n", size=1)
@example(body='"1","2",3,4,5,6,"x"y\n"a""b",2,3,4,5,6,x\n', end="\r\n", size=5)
def test_each_record_of_the_csv_module_is_accepted_or_rejected_on_its_line(body, end, size, tmp_path_factory):
    text = f"{HEADER},note{end}{body}"
    path = written(tmp_path_factory.getbasetemp(), "records.csv", text.encode())
    file = open_customers(path, Settings(decimal="point"))
    assume(len(file.dialect.names) == WIDTH)  # else the first field of all records is read as the row's name
    assume(records := by_the_csv_module(text))
    accepted, rejected = read_in(file, 1 << 20)
    assert read_in(file, size) == (accepted, rejected)
    assert sorted([row[0] for row in accepted + rejected]) == list(records)
    for line, *amounts, note in accepted:
        assert [note] == (records[line][WIDTH - 1 :] or [""])[:1]
        assert amounts == [by_hand(value) for value in records[line][: WIDTH - 1]]
        assert not "".join(records[line][WIDTH:]).strip()
    for line, _, _, reason, record in rejected:
        fields = next(csv.reader(io.StringIO(record, newline="")))
        assert fields == records[line] or fields == (records[line] + [""])[:WIDTH]
        assert ", but the header has 7" in reason or not all(map(is_amount, records[line][: WIDTH - 1]))


def is_amount(value: str) -> bool:
    return not math.isnan(by_hand(value))


@settings(max_examples=50)
@given(
    bodies=st.lists(
        st.sampled_from(
            [
                "1,2,3,4,5,6,x\n",
                '"1,5",2,3,4,5,6,é\n',
                "1.5,2,3,4,5,6,x\n",
                '1.234,"1,234",1,1,1,1,y\n',
                "1,2,3,1.234,5,6,y\n",
                '1,2,3,4,"5,678",6,y\n',
            ]
        )
    ),
    size=st.integers(1, 200),
    encoding=st.sampled_from(["utf-8", "cp1252"]),
)
@example(bodies=["1,2,3,1.234,5,6,y\n", '"1,5",2,3,4,5,6,é\n', "1.5,2,3,4,5,6,x\n"], size=1, encoding="utf-8")
def test_the_decisions_do_not_depend_on_where_the_file_is_cut(bodies, size, encoding, tmp_path_factory):
    content = f"{HEADER},note\n{''.join(bodies)}".encode(encoding)
    file = open_customers(written(tmp_path_factory.getbasetemp(), "cut.csv", content))
    at_once, in_pieces = (outcome_in(file, each) for each in (1 << 20, size))
    assert at_once == in_pieces


def outcome_in(file: CustomerFile, size: int) -> tuple | str:
    try:
        accepted, rejected, notes = file.read(size)
        return notes, (rows(accepted), rows(rejected))
    except ReadError as refusal:
        return str(refusal)


@settings(max_examples=80)
@given(
    st.one_of(st.binary(max_size=300), TEXTS.map(str.encode), TEXTS.map(lambda text: text.encode("utf-16")))
)
def test_any_bytes_at_all_are_read_or_refused_in_one_sentence(tmp_path_factory, content):
    for beginning in (b"", HEADER.encode() + b"\n"):
        path = written(tmp_path_factory.getbasetemp(), "any.csv", beginning + content)
        try:
            open_customers(path).read()[:2]
        except ReadError as refusal:
            assert str(refusal).startswith("any.csv: ") and str(refusal).isprintable()


def test_a_field_the_csv_module_would_refuse_is_refused_wherever_it_stands(tmp_path):
    for quote in ("", '"'):
        for letter, count in (("é", 70_000), ("x", 131_072), ("x", 131_073)):
            for note in ("x", 'a "quote" within', '"not closed'):
                row = f"1,2,3,4,5,6,{quote}{letter * count}{quote}\n"
                content = f"{HEADER},note\n{row}1,2,3,4,5,6,{note}\n".encode()
                file = open_customers(written(tmp_path, "long.csv", content))
                outcomes = {outcome(file, size) for size in (1 << 20, 1 << 16, 60_000)}
                refusal = "long.csv: line 2: a field of more than 131,072 characters; is a quote not closed?"
                assert outcomes == {refusal if count > 131_072 else 2}


def outcome(file: CustomerFile, size: int) -> str | int:
    found = outcome_in(file, size)
    return found if isinstance(found, str) else len(found[1][0])
