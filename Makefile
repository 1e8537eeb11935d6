# Two commands do everything on a fresh machine: `make demo` and `make test`. Both build .venv first if need be.
PYTHON ?= python3
BIN := .venv/bin
# Tests run in parallel processes, so BLAS keeps to one thread in each of them.
PYTEST := OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 8
WIDTHS := native
PART :=
SAMPLE := 30
SEED := 0
PHOTOS := runs/photos

.DEFAULT_GOAL := help
.PHONY: help demo test test-thorough test-kernels test-bare coverage-kernels mutants lint types stubs format bench photos models surface quality venv constraints clean

help: ## list the commands
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: venv ## train two networks on photos and write before-and-after pictures (at most 3 minutes)
	$(BIN)/minicnn demo

test: lint types ## check style and types, run every test
	$(PYTEST)

test-thorough: lint types ## the same tests with many more random cases
	HYPOTHESIS_PROFILE=thorough $(PYTEST)

test-kernels: venv ## the tests of the CUDA kernels with many more random cases, and without each of their barriers
	HYPOTHESIS_PROFILE=thorough $(PYTEST) tests/backends/cuda tests/profiling
	HYPOTHESIS_PROFILE=thorough $(PYTEST) tests/ops/test_primitives.py -k cudasim

test-bare: venv ## the tests where there is no C++ compiler: what needs one is skipped, NumPy does the rest
	folder=$$(mktemp -d) && env -u CXX PATH=$$folder XDG_CACHE_HOME=$$folder $(PYTEST); status=$$?; rm -rf "$$folder"; exit $$status

coverage-kernels: venv ## the lines of the native kernels that no test reaches, (also: WIDTHS='native x86-64-v3 x86-64-v2')
	for width in $(WIDTHS); do echo "-march=$$width"; $(BIN)/python -m tests.coverage_kernels -march=$$width || exit 1; done

mutants: venv ## put small faults into the sources and see whether tests notice; writes docs/mutants.md (PART, SAMPLE, SEED)
	$(BIN)/python -m tests.mutants $(PART) --sample $(SAMPLE) --seed $(SEED)

lint: venv ## check style
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: venv ## check types
	$(BIN)/mypy

stubs: venv ## write the signatures of Tensor's methods for editors and type checkers
	$(BIN)/python -m tests.ops.method_stubs

format: venv ## put the code into the project's style
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: .venv-bench/stamp .venv-bench-old/stamp ## time everything against PyTorch and others, in environments of their own
	.venv-bench/bin/python -m benchmarks

photos: venv ## get the photos that the shipped models are trained on (PHOTOS), on a Debian system
	$(BIN)/python -m recipes.photos $(PHOTOS)

models: venv ## train the shipped models on them (at most an hour each)
	$(BIN)/python -m recipes.models $(PHOTOS)
	$(BIN)/python -m recipes.texture $(PHOTOS)
	$(BIN)/python -m recipes.clothes
	$(BIN)/python -m recipes.generators $(PHOTOS)/runs clothes clothes-latent emoji

surface: venv ## which names of PyTorch programs are there; writes docs/surface.md
	$(BIN)/python -m tests.oracles.report_surface

quality: venv ## measure the shipped models on photos that none of them saw; writes docs/quality.md
	$(BIN)/python -m recipes.quality $(PHOTOS)

venv: .venv/stamp ## build .venv (done by the other commands)

constraints: venv ## pin the newest versions of everything in constraints.txt
	$(BIN)/pip install --upgrade --upgrade-strategy eager -e '.[dev]'
	$(BIN)/pip freeze --exclude-editable > constraints.txt

clean: ## remove what these commands made
	rm -rf .venv .venv-bench .venv-bench-old build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find minicnn tests benchmarks -name __pycache__ -prune -exec rm -rf {} +

.venv/stamp: pyproject.toml constraints.txt
	@$(call new_venv,.venv)
	.venv/bin/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

.venv-bench/stamp: pyproject.toml constraints.txt
	@$(call new_venv,.venv-bench)
	.venv-bench/bin/pip install --quiet --constraint constraints.txt --editable '.[viz]'
	.venv-bench/bin/pip install --quiet --constraint constraints.txt torch==2.13.0 mygrad==2.5.0 'autograd[scipy]==1.9.1' tinygrad==0.14.0
	@touch $@

.venv-bench-old/stamp: # Chainer and DeZero want packages of their time; where those no longer install, the rest competes
	@$(call new_venv,.venv-bench-old)
	{ .venv-bench-old/bin/pip install --quiet 'setuptools<70' wheel numpy==1.23.5 'matplotlib<3.9' && \
	.venv-bench-old/bin/pip install --quiet --no-build-isolation chainer==7.8.1 dezero==0.0.13; } || rm -f .venv-bench-old/bin/python
	@touch $@

# $(call new_venv,FOLDER): an empty virtual environment with pip, borrowing the system's pip where ensurepip is missing.
define new_venv
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
    echo 'minicnn needs Python 3.11 or newer, and "$(PYTHON)" is not: install one and name it, as in: make PYTHON=python3.11' >&2; \
    exit 1; }; \
echo 'building $(1) with $(PYTHON)'; \
$(PYTHON) -m venv --clear $(1) >/dev/null 2>&1 || \
{ $(PYTHON) -m venv --clear --without-pip $(1) && $(PYTHON) -m pip --python $(1)/bin/python install --quiet pip; } >/dev/null 2>&1 || { \
    echo '"$(PYTHON) -m venv" does not work here: install it (Debian, Ubuntu: apt-get install python3-venv), then run make again' >&2; \
    exit 1; }
endef
