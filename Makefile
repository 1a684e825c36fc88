# Two commands do everything: `make demo` and `make test`. Both work again at once when repeated.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# a process for each core; one that is done takes over tests of another
SHARED_OUT := --numprocesses auto --maxprocesses 8 --dist worksteal

.PHONY: demo test lint install clean

demo: install
	$(BIN)/python train.py

test: export OMP_NUM_THREADS = 1
test: install lint
	$(BIN)/python -m pytest -q -m "not slow" $(SHARED_OUT)
	$(BIN)/python -m pytest -q -m slow $(SHARED_OUT)

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

install: $(INSTALLED)

# pip of the system installs into the environment, so Debian's python3-venv is not needed; uv only
# makes the download faster, and pip takes over where it cannot reach the index.
$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv --without-pip $(VENV)
	$(PYTHON) -m pip --python $(BIN)/python install --quiet pip uv
	$(BIN)/uv pip install --python $(BIN)/python --constraint constraints.txt --editable '.[dev]' \
		|| $(BIN)/python -m pip install --constraint constraints.txt --editable '.[dev]'
	touch $(INSTALLED)

clean:
	rm -rf $(VENV) runs cache data/demo
