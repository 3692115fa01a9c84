"""What the report says is true for any customers, and the page it is written to needs nothing else."""

import re
import shutil
from dataclasses import replace
from html import unescape
from pathlib import Path
from unittest.mock import Mock

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from hypothesis import given, settings
from hypothesis import strategies as st
from nbconvert.filters import markdown2html
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from second_wholesaler import BROKEN, CUSTOMERS, SAMPLE, second_wholesaler
from typer.testing import CliRunner

from wholesale import report, wording
from wholesale.app import sentences
from wholesale.bundle import save_bundle
from wholesale.cli import main
from wholesale.columns import SPEND_COLUMNS, WHOLESALE
from wholesale.customers import read_file
from wholesale.manifest import ROOT, SHIPPED, BundleError
from wholesale.models import fit_gmm
from wholesale.reading import ReadError
from wholesale.report import ReportError, exhibits, study, text, write_report
from wholesale.scoring import OutputError
from wholesale.scoring.summary import UNKNOWN, usually_unfamiliar

pytestmark = pytest.mark.usefixtures("quick_training")

DELI, NONE = {"Delicassen": "Deli"}, study.Refused("it was not tried")
ANOTHER_MARKET = [
    r"All 40 are unlike 99%.* All amounts are much higher: are they a year's",
    r"differ from the 440 customers on record in Fresh \(much higher\), Milk \(much higher\)",
    "(?s)^(?!.*To score every row).*Be careful with the models at hand",
]
ODD = [
    (lambda t: t.assign(Frozen=5).head(50), 3, ["Frozen is the same for every customer"]),
    (lambda t: t.head(4) * 0, 3, [r"Fresh( +0){5} +4\n"]),
    (lambda t: t.assign(Grocery=t.Grocery.where(t.index > 60, 0)), 3, [r"(?m)^.*\b60 .* 100%$"]),
    (lambda t: pd.concat([t.head(7)] * 4), 8, ["(?s)^(?!.*Ask for)"]),
    (lambda t: t.head(40) / 1000, 3, ["under 10 m.u. on Milk, Grocery, Frozen, Detergents and Paper"]),
    (lambda t: t.head(40) * 1000, 3, ANOTHER_MARKET),
]
FLAWS = re.compile(
    r"\bnan\b|\bNone\b(?! of)|\binf\b|\b1 (customers|records|criteria)\b|  |\.\.|\(\)|, ,| ,|-0\.00|[{}]"
)


@pytest.fixture(scope="module")
def sample():
    own = read_file(SAMPLE, DELI)
    return own, study.place(own), study.compare_counts(own, 1), study.fit(own, 3)


@pytest.fixture(scope="module")
def shipped():
    own = read_file(SHIPPED)
    return own, study.place(own)


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """A report written by the command, what the command says, and what else is left in the folder."""
    folder, project = tmp_path_factory.mktemp("report"), tmp_path_factory.mktemp("pro{j}")
    source = Path(shutil.copytree(SAMPLE.parent, project / 'Zoë "{x}" \\'), SAMPLE.name)
    notebook = shutil.copy(report.NOTEBOOK, project)
    arguments = [str(source), "-o", str(folder / "page.html"), "--column", "Delicassen=Deli", "--no-nulls"]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(report, "NOTEBOOK", Path(notebook))
        result = CliRunner().invoke(main, ["report", *arguments])
    assert result.exit_code == 0, result.output
    return (folder / "page.html").read_text(), result, [path.name for path in folder.iterdir()]


@pytest.fixture(scope="session")
def page(made):
    return BeautifulSoup(made[0], "html.parser")


@pytest.fixture
def written(customers, tmp_path):
    """Write amounts, by default those on record, or what is made of these, to a file and read it."""

    def write(amounts=lambda on_record: on_record, **told):
        amounts = amounts(customers[list(SPEND_COLUMNS)]) if callable(amounts) else amounts
        pd.DataFrame(amounts, columns=list(SPEND_COLUMNS)).to_csv(tmp_path / "some.csv", index=False)
        return read_file(tmp_path / "some.csv", **told)

    return write


