# The README's two commands are `make app` and `make test`; `make help` lists the rest.
# Whatever may hold a space is quoted; no target is a file, as make takes a space for the end of its name.
PYTHON ?= python3
PORT ?= 8866
VENV ?= .venv
RUN := "$(VENV)/bin/python"

.DEFAULT_GOAL := help
.PHONY: help setup venv python app test lab train evidence notebooks report bench soak lock clean

help:  ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' Makefile

app: setup  ## serve the page and print its address (make app PORT=9000)
	@$(RUN) -m wholesale check --quiet || $(RUN) -m wholesale train
	@exec $(RUN) -m wholesale serve --port "$(PORT)"

test: setup  ## run every test and every notebook
	@$(RUN) -m pytest --numprocesses auto --dist loadfile

lab: setup  ## open the notebooks in JupyterLab
	@$(RUN) -m jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) --ServerApp.root_dir="$(CURDIR)" \
	  --LabApp.default_url=/lab/tree/notebooks/01_explore.ipynb

train: setup  ## fit the three models and write models/
	@$(RUN) -m wholesale train

evidence: setup  ## weigh the evidence for each number of segments (about 40 minutes), then train
	@$(RUN) -m wholesale evidence
	@$(RUN) -m wholesale train

notebooks: setup  ## run all notebooks and save them as Restart & Run All leaves them
	@$(RUN) -m nbconvert --to notebook --execute --inplace notebooks/0[1-46-8]*.ipynb \
	  --ExecutePreprocessor.record_timing=False --log-level=WARN \
	  --ExecutePreprocessor.extra_arguments=--log-level=ERROR

report: setup  ## write report.html on the shipped customers: one page to read, print and hand on
	@$(RUN) -m wholesale report dataset/wholesale_customers.csv -o report.html --force
	@echo "Wrote report.html"

# Streamlit and Flask are rivals to measure against, not dependencies: they get an environment of their own.
bench:  ## measure page and files beside Streamlit, Flask and pandas (about half an hour)
	@$(MAKE) --no-print-directory setup VENV=.venv-bench
	@.venv-bench/bin/python -m pip install -qq --disable-pip-version-check --no-build-isolation --editable '.[bench]'
	@.venv-bench/bin/python -m benchmarks.predict
	@.venv-bench/bin/python -m benchmarks.files
	@.venv-bench/bin/python -m benchmarks.page

soak: setup  ## half an hour of visitors, programs and files at once (MINUTES=30; CROWD=100 BROWSERS=2 instead)
	@PYTHONPATH=tests:tests/browser $(RUN) tests/soak.py

lock: setup  ## choose exact versions anew for requirements.lock
	@$(RUN) -m uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --upgrade \
	  --fork-strategy fewest --generate-hashes --no-emit-index-url --no-annotate --quiet \
	  --custom-compile-command "make lock" --output-file requirements.lock

clean:  ## delete the virtual environment and all caches
	@rm -rf "$(VENV)" .venv-bench .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -prune -exec rm -rf {} +

# The page's template is installed as a copy, so an edit of it installs the package again.
setup:  ## make the virtual environment, anew only when the lock changed
	@cmp -s requirements.lock "$(VENV)/requirements.lock" || $(MAKE) --no-print-directory venv
	@test -f "$(VENV)/installed" && test -z "$$(find pyproject.toml share -type f -newer "$(VENV)/installed")" || \
	  { $(RUN) -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable . && touch "$(VENV)/installed"; }

venv: python
	@echo "Installing the locked packages into $(VENV); this takes one to three minutes."
	@rm -rf "$(VENV)"
	@"$(PYTHON)" -m venv "$(VENV)"
	@$(RUN) -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@cp requirements.lock "$(VENV)/requirements.lock"

python:
	@command -v "$(PYTHON)" >/dev/null || { echo "$(PYTHON) is not there: install Python 3.11 or newer, or name one with PYTHON=..."; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than 3.11: install Python 3.11 or newer, or name one with PYTHON=..."; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) lacks venv or ensurepip: install them (Debian: apt-get install python3-venv)"; exit 1; }
