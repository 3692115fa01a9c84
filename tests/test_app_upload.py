import re
from html import unescape
from unittest.mock import Mock

import numpy as np
import pyarrow.csv as pacsv
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wholesale.app.server import upload
from wholesale.app.server.answers import ROWS, Refused
from wholesale.app.server.upload import PACKED, read_query, result, score_upload
from wholesale.app.tabs import LIMIT, many_tab
from wholesale.columns import SPEND_COLUMNS, WHOLESALE
from wholesale.manifest import SHIPPED
from wholesale.palette import segment_colours
from wholesale.reading import Settings, read_customers
from wholesale.reading.dialect import SIGNS as READ_SIGNS
from wholesale.scoring import OutputError, score_table

HEAD = ",".join(("Name", *SPEND_COLUMNS))
GOOD = f"{HEAD}\nA,1,2,3,4,5,6\nB,7,8,9,10,11,12\n"
RENAMED = HEAD.replace("Fresh", "fresh_products").replace("Detergents_Paper", "Soap").replace(",", ";")


@pytest.fixture(scope="session")
def score(predictor, tmp_path_factory):
    """Score a file that was sent, in a folder of its own."""

    def run(content: str | bytes, progress=lambda *_: None, **query: list[str]) -> upload.Scored:
        path = tmp_path_factory.mktemp("sent") / "customers.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return score_upload(predictor, path, read_query(query, WHOLESALE), progress)

    return run


@pytest.fixture(scope="session")
def page(predictor, score):
    """What the page shows of a file, as HTML."""
    return lambda content: result(predictor, score(content))


def refused(score, content: str | bytes) -> Refused:
    with pytest.raises(Refused) as error:
        score(content)
    return error.value


def test_scored_and_rejected_rows_are_numbered_alike_by_the_lines_of_the_file(score):
    answer = score(f'{HEAD}\nA,1,2,3,4,5,6\n\n"B\nb",1,2,3,4,5,6\nC,x,2,3,4,5,6\nD,1,2,3,4,5,6\n')
    assert (answer.lines, [row["line"] for row in answer.rows]) == ([2, 4, 7], [6])
    rows = "A,1,2,3,4,5,6\n" * 100_000
    anew = f"{HEAD}\n{rows}É,1,2,3,4,5,6\n".encode("cp1252")  # it is begun once more
    assert score(anew).lines == list(range(2, 100_003))


def test_wards_counts_by_its_rule_are_told_from_those_of_its_tree(predictor, score):
    answer = score(SHIPPED.read_bytes())
    counts = [count for _, count in answer.summary.segments["ward"]]
    assert counts != predictor.sizes["ward"].tolist()
    by_rule = score_table(predictor, read_customers(SHIPPED)[0])["ward_segment"]
    share = np.mean(by_rule == predictor.segments["ward"])
    said = unescape(result(predictor, answer))
    assert f"The two agree for {share:.0%} of these." in said and said.count("Counted by its rule") == 1


def test_rejected_rows_are_listed_with_line_column_value_and_reason_as_they_were(score):
    rows = score(GOOD + '"=D",=1,2,3,4,5,6\nE,1,2\nF,1,-8,3,x,5,6\n').rows
    assert [tuple(row.values())[:3] for row in rows] == [(4, "Fresh", "=1"), (5, "", ""), (6, "Milk", "-8")]
    assert rows[1]["reason"] == "3 fields, but the header has 7"
    assert "Frozen: x" in rows[2]["reason"]
    (total,) = score(f"{GOOD}Total,8,10,12,14,16,18\n").rows
    assert tuple(total.values()) == (4, "", "", "the sum of other rows, not a customer")


def test_only_the_first_rejected_rows_are_listed_and_the_file_has_all(predictor, score):
    answer = score(GOOD + "C,1,2,3,4,5,no\n" * (ROWS + 7))
    assert (len(answer.rows), answer.summary.rejected) == (ROWS, ROWS + 7)
    assert len(pacsv.read_csv(answer.rejected)) == ROWS + 7
    assert f"of 1\u00a0{(ROWS + 7) % 1000:03}" in unescape(result(predictor, answer))


@pytest.mark.parametrize("mark", PACKED, ids=PACKED.values())
def test_what_may_unpack_to_more_is_refused_unread(score, mark):
    (fault,) = refused(score, mark + GOOD.encode()).content["errors"]
    assert PACKED[mark] in fault["reason"] and "python -m wholesale score" in fault["reason"]


UNREADABLE = [b"", b"\n\n", HEAD, b"\x89PNG\r\n\x1a\n\0\0\0", b"\0" * 5000, b'"' * 5000, b"\xff\xfeabc"]
UNREADABLE += [f'{HEAD}\nA,12.669,2,3,4,5,6\nB,"12,669",2,3,4,5,6\n']  # its decimal sign is not clear


@pytest.mark.parametrize("content", UNREADABLE, ids=repr)
def test_what_cannot_be_read_gets_one_sentence_without_a_file_s_name(score, content):
    error = refused(score, content)
    (fault,) = error.content["errors"]
    assert error.status_code == 422 and fault["reason"]
    assert not re.search("\n|customers.csv|--", fault["reason"])


@given(st.binary(max_size=300))
@settings(max_examples=60)
def test_any_bytes_are_scored_or_refused(page, content):
    for sent in (content, GOOD.encode() + content):
        try:
            page(sent)
        except Refused as error:
            assert error.status_code == 422


