"""The tabs as HTML and in sentences; that of many customers is in test_app_upload."""

import math
import re
from dataclasses import replace
from html import escape, unescape
from pathlib import Path

import jinja2
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wholesale.app import sentences, tabs
from wholesale.app.sentences import groups
from wholesale.app.tabs import about_tab, segments_tab
from wholesale.app.templates import explained, render
from wholesale.columns import CHANNELS, MODELS, REGIONS, SPEND_COLUMNS, WHOLESALE
from wholesale.criteria import BANDS, CRITERIA, FIRM
from wholesale.explain import Change, Explanation, explain
from wholesale.manifest import ROOT
from wholesale.predict import Prediction, Predictor, Reading, predict_segment, predict_segments
from wholesale.wording import SPACE, format_amount, format_share, listed, rounded

FIRST = dict(zip(SPEND_COLUMNS, (12669.0, 9656.0, 7561.0, 214.0, 2674.0, 1338.0), strict=True))
ENORMOUS = dict.fromkeys(SPEND_COLUMNS, 1e9)


def spend(row: np.ndarray) -> dict[str, float]:
    return dict(zip(SPEND_COLUMNS, row.tolist(), strict=True))


def section(answer: str, name: str) -> str:
    start = re.search(rf'class="wc-card [^"]*\bwc-{name}"', answer).start()
    return unescape(answer[start:].split("</section>")[0])


def unmarked(html: str) -> str:
    """Leave out the marks of words that the glossary explains."""
    return re.sub("</?dfn.*?>", "", html)