def everything(own, segments=3):
    """All that is said and shown, without flaws."""
    placement, evidence, fitted = study.place(own), study.compare_counts(own, 0), study.fit(own, segments)
    drawn = [exhibits.plot_drifts(own, placement), exhibits.plot_counts(evidence)]
    drawn += [plot(fitted) for plot in (exhibits.plot_profiles, exhibits.plot_plane, exhibits.plot_tree)]
    assert all(ax.get_title(loc="left") for ax in drawn if ax)
    plt.close("all")
    shown = [exhibits.rejected(own), exhibits.spending(own), exhibits.drifts(own, placement)]
    shown += [exhibits.placement(placement), exhibits.counts(evidence), exhibits.contested(fitted, own)]
    shown += [table(fitted) for table in (exhibits.segments, exhibits.typical, exhibits.doubts)]
    said = [text.reading(own), text.spending(own), text.market(own, placement), text.chance(own, placement)]
    said += [text.agreement(placement), text.how_many(evidence, segments), text.fit(fitted)]
    said += [text.kinship(fitted, placement), text.found(own, placement, evidence, fitted, segments)]
    said += [text.next_steps(own, placement, evidence, fitted)]
    for each in said:
        assert not FLAWS.search(each) and each == each.strip() and "\n\n" not in each, each
    return "\n".join([*said, *(table.to_string() for table in shown if table is not None)])


class TestTheSample:
    def test_is_what_its_recipe_makes(self):
        assert SAMPLE == study.SAMPLE and SAMPLE.read_bytes() == second_wholesaler()

    def test_loses_no_record(self, sample):
        own, placement, *_ = sample
        assert (len(own.amounts), len(own.rejected)) == (CUSTOMERS, len(BROKEN))
        assert own.rejected["line"].to_pylist() == [int(number) + 1 for number in BROKEN]
        assert own.accepted["Name"][0].as_py() and placement.summary.accepted == CUSTOMERS


