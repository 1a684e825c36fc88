# Two commands do everything: `make demo` and `make test`. Both are quick when repeated.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# One process per core; a process that is done takes over tests of another.
IN_PROCESSES := --numprocesses auto --maxprocesses 8 --dist worksteal

.PHONY: demo test lint docs wheel install clean

demo: install
	$(BIN)/python train.py

test: export OMP_NUM_THREADS = 1
test: install lint
	$(BIN)/python -m pytest -q $(IN_PROCESSES)

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --num-workers 2

docs: export NO_MKDOCS_2_WARNING = 1
docs: install
	$(BIN)/mkdocs build --strict

wheel: install
	$(BIN)/uv build --wheel --quiet --out-dir dist

# pip of the system installs into the environment, so Debian's python3-venv is not needed; uv only
# makes the download faster, and pip takes over if it cannot reach the index. Bytecode is compiled
# as pip does it: with PYTHONDONTWRITEBYTECODE, as in many images, each process would compile anew.
$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv --without-pip $(VENV)
	$(PYTHON) -m pip --python $(BIN)/python install --quiet pip uv
	$(BIN)/uv pip install --python $(BIN)/python --compile-bytecode \
		--constraint constraints.txt --editable '.[dev]' \
		|| $(BIN)/python -m pip install --constraint constraints.txt --editable '.[dev]'
	touch $(INSTALLED)

install: $(INSTALLED)

clean:
	rm -rf $(VENV) runs cache data/demo dist site
