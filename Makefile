# make demo: the whole loop on built-in data. make test: everything CI runs.
PYTHON ?= python3
BIN := .venv/bin
# Stamp files tell an old environment from a current one.
STAMP := .venv/installed

.PHONY: demo test check format docs clean

demo: $(STAMP)
	$(BIN)/finetooth demo

test: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist loadgroup

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_imports.py

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

$(STAMP): pyproject.toml constraints.txt starters.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade "pip>=24"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes --requirement starters.txt
	touch $@

clean:
	rm -rf .venv runs build dist