class TestWhatIsSaid:
    def test_of_the_sample(self, sample):
        own, placement, evidence, fitted = sample
        assert "holds 84 records. Read as customers: 80 of 84 (95%)" in text.reading(own)
        assert "the form of the record (1), Fresh (1), Milk (1) and Grocery (1)" in text.reading(own)
        assert "Frozen (somewhat higher) and Delicassen (somewhat lower)" in text.market(own, placement)
        assert "19 of 20 cases" in text.chance(own, placement)
        advised = text.next_steps(own, placement, evidence, fitted)
        assert "**Mend the rejected records** (lines 18, 37, 53 and 72)" in advised
        file = "second_wholesaler.csv --column Delicassen=Deli"
        assert f"train {file} --segments 3 -o own`" in advised
        assert f"score {file} --models own -o second_wholesaler.own.csv`" in advised
        assert sum(fitted.bundle.predictor.sizes["kmeans"]) == CUSTOMERS

    def test_of_the_customers_on_record_claims_no_drift(self, shipped):
        own, placement = shipped
        assert placement.on_record and "They are the 440 customers on record" in text.market(own, placement)
        assert set(exhibits.drifts(own, placement)["spending"]) == {"no difference"}
        assert "none was rejected" in text.reading(own) and "uncertain" not in text.reading(own)
        assert "under 10" not in text.spending(own)

    def test_of_the_customers_on_record_ward_is_counted_by_its_tree_alone(self, predictor, shipped):
        own, placement = shipped
        fitted, names, sizes = study.fit(own, 3), predictor.names["ward"], predictor.sizes["ward"].tolist()
        for answers in (placement.answers, fitted.answers):
            assert (answers["ward_name"] == np.array(names)[answers["ward_segment"] - 1]).all()
            assert np.bincount(answers["ward_segment"])[1:].tolist() == sizes
        assert placement.sizes.loc["ward", "customers"].tolist() == sizes
        found = text.found(own, placement, NONE, fitted, 3)
        agreed = re.search(r"new models agree on (\S+ of 440)", found)
        assert f"three models agree on {agreed[1]}" in text.agreement(placement)

    @pytest.mark.parametrize("rows", [1, 2, 9, 12, 16])
    def test_of_too_few_customers_says_so(self, written, rows):
        said = everything(written(lambda t: t.head(rows)))
        if rows < 10:
            assert "No models were fitted" in said and "No segments of their own" in said
        else:  # K-Means and Ward stand without a mixture
            assert "Segments of their own" in said and f"{rows} different customers are few" in said
        assert ("too few to segment" in said) == (rows < 10)

    def test_that_there_is_no_mixture(self, written, tmp_path, monkeypatch):
        monkeypatch.setitem(fit_gmm.__kwdefaults__, "restarts", 2)
        own = written(np.random.default_rng(3).lognormal(7, 1, size=(12, 6)).round())
        said, fitted = everything(own, 2), study.fit(own, 2)
        assert report.escaped(sentences.mixture(fitted.predictor)) in said
        assert "The two new models agree" in said and "not known without a mixture" in said
        save_bundle(fitted.bundle, tmp_path / "out")
        placement = study.place(own, tmp_path / "out")
        assert "The two models agree" in text.agreement(placement)
        assert "Gaussian" not in exhibits.placement(placement).to_string()
        assert UNKNOWN in placement.summary.verdict

    @pytest.mark.parametrize(("amounts", "segments", "sentences"), ODD)
    def test_of_odd_amounts_says_what_is_odd(self, written, amounts, segments, sentences):
        said = everything(written(amounts), segments)
        for sentence in sentences:
            assert re.search(sentence, said), sentence

    def test_of_customers_all_in_one_segment(self, written, predictor):
        near = predictor.centers["kmeans"][0] + np.random.default_rng(1).normal(0, 0.1, (21, 6))
        said = everything(written(np.expm1(near * predictor.scale + predictor.mean)), segments=2)
        assert re.search(r"1 Few staples +21 +100%", said)
        assert "put everybody into one K-Means segment" in said

    def test_of_a_file_with_a_column_called_line_goes_by_the_lines_of_the_file(self, tmp_path, customers):
        customers.head(3).assign(line=["x", "y", "y"]).to_csv(tmp_path / "some.csv", index=False)
        assert study.place(read_file(tmp_path / "some.csv")).answers.index.tolist() == [2, 3, 4]
        customers[list(SPEND_COLUMNS)].assign(line="x").to_csv(tmp_path / "all.csv", index=False)
        own = read_file(tmp_path / "all.csv")
        contested = exhibits.contested(study.fit(own, 3), own)
        assert contested.columns.name == "line" and contested["line"].eq("x").all()

    def test_of_more_than_can_be_fitted_counts_all(self, written, monkeypatch):
        monkeypatch.setattr("wholesale.bundle.LARGEST", 300)
        monkeypatch.setattr(study, "DRAWN", 200)
        own = written()
        fitted = study.fit(own, 3)
        assert not fitted.on_record
        assert exhibits.segments(fitted)["customers"].astype(int).groupby(level=0).sum().eq(440).all()
        assert "300 customers, drawn at random, were fitted" in everything(own)

    def test_of_amounts_paired_anew_says_that_only_their_combinations_are_unusual(self, written, customers):
        amounts = customers[list(SPEND_COLUMNS)].apply(np.sort)
        amounts[["Grocery", "Frozen"]] = amounts[["Grocery", "Frozen"]].to_numpy()[::-1]
        own = written(amounts)
        placement = study.place(own)
        assert placement.summary.other_market
        assert set(exhibits.drifts(own, placement)["spending"]) == {"no difference"}
        found = text.found(own, placement, NONE, NONE, 3)
        assert "no category alone differs clearly from the 440" in found

    def test_no_structure_is_doubted_whichever_number_leads(self, written):
        rng = np.random.default_rng(4)
        own = written(np.exp(rng.multivariate_normal([8] * 6, np.eye(6) + 0.3, 300)))
        placement, evidence, fitted = study.place(own), study.compare_counts(own, 2), study.fit(own, 3)
        found = text.found(own, placement, evidence, fitted, 3)
        assert re.search(r"Of 6 clouds without any segments, .* when cut into 3.* scored as high", found)
        advised = text.next_steps(own, placement, evidence, fitted)
        assert evidence.by_chance_too(3) and "though chance might give as good ones" in advised

    def test_a_wrong_unit_is_not_suspected_where_one_category_is_spread_otherwise(self, written):
        kept = np.random.default_rng(0).random((80, 6)) < 0.5
        own = written(lambda t: (4 * t.sample(80, random_state=0)).where(kept, 0))
        said, drifts = text.market(own, study.place(own)), study.place(own).summary.drift.values()
        assert {drift.words for drift in drifts} == {"much lower"}
        assert "very differently spread" in said and "All amounts are" not in said

    def test_that_clouds_cannot_be_drawn_is_why_votes_are_unweighed(self, written):
        evidence = study.compare_counts(written(lambda t: t.head(60).assign(Frozen=t["Fresh"])), 1)
        assert "against chance, as no clouds like these customers can be drawn." in text.how_many(evidence, 3)

    def test_a_column_of_names_that_only_the_models_have_is_not_in_the_command(self, written):
        own = written(categories=replace(WHOLESALE, name="Customer"))
        assert own.settings.categories.name and "--id" not in report.command("train", own)

    def test_what_is_said_before_nothing_is_left_out(self):
        notebook = new_notebook(cells=[new_markdown_cell(f"Said {i}.") for i in range(2)])
        notebook.cells.insert(1, new_code_cell("show()"))
        notebook.cells.append(new_code_cell("1", outputs=[new_output("display_data", {"text/plain": "1"})]))
        told = {"columns": {}, "decimal": None, "sheet": None, "blank": None, "segments": 3, "clouds": 0}
        page = report.to_html(notebook, {"source": "a.csv", "models": "models"} | told)
        assert "Said 1." in page and "Said 0." not in page

    def test_a_decimal_sign_that_was_told_is_in_the_commands(self, written):
        own = written(lambda t: t / 7, decimal="point")
        said = "`python -m wholesale train some.csv --decimal point -o own`"
        assert report.command("train", own, "-o", "own") == said

    @pytest.mark.parametrize(
        ("votes", "leads"),
        [([2, 2, 2], 2), ([2, 3], None), ([1, 1, 4], 1), ([3, 3, 4, 4, 5], None), ([3, 3, 2], 3)],
    )
    def test_the_number_with_most_votes_leads(self, monkeypatch, votes, leads):
        monkeypatch.setattr(study.CountEvidence, "votes", property(lambda _: dict(enumerate(votes))))
        said = text.how_many(study.CountEvidence(pd.DataFrame(index=range(1, 6)), None, 50), 3)
        assert ("split" in said) == (leads is None)
        assert ("That is the number asked for." in said) == (leads == 3)
        assert leads == 3 or f"asked for have {votes.count(3) or 'none'} of the votes" in said

    def test_agreement_on_a_number_that_the_evidence_does_not_count_is_not_praised(self, sample, monkeypatch):
        own, placement, evidence, fitted = sample
        for leaders, praised in (([1], False), ([2], False), ([3], True), ([2, 3], True)):
            monkeypatch.setattr(study.CountEvidence, "leaders", leaders)
            found = text.found(own, placement, evidence, fitted, 3)
            assert ("- **The three new models agree" in found) == praised
            assert ("says nothing of the number" in found) != praised

    def test_a_number_found_on_a_draw_is_held_against_further_draws(self, monkeypatch):
        monkeypatch.setattr(study.CountEvidence, "votes", property(lambda _: {"a": 2, "b": 2}))
        counts = pd.DataFrame(index=[1, 2, 3])
        for again, sentence in (
            ([[2], [2]], "of 1\u00a0000 customers drawn at random; 2 further draws prefer the same."),
            ([[2], [1, 3]], "2 further draws prefer 2, then 1 or 3: no number is settled."),
        ):
            assert sentence in text.how_many(study.CountEvidence(counts, None, 1000, again), 3)

    def test_what_is_usual_is_what_half_of_the_record_would_see_in_the_other(self):
        """The limit is the fifth lowest of 440: simulated, as the formula says, for 5,000 others."""
        rng = np.random.default_rng(0)
        lowest = np.sort(rng.random((4000, 440)), axis=1)[:, 4]
        simulated = np.quantile(rng.binomial(5000, lowest), [0.025, 0.975])
        assert np.abs(np.array(usually_unfamiliar(5000, 440)) - simulated).max() <= 4

    def test_too_few_unfamiliar_are_unusual_as_well(self):
        for unfamiliar, n, sentence in (
            (0, 800, "of the same kind, 2 to 21 would be nothing unusual. So few are unusual too"),
            (2, 800, "2 to 21 would be nothing unusual.$"),
            (0, 80, "None of 80 are unlike .* up to 3 would be nothing unusual.$"),
            (1, 2, "1 of 2 .* none would be expected.$"),
        ):
            assert re.search(sentence, text.unfamiliar(unfamiliar, n, 440))

    @given(n=st.integers(0, 2000), rest=st.integers(0, 2000))
    def test_a_part_is_written_so_that_it_reads_well(self, n, rest):
        part = wording.of_all(n, n + rest)
        assert part.startswith(("all ", "none of ")) == (n + rest != 1 and not (n and rest))
        assert "100%" not in part and "(0%" not in part

    @given(st.text(min_size=1).filter(lambda name: not re.search(r"[\x00-\x1f\x7f-\xa0\ud800-\udfff]", name)))
    @settings(max_examples=50)
    def test_a_files_name_is_only_ever_a_name(self, name):
        html = markdown2html(f"x{report.escaped(name)}x")
        assert re.sub(r"^<p>|</p>$", "", unescape(html.strip())) == f"x{name}x"


