import re
import subprocess
import sys
import tempfile
from html import unescape
from pathlib import Path

import numpy as np
import pyarrow.csv as pacsv
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wholesale.app.many import LIMIT, SIGNS, many_tab
from wholesale.app.server import upload
from wholesale.app.server.answers import Refused
from wholesale.app.server.upload import (
    PACKED,
    ROWS,
    RejectedRow,
    Unmatched,
    read_query,
    result,
    score_upload,
)
from wholesale.columns import LABELS, SPEND_COLUMNS
from wholesale.manifest import SHIPPED
from wholesale.palette import segment_colours
from wholesale.predict import Predictor
from wholesale.reading import Settings, read_customers
from wholesale.reading.dialect import SIGNS as READ_SIGNS
from wholesale.scoring import OutputError, score_table
from wholesale.scoring.output import csv_header, to_csv

HEAD = ",".join(("Name", *SPEND_COLUMNS))
GOOD = f"{HEAD}\nA,1,2,3,4,5,6\nB,7,8,9,10,11,12\n"
BROKEN = f"{HEAD}\nA,1,2,3,4,5,6\nB,7,-8,9,x,11,12\nC,1,2\n=D,1,2,3,4,5,6\n"


def sent(folder: Path, content: str | bytes) -> Path:
    path = Path(tempfile.mkdtemp(dir=folder), "customers.csv")
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def scored(predictor: Predictor, folder: Path, content: str | bytes, **query: list[str]) -> upload.Scored:
    return score_upload(predictor, sent(folder, content), read_query(query), lambda *_: None)


def refused(predictor: Predictor, folder: Path, content: str | bytes, **query: list[str]) -> Refused:
    with pytest.raises(Refused) as error:
        scored(predictor, folder, content, **query)
    return error.value


def test_a_file_is_scored_as_score_table_scores_it(predictor, tmp_path):
    answer = scored(predictor, tmp_path, SHIPPED.read_bytes())
    table = score_table(predictor, read_customers(SHIPPED)[0])
    assert answer.scored.read_bytes() == csv_header(table.column_names) + to_csv(table)
    assert answer.names == table.column_names
    assert (answer.summary.accepted, answer.rows) == (440, [])


def test_scored_and_rejected_rows_are_numbered_alike_by_the_lines_of_the_file(predictor, tmp_path):
    content = f'{HEAD}\nA,1,2,3,4,5,6\n\n"B\nb",1,2,3,4,5,6\nC,x,2,3,4,5,6\nD,1,2,3,4,5,6\n'
    answer = scored(predictor, tmp_path, content)
    assert (answer.lines, [row.line for row in answer.rows]) == ([2, 4, 7], [6])
    rows = "A,1,2,3,4,5,6\n" * 100_000
    anew = f"{HEAD}\n{rows}É,1,2,3,4,5,6\n".encode("cp1252")  # it is begun once more
    assert scored(predictor, tmp_path, anew).lines == list(range(2, 100_003))


def test_wards_counts_by_its_rule_are_told_from_those_of_its_tree(predictor, tmp_path):
    answer = scored(predictor, tmp_path, SHIPPED.read_bytes())
    counts = [count for _, count in answer.summary.segments["ward"]]
    assert counts != predictor.sizes["ward"].tolist()
    share = np.mean(
        score_table(predictor, read_customers(SHIPPED)[0])["ward_segment"] == predictor.segments["ward"]
    )
    page = unescape(result(predictor, answer))
    assert f"The two agree for {share:.0%} of these." in page and page.count("Counted by its rule") == 1


def test_rejected_rows_are_listed_with_line_column_value_and_reason_as_they_were(predictor, tmp_path):
    content = GOOD + '"=D",=1,2,3,4,5,6\nE,1,2\nF,1,-8,3,x,5,6\n'
    rows = scored(predictor, tmp_path, content).rows
    assert [(row.line, row.column, row.value) for row in rows] == [
        (4, "Fresh", "=1"),
        (5, "", ""),
        (6, "Milk", "-8"),
    ]
    assert rows[1].reason == "3 fields, but the header has 7"
    assert "Frozen: x" in rows[2].reason


def test_only_the_first_rejected_rows_are_listed_and_the_file_has_all(predictor, tmp_path):
    answer = scored(predictor, tmp_path, GOOD + "C,1,2,3,4,5,no\n" * (ROWS + 7))
    assert len(answer.rows) == ROWS
    assert answer.summary.rejected == ROWS + 7
    assert len(pacsv.read_csv(answer.rejected)) == ROWS + 7
    assert f"of 1\u00a0{(ROWS + 7) % 1000:03}" in unescape(result(predictor, answer))


