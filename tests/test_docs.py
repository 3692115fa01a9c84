"""The numbers in the README files are those of the data and of the models."""

import inspect
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

from wholesale.app.sentences import CLOSE
from wholesale.app.server import access, api, kernels, page
from wholesale.app.server.answers import TOO_LARGE
from wholesale.app.tabs import LIMIT
from wholesale.cli import serve
from wholesale.columns import CHANNELS, MODELS, REGIONS, SPEND_COLUMNS
from wholesale.criteria import FIRM
from wholesale.evidence.saved import load_evidence, saved_tables
from wholesale.manifest import ROOT, SHIPPED_SHA256
from wholesale.palette import SAME, SIMILAR
from wholesale.predict import UNFAMILIAR

FOLDERS = {"README": ROOT, "data card": ROOT / "dataset", "model card": ROOT / "models"}
TEXTS = {name: (folder / "README.md").read_text() for name, folder in FOLDERS.items()}
DATA_CARD, MODEL_CARD = TEXTS["data card"], TEXTS["model card"]
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text()
ROWS = {line.split("`")[1]: line for line in DATA_CARD.splitlines() if line.startswith("| `")}


def _grouped(number: float) -> str:
    return f"{number:,.0f}".replace(",", " ")


@pytest.mark.parametrize("column", SPEND_COLUMNS)
def test_the_data_card_gives_each_columns_range_and_median(customers, column):
    amounts = customers[column]
    low, high, middle = map(_grouped, (amounts.min(), amounts.max(), amounts.median()))
    assert f"{low} to {high} m.u., median {middle} |" in ROWS[column]


def test_the_data_card_names_the_file_by_its_hash_and_counts_channels_and_regions(customers):
    for column, words in (("Channel", CHANNELS), ("Region", REGIONS)):
        for code, word in words.items():
            count = (customers[column] == code).sum()
            assert re.search(rf"{code} {word}[^·|]*: {count}\b", ROWS[column], re.IGNORECASE)
    assert SHIPPED_SHA256 in DATA_CARD
    assert not customers.isna().any(axis=None) and customers[list(SPEND_COLUMNS)].min(axis=None) == 3
    assert f"for {(customers['Region'] == 3).mean():.0%} of the customers" in DATA_CARD


@pytest.mark.parametrize("model", MODELS)
def test_the_model_card_gives_names_sizes_and_silhouettes(bundle, model):
    metrics = bundle.manifest["metrics"][model]
    pairs = zip(bundle.names[model], metrics["sizes"], strict=True)
    segments = " · ".join(f"{name} ({size})" for name, size in pairs)
    assert f"| {MODELS[model]} | {segments} | {metrics['silhouette']:.2f} |" in MODEL_CARD


def test_the_model_card_gives_bic_restarts_self_placement_and_what_speaks_against_three(bundle):
    metrics, votes = bundle.manifest["metrics"], list(bundle.predictor.evidence["votes"].values())
    assert f"lowest BIC ({metrics['gmm']['bic']:.0f})" in MODEL_CARD
    assert f"of {metrics['gmm']['restarts']['tried']} restarts" in MODEL_CARD
    assert f"puts {metrics['ward']['self_placement']:.0%} of the 440 back" in MODEL_CARD
    assert (votes.count(2), len(votes)) == (5, 8) and "five of eight criteria prefer two" in MODEL_CARD
    counted = {vote: row["k"] for vote, row in bundle.predictor.evidence["weights"].items() if row["counts"]}
    assert list(counted.values()).count(2) == 2 and counted["BIC of the mixture"] == 3 == len(counted)


def test_the_model_card_says_what_is_firm_and_what_is_a_cut(bundle):
    cells = saved_tables(load_evidence())["multiverse"]
    scales, floors, methods, _ = (len(level) for level in cells.index.levels)
    assert (scales, floors, methods, len(cells.xs(3, level="k"))) == (6, 3, 5, 90)
    shares, segments = np.array(bundle.predictor.evidence["firmness"]["kmeans"]), bundle.labels["kmeans"]
    few, high, staples = (f"{shares[segments == s].mean():.0%}" for s in (1, 2, 3))
    assert f"{few} of 90 analyses" in MODEL_CARD and (few, high, staples) == ("82%", "61%", "46%")
    assert f"*High all round* ({high}) and *Staples, little fresh* ({staples})" in MODEL_CARD


@pytest.mark.parametrize("document", TEXTS)
def test_relative_links_lead_somewhere(document):
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", TEXTS[document]):
        assert (FOLDERS[document] / target).exists(), target


