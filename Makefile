# The daily commands. `make check` is the quick part of the gate, .ci/run the whole of it.

PY := .venv/bin/python
UV := .venv/bin/uv
LOCK := $(UV) pip compile --quiet --generate-hashes --universal --python-version 3.11 \
	--no-header --no-emit-index-url --no-emit-find-links --override requirements-overrides.in
SOURCES := requirements.txt requirements-dev.txt requirements-bootstrap.txt

.PHONY: run test lint format check bench lock

run:
	python3 run.py

test:
	python3 run.py test

lint: .venv/recep-stamp.json
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

format: .venv/recep-stamp.json
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

check: lint test

bench:
	python3 run.py bench $(NAME)

# Compiled from the public index, never from a mirror's own builds: their hashes fit nobody else.
lock: .venv/recep-stamp.json
	$(LOCK) requirements-bootstrap.in -o requirements-bootstrap.txt
	$(LOCK) requirements.in -o requirements.txt
	$(LOCK) requirements-dev.in -o requirements-dev.txt

.venv/recep-stamp.json: $(SOURCES)
	python3 -c "import bootstrap; bootstrap.make_sure(development=True)"
	@touch $@
