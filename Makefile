# Everything here works on a fresh machine with Python >= 3.11 and make: the first target sets up .venv.

PYTHON ?= python3
BIN := .venv/bin
LIGHT := .venv/.light
PLATFORM := .venv/.platform
READY := .venv/.ready
# Tests wait a third of their time for processes that they have started: half as many again as there are cores.
WORKERS := $(shell echo $$(( $$(getconf _NPROCESSORS_ONLN) * 3 / 2 )))

.PHONY: help demo demo-serve demo-platform test test-all night check docs bench clean

help:
	@echo "make demo      nine models compete on handwritten digits, then join (sets up .venv first)"
	@echo "make demo-serve  what won answers requests, asked by the clients that others wrote"
	@echo "make demo-platform  a platform with a competition, three teams, and a program that is running"
	@echo "make test      the tests, in a few minutes"
	@echo "make test-all  the tests, slow ones too"
	@echo "make night     some thousand odd inputs, for hours"
	@echo "make check     style, types, the arrows between the rooms, and that the site builds"
	@echo "make docs      the documentation as a site, in site/; it needs no network"
	@echo "make bench     the benchmarks that need no peer; see benchmarks/ for the others"

demo: $(LIGHT)
	$(BIN)/concours demo

# Serves what the demo has made, and asks it by the clients that others wrote.
demo-serve: $(READY)
	@test -f runs/demo/result.json || $(BIN)/concours demo
	$(BIN)/python examples/serving/demo.py runs/demo

# A platform to look at, at http://127.0.0.1:8000; what it knows lies in runs/demo-platform.
demo-platform: $(PLATFORM)
	$(BIN)/python examples/platform/demo.py

# Tests run beside one another, so each has one thread: more of them wait for each other by spinning. Files keep their
# order: by the number of their tests, those with a few long ones would come last, and be waited for.
BESIDE := -n $(WORKERS) --dist loadfile --no-loadscope-reorder

test: export OMP_NUM_THREADS = 1
test: $(READY)
	$(BIN)/pytest $(BESIDE) -m "not slow and not night"

test-all: export OMP_NUM_THREADS = 1
test-all: $(READY)
	$(BIN)/pytest $(BESIDE) -m "not night"

night: $(READY)
	$(BIN)/pytest -n auto -m night

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/zensical build --strict --clean

docs: $(READY)
	$(BIN)/zensical build --strict --clean
	@echo "Open site/index.html"

bench: $(READY)
	$(BIN)/python benchmarks/engine.py
	$(BIN)/python benchmarks/startup.py

clean:
	rm -rf site .cache .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(LIGHT): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed, this is $$($(PYTHON) --version); try: make PYTHON=python3.12" >&2; exit 2; }
	@echo "Setting up .venv: about 0.4 GB to download with a CPU build of PyTorch (where pip takes a CUDA build: 3 GB); one to three minutes."
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[torch,boost]'
	@touch $(LIGHT)

$(PLATFORM): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing what a platform needs."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[server]'
	@touch $(PLATFORM)

$(READY): $(LIGHT)
	@echo "Installing what the tests and the other kinds of tasks need."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[all,dev]'
	@touch $(READY)
