# Every target works on a fresh clone with only Python >= 3.11; nothing else is installed by hand.
CANDIDATES := python3.13 python3.12 python3.11 python3 python
# The first one that runs: a version manager's stand-in may only say that it has no such version.
PYTHON ?= $(shell for each in $(CANDIDATES); do \
	$$each -c "import sys; sys.exit(sys.version_info < (3, 11))" 2>/dev/null && echo $$each && break; done)
BIN := .venv/bin
UV := $(shell command -v uv)

.PHONY: demo test test-chaos chaos soak fuzz test-clients conformance lint bench setup generate clean

demo: .venv/runtime
	@$(BIN)/mp demo

# Three at a time: tests of processes mostly wait. A file stays on one worker, with its simulator.
test: lint
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

# At length: every kill, statement and function, every point at which a disk runs full.
test-chaos: .venv/dev
	MP_TEST_CHAOS=1 $(BIN)/python -m pytest -n 2 --dist loadfile tests/chaos \
		tests/processes/test_exactness*.py tests/processes/test_guard_keeps_the_lock.py \
		tests/unit/store/test_*exact.py tests/unit/store/test_load_readback.py

# Kills and other troubles under a mixed load, audited: make chaos KILLS=500 SEED=7
KILLS ?= 50
chaos: .venv/dev
	$(BIN)/python -m tests.chaos --kills $(KILLS) $(if $(SEED),--seed $(SEED))

# Agents and people at work for minutes; errors, growing memory and open files fail.
MINUTES ?= 10
soak: .venv/dev
	$(BIN)/python -m tests.soak --minutes $(MINUTES)

# At length and at random: the export reader, SQL, and whatever else tests/fuzz has.
fuzz: .venv/dev
	MP_TEST_FUZZ=1 $(BIN)/python -m pytest -n 2 -o faulthandler_timeout=0 tests/fuzz

# Other people's clients against the simulator; they are installed below .venv/clients first.
test-clients: .venv/dev
	$(BIN)/python -m tests.clients.environments
	MP_TEST_CLIENTS=1 $(BIN)/python -m pytest tests/clients

# The official MCP suite and the MCP Inspector; npm packages, installed below .venv/conformance.
conformance: .venv/dev
	$(BIN)/python -m tests.conformance

lint: .venv/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/dev
	$(BIN)/python -m tests.bench

generate: .venv/dev
	$(BIN)/python -m mp_mcp.front.generate
	$(BIN)/python -m tests.contract.readme
	UPDATE_SNAPSHOTS=1 $(BIN)/python -m pytest -q tests/contract

setup: .venv/dev

clean:
	rm -rf .venv

# The installed trees, remade when pyproject.toml changes.
.venv/runtime: pyproject.toml
	@$(if $(UV),test -x $(BIN)/python || uv venv --quiet --python $(PYTHON) .venv,$(PYTHON) -m venv .venv)
	@$(if $(UV),uv pip install --quiet --compile-bytecode --python $(BIN)/python -e .,$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .)
	@$(BIN)/python -m compileall -q mp_mcp
	@touch $@

.venv/dev: .venv/runtime
	@$(if $(UV),uv pip install --quiet --compile-bytecode --python $(BIN)/python -e '.[dev]',$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]')
	@touch $@
