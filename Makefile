# The lines that a person, a hook and CI all use. `make run` is the pipeline, `make test` the tests.
VENV := .venv
BIN := $(VENV)/bin
REPORT := results/report/report.html
export PATH := $(CURDIR)/$(BIN):$(PATH)
unexport PYTHONDONTWRITEBYTECODE  # a stage is a process: it finds modules compiled by the first

.PHONY: run params slurm test tiny slurm-test check lint bench bench-truth report screenshots schema docs lock mend status verify gc exp grid exps analysis spread survey clean
.DEFAULT_GOAL := run

## run: everything that params.yaml asks for and that is not done yet
run: $(VENV)/installed
	@python -m steps.check_params --params params.yaml
	@python -m workflow.run
	@echo "report: $(CURDIR)/$(REPORT)"

## slurm: what the Slurm profile needs beside what `make run` has installed
slurm: $(VENV)/installed-slurm

## params: make params FROM=params/stylegan2.yaml: all of params.yaml, out of a file that names only
## what differs from the defaults; of the embedded domain where none is named
FROM := params/embedded.yaml
params: $(VENV)/installed
	@python -m steps.check_params --params $(FROM) --complete params.yaml

## test: all tests, a tiny whole run under both engines among them
test: $(VENV)/installed-dev
	OMP_NUM_THREADS=1 python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

## tiny: tests/engines/tiny_run.md5 anew, where the tiny run is meant to make other bytes
tiny: $(VENV)/installed-dev
	ARTIFACT_UNITS_RECORD=1 OMP_NUM_THREADS=1 python -m pytest tests/engines/test_tiny_run.py -k recorded

## slurm-test: those of the Slurm profile alone, on a cluster of two nodes made for them (root)
slurm-test: $(VENV)/installed-dev
	OMP_NUM_THREADS=1 python -m pytest tests/slurm

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

## bench: what costs how much, ours beside the usual way, as docs/performance.md tells it
bench: $(VENV)/installed-dev
	@for file in $(filter-out %/__init__.py %/common.py,$(wildcard benchmarks/*.py)); do \
	  OMP_NUM_THREADS=1 python -m benchmarks.$$(basename $$file .py) || exit 1; echo; \
	done

## bench-truth: rankings and corrections where the truth is known: a table and a page of SEEDS seeds
SEEDS := 10
PAGE := results/bench_truth/truth_bench.md
bench-truth: $(VENV)/installed
	OMP_NUM_THREADS=1 python -m studies.bench --seeds $(SEEDS) --out results/bench_truth --page $(PAGE)

## screenshots: docs/pictures/{labelling,judging,report}*.png, of the pages on the default run
screenshots: $(VENV)/installed-dev
	ARTIFACT_UNITS_PICTURES=docs/pictures python -m pytest tests/labelling tests/judging \
	  tests/report \
	  -k pictures_of_the_docs

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
	$(COMPILE) pyproject.toml --extra slurm --constraint requirements.lock \
	  --output-file requirements-slurm.lock
	$(COMPILE) pyproject.toml --extra dev --constraint requirements.lock \
	  --output-file requirements-dev.lock

## mend: take away what a killed DVC has left torn; `make run` and snakemake do it by themselves
mend:
	@python -m workflow.mend

## status: what would run and why, what runs now, what lies on the disk
status:
	@python -m workflow.status

## verify: whether this machine makes the recorded outputs: all of the last commit's stages anew,
## apart from this checkout
verify: $(VENV)/installed
	@python -m workflow.verify

## gc: old files of DVC's cache, shards, stamps and logs; says how much and asks (YES=1: does not)
gc:
	@python -m workflow.gc

## exp: make exp NAME=deeper SET="fit_corrections.corrections.sequential.stop=5": a Snakemake run
## of the last commit with these values, kept as a DVC experiment; SNAKEMAKE="--profile …" on a cluster
SNAKEMAKE := --cores all
exp:
	@python -m workflow.experiment $(NAME) $(SET) -- $(SNAKEMAKE)

## grid: make grid SET="….sequential.n=1,3 ….sequential.scale=0.5,1": all of them, JOBS at a time
JOBS := 2
grid:
	dvc exp run --queue $(foreach value,$(SET),--set-param $(value))
	dvc exp run --run-all --jobs $(JOBS)
	@$(MAKE) --no-print-directory exps
	@! dvc queue status | grep Failed || { \
	  echo "Error: failed, as listed: dvc queue logs NAME; then dvc queue remove --failed" >&2; \
	  exit 1; }

## exps: the experiments side by side: the values and metrics in which they differ; fewer columns by
## DROP, a pattern: make exps DROP='.*sequential_max|recovery'
exps:
	@dvc exp show --no-pager --only-changed --hide-workspace --md \
	  --drop '.*/.*|Created|State|Executor$(and $(DROP),|$(DROP))'

## analysis: the paper's hyper-parameters, one at a time from the values of params.yaml: an experiment
## a value, analysis-n-1 …, of every sequential correction; their table is drawn by the report
SWEEPS := n=1,2,3,6,10,20 scale=0,0.25,0.5,0.75,1 stop=4,5,6,7,8
analysis:
	@python -m workflow.analysis $(SWEEPS) -- $(JOBS)

## spread: the last commit again with other seeds of training and of the annotator's errors: an
## experiment a seed, spread-1 …; their table is shown by the report. Not label_generations.seed,
## which says which labels are the test's: without a truth these are what is measured
SEEDED := train_classifier.seed demo/params.yaml:annotate_generations.seed
TRAININGS := 1,2,3,4
spread:
	@python -m workflow.spread $(TRAININGS) $(SEEDED) -- $(JOBS)

## survey: whether any units make the artifacts of the run that lies in results/; the report shows it
## (make run again). Other values: make survey SURVEY="--images 40 --layers layer4"
GENERATOR = $(shell sed -n 's/^  generator: *\([^ ]*\).*/\1/p' params.yaml)
SURVEY :=
survey:
	@python -m steps.survey_units --params params.yaml --generator $(GENERATOR) --results results \
	  --out params/survey.parquet $(SURVEY)

## clean: what the engines and tools leave beside the results; results and DVC's cache stay
clean:
	@test ! -d .smk || python -c 'from workflow.locks import check_alone; check_alone()'
	rm -rf .smk .shards .snakemake logs .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

# Set up once a lock: uv, brought by pip, installs exactly what the lock's hashes say.
$(VENV)/installed: requirements.lock $(BIN)/uv
	uv pip install --python $(BIN)/python --quiet --require-hashes --compile-bytecode --requirement $<
	@touch $@

$(VENV)/installed-slurm: requirements-slurm.lock $(BIN)/uv
	uv pip install --python $(BIN)/python --quiet --require-hashes --compile-bytecode --requirement $<
	@touch $@

$(VENV)/installed-dev: requirements-dev.lock $(BIN)/uv
	uv pip install --python $(BIN)/python --quiet --require-hashes --compile-bytecode --requirement $<
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
