"""Notebook 5 in JupyterLab: the page's looks and script, and nothing else of Lab's touched."""

import os
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from servers import running
from visit import enter, field

from wholesale.manifest import ROOT
from wholesale.predict import predict_segment


@pytest.fixture
def lab(browser: Browser, tmp_path: Path) -> Page:
    """JupyterLab with the notebook, all of it run, at a settled user's."""
    shutil.copy(ROOT / "notebooks" / "05_predictor.ipynb", tmp_path)
    homes = ("JUPYTER_CONFIG_DIR", "JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR", "IPYTHONDIR")
    options = ["--no-browser", "--IdentityProvider.token=", f"--ServerApp.root_dir={tmp_path}"]
    options += ["--allow-root"] if os.getuid() == 0 else []
    with running(
        "jupyterlab", *options, folder=tmp_path, **dict.fromkeys(homes, str(tmp_path / "home"))
    ) as server:
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        page.goto(f"{server.address}lab/tree/05_predictor.ipynb")
        expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible(timeout=60_000)
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        expect(page.locator(".wc-app .wc-kmeans")).to_be_visible(timeout=60_000)
        yield page
        page.close()


def test_in_jupyterlab_the_page_answers_opens_customers_and_explains_as_on_its_own(lab, predictor):
    address, faults = lab.url, []
    lab.on("pageerror", lambda error: faults.append(str(error)))
    opener = lab.locator(".wc-alikes .wc-open").first
    number = opener.get_attribute("data-customer")
    opener.click()
    expect(lab.locator(".wc-alike")).to_contain_text(f"Customer {number} on record has exactly")
    lab.locator(".wc-map").scroll_into_view_if_needed()
    lab.wait_for_timeout(300)  # scrolling takes tips away
    lab.locator(".wc-map").hover()
    expect(lab.locator("#wc-tip")).to_contain_text("m.u. a year")
    enter(lab, "Milk", "5000", "Enter")
    amounts = predictor.amounts[int(number) - 1].tolist()
    answer = predict_segment(predictor, [amounts[0], 5000, *amounts[2:]])
    expect(lab.locator(".wc-name")).to_have_text(answer.kmeans.name)
    expect(field(lab, "Milk")).to_have_value("5\u00a0000")
    expect(field(lab, "Milk")).to_have_accessible_name("Milk")
    lab.locator(".wc-pin").click()
    expect(lab.locator(".wc-beside")).to_be_visible()
    for needs_server in (".wc-copy-link", ".wc-print", ".wc-members", ".wc-upload"):
        expect(lab.locator(needs_server).first).to_be_hidden()
    lab.get_by_role("tab", name="Many customers").click()
    expect(lab.locator(".wc-without")).to_contain_text("Serve it with make app")
    assert lab.url == address and faults == []
    assert lab.locator("h1").first.inner_text() != "Wholesale customer segments", "Lab's own stay"
