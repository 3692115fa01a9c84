"""What the report says is true for any customers, and the page it is written to needs nothing else."""

import re
import shutil
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from second_wholesaler import BROKEN, CUSTOMERS, SAMPLE, second_wholesaler
from typer.testing import CliRunner

from wholesale import wording
from wholesale.app import sentences
from wholesale.bundle import save_bundle
from wholesale.cli import main
from wholesale.columns import SPEND_COLUMNS
from wholesale.customers import read_file
from wholesale.manifest import ROOT, SHIPPED, BundleError
from wholesale.models import fit_gmm
from wholesale.reading import ReadError
from wholesale.report import ReportError, export, figures, study, tables, text, write_report
from wholesale.scoring import OutputError
from wholesale.scoring.summary import UNKNOWN

DELI = {"Delicassen": "Deli"}
FLAWS = re.compile(
    r"\bnan\b|\bNone\b(?! of)|\binf\b|\b1 (customers|records|criteria)\b|  |\.\.|\(\)|, ,| ,|-0\.00"
)


class Page(HTMLParser):
    """What a page loads, and what it says."""

    def __init__(self, text):
        super().__init__()
        self.loads, self.images, self.html, self.title, self.inputs = [], [], {}, "", []
        self.inside = ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        its, self.inside = dict(attributes), tag
        self.loads += [its[name] for name in ("src", "srcset", "data", "action") if name in its]
        self.loads += [its["href"]] if tag == "link" else []
        self.images += [its] if tag == "img" else []
        self.html = its if tag == "html" else self.html
        self.inputs += [its] if tag == "input" else []

    def handle_data(self, data):
        self.title += data if self.inside == "title" else ""


@pytest.fixture(scope="session")
def sample():
    own = read_file(SAMPLE, DELI)
    return own, study.place(own), study.compare_counts(own), study.fit(own, 3)


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    """A report written by the command, its progress, and what else is left in the folder."""
    folder, project = tmp_path_factory.mktemp("report"), tmp_path_factory.mktemp("pro{j}")
    source = Path(shutil.copytree(SAMPLE.parent, project / 'Zoë "{x}" \\'), SAMPLE.name)
    notebook = shutil.copy(export.NOTEBOOK, project)
    arguments = [str(source), "-o", str(folder / "page.html"), "--column", "Delicassen=Deli"]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(export, "NOTEBOOK", Path(notebook))
        result = CliRunner().invoke(main, ["report", *arguments])
    assert result.exit_code == 0, result.output
    return (folder / "page.html").read_text(), result, [path.name for path in folder.iterdir()]


def _table(amounts, folder, name="some.csv"):
    path = folder / name
    pd.DataFrame(amounts, columns=list(SPEND_COLUMNS)).to_csv(path, index=False)
    return path


def _all_said(customers, segments=3):
    placement, evidence = study.place(customers), study.compare_counts(customers)
    fitted = study.fit(customers, segments)
    drawn = [figures.drifts(customers, placement), figures.criteria(evidence), figures.profiles(fitted)]
    drawn += [figures.plane(fitted), figures.tree(fitted)]
    assert all(ax.get_title(loc="left") for ax in drawn if ax)
    plt.close("all")
    shown = [tables.rejected(customers), tables.spending(customers), tables.drifts(customers, placement)]
    shown += [tables.placement(placement), tables.counts(evidence)]
    shown += [tables.segments(fitted), tables.typical(fitted), tables.doubts(fitted)]
    shown += [tables.contested(fitted, customers)]
    said = [text.reading(customers), text.spending(customers), text.market(customers, placement)]
    said += [text.chance(customers, placement), text.agreement(placement), text.how_many(evidence, segments)]
    said += [text.fit(fitted), text.kinship(fitted, placement)]
    said += [text.found(customers, placement, evidence, fitted, segments)]
    said += [text.next_steps(customers, placement, evidence, fitted)]
    assert [FLAWS.search(each) for each in said if FLAWS.search(each)] == []
    return "\n".join([*said, *(table.to_string() for table in shown if isinstance(table, pd.DataFrame))])


