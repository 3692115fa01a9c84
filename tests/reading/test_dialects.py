"""Any table comes back equal, in whatever dialect it is written."""

import codecs
import csv
import io
from dataclasses import dataclass

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from made_files import NAMES, outcome, written

GROUPS = {".": ["", ",", " ", "'", "\u00a0"], ",": ["", ".", " ", "’", "\u00a0"]}
OTHERS = ("customer", "City name", "note; or, remark", "", "=sum", "line", "zip\tcode")
CLEAR = 0.5
"""Only one decimal sign can be meant."""


@dataclass
class Dialect:
    """How a table is written."""

    encoding: str
    end: str
    delimiter: str
    quoting: int
    decimal: str
    group: str


DIALECTS = st.sampled_from(".,").flatmap(
    lambda decimal: st.builds(
        Dialect,
        st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp1252"]),
        st.sampled_from(["\n", "\r\n", "\r"]),
        st.sampled_from(",;\t|"),
        st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
        st.just(decimal),
        st.sampled_from(GROUPS[decimal]),
    )
)
AMOUNTS = st.one_of(
    st.integers(0, 10**15).map(float),
    st.floats(0, 1e12).map(lambda amount: round(amount, 2)),
    st.floats(min_value=0, allow_infinity=False),
)


@st.composite
def tables(draw, dialect: Dialect) -> dict[str, list]:
    """Draw columns in any order: the six amounts, and texts rich in the characters that matter."""
    # Python's csv writer quotes both ends of line only if both end its records.
    unquoted = "\r\n" if dialect.quoting == csv.QUOTE_MINIMAL and dialect.end != "\r\n" else ""
    codec = "cp1252" if dialect.encoding == "cp1252" else "utf-8"
    special = "".join(sign for sign in "\"',;\t|\r\n =1.é" if sign not in unquoted)
    alphabet = st.characters(codec=codec, exclude_characters=unquoted)
    texts = st.text(st.one_of(st.sampled_from(special), alphabet), max_size=8)
    names = draw(st.lists(st.sampled_from(OTHERS), max_size=2, unique=True))
    length = draw(st.integers(1, 4))
    return {
        name: draw(st.lists(AMOUNTS if name in NAMES else texts, min_size=length, max_size=length))
        for name in draw(st.permutations([*NAMES, *names]))
    }


def as_text(amount: float, dialect: Dialect) -> str:
    """Write an amount, its thousands grouped."""
    whole_part, point, rest = repr(amount).partition(".")
    if "e" not in whole_part and "e" not in rest:
        whole_part = f"{int(whole_part):,}".replace(",", dialect.group)
    return whole_part + point.replace(".", dialect.decimal) + rest


def as_csv(dialect: Dialect, table: dict[str, list]) -> bytes:
    text = io.StringIO(newline="")
    about = {"delimiter": dialect.delimiter, "quoting": dialect.quoting, "lineterminator": dialect.end}
    rows = zip(*table.values(), strict=True)
    texts = ([as_text(cell, dialect) if isinstance(cell, float) else cell for cell in row] for row in rows)
    csv.writer(text, **about).writerows([table, *texts])
    mark = codecs.BOM_UTF16_BE if dialect.encoding == "utf-16-be" else b""
    return mark + text.getvalue().encode(dialect.encoding)


def is_utf8(content: bytes) -> bool:
    return content.decode(errors="ignore").encode() == content


@settings(max_examples=120)
@given(data=st.data(), dialect=DIALECTS, told=st.booleans())
def test_any_table_in_any_dialect_comes_back_equal(data, dialect, told, tmp_path_factory):
    table = data.draw(tables(dialect))
    if not told:
        table["Milk"][-1] = CLEAR
    content = as_csv(dialect, table)
    assume(dialect.encoding != "cp1252" or not is_utf8(content) or content.isascii())
    path = written(tmp_path_factory.getbasetemp(), "dialect.csv", content)
    found = outcome(path, decimal={".": "point", ",": "comma"}[dialect.decimal] if told else None)
    assert len(found.rejected) == 0
    assert found.accepted.column_names[1:] == list(table)
    columns = (column.to_pylist() for column in found.accepted.columns[1:])
    assert dict(zip(table, columns, strict=True)) == table
