# make demo | make test | make check | make docs | make oldest | make wheels | make bench | make face-nets | make units
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


# Its theme's notices about the future of MkDocs, which is pinned, are no warnings about the pages.
export NO_MKDOCS_2_WARNING := 1
export DISABLE_MKDOCS_2_WARNING := true

.PHONY: demo test check docs oldest wheels bench face-nets units chromium

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
	$(VENV)/bin/ruff format --check src tests benchmarks release $(wildcard examples)
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-cache
	$(RUN) -m pytest $(PARALLEL) -m "not slow"

# The site, in site/: a dead link, an unknown anchor or a name without its page fails; not with --quiet.
docs: $(VENV)/.docs
	$(VENV)/bin/mkdocs build

# The quick tests with the oldest release of everything that pyproject.toml admits; those warn of newer ones.
oldest:
	$(PYTHON) -m venv .venv-oldest
	.venv-oldest/bin/python -m pip install --quiet uv
	.venv-oldest/bin/uv pip install --quiet -p .venv-oldest/bin/python --resolution lowest-direct -e '.[dev]'
	.venv-oldest/bin/python -m pytest $(PARALLEL) -m "not slow" -o filterwarnings=default

# What is published, in dist/, tried in clean environments: WHEELS="--extra core app --python 3.13" is quick.
wheels:
	$(PYTHON) -m venv .venv-release
	.venv-release/bin/python -m pip install --quiet build twine uv mypy
	.venv-release/bin/python release/check.py $(WHEELS)

bench: $(VENV)/.dev
	@set -e; for name in $(BENCHMARKS); do echo "$$name"; $(RUN) benchmarks/$$name.py; echo; done

# The face networks, from seeds to the files that it ships (docs/training_faces.md). Stopped, it goes on.
NETS ?= face-nets
RENDER := $(VENV)/bin/aulens render --per-subject 4
TRAIN := $(VENV)/bin/aulens train --resume \
	$(addprefix --data $(NETS)/,portraits moved ict-wide ict anny-wide anny)

face-nets: $(VENV)/.dev
	@test -f "$(PORTRAITS)/landmarks478.npz" && test -d "$(BACKGROUNDS)" && test -e "$(ICT)" || { echo \
		"say: make face-nets PORTRAITS=DIR BACKGROUNDS=DIR ICT=FILE; docs/training_faces.md says what they hold"; exit 1; }
	mkdir -p $(NETS)/pictures
	for source in sfhq cc0 pexels; do cp -R "$(PORTRAITS)/$$source" $(NETS)/pictures/ || exit 1; done
	$(RENDER) --n 2800 --seed 31 --rig ict --assets "$(ICT)" --wide --out $(NETS)/ict-wide
	$(RENDER) --n 2400 --seed 32 --rig ict --assets "$(ICT)" --out $(NETS)/ict
	$(RENDER) --n 1200 --seed 33 --wide --out $(NETS)/anny-wide
	$(RENDER) --n 1000 --seed 34 --out $(NETS)/anny
	$(VENV)/bin/aulens render --portraits $(NETS)/pictures --landmarks "$(PORTRAITS)/landmarks478.npz" \
		--codes "$(PORTRAITS)/codes.csv" --n 8000 --seed 2 --rig ict --assets "$(ICT)" --out $(NETS)/reanimated
	$(RUN) -m aulens.data.face_nets.portraits "$(PORTRAITS)" $(NETS)/portraits
	$(RUN) -m aulens.data.face_nets.portraits "$(PORTRAITS)" $(NETS)/moved --moved $(NETS)/reanimated
	$(TRAIN) --config configs/faces.toml --out $(NETS)/faces --set 'data.backgrounds=["$(BACKGROUNDS)"]'
	$(TRAIN) --config configs/landmarks.toml --out $(NETS)/landmarks --set 'data.backgrounds=["$(BACKGROUNDS)"]' \
		--set data.finder=$(NETS)/faces
	$(TRAIN) --config configs/people.toml --out $(NETS)/people
	for net in faces landmarks people; do \
		$(VENV)/bin/aulens evaluate $(NETS)/$$net && \
		$(VENV)/bin/aulens export $(NETS)/$$net --out src/aulens/weights --name $$net || exit 1; done

# The model of Action Units that aulens ships, likewise (docs/training.md).
UNITS ?= units
MOVE = $(VENV)/bin/aulens render --portraits $(UNITS)/pictures --landmarks "$(PORTRAITS)/landmarks478.npz" \
	--codes "$(PORTRAITS)/codes.csv"
JOINT := $(VENV)/bin/aulens render --joint --per-subject 6 --n 3600

units: $(VENV)/.dev
	@test -f "$(PORTRAITS)/landmarks478.npz" && test -f "$(PORTRAITS)/codes.csv" && test -e "$(ICT)" && test -f "$(BACKBONE)" || { echo \
		"say: make units PORTRAITS=DIR ICT=FILE BACKBONE=FILE; docs/training.md says what they are"; exit 1; }
	mkdir -p $(UNITS)/pictures
	for source in sfhq cc0 pexels; do cp -R "$(PORTRAITS)/$$source" $(UNITS)/pictures/ || exit 1; done
	$(VENV)/bin/aulens prepare portraits $(UNITS)/pictures $(UNITS)/portraits
	$(MOVE) --free-mouths --n 7000 --seed 12 --rig ict --assets "$(ICT)" --out $(UNITS)/mouths
	$(MOVE) --n 5000 --seed 13 --rig ict --assets "$(ICT)" --out $(UNITS)/faces
	$(MOVE) --n 4500 --seed 14 --rig anny --out $(UNITS)/faces-anny
	$(JOINT) --seed 41 --out $(UNITS)/joint-anny
	$(JOINT) --seed 42 --rig ict --assets "$(ICT)" --out $(UNITS)/joint
	$(RENDER) --n 2800 --seed 31 --rig ict --assets "$(ICT)" --wide --out $(UNITS)/ict-wide
	$(RENDER) --n 2400 --seed 32 --rig ict --assets "$(ICT)" --out $(UNITS)/ict
	$(RENDER) --n 1200 --seed 33 --wide --out $(UNITS)/anny-wide
	$(RENDER) --n 1000 --seed 34 --out $(UNITS)/anny
	$(VENV)/bin/aulens train --resume --config configs/portraits.toml --out $(UNITS)/run --backbone-weights "$(BACKBONE)" \
		$(addprefix --data $(UNITS)/,portraits mouths faces faces-anny joint joint-anny ict anny ict-wide anny-wide)
	$(VENV)/bin/aulens evaluate $(UNITS)/run --data $(UNITS)/portraits --split test --out $(UNITS)/run/test
	$(VENV)/bin/aulens export $(UNITS)/run --half --out src/aulens/weights --name aulens-portraits

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

$(VENV)/.docs: $(VENV)/.made pyproject.toml
	$(RUN) -m pip install --quiet -e '.[docs]'
	@touch $@

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "aulens needs Python 3.11 or newer, and $(PYTHON) is not; say: make PYTHON=/path/to/python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --upgrade pip
	@touch $@