def test_the_report_says_where_there_is_no_mixture(tmp_path, monkeypatch):
    monkeypatch.setitem(fit_gmm.__kwdefaults__, "restarts", 2)
    amounts = np.random.default_rng(3).lognormal(7, 1, size=(12, 6)).round()
    own = read_file(_table(amounts, tmp_path))
    said, fitted = _all_said(own, 2), study.fit(own, 2)
    assert sentences.mixture(fitted.predictor) in said
    assert "The two new models agree" in said and "not known without a mixture" in said
    save_bundle(fitted.bundle, tmp_path / "out")
    placement = study.place(own, tmp_path / "out")
    assert "The two models agree" in text.agreement(placement)
    assert "Gaussian" not in tables.placement(placement).to_string()
    assert UNKNOWN in placement.summary.verdict


def test_no_number_of_segments_is_advised_that_was_not_fitted(tmp_path):
    few = np.tile(np.random.default_rng(3).lognormal(7, 1, size=(7, 6)).round(), (4, 1))
    own = read_file(_table(few, tmp_path))
    assert "Ask for" not in _all_said(own, 8)


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
        assert "lines 18" not in advised and "(line 18, 37, 53 and 72)" in advised
        assert "train second_wholesaler.csv --column Delicassen=Deli --segments 3 -o own`" in advised
        assert (
            "score second_wholesaler.csv --column Delicassen=Deli --models own -o second_wholesaler.own.csv`"
            in advised
        )
        assert sum(fitted.bundle.predictor.sizes["kmeans"]) == CUSTOMERS

    def test_of_the_customers_on_record_claims_no_drift(self):
        own = read_file(SHIPPED)
        placement = study.place(own)
        assert placement.on_record and "They are the 440 customers on record" in text.market(own, placement)
        assert set(tables.drifts(own, placement)["spending"]) == {"no difference"}
        assert "none was rejected" in text.reading(own) and "uncertain" not in text.reading(own)

    def test_of_the_customers_on_record_ward_is_counted_by_its_tree_alone(self, predictor):
        own = read_file(SHIPPED)
        placement, fitted = study.place(own), study.fit(own, 3)
        for answers in (placement.answers, fitted.answers):
            names = np.array(predictor.names["ward"])[answers["ward_segment"] - 1]
            assert (answers["ward_name"] == names).all()
            assert np.bincount(answers["ward_segment"])[1:].tolist() == predictor.sizes["ward"].tolist()
        assert dict(placement.summary.segments["ward"]) == dict(
            zip(predictor.names["ward"], predictor.sizes["ward"], strict=True)
        )
        evidence = study.Refused("x")
        agreed = re.search(
            r"new models agree on (\S+ of 440)", text.found(own, placement, evidence, fitted, 3)
        )
        assert f"three models agree on {agreed[1]}" in text.agreement(placement)

    @pytest.mark.parametrize("rows", [1, 2, 9, 12, 16])
    def test_of_too_few_customers_says_so(self, tmp_path, customers, rows):
        own = read_file(_table(customers[list(SPEND_COLUMNS)].head(rows), tmp_path))
        said = _all_said(own)
        if rows < 10:
            assert "No models were fitted" in said and "No segments of their own" in said
        else:  # K-Means and Ward stand without a mixture
            assert "Segments of their own" in said and f"{rows} different customers are few" in said
        assert ("too few to segment" in said) == (rows < 10)

    def test_of_one_category_alike_for_everybody_names_it(self, tmp_path, customers):
        amounts = customers[list(SPEND_COLUMNS)].assign(Frozen=5).head(50)
        said = _all_said(read_file(_table(amounts, tmp_path)))
        assert "Frozen is the same for every customer" in said

    def test_of_customers_all_in_one_segment(self, tmp_path, predictor):
        near = predictor.centers["kmeans"][0] + np.random.default_rng(1).normal(0, 0.1, (21, 6))
        amounts = np.expm1(near * predictor.scale + predictor.mean)
        said = _all_said(read_file(_table(amounts, tmp_path)), segments=2)
        assert re.search(r"1 Few staples +21 +100%", said)
        assert "put everybody into one K-Means segment" in said

    def test_of_another_market_advises_against_the_models_at_hand(self, tmp_path, customers):
        own = read_file(_table(customers[list(SPEND_COLUMNS)].head(40) * 1000, tmp_path))
        placement = study.place(own)
        assert "much higher" in text.market(own, placement) and "All 40 are unlike 99%" in text.market(
            own, placement
        )
        assert "are they a year's" in text.market(own, placement)
        none = study.Refused("it was not tried")
        evidence = study.Refused("x")
        said = text.next_steps(own, placement, evidence, none)
        assert "differ from the 440 customers on record in Fresh (much higher), Milk (much higher)" in (
            text.found(own, placement, evidence, none, 3)
        )
        assert "Be careful with the models at hand" in said and "wholesale score" not in said

    def test_of_zeros(self, tmp_path):
        said = _all_said(read_file(_table(np.zeros((4, 6)), tmp_path)))
        assert re.search(r"Fresh( +0){5} +4\n", said)

    @given(n=st.integers(0, 2000), rest=st.integers(0, 2000))
    def test_a_part_is_written_so_that_it_reads_well(self, n, rest):
        written = wording.of_all(n, n + rest)
        assert written.startswith(("all ", "none of ")) == (n + rest != 1 and not (n and rest))
        assert "100%" not in written and "(0%" not in written

    @given(st.text(min_size=1).filter(lambda text: not re.search(r"[\x00-\x1f\x7f-\xa0\ud800-\udfff]", text)))
    @settings(max_examples=50)
    def test_a_files_name_is_only_ever_a_name(self, name):
        from nbconvert.filters import markdown2html

        html = markdown2html(f"x{text.escaped(name)}x")
        assert re.sub(r"^<p>|</p>$", "", unescape(html.strip())) == f"x{name}x"

    @pytest.mark.parametrize("votes", [[2, 2, 2], [2, 3], [1, 1, 4], [3, 3, 4, 4, 5], [3, 3, 2]])
    def test_the_number_with_most_votes_leads(self, monkeypatch, votes):
        monkeypatch.setattr(study.CountEvidence, "votes", property(lambda _: dict(enumerate(votes))))
        counts = pd.DataFrame(index=[1, 2, 3, 4, 5])
        said = text.how_many(study.CountEvidence(counts, pd.DataFrame(), 50), 3)
        most = max(set(votes), key=votes.count)
        assert ("split" in said) == (sum(votes.count(k) == votes.count(most) for k in set(votes)) > 1)
        leads = "That is the number asked for." in said
        assert leads == (most == 3 and "split" not in said)
        assert leads or f"asked for have {votes.count(3) or 'none'} of the votes" in said

    @pytest.mark.parametrize(
        ("again", "sentence"),
        [
            (
                [[2], [2]],
                "All that is of 1\u00a0000 customers drawn at random; 2 further draws prefer the same.",
            ),
            (
                [[2], [1, 3]],
                "2 further draws prefer 2, then 1 or 3: no number is settled.",
            ),
        ],
    )
    def test_a_number_found_on_a_draw_is_held_against_further_draws(self, monkeypatch, again, sentence):
        monkeypatch.setattr(study.CountEvidence, "votes", property(lambda _: {"a": 2, "b": 2}))
        counts = pd.DataFrame(index=[1, 2, 3])
        assert sentence in text.how_many(study.CountEvidence(counts, pd.DataFrame(), 1000, again), 3)

    def test_of_amounts_paired_anew_says_that_only_their_combinations_are_unusual(self, tmp_path, customers):
        amounts = customers[list(SPEND_COLUMNS)].apply(np.sort)
        amounts[["Grocery", "Frozen"]] = amounts[["Grocery", "Frozen"]].to_numpy()[::-1]
        own = read_file(_table(amounts, tmp_path))
        placement = study.place(own)
        assert placement.summary.other_market and set(tables.drifts(own, placement)["spending"]) == {
            "no difference"
        }
        none = study.Refused("it was not tried")
        evidence = study.Refused("x")
        assert "no category alone differs clearly from the 440" in text.found(
            own, placement, evidence, none, 3
        )

    def test_what_is_usual_is_what_half_of_the_record_would_see_in_the_other(self):
        """The limit is the fifth lowest of 440: simulated, as the formula says, for 5,000 others."""
        rng = np.random.default_rng(0)
        lowest = np.sort(rng.random((4000, 440)), axis=1)[:, 4]
        simulated = np.quantile(rng.binomial(5000, lowest), [0.025, 0.975])
        formula = re.search(r"(\d+) to (\d+) would be nothing unusual", text.unfamiliar(50, 5000, 440))
        assert np.abs(np.array(formula.groups(), int) - simulated).max() <= 4

    @pytest.mark.parametrize(
        ("unfamiliar", "n", "sentence"),
        [
            (
                0,
                800,
                "of the same kind, 2 to 21 would be nothing unusual. So few are unusual too",
            ),
            (2, 800, "2 to 21 would be nothing unusual.$"),
            (0, 80, "None of 80 are unlike .* up to 3 would be nothing unusual.$"),
            (1, 2, "1 of 2 .* none would be expected.$"),
        ],
    )
    def test_too_few_unfamiliar_are_unusual_as_well(self, unfamiliar, n, sentence):
        assert re.search(sentence, text.unfamiliar(unfamiliar, n, 440))

    def test_a_decimal_sign_that_was_told_is_in_the_commands(self, tmp_path, customers):
        path = _table(customers[list(SPEND_COLUMNS)] / 7, tmp_path)
        own = read_file(path, decimal="point")
        placement = study.place(own)
        evidence = study.Refused("x")
        fitted = study.fit(own, 3)
        assert "train some.csv --decimal point --segments 3" in (
            text.next_steps(own, placement, evidence, fitted)
        )

    def test_amounts_in_a_large_unit_are_said_to_be_small(self, tmp_path, customers):
        said = text.spending(read_file(_table(customers[list(SPEND_COLUMNS)] / 1000, tmp_path)))
        assert "spend under 10 m.u. on Fresh, Milk, Grocery, Frozen, Detergents and Paper and" in said
        assert "under 10" not in text.spending(read_file(SHIPPED))

    def test_no_structure_is_doubted_whichever_number_leads(self, tmp_path):
        rng = np.random.default_rng(4)
        cloud = np.exp(rng.multivariate_normal([8] * 6, np.eye(6) + 0.3, 300))
        own = read_file(_table(cloud, tmp_path))
        placement, evidence, fitted = study.place(own), study.compare_counts(own), study.fit(own, 3)
        assert re.search(
            r"Of 20 clouds without any segments, .* when cut into 3.* scored as high",
            text.found(own, placement, evidence, fitted, 3),
        )
        advised = text.next_steps(own, placement, evidence, fitted)
        assert evidence.by_chance_too(3) and "though chance might give as good ones" in advised

    def test_segments_that_zeros_make_are_named(self, tmp_path, customers):
        amounts = customers[list(SPEND_COLUMNS)].copy()
        amounts.iloc[:60, 2] = 0
        said = _all_said(read_file(_table(amounts, tmp_path)))
        assert re.search(r"(?m)^.*\b60 .* 100%$", said)

    def test_of_more_than_can_be_fitted_counts_all(self, tmp_path, customers, monkeypatch):
        monkeypatch.setattr("wholesale.bundle.LARGEST", 300)
        monkeypatch.setattr(study, "DRAWN", 200)
        own = read_file(_table(customers[list(SPEND_COLUMNS)], tmp_path))
        fitted = study.fit(own, 3)
        assert not fitted.all_fitted
        assert tables.segments(fitted)["customers"].astype(int).groupby(level=0).sum().eq(440).all()
        assert "300 customers, drawn at random, were fitted" in _all_said(own)

    def test_a_table_says_which_of_its_columns_are_words(self):
        table = pd.DataFrame({"n": [1], "said": ["much higher"]}).rename_axis(columns="line")
        assert 'class="dataframe th-1 th-3 td-2"' in export.table_html(table)


