# The lines that a person, a hook and CI all use. `make run` is the pipeline, `make test` the tests.
VENV := .venv
BIN := $(VENV)/bin
REPORT := results/report/report.html
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: run test check lint report schema docs lock clean
.DEFAULT_GOAL := run

## run: everything that params.yaml asks for and that is not done yet
run: $(VENV)/installed
	@python -m steps.check_params --params params.yaml
	@dvc repro
	@echo "report: $(CURDIR)/$(REPORT)"

## test: all tests, a tiny whole run under both engines among them
test: $(VENV)/installed-dev
	OMP_NUM_THREADS=1 python -m pytest -n 2 --dist loadfile

## check: what CI runs
check: lint test

lint: $(VENV)/installed-dev
	ruff check .
	ruff format --check .
	pyright
	lint-imports --no-logo

## report: the engines' own pages on the run: DVC's plots, Snakemake's account of its jobs
report: $(VENV)/installed
	@mkdir -p logs/plots
	dvc plots show --out logs/plots
	rm -rf logs/shown
	snakemake --cores 1 --quiet -- shown
	snakemake --cores 1 --report logs/snakemake.html -- shown

## schema: workflow/schemas/params.schema.json from the models (a test keeps them in step)
schema: $(VENV)/installed
	python -m steps.check_params --params params.yaml --schema workflow/schemas/params.schema.json

## docs: docs/steps.md from every step's --help (a test keeps them in step)
docs: $(VENV)/installed
	python -m workflow.document_steps --out docs/steps.md

## lock: the newest of everything that pyproject.toml allows, with hashes
COMPILE := uv pip compile --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --custom-compile-command "make lock" --upgrade --quiet
lock: $(BIN)/uv
	echo uv | $(COMPILE) - --output-file requirements-uv.lock
	$(COMPILE) pyproject.toml --output-file requirements.lock
	$(COMPILE) pyproject.toml --extra dev --constraint requirements.lock \
	  --output-file requirements-dev.lock

## clean: what the engines and tools leave beside the results; results and DVC's cache stay
clean:
	rm -rf .smk .snakemake logs .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

# Set up once a lock: uv, brought by pip, installs exactly what the lock's hashes say.
$(VENV)/installed: requirements.lock $(BIN)/uv
	uv pip install --quiet --require-hashes --compile-bytecode --requirement $<
	@touch $@

$(VENV)/installed-dev: requirements-dev.lock $(BIN)/uv
	uv pip install --quiet --require-hashes --compile-bytecode --requirement $<
	@touch $@

$(BIN)/uv: requirements-uv.lock
	@test -x $(BIN)/python || { \
	  for python in python3 python3.13 python3.12 python3.11; do \
	    $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	      2>/dev/null && break || python=; \
	  done; \
	  test -n "$$python" || { echo "Error: Python 3.11, 3.12 or 3.13 is needed" >&2; exit 1; }; \
	  $$python -m venv $(VENV); }
	$(BIN)/python -m pip install --quiet --require-hashes --requirement $<
	@touch $@