@pytest.mark.parametrize("mark", PACKED, ids=PACKED.values())
def test_what_may_unpack_to_more_is_refused_unread(predictor, tmp_path, mark):
    (fault,) = refused(predictor, tmp_path, mark + GOOD.encode()).content.errors
    assert PACKED[mark] in fault.reason and "python -m wholesale score" in fault.reason


@pytest.mark.parametrize(
    "content",
    [b"", b"\n\n", HEAD, b"\x89PNG\r\n\x1a\n\0\0\0", b"\0" * 5000, b'"' * 5000, b"\xff\xfeabc"],
    ids=repr,
)
def test_what_cannot_be_read_gets_one_sentence_without_a_file_s_name(predictor, tmp_path, content):
    error = refused(predictor, tmp_path, content)
    assert (error.status, len(error.content.errors)) == (422, 1)
    reason = error.content.errors[0].reason
    assert reason and "\n" not in reason and "customers.csv" not in reason and "--" not in reason


@given(st.binary(max_size=300))
@settings(deadline=None, max_examples=60)
def test_any_bytes_are_scored_or_refused(predictor, tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("any")
    for content_ in (content, GOOD.encode() + content):
        try:
            answer = scored(predictor, folder, content_)
        except Refused as error:
            assert error.status == 422
        else:
            result(predictor, answer)


RENAMED = HEAD.replace("Fresh", "fresh_products").replace("Detergents_Paper", "Soap").replace(",", ";")


def test_unknown_names_are_asked_for_with_the_header_and_the_nearest(predictor, tmp_path):
    error = refused(predictor, tmp_path, f"sep=;\n{RENAMED}\nA;1;2;3;4;5;6\n")
    assert isinstance(error.content, Unmatched)
    assert error.content.header == RENAMED.split(";")
    guess = {column: column for column in SPEND_COLUMNS}
    assert error.content.columns == guess | {"Fresh": "fresh_products", "Detergents_Paper": None}
    reason = error.content.errors[0].reason
    assert reason.startswith("no column for Fresh (nearest: fresh_products)") and "--" not in reason


def test_the_names_that_were_asked_for_lead_to_an_answer(predictor, tmp_path):
    columns = ["Fresh=fresh_products", "Detergents_Paper=Soap"]
    answer = scored(predictor, tmp_path, f"{RENAMED}\nA;1;2;3;4;5;6\n", column=columns)
    assert answer.summary.accepted == 1


def test_a_guess_names_no_column_twice(predictor, tmp_path):
    error = refused(predictor, tmp_path, "Milk,Milk products,a,b,c,d,e\n1,2,3,4,5,6,7\n")
    named = [name for name in error.content.columns.values() if name]
    assert len(named) == len(set(named))
    assert error.content.columns["Milk"] == "Milk"


def test_the_decimal_sign_can_be_told(predictor, tmp_path):
    content = f"{HEAD}\nA,1.234,2,3,4,5,6\n"
    decided = scored(predictor, tmp_path, content)
    assert "choose Point under Decimal sign" in unescape(result(predictor, decided))
    assert "1234," in decided.scored.read_text()
    told = scored(predictor, tmp_path, content, decimal=["point"])
    assert told.summary.notes == [] and "1.234," in told.scored.read_text()


def test_a_note_tells_each_surface_s_own_way_to_decide_otherwise(predictor, tmp_path):
    blanks = scored(predictor, tmp_path, f"{HEAD}\nA,-,2,3,4,5,6\nB,1,2,3,4,5,6\n")
    page = unescape(result(predictor, blanks))
    assert blanks.summary.notes[0].endswith("if a blank means 0, say --blank zero.")
    assert "if a blank means 0, write 0 for them." in page and "--blank" not in page


def test_a_row_of_totals_is_no_customer(predictor, tmp_path):
    answer = scored(predictor, tmp_path, f"{HEAD}\nA,1,2,3,4,5,6\nB,7,8,9,1,2,3\nTotal,8,10,12,5,7,9\n")
    assert answer.summary.accepted == 2
    assert answer.rows == [RejectedRow(4, "", "", "the sum of other rows, not a customer")]


def test_a_decimal_sign_that_is_not_clear_is_refused(predictor, tmp_path):
    error = refused(
        predictor, tmp_path, f"{HEAD}\nA,12.669,2,3,4,5,6\nB,'12,669',2,3,4,5,6\n".replace("'", '"')
    )
    assert error.content.errors[0].reason.startswith(
        "its decimal sign is not clear: 0 amounts can only have a"
    )


def test_the_signs_offered_are_those_that_can_be_told():
    assert set(SIGNS) == {"", *READ_SIGNS}


@pytest.mark.parametrize(
    "query", [{"columns": ["a"]}, {"decimal": ["dot"]}, {"column": ["Fresh"]}, {"column": ["=x"]}], ids=str
)
def test_a_query_that_is_none_is_refused(query):
    with pytest.raises(Refused) as error:
        read_query(query)
    assert error.value.status == 422
    assert error.value.content.errors[0].field == next(iter(query))


def test_a_query_names_columns_and_sign():
    query = {"column": ["Fresh=a=b", "Milk=ü"], "decimal": ["comma"]}
    assert read_query(query) == Settings({"Fresh": "a=b", "Milk": "ü"}, "comma")


def test_work_that_nobody_waits_for_ends(predictor, tmp_path):
    def gone(*_: object) -> None:
        raise KeyError

    with pytest.raises(KeyError):
        score_upload(predictor, sent(tmp_path, GOOD), Settings(), gone)
    assert [path.name for path in tmp_path.rglob("*.*")] == ["customers.csv"]


def test_a_full_disk_is_said(predictor, tmp_path, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OutputError("stopped, and kept nothing: No space left on device")

    monkeypatch.setattr(upload, "score_file", full)
    error = refused(predictor, tmp_path, GOOD)
    assert error.status == 507 and "No space left" in error.content.errors[0].reason


def test_the_answer_says_verdict_counts_segments_drift_and_rejects(predictor, tmp_path):
    answer = scored(predictor, tmp_path, SHIPPED.read_text() + "1,1,x<b>y,1,1,1,1,1\n")
    page = result(predictor, answer)
    text = unescape(re.sub("<[^>]*>", " ", page))
    assert answer.summary.verdict in text
    assert "440 scored" in text and "1 rejected" in text and "x<b>y" in text and "x<b>y" not in page
    for model, counts in answer.summary.segments.items():
        for (name, count), colour in zip(counts, segment_colours(predictor.overlap)[model], strict=True):
            assert f"{name}: {count}" in text and f"--seg:{colour}" in page
    for column, each in answer.summary.drift.items():
        assert re.search(rf"{LABELS[column]}\s+{each.distance:.2f}\s+as on record", text)


def test_another_market_is_warned_of_first(predictor, tmp_path):
    rows = "".join(f"A,{900000 + i},{i},{900000 + i},{i},{900000 + i},{i}\n" for i in range(50))
    content = f"{HEAD}\n{rows}"
    page = result(predictor, scored(predictor, tmp_path, content))
    assert page.index("wc-warning") < page.index("50 scored")
    assert "<code>python -m wholesale train</code>" in page


def test_rows_that_are_all_rejected_are_shown_without_a_table_of_customers(predictor, tmp_path):
    page = result(predictor, scored(predictor, tmp_path, f"{HEAD}\nA,x,2,3,4,5,6\n"))
    assert "wc-rejects" in page and "wc-customers" not in page
    assert re.findall(r'class="(\S+) wc-save" data-part="(\w+)"', page) == [("wc-strong", "rejected")]


def test_names_of_columns_are_escaped(predictor, tmp_path):
    page = result(predictor, scored(predictor, tmp_path, GOOD.replace("Name", "<script>")))
    assert "<script>" not in page and "&lt;script&gt;" in page


def test_the_tab_names_what_is_needed_and_how_much_is_taken(predictor):
    page = unescape(many_tab(predictor))
    assert all(label in page for label in LABELS.values())
    assert f"At most {LIMIT // 10**6} MB" in page and f'data-limit="{LIMIT}"' in page
    assert page.count("<select") == len(SPEND_COLUMNS) + 1
    identifiers = re.findall(r' id="([^"]+)"', page)
    assert set(re.findall(r' for="([^"]+)"', page)) <= set(identifiers)
    assert len(identifiers) == len(set(identifiers))


def test_the_example_is_one(predictor, tmp_path):
    (example,) = re.findall("<pre[^>]*>(.*?)</pre>", many_tab(predictor), re.DOTALL)
    assert scored(predictor, tmp_path, unescape(example)).summary.rejected == 0


def test_the_page_s_kernel_reads_no_files_and_describes_no_api():
    code = (
        "import sys; from wholesale.app import build_app; from wholesale.predict import load_predictor;"
        "build_app(load_predictor()); print({'pyarrow', 'pydantic'} & {*sys.modules})"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout.strip() == "set()"
