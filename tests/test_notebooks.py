"""The house style of notebooks. Their cells are run, and their outputs compared, by nbval."""

import ast
import os
import re
import shutil
import subprocess
import sys
from itertools import pairwise

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from wholesale.manifest import ROOT

PAGE, ANY_FILE = "05_predictor.ipynb", "06_your_customers.ipynb"
ARGUED = ["01_explore", "02_log_and_standardize", "03_fit_and_compare", "07_how_many", "08_how_firm"]
READING = [*(f"{name}.ipynb" for name in [*ARGUED, "04_dendrograms"]), PAGE, ANY_FILE]
PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NOTEBOOKS = {path.name: nbformat.read(path, as_version=4) for path in PATHS}
ARTICLES = [name for name in NOTEBOOKS if name != PAGE]
CLAIMS = [name for name in ARTICLES if name != ANY_FILE]
SILENT = (ast.Assert, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.FunctionDef, ast.Import, ast.ImportFrom)


CODE, PROSE = (
    {name: [cell for cell in book.cells if cell.cell_type == kind] for name, book in NOTEBOOKS.items()}
    for kind in ("code", "markdown")
)
TREES = {name: [ast.parse(cell.source) for cell in cells] for name, cells in CODE.items()}
NODES = {name: [node for tree in trees for node in ast.walk(tree)] for name, trees in TREES.items()}


def _tags(cell):
    return set(cell.metadata.get("tags", []))


def test_the_eight_notebooks_are_there():
    assert list(NOTEBOOKS) == sorted(READING) and len(READING) == 8


def test_each_notebook_that_argues_says_which_is_next_and_the_readme_lists_them_in_that_order():
    for name, following in pairwise(READING[:-1]):
        (after,) = (line for line in PROSE[name][-2].source.splitlines() if line.startswith("Next: "))
        assert f"({following})" in after, name
    readme = (ROOT / "README.md").read_text()
    assert re.findall(r"^\| \[\d\d .*?\]\(notebooks/(.*?)\)", readme, re.MULTILINE) == READING


@pytest.mark.parametrize("name", NOTEBOOKS)
class TestEveryNotebook:
    def test_is_valid_titled_and_runs_on_the_environments_own_kernel(self, name):
        nbformat.validate(NOTEBOOKS[name])
        assert NOTEBOOKS[name].metadata.kernelspec.name == "python3"
        assert NOTEBOOKS[name].cells[0].source.startswith("# ")

    def test_has_short_cells_and_at_least_as_many_of_prose_as_of_code(self, name):
        assert len(PROSE[name]) >= len(CODE[name]) > 0
        for cell in CODE[name]:
            assert len([line for line in cell.source.splitlines() if line.strip()]) <= 10, cell.source

    def test_imports_in_one_cell_only(self, name):
        imports = re.compile(r"^\s*(import|from) ", re.MULTILINE)
        assert sum(bool(imports.search(cell.source)) for cell in CODE[name]) == 1

    def test_defines_no_class_and_no_long_function(self, name):
        for node in NODES[name]:
            assert not isinstance(node, ast.ClassDef)
            assert not isinstance(node, ast.FunctionDef) or node.end_lineno - node.lineno <= 5

    def test_holds_no_error_no_stderr_and_no_path_of_a_machine(self, name):
        outputs = [output for cell in CODE[name] for output in cell.outputs]
        assert not {"error", "stderr"} & {output.get("name", output.output_type) for output in outputs}
        assert not re.search(r"/(home|root|work|tmp|Users)/", nbformat.writes(NOTEBOOKS[name]))

    def test_uses_no_magic_that_hides_a_cell_from_the_checks(self, name):
        for cell in CODE[name]:
            assert not re.search(r"^\s*[%!]|NBVAL_|nbval-", cell.source, re.MULTILINE)
            assert not {"raises-exception", "skip-execution"} & _tags(cell)


