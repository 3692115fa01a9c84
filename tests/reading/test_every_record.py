"""Each record that Python's csv module finds is accepted or rejected, wherever the file is cut."""

import csv
import io
import math

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from made_files import HEADER, Outcome, by_hand, cells, csv_text, outcome, written

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


def said(file: CustomerFile, size: int) -> Outcome | str:
    try:
        return outcome(file, size)
    except ReadError as refusal:
        return str(refusal)


@settings(max_examples=150)
@given(body=TEXTS, end=st.sampled_from(["\n", "\r\n", "\r"]), size=st.integers(1, 40))
@example(body="1.511,2,3,4,5,6,x\n", end="\n", size=1)  # clear, as the decimal sign is told
@example(body='1,2,3,4,5,6,"x\r', end="\n", size=1)
@example(body="1,2,3,4,5,6,x\r\r\n\n\r1,2,3,4,5,6,x", end="\r", size=1)
@example(body=",1,2,3,4,5,6,x\n", end="\n", size=1)
@example(body='"1","2",3,4,5,6,"x"y\n"a""b",2,3,4,5,6,x\n', end="\r\n", size=5)
def test_each_record_of_the_csv_module_is_accepted_or_rejected_on_its_line(body, end, size, tmp_path_factory):
    text = f"{HEADER},note{end}{body}"
    path = written(tmp_path_factory.getbasetemp(), "records.csv", text)
    file = open_customers(path, Settings(decimal="point"))
    assume(len(file.dialect.names) == WIDTH)  # else the first field of all records is read as the row's name
    assume(records := by_the_csv_module(text))
    found, cut = outcome(file), outcome(file, size)
    assert cut == found
    assert sorted([*found.amounts, *found.reasons]) == list(records)
    for line, *amounts, note in cells(found.accepted):
        assert [note] == (records[line][WIDTH - 1 :] or [""])[:1]
        assert amounts == [by_hand(value) for value in records[line][: WIDTH - 1]]
        assert not "".join(records[line][WIDTH:]).strip()
    for line, _, _, reason, record in cells(found.rejected):
        fields = next(csv.reader(io.StringIO(record, newline="")))
        assert fields == records[line] or fields == (records[line] + [""])[:WIDTH]
        faulty = any(math.isnan(by_hand(value)) for value in records[line][: WIDTH - 1])
        assert ", but the header has 7" in reason or faulty


BODIES = [
    "1,2,3,4,5,6,x\n",
    '"1,5",2,3,4,5,6,é\n',
    "1.5,2,3,4,5,6,x\n",
    '1.234,"1,234",1,1,1,1,y\n',
    "1,2,3,1.234,5,6,y\n",
    '1,2,3,4,"5,678",6,y\n',
]


@settings(max_examples=50)
@given(
    bodies=st.lists(st.sampled_from(BODIES)),
    size=st.integers(1, 200),
    encoding=st.sampled_from(["utf-8", "cp1252"]),
)
@example(bodies=[BODIES[4], *BODIES[1:3]], size=1, encoding="utf-8")
def test_the_decisions_do_not_depend_on_where_the_file_is_cut(bodies, size, encoding, tmp_path_factory):
    content = f"{HEADER},note\n{''.join(bodies)}".encode(encoding)
    file = open_customers(written(tmp_path_factory.getbasetemp(), "cut.csv", content))
    assert said(file, 1 << 20) == said(file, size)


@settings(max_examples=80)
@given(
    st.one_of(st.binary(max_size=300), TEXTS.map(str.encode), TEXTS.map(lambda text: text.encode("utf-16")))
)
def test_any_bytes_at_all_are_read_or_refused_in_one_sentence(tmp_path_factory, content):
    for beginning in (b"", HEADER.encode() + b"\n"):
        path = written(tmp_path_factory.getbasetemp(), "any.csv", beginning + content)
        try:
            open_customers(path).read()
        except ReadError as refusal:
            assert str(refusal).startswith("any.csv: ") and str(refusal).isprintable()


def test_a_field_the_csv_module_would_refuse_is_refused_wherever_it_stands(tmp_path):
    refusal = "long.csv: line 2: a field of more than 131,072 characters; is a quote not closed?"
    for quote in ("", '"'):
        for letter, count in (("é", 70_000), ("x", 131_072), ("x", 131_073)):
            for note in ("x", 'a "quote" within', '"not closed'):
                long = f"1,2,3,4,5,6,{quote}{letter * count}{quote}"
                content = csv_text(long, f"1,2,3,4,5,6,{note}", header=f"{HEADER},note")
                file = open_customers(written(tmp_path, "long.csv", content))
                for size in (1 << 20, 1 << 16, 60_000):
                    found = said(file, size)
                    assert found == refusal if count > 131_072 else len(found.amounts) == 2