def test_a_table_says_which_columns_are_words_and_the_tree_writes_none_that_could_overlap(sample):
    table = pd.DataFrame({"n": [1], "said": ["much higher"]}).rename_axis(columns="line")
    assert 'class="dataframe th-1 th-3 td-2"' in report.table_html(table)
    assert not any("customers" in each.get_text() for each in exhibits.plot_tree(sample[-1]).texts)
    plt.close("all")


class TestTheReport:
    def test_loads_nothing_from_anywhere(self, made, page):
        loads = [tag[it] for it in ("src", "srcset", "data", "action") for tag in page.select(f"[{it}]")]
        assert loads and all(load.startswith("data:image/png;base64,") for load in loads)
        assert not page.select("link, script, iframe")
        assert not re.search(r"https?://|@import|url\(|<script|<iframe", made[0])

    def test_has_a_title_a_language_texts_for_its_figures_and_code_hidden_until_asked_for(self, made, page):
        assert page.html["lang"] == "en" and page.title.text.strip() == "Customers of second_wholesaler.csv"
        assert [image["alt"].startswith("Figure: ") for image in page.find_all("img")] == 5 * [True]
        assert "pre.code { display: none; }" in made[0]
        assert "fitted = study.fit(customers, segments)" in made[0]
        assert [tag["type"] for tag in page.find_all("input")] == ["checkbox"]
        for said in ("Read as customers: 80 of 84", "no proper mixture", "Mend the rejected records"):
            assert said in made[0], "the notebook's own account"

    def test_begins_with_what_was_found_and_tells_its_settings_but_no_folder(self, made, page):
        headings = [heading.text for heading in page.find_all("h2")]
        assert headings[0] == "What we found" and headings[-1] == "How this report was made"
        assert "Which file?" not in headings and 'source = "second_wholesaler.csv"' in made[0]
        assert str(ROOT) not in made[0]
        assert not re.search(r"pro\{j|Zo(ë|\\xeb)|\{x\}", made[0])
        settings = made[0].split("How this report was made")[1]
        for told in ("second_wholesaler.csv", "Deli for Delicassen", "found out from the file"):
            assert f": {told}</li>" in settings
        assert settings.index("Segments asked for") < settings.index("import")

    def test_tells_each_step_on_standard_error_and_leaves_nothing_else(self, made):
        _, result, left = made
        steps = result.stderr.splitlines()
        assert (left, result.stdout, steps[0]) == (["page.html"], "", "  Read second_wholesaler.csv")
        assert steps[-1] == "  Write page.html" and all(line.startswith("  ") for line in steps)


