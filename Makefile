# Everything runs in .venv, which is made, and made again when it is stale, by whatever needs it.

PYTHON ?= python3
PRESET ?= quick
JOBS ?= $(shell nproc 2>/dev/null || echo 2)

VENV := .venv
BIN := $(VENV)/bin
# Stale: another Python, another place, other requirements. (A moved checkout breaks its virtual environment.)
STATE := $(shell { cat pyproject.toml constraints.txt; pwd; $(PYTHON) --version; } 2>&1 | cksum | cut -d' ' -f1)
READY := $(VENV)/.ready-$(STATE)

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help setup bench compare reference test test-slow test-browser check format perf perf-gpu clean

help:
	@echo "make bench      compare all baselines on the data that is always there (about 6 minutes); PRESET=full for more"
	@echo "make compare    the smoke preset held against results/reference       make reference  make that anew"
	@echo "make test       fast tests            make test-slow  the others      make test-browser  the report in Chromium"
	@echo "make check      format, lint, types   make format     put the format right"
	@echo "make perf       speed benchmarks      make perf-gpu   those that need a CUDA device"
	@echo "make setup      only the virtual environment"

setup: $(READY)

$(READY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "zorbench needs Python 3.11 or newer; this is $$($(PYTHON) --version). Try: make PYTHON=python3.12" >&2; exit 1; }
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

bench: $(READY)
	$(BIN)/zorbench run --preset $(PRESET) --jobs $(JOBS)

# The same sums on every x86-64 machine of the last ten years: a rule may amplify how its processor rounds.
PORTABLE := ATEN_CPU_CAPABILITY=avx2 MKL_CBWR=AVX2 ONEDNN_MAX_CPU_ISA=AVX2 OPENBLAS_CORETYPE=Haswell NUMBA_CPU_NAME=haswell
GATE := results/gate
MARGIN ?= 0.02

$(GATE): $(READY)
	$(PORTABLE) $(BIN)/zorbench run --preset smoke --jobs $(JOBS) --out $(GATE) || [ $$? -eq 3 ]

.PHONY: $(GATE)

compare: $(GATE)
	$(BIN)/zorbench compare results/reference $(GATE) --margin $(MARGIN) --markdown $(GATE)/compare.md

reference: $(READY)
	rm -rf $(GATE)
	$(PORTABLE) $(BIN)/zorbench run --preset smoke --jobs $(JOBS) --out $(GATE)
	$(BIN)/zorbench pack $(GATE) results/reference

test: $(READY)
	$(BIN)/python -m pytest -n 2

test-slow: $(READY)
	$(BIN)/python -m pytest -n 2 -m slow

test-browser: $(READY)
	PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --editable '.[browser]'
	$(BIN)/python -m pytest -m browser -r s tests/browser

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

BENCHMARK := --benchmark-enable --benchmark-columns=median,iqr,rounds --benchmark-sort=name

perf: $(READY)
	$(BIN)/python -m pytest -m perf $(BENCHMARK)

perf-gpu: $(READY)
	$(BIN)/python -m pytest -m 'not slow' -r s $(BENCHMARK) tests/perf/test_zor_gpu.py tests/zor/test_graph_gpu.py

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .benchmarks .hypothesis build dist
	find . -name __pycache__ -prune -exec rm -rf {} +
