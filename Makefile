# make run     set up and run the main job: five contenders on real MNIST, quick preset, report
# make test    set up and run the whole test suite
# make check   lint, format and types
# make accuracy-quick      make run, and its results into records/mnist-quick.json and the READMEs
# make accuracy-standard   every recipe's full schedule, one seed, into records/mnist-standard.json (an hour or so)
# make bench               every benchmark against its peers, into records/bench.json (over an hour)
#
# PYTHON=python3.12 chooses the interpreter.  PIP_ARGS is passed to every pip install, for instance to take torch from
# the index of CPU-only builds that the PyTorch site names.

PYTHON ?= python3
PIP_ARGS ?=
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt $(PIP_ARGS)

.PHONY: run test check accuracy-quick accuracy-standard bench clean

run: $(VENV)/.installed
	$(BIN)/eyechart run --preset quick --resume

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n 2 --dist worksteal

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The two records that the README shows; a run that is finished is not trained again.
accuracy-quick: run
	$(BIN)/python scripts/record_accuracy.py runs/quick-mnist records/mnist-quick.json "make accuracy-quick"
	$(BIN)/python scripts/readme_tables.py

accuracy-standard: $(VENV)/.installed
	$(BIN)/eyechart run --preset standard --resume
	$(BIN)/python scripts/record_accuracy.py runs/standard-mnist records/mnist-standard.json "make accuracy-standard"
	$(BIN)/python scripts/readme_tables.py

# Interleaved with peers that anyone can install; leave the machine alone meanwhile.
bench: $(VENV)/.installed-bench
	$(BIN)/eyechart run --preset quick --resume
	$(BIN)/python -m benchmarks
	$(BIN)/python scripts/performance_table.py records/bench.json docs/performance.md
	$(BIN)/python scripts/readme_speed.py

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) -e .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP) -e ".[dev]"
	touch $@

$(VENV)/.installed-bench: $(VENV)/.installed-dev
	$(PIP) -e ".[bench]"
	touch $@

clean:
	rm -rf $(VENV)