@pytest.mark.parametrize("name", ARTICLES)
class TestEveryArticle:
    def test_is_committed_as_restart_and_run_all_leaves_it(self, name):
        assert [cell.execution_count for cell in CODE[name]] == list(range(1, len(CODE[name]) + 1))

    def test_keeps_the_output_of_every_cell_that_shows_something(self, name):
        """Nbval checks nothing of a cell whose output is missing."""
        for cell, tree in zip(CODE[name], TREES[name], strict=True):
            shows = not all(isinstance(statement, SILENT) for statement in tree.body)
            assert bool(cell.outputs) == shows, cell.source

    def test_ends_with_what_was_found_and_shows_figures(self, name):
        assert any(cell.source.startswith("## What we found") for cell in PROSE[name][-2:])
        assert any("image/png" in output.get("data", {}) for cell in CODE[name] for output in cell.outputs)


@pytest.mark.parametrize("name", CLAIMS)
class TestEveryArgument:
    def test_asserts_what_its_prose_claims(self, name):
        assert sum(isinstance(node, ast.Assert) for node in NODES[name]) >= 5

    def test_collapses_the_cells_that_only_assert_and_says_so_at_the_top(self, name):
        for cell, tree in zip(CODE[name], TREES[name], strict=True):
            asserts = any(isinstance(node, ast.Assert) for node in ast.walk(tree))
            assert cell.metadata.get("jupyter", {}).get("source_hidden", False) == asserts, cell.source
            assert not (asserts and cell.outputs), cell.source
        assert "collapsed" in PROSE[name][0].source

    def test_begins_with_contents_that_lead_to_every_heading_but_the_references(self, name):
        headings = re.findall(r"^## (.+)$", "\n".join(cell.source for cell in PROSE[name]), re.MULTILINE)
        links = re.findall(r"^- \[.+?\]\(#(.+)\)$", PROSE[name][0].source, re.MULTILINE)
        assert [*links, "References"] == [heading.replace(" ", "-") for heading in headings]

    def test_describes_each_figure_under_it(self, name):
        cells = NOTEBOOKS[name].cells
        for cell, after in pairwise(cells):
            if any("image/png" in output.get("data", {}) for output in cell.get("outputs", [])):
                assert after.source.startswith("*Figure"), cell.source

    def test_ends_with_solved_exercises_what_was_found_and_references(self, name):
        prose = "\n".join(cell.source for cell in PROSE[name])
        exercises, found, references = re.split(r"(?m)^## (?:What we found|References)$", prose)
        asked = re.findall(r"^\*\*(\d)\.\*\* ", exercises, re.MULTILINE)
        assert len(asked) == exercises.count("<details><summary>Solution</summary>") > 1
        assert "\nNext: [" in found and references.count("](https://doi.org/10.") > 2


def test_the_prose_of_the_notebook_for_any_file_claims_no_number_of_its_own():
    for cell in PROSE[ANY_FILE][1:]:
        assert not re.search(r"\d", re.sub(r"`.*?`", "", cell.source)), cell.source


def test_the_notebook_for_any_file_takes_its_parameters_from_papermill():
    (cell,) = (cell for cell in CODE[ANY_FILE] if "parameters" in _tags(cell))
    names = [target.id for statement in ast.parse(cell.source).body for target in statement.targets]
    assert names == ["source", "columns", "decimal", "sheet", "blank", "models", "segments", "clouds"]


def test_the_page_has_at_most_three_code_cells_and_no_outputs():
    assert len(CODE[PAGE]) <= 3
    assert all(cell.outputs == [] and cell.execution_count is None for cell in CODE[PAGE])


def test_a_warning_that_python_hides_is_no_difference_whatever_the_environment_shows(tmp_path):
    """Of a library: Python shows nobody a ResourceWarning unless it is asked to."""
    shutil.copy(ROOT / "notebooks" / "conftest.py", tmp_path)
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python", "language": "python"}}
    warning = new_code_cell("__import__('warnings').warn('left open', ResourceWarning)", execution_count=1)
    nbformat.write(new_notebook(cells=[warning], metadata=kernel), tmp_path / "some.ipynb")
    options = "-m pytest -q -p no:cacheprovider --nbval --nbval-current-env"
    command = [sys.executable, *options.split()]
    env = os.environ | {"PYTHONWARNINGS": "default"}
    run = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout
