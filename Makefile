# Everything a developer does. Each target works from a bare checkout and may be repeated.
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --quiet install --require-hashes
UV := $(VENV)/bin/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11

.PHONY: help setup demo test lint format bench drills lock stop clean

help:
	@echo "make demo    install what the product needs and open it with the demo organization (PORT=8000)"
	@echo "make test    install what the tests need and run all of them, the browser's included"
	@echo "make setup   only install;  make lint    format, types, layers, migrations"
	@echo "make bench   measurements;  make drills  the failure drills;  make lock    renew requirements/*.txt"
	@echo "make stop    stop the embedded servers;  make clean   remove what was installed and all local data"

$(PY):
	@PYTHON="$(PYTHON)" sh .ci/make-venv $(VENV)

$(VENV)/.base: requirements/base.txt | $(PY)
	@echo "Installing what the product needs ..."
	@$(PIP) --requirement requirements/base.txt
	@touch $@

$(VENV)/.dev: requirements/dev.txt | $(PY)
	@echo "Installing what development and the tests need ..."
	@$(PIP) --requirement requirements/dev.txt
	@touch $@ $(VENV)/.base

setup: $(VENV)/.dev
	@$(PY) -m tests.chromium

demo: $(VENV)/.base
	@exec $(PY) manage.py demo

test: setup
	$(PY) -m pytest --numprocesses auto --dist loadfile

lint: $(VENV)/.dev
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/lint-imports
	$(VENV)/bin/mypy
	$(PY) -W "ignore:Got an error checking:RuntimeWarning" manage.py makemigrations --check --dry-run
	$(PY) manage.py check

format: $(VENV)/.dev
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

bench: $(VENV)/.dev
	$(PY) -m bench

drills: $(VENV)/.dev
	DRILLS=full $(PY) -m pytest -m drill

lock: $(VENV)/.dev
	$(UV) requirements/base.in --output-file requirements/base.txt
	$(UV) requirements/dev.in --output-file requirements/dev.txt

stop:
	@test ! -x $(PY) || $(PY) manage.py servers stop

clean: stop
	rm -rf $(VENV) .data staticfiles .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