class TestFigures:
    def test_the_tree_writes_no_word_that_could_overlap(self, sample):
        ax = figures.tree(sample[-1])
        assert not any("customers" in text.get_text() for text in ax.texts)
        plt.close("all")


class TestTheReport:
    def test_loads_nothing_from_anywhere(self, written):
        page = Page(written[0])
        assert page.loads and all(load.startswith("data:image/png;base64,") for load in page.loads)
        assert not re.search(r"https?://|@import|url\(|<script|<iframe", written[0])

    def test_has_a_title_a_language_and_a_text_for_every_figure(self, written):
        page = Page(written[0])
        assert page.html["lang"] == "en" and page.title.strip() == "Customers of second_wholesaler.csv"
        assert len(page.images) == 5 and all(its["alt"].startswith("Figure: ") for its in page.images)

    def test_hides_the_code_until_it_is_asked_for(self, written):
        assert (
            "pre.code { display: none; }" in written[0]
            and "fitted = study.fit(customers, segments)" in written[0]
        )
        assert [its["type"] for its in Page(written[0]).inputs] == ["checkbox"]

    def test_begins_with_what_was_found_and_tells_its_settings_but_no_folder(self, written):
        headings = re.findall(r"<h2[^>]*>(.*?)</h2>", written[0])
        assert headings[0] == "What we found" and headings[-1] == "How this report was made"
        assert "Which file?" not in headings and 'source = "second_wholesaler.csv"' in written[0]
        assert str(ROOT) not in written[0]
        assert not re.search(r"pro\{j|Zo(ë|\\xeb)|\{x\}", written[0])
        settings = written[0].split("How this report was made")[1]
        for told in ("second_wholesaler.csv", "Deli for Delicassen", "found out from the file"):
            assert f": {told}</li>" in settings

    def test_tells_each_step_on_standard_error_and_leaves_nothing_else(self, written):
        _, result, left = written
        assert left == ["page.html"] and result.stdout == ""
        steps = [line.strip() for line in result.stderr.splitlines()]
        assert steps[0] == "Read second_wholesaler.csv" and steps[-1] == "Write page.html"
        assert all(line.startswith("  ") for line in result.stderr.splitlines())

    def test_is_the_notebooks_own_account(self, written):
        for said in ("Read as customers: 80 of 84", "no proper mixture", "Mend the rejected records"):
            assert said in written[0]


