# Needs Python >= 3.11, git and make. Everything is installed into .venv; PYTHON names the interpreter to make it with.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: install tools demo test lint pictures docs lock clean

install: $(BIN)/.installed

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "leadline needs Python 3.11 or newer; name one with make PYTHON=python3.12")'
	@$(PYTHON) -m venv .venv

# The package is installed in place: a change of the code needs no new installation.
$(BIN)/.installed: requirements.txt pyproject.toml | $(BIN)/python
	@echo "installing leadline into .venv …"
	@$(PIP) install --require-hashes -r requirements.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(BIN)/.installed-dev: requirements-dev.txt $(BIN)/.installed
	@echo "installing what the tests need into .venv …"
	@$(PIP) install --require-hashes -r requirements-dev.txt
	@touch $@

# What the tests need.
tools: $(BIN)/.installed-dev

demo: install
	@$(BIN)/python examples/demo.py

lint: $(BIN)/.installed-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

# With Chromium (the system's, or after `.venv/bin/playwright install chromium`), the page is tested in it.
# With npm and pip, the descriptions that tools publish of their APIs are fetched once (50 MB, kept in the user's cache), and
# connectors and manifests held against them; without, those tests are skipped, which -rfEs tells.
test: lint
	@$(BIN)/python -m pytest -n 2 --dist loadfile -rfEs

# The pictures of the page in the README (needs Chromium, as the tests do).
pictures: $(BIN)/.installed-dev
	@$(BIN)/python examples/pictures.py

# The documentation as a site, in site/.
docs: $(BIN)/.installed-dev
	@$(BIN)/python -m mkdocs build --strict --quiet

# Resolves the dependencies anew and writes the hash-pinned files (needs the command uv).
lock:
	uv pip compile pyproject.toml $(LOCK) --extra postgresql --extra charts --extra mcp --group build -o requirements.txt
	uv pip compile pyproject.toml $(LOCK) --extra postgresql --extra charts --extra mcp --extra spark --extra buckets --group build --group dev -c requirements.txt -o requirements-dev.txt
LOCK := --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links

clean:
	rm -rf .venv build dist site
