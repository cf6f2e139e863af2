# Two commands do all set-up: `make run` and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
AUDIT  := $(VENV)/audit/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint infra/constraints.txt
# Prefect's empty database, which new homes copy instead of making it.
EMPTY_DATABASE = $(BIN)/python -m realmix.flows.local.empty_database

.PHONY: run test coverage test-servers test-faults test-packaging redteam audit trust docs docs-test dist examples ui check panel panel-quick bench replay lock clean nulls

run: $(VENV)/.run  ## study the bundled table: from real rows to a verdict
	$(BIN)/realmix run

test: $(VENV)/.test check  ## every test but the slow ones
	@start=$$(date +%s); $(BIN)/python -m pytest -q -n 2 --dist loadfile --durations=10; status=$$?; \
	  echo "tests: $$(( $$(date +%s) - start )) s"; exit $$status

coverage: $(VENV)/.test  ## the same tests, and how much of the code they run; slower
	@$(BIN)/python -m pytest -q --cov --cov-report=; status=$$?; \
	  echo "coverage: $$($(BIN)/coverage report --format=total) % of the lines, worker processes apart"; exit $$status

check: $(VENV)/.test  ## lint, spelling, types, import rules
	@start=$$(date +%s); \
	  $(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/codespell && $(BIN)/mypy && \
	  $(BIN)/lint-imports --no-cache >/dev/null; status=$$?; \
	  echo "checks: $$(( $$(date +%s) - start )) s"; exit $$status

test-servers: $(VENV)/.test  ## PostgreSQL, MLflow, Prefect, S3 and a worker, with passwords, on loopback
	@start=$$(date +%s); $(BIN)/python -m pytest -q --durations=5 tests/servers; status=$$?; \
	  echo "server tests: $$(( $$(date +%s) - start )) s"; exit $$status

test-faults: $(VENV)/.test  ## kills, full disks and refusals in the middle of work
	@start=$$(date +%s); $(BIN)/python -m pytest -q --durations=5 tests/faults; status=$$?; \
	  echo "fault tests: $$(( $$(date +%s) - start )) s"; exit $$status

test-packaging: $(VENV)/.test  ## the wheel in a fresh environment, and plug-ins from outside it
	@start=$$(date +%s); $(BIN)/python -m pytest -q --durations=5 tests/packaging; status=$$?; \
	  echo "packaging tests: $$(( $$(date +%s) - start )) s"; exit $$status

redteam: $(VENV)/.test  ## an attacker's day: every attack, and what held; longer
	$(BIN)/python -m tests.redteam

audit: $(VENV)/.audit  ## licences and a bill of materials in build/, then known vulnerabilities (asks PyPI)
	@mkdir -p build
	$(AUDIT)/pip-licenses --python $(BIN)/python --order license --format markdown --output-file build/licences.md
	$(AUDIT)/cyclonedx-py environment --output-reproducible --output-file build/sbom.json $(BIN)/python
	$(AUDIT)/pip-audit --requirement infra/constraints.txt --no-deps --disable-pip --desc off

docs: $(VENV)/.test  ## the documents as a site in build/docs, with the references of commands and code
	@$(BIN)/python -m sphinx -q -W --keep-going -c infra/docs -d build/trees . build/docs && \
	  echo "Open build/docs/index.html"

docs-test: $(VENV)/.test  ## follow every tutorial literally, and build the site
	@start=$$(date +%s); $(BIN)/python -m pytest -q -n 2 --durations=10 tests/tutorials; status=$$?; \
	  echo "tests of the documents: $$(( $$(date +%s) - start )) s"; exit $$status

examples: $(VENV)/.test  ## study the five worked examples and rewrite their verdicts, 4 minutes each
	$(BIN)/python -m tests.examples

dist: $(VENV)/.test  ## wheel and source distribution in dist/
	@rm -rf dist && $(BIN)/python -m build --outdir dist . && ls -l dist

replay: $(VENV)/.test  ## Bank Marketing in its real order, month by month through the watcher
	$(BIN)/python -m tests.replay

nulls: $(VENV)/.test  ## 200 small studies of each null; goes on where it stopped
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.nulls.run

trust: $(VENV)/.test  ## privacy, release, noise, fairness and rules of three tables, with controls; under ten minutes
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.trust

ui: $(VENV)/.run  ## MLflow's pages over the local store
	$(BIN)/realmix ui

panel: $(VENV)/.test  ## realmix and its rivals on real tables, six hours of one core; goes on where it stopped
	$(BIN)/python -m tests.panel

panel-quick: $(VENV)/.test  ## seven runs of the panel
	$(BIN)/python -m tests.panel --quick

bench: $(VENV)/.test  ## benchmarks beside what people do today, over an hour on two idle processors
	$(BIN)/python -m tests.benchmarks

lock: $(VENV)/.audit  ## rewrite the exact pins from what is installed, and the image's with hashes (asks PyPI)
	$(BIN)/python -m pip freeze --exclude-editable --exclude realmix | sed 's/+cpu$$//' > infra/constraints.txt
	mkdir -p build && printf "torch ; sys_platform == 'none'\n" > build/no-torch.txt && printf "networkx\nsympy\n" > build/of-torch.txt
	$(AUDIT)/uv pip compile pyproject.toml --extra cpu --extra dask --extra postgres --extra s3 --quiet \
	  --constraint infra/constraints.txt --override build/no-torch.txt build/of-torch.txt --generate-hashes \
	  --python-version 3.11.13 --python-platform x86_64-manylinux_2_28 --no-header --no-annotate --output-file infra/image.txt

clean:
	rm -rf $(VENV) .realmix runs build dist

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml infra/constraints.txt | $(VENV)/bin/python
	@start=$$(date +%s); echo "Installing realmix into $(VENV) ..."; \
	  $(PIP) --editable ".[cpu]" && { $(EMPTY_DATABASE) || true; } && touch $@; status=$$?; \
	  echo "installation: $$(( $$(date +%s) - start )) s"; exit $$status

$(VENV)/.test: pyproject.toml infra/constraints.txt | $(VENV)/bin/python
	@start=$$(date +%s); echo "Installing realmix and its test tools into $(VENV) ..."; \
	  $(PIP) --editable ".[test]" && { $(EMPTY_DATABASE) || true; } && touch $@ $(VENV)/.run; status=$$?; \
	  echo "installation: $$(( $$(date +%s) - start )) s"; exit $$status

$(VENV)/.audit: infra/audit.txt | $(VENV)/.test
	$(PYTHON) -m venv $(VENV)/audit && $(AUDIT)/python -m pip install --quiet --disable-pip-version-check --requirement $< && touch $@
