"""The tabs of the segments and of the models; that of many customers is in test_app_upload."""

import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import pandas as pd
import pytest
from test_app_answer import rows

from wholesale.app import sentences
from wholesale.app.tabs import about_tab, segments_tab
from wholesale.columns import CHANNELS, LABELS, MODELS, REGIONS
from wholesale.criteria import BANDS, CRITERIA
from wholesale.manifest import ROOT
from wholesale.segments import GROUPS
from wholesale.wording import SPACE, format_amount, format_share, listed

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
        assert amounts == [format_amount(amount) for amount in predictor.typical[model][i].tolist()]
        assert sentences.stability(predictor, model, i + 1) in tile


def test_channel_and_region_are_shares_of_the_segment_and_said_not_to_be_used(predictor, tiles, customers):
    members = customers[predictor.segments["kmeans"] == 2]
    for column, words in (("Channel", CHANNELS), ("Region", REGIONS)):
        assert f"{column}, not used in fitting" in tiles[1]
        for name, share in members[column].map(words).value_counts(normalize=True).items():
            assert f"{name} {format_share(share)}" in tiles[1]


def test_bars_are_means_in_standardized_units(predictor, tiles, X):
    means = pd.DataFrame(X).groupby(predictor.segments["ward"]).mean().loc[3]
    shown = re.findall(r'title="([\d.]+) standard deviations (above|below)', tiles[-1])
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


def test_versions_and_date_are_those_of_the_training_and_only_the_shipped_source_is_named(predictor, about):
    manifest = predictor.manifest
    assert manifest["trained"][:10] in about and manifest["customers_sha256"][:16] in about
    assert all(f"{name} {version}" in about for name, version in manifest["versions"].items())
    assert f"own segment for {manifest['metrics']['ward']['self_placement']:.0%} of those on record" in about
    assert "DOI 10.24432/C5030X, CC BY 4.0" in about
    assert "C5030X" not in about_tab(replace(predictor, manifest=manifest | {"customers_sha256": "0" * 64}))


def test_the_words_for_groups_are_those_that_the_names_come_from():
    said = {"staples": "Staples are ", "fresh": "fresh means ", "deli": "deli "}
    for group, columns in GROUPS.items():
        assert said[group] + listed([LABELS[column] for column in columns]) in sentences.GROUPS


def test_the_template_has_the_form_s_labels_and_requests_nothing_from_elsewhere():
    outline = (TEMPLATE / "index.html.j2").read_text(encoding="utf-8")
    assert str(list(LABELS.values())).replace("'", '"') in outline
    for file in filter(Path.is_file, TEMPLATE.rglob("*.*")):
        text = file.read_text(encoding="utf-8").replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert "//" not in text.replace("// ", ""), file.name