def test_unknown_names_are_asked_for_with_the_header_and_the_nearest(score):
    content = refused(score, f"sep=;\n{RENAMED}\nA;1;2;3;4;5;6\n").content
    assert content["header"] == RENAMED.split(";")
    guess = {column: column for column in SPEND_COLUMNS}
    assert content["columns"] == guess | {"Fresh": "fresh_products", "Detergents_Paper": None}
    reason = content["errors"][0]["reason"]
    assert reason.startswith("no column for Fresh (nearest: fresh_products)") and "--" not in reason


def test_the_names_that_were_asked_for_lead_to_an_answer_and_a_guess_names_no_column_twice(score):
    columns = ["Fresh=fresh_products", "Detergents_Paper=Soap"]
    assert score(f"{RENAMED}\nA;1;2;3;4;5;6\n", column=columns).summary.accepted == 1
    guess = refused(score, "Milk,Milk products,a,b,c,d,e\n1,2,3,4,5,6,7\n").content["columns"]
    named = [name for name in guess.values() if name]
    assert len(named) == len(set(named)) and guess["Milk"] == "Milk"


def test_a_note_tells_each_surface_s_own_way_to_decide_otherwise(score, page):
    decimal, blank = f"{HEAD}\nA,1.234,2,3,4,5,6\n", f"{HEAD}\nA,-,2,3,4,5,6\nB,1,2,3,4,5,6\n"
    assert "choose Point under Decimal sign" in unescape(page(decimal))
    assert "1234," in score(decimal).scored.read_text()
    told = score(decimal, decimal=["point"])
    assert told.summary.notes == [] and "1.234," in told.scored.read_text()
    assert score(blank).summary.notes[0].endswith("if a blank means 0, say --blank zero.")
    assert "if a blank means 0, write 0 for them." in page(blank) and "--blank" not in page(blank)


@pytest.mark.parametrize(
    "query", [{"columns": ["a"]}, {"decimal": ["dot"]}, {"column": ["Fresh"]}, {"column": ["=x"]}], ids=str
)
def test_a_query_names_columns_and_sign_and_any_other_is_refused(query):
    good = {"column": ["Fresh=a=b", "Milk=ü"], "decimal": ["comma"]}
    assert read_query(good, WHOLESALE) == Settings({"Fresh": "a=b", "Milk": "ü"}, "comma")
    with pytest.raises(Refused) as error:
        read_query(query, WHOLESALE)
    assert (error.value.status_code, error.value.content["errors"][0]["field"]) == (422, next(iter(query)))


def test_work_that_nobody_waits_for_ends(score, tmp_path_factory):
    with pytest.raises(KeyError):
        score(GOOD, Mock(side_effect=KeyError))
    last = max(tmp_path_factory.getbasetemp().glob("sent*"), key=lambda path: path.stat().st_mtime_ns)
    assert [path.name for path in last.iterdir()] == ["customers.csv"]


def test_a_full_disk_is_said(score, monkeypatch):
    full = OutputError("stopped, and kept nothing: No space left on device")
    monkeypatch.setattr(upload, "score_file", Mock(side_effect=full))
    error = refused(score, GOOD)
    assert error.status_code == 507 and "No space left" in error.content["errors"][0]["reason"]


def test_the_page_says_verdict_counts_segments_drift_and_rejects(predictor, score):
    answer = score(SHIPPED.read_text() + "1,1,x<b>y,1,1,1,1,1\n")
    html = result(predictor, answer)
    text = unescape(re.sub("<[^>]*>", " ", html))
    assert answer.summary.verdict in text
    assert "440 scored" in text and "1 rejected" in text and "x<b>y" in text and "x<b>y" not in html
    for model, counts in answer.summary.segments.items():
        for (name, count), colour in zip(counts, segment_colours(predictor.overlap)[model], strict=True):
            assert f"{name}: {count}" in text and f"--seg:{colour}" in html
    for column, each in answer.summary.drift.items():
        assert re.search(rf"{WHOLESALE.label(column)}\s+{each.distance:.2f}\s+as on record", text)


def test_another_market_is_warned_of_first(page):
    html = page(f"{HEAD}\n" + "".join(f"A,9{i:05},{i},9{i:05},{i},9{i:05},{i}\n" for i in range(50)))
    assert html.index("wc-warning") < html.index("50 scored")
    assert "<code>python -m wholesale train</code>" in html


def test_rows_that_are_all_rejected_are_shown_without_a_table_of_customers_and_names_are_escaped(page):
    html = page(GOOD.replace("Name", "<script>"))
    assert "<script>" not in html and "&lt;script&gt;" in html
    html = page(f"{HEAD}\nA,x,2,3,4,5,6\n")
    assert "wc-rejects" in html and "wc-customers" not in html
    assert re.findall(r'class="(\S+) wc-save" data-part="(\w+)"', html) == [("wc-strong", "rejected")]


def test_the_tab_names_what_is_needed_and_how_much_is_taken_and_its_example_is_one(predictor, score):
    tab = many_tab(predictor)
    assert re.findall(r"<option value=\"(\w*)\"", tab) == ["", *READ_SIGNS]
    assert all(label in unescape(tab) for label in WHOLESALE.labels)
    assert f"At most {LIMIT // 10**6} MB" in tab and f'data-limit="{LIMIT}"' in tab
    assert tab.count("<select") == len(SPEND_COLUMNS) + 1
    identifiers = re.findall(r' id="([^"]+)"', tab)
    assert set(re.findall(r' for="([^"]+)"', tab)) <= set(identifiers)
    assert len(identifiers) == len(set(identifiers))
    (example,) = re.findall("<pre[^>]*>(.*?)</pre>", tab, re.DOTALL)
    assert score(unescape(example)).summary.rejected == 0