class TestRefusals:
    def test_a_file_that_is_there_stays_unless_forced(self, tmp_path):
        (tmp_path / "page.html").write_text("mine")
        with pytest.raises(OutputError, match=r"page\.html is there already"):
            write_report(SAMPLE, tmp_path / "page.html", columns=DELI)
        assert (tmp_path / "page.html").read_text() == "mine"

    @pytest.mark.parametrize("options", [{}, {"columns": DELI, "models": "nowhere"}])
    def test_what_cannot_be_read_is_refused_before_anything_runs(self, tmp_path, monkeypatch, options):
        monkeypatch.setattr(export, "_run", lambda *_: pytest.fail("it ran"))
        with pytest.raises((ReadError, BundleError)):
            write_report(SAMPLE, tmp_path / "page.html", **options)
        assert list(tmp_path.iterdir()) == []

    def test_a_file_without_any_customer_is_refused_with_the_first_reason(self, tmp_path):
        path = _table([["x"] * 6], tmp_path)
        with pytest.raises(ReadError, match=r"some.csv: no record is a customer; line 2: Fresh: x is not"):
            read_file(path)

    def test_what_is_told_of_a_file_is_what_the_notebook_asks_for(self, tmp_path, monkeypatch):
        def stop(parameters, _):
            raise ReportError(sorted(parameters))

        monkeypatch.setattr(export, "_run", stop)
        with pytest.raises(ReportError) as told:
            write_report(SAMPLE, tmp_path / "page.html", columns=DELI)
        assert told.value.args[0] == sorted(export.papermill.inspect_notebook(export.NOTEBOOK))

    def test_a_failing_cell_gives_a_sentence_and_no_report(self, tmp_path, monkeypatch):
        class Failed(export.papermill.PapermillExecutionError):
            def __init__(self):
                super().__init__(1, 1, "", "ZeroDivisionError", "division by zero", [])

        def fail(*_, **__):
            raise Failed

        monkeypatch.setattr(export.papermill, "execute_notebook", fail)
        with pytest.raises(ReportError, match="was not written: ZeroDivisionError, division by zero"):
            write_report(SAMPLE, tmp_path / "page.html", columns=DELI)
        assert list(tmp_path.iterdir()) == []

    def test_the_command_says_it_in_a_sentence(self, tmp_path):
        result = CliRunner().invoke(main, ["report", str(tmp_path / "none.csv")])
        assert result.exit_code == 1 and result.stderr.splitlines()[-1] == "none.csv is not there"