def rows(html: str, table: str) -> list[tuple[str, list[str]]]:
    """What names each row of a table, and its cells."""
    body = unmarked(html).split(table)[1].split("</table>")[0]
    found = re.findall(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', body, re.S)
    return [(name, re.findall(r"<td[^>]*>(.*?)</td>", cells, re.S)) for name, cells in found]


@pytest.fixture(scope="module")
def first(predictor: Predictor) -> Prediction:
    """The answer for the first customer on record."""
    return predict_segment(predictor, FIRST)


@pytest.fixture(scope="module")
def explanation(predictor: Predictor) -> Explanation:
    return explain(predictor, FIRST)


def written(predictor: Predictor, amounts: dict[str, float], **more: object) -> str:
    """The whole answer, the verdict and what follows it."""
    return "".join(tabs.answer(predictor, amounts, **more))


@pytest.fixture(scope="module")
def page(predictor: Predictor) -> str:
    return written(predictor, FIRST)


@pytest.mark.parametrize(
    ("share", "written"),
    [(0, "0%"), (1e-70, "<1%"), (0.004, "<1%"), (0.98, "98%"), (0.996, ">99%"), (1, "100%")],
)
def test_a_share_is_never_rounded_to_certainty(share, written):
    assert format_share(share) == written


def test_each_model_says_its_segment_and_two_have_a_bar_for_each_of_theirs_long_where_near(
    predictor, first, page
):
    for model in MODELS:
        reading = getattr(first, model)
        dot = f'<i class="wc-dot" style="--seg:{predictor.colours[model][reading.segment - 1]}"></i>'
        assert re.search(f'class="[^"]*wc-value">{dot}{reading.name}</', section(page, model))
    least = min(first.kmeans.scores)
    far = [f"{each / least:.1f}× as far" if each > least else "nearest" for each in first.kmeans.scores]
    for model, shares, said in (
        ("kmeans", [least / each for each in first.kmeans.scores], far),
        ("gmm", first.gmm.scores, map(format_share, first.gmm.scores)),
    ):
        for name, share, words in zip(predictor.names[model], shares, said, strict=True):
            row = re.search(f"<li><span>{name}</span>.*?</li>", section(page, model))[0]
            assert f"<b>{words}</b>" in row and f"--share:{share:.4f}" in row


def test_nearness_is_full_on_a_centre_far_beyond_ten_times_and_almost_as_near_but_for_rounding(first):
    def near(*scores):
        return sentences.nearness(replace(first, kmeans=replace(first.kmeans, scores=scores)))

    assert near(0.0, 2.0) == [(1, "nearest"), (0, "far")]
    assert near(30.0, 2.0) == [(2 / 30, "far"), (1, "nearest")]
    assert [said for _, said in near(2.0, 2.02, 3.0)] == ["nearest", "almost as near", "1.5× as far"]


def test_the_ward_card_says_how_often_its_rule_reproduces_the_tree(predictor, page):
    share = predictor.manifest["metrics"]["ward"]["self_placement"]
    assert f"finds the tree's own segment for {share:.0%} of the customers on record" in section(page, "ward")
    unknown = written(replace(predictor, manifest={}), FIRST)
    assert "Placed where joining costs least." in section(unknown, "ward")


TOTALS = {1: f"34{SPACE}112", 1e4: f"341{SPACE}120{SPACE}000", 1e-6: "0.034", 1e-12: "3.4e-08"}
TOTALS |= {1e300: "3.4e+304", 1.4e304: "more than 1e+308"}


@pytest.mark.parametrize(("scale", "total"), TOTALS.items())
def test_the_customer_s_total_of_any_size_stands_beside_what_is_typical(predictor, scale, total):
    answer = written(predictor, {column: amount * scale for column, amount in FIRST.items()})
    assert f"a year. This customer spends {total}." in answer


ODD = [0.0, 5e-324, 1e-12, 1.615, 1e15, 1e16, 1e308, 1.7e308]


@settings(max_examples=30)
@given(st.lists(st.sampled_from(ODD), min_size=6, max_size=6))
def test_any_amounts_get_an_answer_without_a_word_too_long_to_break(predictor, amounts):
    answer = written(predictor, dict(zip(SPEND_COLUMNS, amounts, strict=True)))
    assert not re.search(r"\b(?:nan|inf)\b", answer)
    assert max(map(len, re.findall(r"[^\s<>\"]+", re.sub("<[^>]+>", " ", answer)))) < 30


def test_one_probability_is_written_alike_on_its_card_and_in_the_text(predictor):
    certain = dict.fromkeys(SPEND_COLUMNS, 1e12)
    assert max(predict_segment(predictor, certain).gmm.scores) == 1  # but for rounding
    answer = written(predictor, certain)
    assert "(100%)" not in answer and "(&gt;99%)" in answer
    assert "<b>>99%</b>" in section(answer, "gmm")


def test_an_unfamiliar_customer_is_warned_about_before_anything_else(predictor, first, page):
    answer, enormous = written(predictor, ENORMOUS), predict_segment(predictor, ENORMOUS)
    assert answer.index("Unlike 99% of the customers on record") < answer.index('class="wc-verdict"')
    assert sentences.announcement(predictor, enormous).startswith("Unlike 99% of the customers on record.")
    assert enormous.unfamiliar and "Unlike" not in page
    assert sentences.familiarity(first) == f"Familiar: more typical than {first.familiarity:.0%} of customers"


def test_an_answer_for_earlier_amounts_is_marked_and_otherwise_unchanged(predictor, page):
    stale = written(predictor, FIRST, faults=["Milk: blank"])
    assert tabs.EARLIER in stale and tabs.EARLIER not in page
    assert section(page, "kmeans") == section(stale, "kmeans")


SURE = [(1.0, ", but a close call with "), (1.14, ", but a close call with "), (1.15, ", with ")]
SURE += [(1.5, ", clearly; "), (math.inf, ", clearly; ")]


@pytest.mark.parametrize(("clarity", "start"), SURE)
def test_the_verdict_says_how_sure_it_is_for_this_customer(predictor, first, clarity, start):
    said = sentences.verdict(predictor, replace(first, clarity=clarity, unfamiliar=False))
    second = predictor.names["kmeans"][np.argsort(first.kmeans.scores)[1]]
    assert said.startswith(start) and (second in said) == (clarity < 1.5)
    unlike = sentences.verdict(predictor, replace(first, clarity=clarity, unfamiliar=True))
    assert unlike.startswith(", but only as the nearest there is; ")


def test_agreement_is_said_by_its_meaning(predictor, first):
    def said(segment: int, gmm: float, ward: float) -> str:
        readings = {"gmm": replace(first.gmm, overlap=gmm), "ward": replace(first.ward, overlap=ward)}
        readings["kmeans"] = replace(first.kmeans, segment=segment)
        return sentences.agreement(predictor, replace(first, **readings))

    assert said(1, 0.7, 0.4) == "all 3 models agree"
    assert said(1, 0.7, 0.1) == "2 of 3 models agree: not Ward"
    assert said(1, 0.1, 0.7) == "2 of 3 models agree: not Gaussian mixture"
    assert said(1, 0.1, 0.1) == "only K-Means says so"
    assert said(3, 0.1, 0.1) == "only K-Means has such a segment"


def test_the_customer_of_the_walk_reads_how_unsure_it_is_in_the_first_sentence(predictor):
    page = written(predictor, spend(predictor.amounts[141]))
    heading = re.sub("<.*?>", "", page[page.index('<h2 class="wc-verdict">') :].split("</h2>")[0])
    assert heading == "High all round, but a close call with Few staples; only K-Means says so."


def test_whether_a_segment_is_firm_and_stable_is_said_if_it_is_known(
    predictor, first, explanation, page, tiles
):
    shares = np.array(predictor.evidence["firmness"]["kmeans"])
    for segment, name in enumerate(predictor.names["kmeans"], start=1):
        mean = shares[predictor.segments["kmeans"] == segment].mean()
        said = sentences.firm_here(predictor, segment, explanation)
        kind = "A firm segment" if mean >= FIRM else "Where this segment ends is partly arbitrary"
        whole = f"{kind}: other careful methods agree {mean:.0%} of the time on its customers"
        assert said.startswith(f"{whole}, and ") and f"{whole}. " in tiles[segment - 1], name
    assert sentences.firm_here(predictor, first.kmeans.segment, explanation) in page and "drawn anew" in page
    without = written(replace(predictor, evidence={}), FIRST)
    assert not re.search("careful (analyses|methods)|drawn anew", without)


@pytest.mark.parametrize(("customer", "said"), [(3, "and 87%"), (215, "and at most 27%")])
def test_of_the_most_alike_in_another_segment_what_is_left_of_the_analyses_counts(predictor, customer, said):
    """All five most like customer 215 are in another segment, on which 73% of analyses agree."""
    amounts = predictor.amounts[customer - 1]
    explanation, own = explain(predictor, amounts), int(predictor.segments["kmeans"][customer - 1])
    shares = np.array(predictor.evidence["firmness"]["kmeans"])
    agree = [(one.segment == own, shares[one.customer - 1]) for one in explanation.alike]
    expected = np.mean([share if same else 1 - share for same, share in agree])
    assert sentences.placed_alike(predictor, own, explanation) == pytest.approx(expected)
    assert all(same for same, _ in agree) == ("most" not in said)
    assert f"{said} of the time on those most like this one." in written(predictor, spend(amounts))


def test_who_has_these_amounts_on_record_stands_first_and_who_is_like_it_in_the_verdict(
    predictor, explanation, page
):
    nobody = written(predictor, FIRST | {"Fresh": 12670})
    assert page.index("Customer 1 on record</p>") < page.index('class="wc-verdict"')
    assert "on record</p>" not in nobody and "Customer: Fresh" in nobody and "Customer 1: Fresh" in page
    named = re.findall(r'data-customer="(\d+)"', section(page, "kmeans"))
    assert [*map(int, named)] == [one.customer for one in explanation.alike[:3]]
    assert sentences.whose([3, 5]) == "Customers 3 and 5"


def test_a_close_call_is_what_one_customer_in_eight_gets(predictor):
    clarity = predict_segments(predictor, predictor.amounts)["clarity"]
    assert round(1 / (clarity < sentences.CLOSE).mean()) == 8


def test_a_segment_is_related_to_that_of_k_means_by_its_overlap_or_stands_alone(
    predictor,
):
    for overlap, start in ((0.8, "The same as"), (0.5, "Similar to"), (0.1, "Not a counterpart of")):
        sentence = sentences.related("Those", overlap)
        assert sentence.startswith(f"{start} Those: ")
        assert f"{overlap:.0%} of their customers in common" in sentence
    assert [sentences.alone(predictor, segment) for segment in (1, 2, 3)] == [False, False, True]


@pytest.mark.parametrize("model", MODELS)
def test_each_segment_says_how_stable_it_is_and_one_that_it_is_the_least(predictor, model):
    known = predictor.evidence["stability"][model]
    for segment, (band, jaccard) in enumerate(zip(known["band"], known["jaccard"], strict=True), start=1):
        sentence = sentences.stability(predictor, model, segment)
        assert band in sentence and f"{jaccard:.2f}" in sentence
        assert ("the least stable" in sentence) == (jaccard == min(known["jaccard"]))


def test_names_are_escaped_on_every_tab(predictor):
    nasty = "<script>alert(1)</script> & more"
    renamed = replace(predictor, names={model: (nasty,) * len(own) for model, own in predictor.names.items()})
    for page in (written(renamed, FIRST), segments_tab(renamed), about_tab(renamed)):
        assert "<script" not in page and escape(nasty)[:12] in page


def test_another_model_s_name_is_said_to_be_one_for_similar_customers():
    kmeans, same = (Reading(1, name, (), overlap) for name, overlap in (("A", 1.0), ("B", 0.6)))
    assert sentences.renamed(kmeans, same) == ", its name for what is A here"
    assert sentences.renamed(kmeans, replace(same, overlap=0.5)) == ", its name for roughly what is A here"
    assert (
        sentences.renamed(kmeans, replace(same, overlap=0.3)) == ", which groups such customers differently"
    )
    assert sentences.renamed(kmeans, replace(same, name="A")) == ""


def test_every_category_has_a_row_with_its_amount_centre_and_exact_contribution(page, explanation):
    ranked = sorted(explanation.reasons, key=lambda reason: -reason.contribution)
    for (label, cells), reason in zip(rows(page, "wc-whys"), ranked, strict=True):
        assert label == WHOLESALE.label(reason.column)
        centres = (format_amount(round(centre)) for centre in (reason.centre, reason.rival_centre))
        assert cells[:3] == [format_amount(reason.amount), *centres]
        assert f"{abs(reason.contribution):.2f}" in cells[3]
        assert ("wc-right" in cells[3]) == (reason.contribution > 0)


def test_the_weightiest_categories_are_named_on_their_own_side(predictor, explanation):
    weights = {"Fresh": 5.0, "Milk": 0.1, "Grocery": -2.0, "Frozen": 0.0, "Delicassen": 1.5}

    def said(least: float) -> str:
        weighed = ((each, max(weights.get(each.column, 0.0), least)) for each in explanation.reasons)
        reasons = tuple(replace(each, contribution=weight) for each, weight in weighed)
        return sentences.reasons(predictor, replace(explanation, reasons=reasons))

    assert said(-9) == "Mostly for it: Fresh and Delicassen. Against it: Grocery."
    assert said(0).endswith("Nothing weighty speaks against it.")
    weights |= {"Grocery": -5.0}
    assert said(-9).endswith("Against it: Grocery. Together they are just enough.")


def test_a_change_is_said_with_its_amounts_for_every_other_segment(predictor, first, page, explanation):
    change = Change("Detergents_Paper", 2674.0, 1000.5, 1, "Few staples")
    said = sentences.change(predictor.categories, change)
    assert said == "Detergents and Paper were 1\u00a0000.5 instead of 2\u00a0674 m.u."
    assert len(explanation.changes) == predictor.n_segments - 1
    for change in explanation.changes:
        assert f"If <b>{sentences.change(predictor.categories, change)}</b>, then <span" in page
    assert sentences.unreached(predictor, first, explanation) == ""
    none = sentences.unreached(predictor, first, replace(explanation, changes=explanation.changes[:1]))
    assert none.endswith(f'up to the highest on record, leads to "{explanation.changes[1].name}".')
    none = sentences.unreached(predictor, first, replace(explanation, changes=()))
    others = [name for name in predictor.names["kmeans"] if name != first.kmeans.name]
    assert none.endswith(f'leads to "{others[0]}" or "{others[1]}".')


def test_the_five_most_similar_customers_are_listed_with_their_segments(page, explanation):
    found = rows(unescape(page), "wc-alikes")
    assert len(found) == 5
    for (name, cells), alike in zip(found, explanation.alike, strict=True):
        assert 'class="wc-open"' in name and f'data-customer="{alike.customer}">#{alike.customer}<' in name
        assert cells[:6] == [format_amount(amount) for amount in alike.amounts]
        assert alike.name in cells[6] and cells[7:] == [alike.channel, alike.region]
    assert "Customer 1 on record has exactly these amounts." in page


def test_the_text_to_copy_holds_what_the_page_says(predictor, first, explanation, page):
    text = unescape(re.search('<pre class="wc-text" hidden>(.*?)</pre>', page, re.S)[1])
    said = [sentences.familiarity(first), sentences.verdict(predictor, first)]
    said += [sentences.reasons(predictor, explanation)]
    said += [f"{WHOLESALE.label(column)} {format_amount(amount)}" for column, amount in FIRST.items()]
    said += [f": {reading.name}" for reading in (first.kmeans, first.gmm, first.ward)]
    changes = {each.name: sentences.change(predictor.categories, each) for each in explanation.changes}
    said += [f"If {change}, then {name}.\n" for name, change in changes.items()]
    said += [f"Most like customers {', '.join(str(alike.customer) for alike in explanation.alike[:4])} and "]
    said += [sentences.similar(FIRST.values(), explanation)[1], "How sure: unsure."]
    assert [each for each in said if each not in text] == []


TEMPLATE = ROOT / "share" / "jupyter" / "voila" / "templates" / "wholesale"


@pytest.fixture(scope="module")
def tiles(predictor) -> list[str]:
    return re.findall(r"<article.*?</article>", unescape(segments_tab(predictor)), re.S)


@pytest.fixture(scope="module")
def about(predictor) -> str:
    return unescape(about_tab(predictor))


@pytest.mark.parametrize("model", MODELS)
def test_every_segment_has_a_tile_with_its_size_typical_amounts_and_colour(predictor, tiles, model):
    first = list(MODELS).index(model) * predictor.n_segments
    for i, tile in enumerate(tiles[first : first + predictor.n_segments]):
        assert f"--seg:{predictor.colours[model][i]}" in tile
        assert f"</i>{predictor.names[model][i]}</h4>" in tile
        assert f"<p>{predictor.sizes[model][i]} customers: " in tile
        amounts = [cells[0] for _, cells in rows(tile, "wc-typical")]
        assert amounts == [rounded(amount) for amount in predictor.typical[model][i].tolist()]
        assert sentences.stability(predictor, model, i + 1) in unmarked(tile)


def test_channel_and_region_are_shares_of_the_segment_and_said_not_to_be_used(predictor, tiles, customers):
    members = customers[predictor.segments["kmeans"] == 2]
    for column, words in (("Channel", CHANNELS), ("Region", REGIONS)):
        assert f"{column}, not used in fitting" in tiles[1]
        for name, share in members[column].map(words).value_counts(normalize=True).items():
            assert f"{name} {format_share(share)}" in unmarked(tiles[1])


def test_bars_are_means_in_standardized_units(predictor, tiles, X):
    means = pd.DataFrame(X).groupby(predictor.segments["ward"]).mean().loc[3]
    shown = re.findall(r'data-tip="([\d.]+) standard deviations (above|below)', tiles[-1])
    assert shown == [(f"{abs(mean):.1f}", "above" if mean >= 0 else "below") for mean in means]


def test_the_evidence_table_holds_every_figure_of_the_bundle(predictor, about):
    found = dict(rows(about, "wc-counts"))
    assert list(found) == list(predictor.evidence["counts"])
    for k, figures in found.items():
        for criterion, shown in zip(CRITERIA, figures, strict=True):
            value = predictor.evidence["counts"][k][criterion.column]
            expected = "–" if value is None else format(value, criterion.format).replace(",", SPACE)
            assert re.sub("<.*?>", "", shown) == expected


def test_the_recommendation_and_the_dissent_are_said_or_that_there_is_no_evidence(predictor, about):
    for sentence in (*predictor.evidence["sentences"], f"Served: {predictor.n_segments}"):
        assert sentence in about
    for bound, words in BANDS.items():
        assert (f"from {bound:g} {words}" if bound else f"below that {words}") in about
    page = about_tab(replace(predictor, evidence={}))
    assert "No evidence was gathered for these customers." in page and "wc-counts" not in page


def test_each_vote_stands_beside_what_chance_casts(predictor, about):
    weights = predictor.evidence["weights"]
    for (vote, cells), (name, row) in zip(rows(about, "wc-votes"), weights.items(), strict=True):
        chance = [format_share(share) for null, share in row.items() if null not in ("k", "counts")]
        assert vote.casefold() == name.casefold() and len(chance) == 3
        assert cells == [str(row["k"]), *chance, "yes" if row["counts"] else "no"]


def test_a_segment_that_most_other_analyses_find_is_firm_and_the_rest_a_cut(predictor, about):
    shares = np.array(predictor.evidence["firmness"]["kmeans"])
    means = [shares[predictor.segments["kmeans"] == s].mean() for s in (1, 2, 3)]
    assert min(means[:1]) >= FIRM > max(means[1:])
    firm, cut = sentences.firm_and_cut(predictor)
    few, high, staples = map("{} ({})".format, predictor.names["kmeans"], map(format_share, means))
    assert firm.startswith(f"Firm: {few}: ") and cut.startswith(f"A convenient cut: {high} and {staples}: ")
    assert firm in about and cut in about
    nobody = predictor.evidence | {"firmness": {"kmeans": [0.5] * 440}}
    assert sentences.firm_and_cut(replace(predictor, evidence=nobody))[0] == "No segment is firm."
    assert sentences.firm_and_cut(replace(predictor, evidence={})) == ()


def test_versions_and_date_are_those_of_the_training_and_only_the_shipped_source_is_named(predictor, about):
    manifest = predictor.manifest
    assert manifest["trained"][:10] in about and manifest["customers_sha256"][:16] in about
    assert all(f"{name} {version}" in about for name, version in manifest["versions"].items())
    assert f"own segment for {manifest['metrics']['ward']['self_placement']:.0%} of those on record" in about
    assert "DOI 10.24432/C5030X, CC BY 4.0" in about
    assert "C5030X" not in about_tab(replace(predictor, manifest=manifest | {"customers_sha256": "0" * 64}))


def test_the_words_for_groups_are_those_that_the_names_come_from(predictor):
    said = {"staples": "staples are ", "fresh": "fresh means ", "deli": "deli means "}
    assert {*WHOLESALE.groups} == {*said}
    for group, columns in WHOLESALE.groups.items():
        assert said[group] + listed([WHOLESALE.label(column) for column in columns]) in groups(predictor)
    alone = replace(predictor, categories=replace(WHOLESALE, groups={}))
    assert groups(alone) == sentences.RULE and "More and less" not in groups(predictor)
    tied = replace(alone, names={"ward": ("Staples, more Milk", "Staples, less Milk", "Deli")})
    assert groups(tied).endswith("More and less, than the average too, tell equal names apart.")


def test_the_template_has_the_form_s_labels_and_requests_nothing_from_elsewhere():
    outline = (TEMPLATE / "index.html.j2").read_text(encoding="utf-8")
    fields = re.search(r"{% for label in .*?{% endfor -%}", outline, re.DOTALL)[0]
    known = {"labels": ("Wine", *WHOLESALE.labels[1:])}
    drawn = jinja2.Template(fields).render(page_config=known)
    assert re.findall("<span>(.*?)</span>", drawn) == ["Wine", *WHOLESALE.labels[1:]]
    assert re.findall("<span>(.*?)</span>", jinja2.Template(fields).render(page_config={})) == [""] * 6
    for file in filter(Path.is_file, TEMPLATE.rglob("*.*")):
        text = file.read_text(encoding="utf-8").replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert "//" not in text.replace("// ", ""), file.name


def test_a_pinned_customer_stands_beside_this_one_in_verdict_amounts_and_profile(predictor, page):
    other = spend(predictor.amounts[141])
    both = written(predictor, FIRST, pinned=other)
    found = dict(rows(both, "wc-besides"))
    for label, one, pinned in zip(WHOLESALE.labels, FIRST.values(), other.values(), strict=True):
        assert found[label] == [format_amount(pinned), format_amount(one), sentences.difference(one, pinned)]
    for cell, amounts in zip(found["K-Means"], (other, FIRST), strict=False):
        answer = predict_segment(predictor, amounts)
        assert re.sub("<.*?>", "", cell) == answer.kmeans.name + sentences.verdict(predictor, answer)
    assert found["K-Means"][2] == "same segment" and found["Gaussian mixture"][2] == "another segment"
    assert both.count("wc-pinned") == len(WHOLESALE.labels) + 1 and "Unpin" in both, (
        "in the profile, on the map"
    )
    assert (
        "Furthest apart in Detergents and Paper (by a factor of 52) and Fresh (by a factor of 2.4)." in both
    )
    far = written(predictor, FIRST, pinned=dict.fromkeys(SPEND_COLUMNS, 0.0) | {"Fresh": 5000.0})
    assert both.count("wc-arrow") == 0 and far.count("wc-arrow") == 1 + 5, (
        "off the map, and in five categories"
    )
    alone = written(predictor, FIRST, pinned=FIRST)
    assert "This customer is pinned." in alone and "wc-besides" not in alone and "wc-pinned" not in alone
    assert "wc-pinned" not in page and "wc-besides" not in page and "Pin to compare" in page


def test_a_difference_has_its_sign_and_what_is_equal_is_called_the_same():
    assert (
        sentences.difference(1200, 200) == "+1\N{NO-BREAK SPACE}000"
        and sentences.difference(0, 0.37) == "−0.37"
    )
    assert sentences.difference(5, 5.0) == "same"


def test_how_sure_is_one_of_three_words_by_nearness_agreement_and_other_analyses(predictor):
    first, explanation = (of(predictor, predictor.amounts[1]) for of in (predict_segment, explain))
    assert {one.segment for one in explanation.alike} == {first.kmeans.segment}

    def word(share: float | None = None, beside: Explanation = explanation, **changed: object) -> str:
        evidence = {} if share is None else {"firmness": {"kmeans": [share] * 440}}
        return sentences.sureness(replace(predictor, evidence=evidence), replace(first, **changed), beside)

    near = {"clarity": sentences.CLEAR, "agreement": 3}
    assert word(**near) == word(FIRM, **near) == "sure"
    assert word(FIRM - 0.01, **near) == word(0.5, **near) == "fairly sure" and word(0.49, **near) == "unsure"
    elsewhere = replace(explanation, alike=(replace(explanation.alike[0], segment=3), *explanation.alike[1:]))
    assert word(beside=elsewhere, **near) == "fairly sure"
    assert word(**near | {"agreement": 2}) == word(**near | {"clarity": sentences.CLOSE}) == "fairly sure"
    assert word(**near | {"clarity": 1.1}) == word(**near | {"unfamiliar": True}) == "unsure"


def test_how_alike_the_most_similar_customer_is_is_said_as_a_ratio_of_amounts_rounded_up(explanation):
    def said(*amounts: float, same: tuple[int, ...] = ()) -> tuple[str, str]:
        alike = replace(explanation, alike=(replace(explanation.alike[0], amounts=amounts),), same=same)
        return sentences.similar([99, 0, 4000], alike)

    assert said(99, 0, 5380) == ("Most like", "every amount within a factor of 1.4")
    assert said(33.01, 0, 4000) == ("Most like", "every amount within a factor of 3.0")
    lead = "Nobody on record is much like it; nearest"
    assert said(99, 2, 4000) == (lead, "an amount differs by a factor of 3.0"), "nothing counts as one"
    assert said(99, 9.2, 4000) == (lead, "an amount differs by a factor of 11")
    assert said(99, 2, 4000, same=(7,))[0] == "Nobody else on record is much like it; nearest"


def test_who_is_the_opposite_of_a_segment_s_name_is_told_so(predictor):
    low, high = (dict.fromkeys(SPEND_COLUMNS, amount) for amount in (1.0, 1e6))
    middle = spend(np.expm1(predictor.mean))
    for name, amounts, told in (
        ("Little deli", high, "buys much deli"),
        ("Little deli", low, ""),
        ("Staples, little fresh", low, "buys few staples"),
        ("Staples, little fresh", high, "buys much fresh"),
        ("Few staples", high, "buys many staples"),
        ("High all round", low, ""),
        ("Few staples", middle, ""),
    ):
        assert sentences.contrary(predictor, name, amounts) == told, (name, told)
    assert "; but this customer buys much deli" in written(predictor, spend(predictor.amounts[183]))


def test_every_word_of_the_glossary_is_explained_where_it_stands(predictor, page):
    least, rare = predictor.amounts[[predictor.densities.argmin(), 141]]
    form = render("form.html", known=predictor.categories, longest=80)
    everything = "".join([page, written(predictor, spend(rare)), segments_tab(predictor), form])
    term = '<dfn class="wc-term" tabindex="0" data-tip="([^"]*)">{}</dfn>'
    for word, said in sentences.GLOSSARY.items():
        marked = re.search(term.format(word), everything, re.I)
        assert marked and unescape(marked[1]) == said, word
    for plain in (page, written(predictor, spend(least))):
        said = re.sub(r'data-tip="[^"]*"', "", plain)
        assert not re.search("Jaccard|squared distance|principal component|standardized", said)


def test_a_word_is_explained_only_as_a_word_and_text_around_it_is_escaped():
    assert explained("Warden & <b>") == "Warden &amp; &lt;b&gt;"
    assert explained("A ward!").startswith('A <dfn class="wc-term" tabindex="0" data-tip="A tree')