@pytest.mark.parametrize("document", ["README", "model card"])
def test_python_in_the_documents_runs(document):
    blocks = re.findall(r"```python\n(.*?)```", TEXTS[document], re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, document, "exec"), {})


def test_the_glossary_is_short_and_its_limits_are_those_of_the_code():
    rows = [line for line in GLOSSARY.splitlines() if line.startswith("| ")][2:]
    assert len(rows) == 20
    assert f"*same* if the overlap is from {SAME}, *similar* from {SIMILAR}, below" in GLOSSARY
    assert f"under {CLOSE} a close call" in GLOSSARY and f"is under {UNFAMILIAR:.0%}:" in GLOSSARY
    assert FIRM == 3 / 4 and "at least three in four" in GLOSSARY


OPERATORS = ("docs/serving.md", "SECURITY.md", "docs/nginx.conf", "docs/wholesale@.service")
SERVING, SECURITY, NGINX, UNIT = ((ROOT / name).read_text(encoding="utf-8") for name in OPERATORS)
OPTIONS = {name.replace("_", "-") for name in inspect.signature(serve).parameters}


def test_the_operator_s_document_names_every_option_and_the_server_s_own_limits():
    assert set(re.findall(r"--([a-z-]+)", SERVING)) >= OPTIONS - {"models"}
    assert f"take bodies of {LIMIT // 10**6} MB" in SERVING and f"size {LIMIT // 10**6 + 1}m;" in NGINX
    assert TOO_LARGE in NGINX
    assert f"at {page.KERNEL // 2**20} MB each, with {kernels.SPARE // 2**20} MB to\nspare" in SERVING
    assert (access.GUESSES, access.MINUTE) == (10, 60) and "may send ten wrong" in SERVING
    assert kernels.PER_ADDRESS == 5 and "an address has five" in SERVING


def test_the_service_says_what_the_command_takes_and_has_the_memory_for_its_pages():
    told = re.search(r"ExecStart=.* serve (.*(?:\n  .*)*)", UNIT)[1]
    assert set(re.findall(r"--([a-z-]+)", told)) <= OPTIONS
    pages, memory = int(re.search(r"--pages (\d+)", told)[1]), int(re.search(r"MemoryMax=(\d)G", UNIT)[1])
    assert pages * page.KERNEL + 2 * kernels.SPARE <= memory * 2**30
    assert f"# {pages} kernels at {page.KERNEL // 2**20} MB, and {2 * kernels.SPARE // 2**20} MB" in UNIT
    for secret in re.findall(r"%d/(\w+)", told):
        assert f"LoadCredential={secret}:/etc/wholesale/{secret}\n" in UNIT
    # Kernels' sockets have names of 85 letters below it, of the 107 that there may be.
    assert len("/run/wholesale/65535") + 85 <= 107 and "TMPDIR=%t/wholesale/%i" in UNIT


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd is installed")
def test_systemd_has_nothing_to_say_against_the_service(tmp_path):
    unit = tmp_path / "wholesale@.service"
    unit.write_text(UNIT.replace("/opt/wholesale/.venv/bin/python", sys.executable))
    command = ["systemd-analyze", "verify", "--man=no", str(unit)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "wholesale" not in run.stdout + run.stderr


def test_each_attack_that_is_said_to_be_defended_has_its_test():
    for path in re.findall(r"`(tests/\w+\.py)`", SECURITY):
        assert (ROOT / path).is_file(), path
    tests = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "tests").rglob("test_*.py"))
    named = re.findall(r"`(test_\w+)`", (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8"))
    assert len(named) > 8 and not [name for name in named if f"def {name}(" not in tests]
    assert (page.HEADERS_WITHIN, api.GRACE, api.SLOWEST) == (60, 30, 50_000)
    assert "a minute for headers; half a minute and a rate of 50 kB/s for bodies" in SECURITY
    assert kernels.PATIENCE == 10 and "after ten the kernel ends" in SECURITY


def test_every_budget_that_the_last_benchmarks_missed_is_named_with_its_reason():
    benchmarks = ROOT / "benchmarks"
    told = (benchmarks / "README.md").read_text(encoding="utf-8").partition("What was missed")[2].casefold()
    results = "".join(path.read_text(encoding="utf-8") for path in benchmarks.glob("results/*.md"))
    missed = re.findall(r"^\| ([^|(]*\S) .*\*\*missed\*\*", results, re.MULTILINE)
    assert [name in told for name in missed] == [True] * told.count("- **")
