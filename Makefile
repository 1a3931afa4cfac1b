# make demo | make test | make check | make oldest | make bench
# Each needs Python 3.11 or newer and the package index, and nothing else; a second run installs nothing.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python

# By file, so that what a file prepares is prepared once.
PARALLEL := -n 2 --dist loadfile

# Those that need no data; ablation, data_loading and paper_b take --data.
BENCHMARKS := graph_layer jaa_net render runtime

# Threads that wait without spinning: a busy machine then slows down evenly.
export OMP_WAIT_POLICY := passive

.PHONY: demo test check oldest bench chromium

# The light core, and the faces of openpeople beside the rendered ones.
demo: $(VENV)/.demo
	@$(RUN) examples/cut_people.py --out demo/people
	$(VENV)/bin/aulens detect examples/pictures demo/people --out demo --overlay
	@echo
	@echo "The table is demo/results.csv, the annotated pictures are in demo/pictures,"
	@echo "and demo/index.html shows all of it: open it in a browser."

test: $(VENV)/.dev chromium
	$(RUN) -m pytest $(PARALLEL)

check: $(VENV)/.dev
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check src tests benchmarks $(wildcard examples)
	$(VENV)/bin/mypy
	$(RUN) -m pytest $(PARALLEL) -m "not slow"

# The quick tests with the oldest release of everything that pyproject.toml admits; those warn of newer ones.
oldest:
	$(PYTHON) -m venv .venv-oldest
	.venv-oldest/bin/python -m pip install --quiet uv
	.venv-oldest/bin/uv pip install --quiet -p .venv-oldest/bin/python --resolution lowest-direct -e '.[dev]'
	.venv-oldest/bin/python -m pytest $(PARALLEL) -m "not slow" -o filterwarnings=default

bench: $(VENV)/.dev
	@set -e; for name in $(BENCHMARKS); do echo "$$name"; $(RUN) benchmarks/$$name.py; echo; done

# For the tests of pages. Where it is not there and can't be installed, they say so and are left out.
chromium:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || \
		command -v google-chrome >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && { \
		install="env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium"; \
		$$install || { apt-get update && $$install; }; } >/dev/null 2>&1; } || true

$(VENV)/.demo: $(VENV)/.made pyproject.toml
	$(RUN) -m pip install --quiet -e . openpeople==0.1.2
	@touch $@

$(VENV)/.dev: $(VENV)/.made pyproject.toml
	$(RUN) -m pip install --quiet -e '.[dev]'
	@touch $@ $(VENV)/.demo

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "aulens needs Python 3.11 or newer, and $(PYTHON) is not; say: make PYTHON=/path/to/python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --upgrade pip
	@touch $@