class TestRefusals:
    def test_a_file_that_is_there_stays_unless_forced(self, tmp_path):
        (tmp_path / "page.html").write_text("mine")
        with pytest.raises(OutputError, match=r"page\.html is there already"):
            write_report(SAMPLE, tmp_path / "page.html", columns=DELI)
        assert (tmp_path / "page.html").read_text() == "mine"

    @pytest.mark.parametrize("options", [{}, {"columns": DELI, "models": "nowhere"}])
    def test_what_cannot_be_read_is_refused_before_anything_runs(self, tmp_path, monkeypatch, options):
        monkeypatch.setattr(report, "_run", lambda *_: pytest.fail("it ran"))
        with pytest.raises((ReadError, BundleError)):
            write_report(SAMPLE, tmp_path / "page.html", **options)
        assert list(tmp_path.iterdir()) == []

    def test_what_is_told_of_a_file_is_what_the_notebook_asks_for(self, tmp_path, monkeypatch):
        told = {}
        monkeypatch.setattr(report, "_run", lambda parameters, _: told.update(parameters) or "")
        write_report(SAMPLE, tmp_path / "page.html", columns=DELI)
        assert told.keys() == report.papermill.inspect_notebook(report.NOTEBOOK).keys()

    def test_a_failing_cell_gives_a_sentence_and_no_report(self, tmp_path, monkeypatch):
        error = report.papermill.PapermillExecutionError(1, 1, "", "ZeroDivisionError", "by zero", [])
        monkeypatch.setattr(report.papermill, "execute_notebook", Mock(side_effect=error))
        with pytest.raises(ReportError, match="was not written: ZeroDivisionError, by zero"):
            write_report(SAMPLE, tmp_path / "page.html", columns=DELI)
        assert list(tmp_path.iterdir()) == []

    def test_the_command_says_it_in_a_sentence_as_that_no_record_is_a_customer(self, tmp_path, written):
        result = CliRunner().invoke(main, ["report", str(tmp_path / "none.csv")])
        assert result.exit_code == 1 and result.stderr.splitlines()[-1] == "none.csv is not there"
        with pytest.raises(ReadError, match=r"some.csv: no record is a customer; line 2: Fresh: x is not"):
            written([["x"] * 6])
