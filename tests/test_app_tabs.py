import re
from dataclasses import replace
from html import escape, unescape

import pandas as pd
import pytest

from wholesale.app import sentences
from wholesale.app.tabs import about_tab, segments_tab
from wholesale.columns import CHANNELS, LABELS, MODELS, REGIONS
from wholesale.criteria import BANDS, CRITERIA
from wholesale.palette import segment_colours
from wholesale.segments import GROUPS
from wholesale.wording import SPACE, format_amount, format_share, listed


def tiles(page: str) -> list[str]:
    return re.findall(r"<article.*?</article>", page)


@pytest.mark.parametrize("model", MODELS)
def test_every_segment_has_a_tile_with_its_size_typical_amounts_and_colour(predictor, model):
    k, first = predictor.n_segments, list(MODELS).index(model) * predictor.n_segments
    own = tiles(segments_tab(predictor))[first : first + k]
    for i, tile in enumerate(own):
        assert escape(predictor.names[model][i]) in tile
        assert f"<p>{predictor.sizes[model][i]} customers: " in tile
        assert f"--seg:{segment_colours(predictor.overlap)[model][i]}" in tile
        for amount in predictor.typical[model][i].tolist():
            assert f">{format_amount(amount)}</td>" in tile
        assert sentences.stability(predictor, model, i + 1) in unescape(tile)


def test_channel_and_region_are_shares_of_the_segment_and_said_not_to_be_used(predictor, customers):
    tile = unescape(tiles(segments_tab(predictor))[1])
    members = customers[predictor.segments["kmeans"] == 2]
    for column, words in (("Channel", CHANNELS), ("Region", REGIONS)):
        shares = members[column].map(words).value_counts(normalize=True)
        for name, share in shares.items():
            assert f"{name} {format_share(share)}" in tile
        assert f"{column}, not used in fitting" in tile


def test_bars_are_means_in_standardized_units(predictor, customers, X):
    page = unescape(segments_tab(predictor))
    labels = pd.Series(predictor.segments["ward"])
    means = pd.DataFrame(X).groupby(labels.to_numpy()).mean()
    said = [f"{abs(mean):.1f} standard deviations" for mean in means.loc[3]]
    shown = re.findall(r'title="([\d.]+ standard deviations) (above|below)', tiles(page)[-1])
    assert [words for words, _ in shown] == said
    assert [side == "above" for _, side in shown] == (means.loc[3] >= 0).tolist()


def test_the_evidence_table_holds_every_figure_of_the_bundle(predictor):
    page = about_tab(predictor)
    table = page[page.index("wc-counts") :].split("</table>")[0]
    rows = re.findall(r'<tr><th scope="row">(\d+)</th>(.*?)</tr>', table)
    assert [k for k, _ in rows] == list(predictor.evidence["counts"])
    for k, row in rows:
        figures = re.findall(r"<td[^>]*>(.*?)</td>", row)
        for criterion, shown in zip(CRITERIA, figures, strict=True):
            value = predictor.evidence["counts"][k][criterion.column]
            expected = "–" if value is None else format(value, criterion.format).replace(",", SPACE)
            assert re.sub("<.*?>", "", shown) == expected


def test_the_recommendation_and_the_dissent_are_said(predictor):
    page = unescape(about_tab(predictor))
    for sentence in predictor.evidence["sentences"]:
        assert sentence in page
    assert f"Served: {predictor.n_segments}" in page


def test_without_evidence_the_tab_says_so(predictor):
    page = about_tab(replace(predictor, evidence={}))
    assert "No evidence was gathered for these customers." in page and "wc-counts" not in page


def test_versions_and_date_are_those_of_the_training(predictor):
    page = unescape(about_tab(predictor))
    manifest = predictor.manifest
    assert manifest["trained"][:10] in page and manifest["customers_sha256"][:16] in page
    for name, version in manifest["versions"].items():
        assert f"{name} {version}" in page
    assert f"own segment for {manifest['metrics']['ward']['self_placement']:.0%} of those on record" in page


def test_the_words_for_stability_are_explained_with_their_bounds(predictor):
    page = unescape(about_tab(predictor))
    for bound, words in BANDS.items():
        assert f"from {bound:g} {words}" in page or (bound == 0 and f"below that {words}" in page)


def test_the_source_is_named_for_the_shipped_customers_only(predictor):
    assert "DOI 10.24432/C5030X, CC BY 4.0" in about_tab(predictor)
    others = replace(predictor, manifest=predictor.manifest | {"customers_sha256": "0" * 64})
    assert "C5030X" not in about_tab(others)


def test_the_words_for_groups_are_those_that_the_names_come_from():
    said = {"staples": "Staples are", "fresh": "fresh means", "deli": "deli "}
    for group, columns in GROUPS.items():
        words = listed([LABELS[column] for column in columns])
        assert f"{said[group]} {words}".replace("deli  ", "deli ") in sentences.GROUPS
