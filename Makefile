# Two commands do everything on a fresh machine with Python (3.11 or newer) and make:
#   make demo   compile ResNet-50 from its spec, run it on onnxruntime, print the table
#   make test   the whole suite, linter and type checker included
# make fuzz MINUTES=10 tries generated specs, files and command lines; make mutants changes the code in a thousand places and asks the suite about each (an hour; ARGS="--sample 100" for less),
# and another measures, against other tools, for some ten minutes: make bench (or make bench SECTIONS="count depth")

PYTHON ?= python3
BIN := .venv/bin
OUT := build/demo
BENCH := build/bench-venv
MINUTES ?= 10

.PHONY: demo test bench lint unit optimised fuzz mutants clean

demo: .venv/ready
	$(BIN)/archdsl compile specs/resnet.arch -p depth=50 -o $(OUT)
	$(BIN)/archdsl run $(OUT)/resnet.onnx --input random
	$(BIN)/archdsl count specs/resnet.arch -p depth=50

test: lint unit

bench: $(BENCH)/ready
	PYTHONPATH=$(CURDIR) $(BENCH)/bin/python tests/bench $(SECTIONS)

# Where the last campaign stopped, for so many minutes; ARGS="texts=1000000" for so many of one kind.
fuzz: .venv/ready
	PYTHONPATH=$(CURDIR) OMP_NUM_THREADS=1 $(BIN)/python tests/fuzz $(MINUTES) $(ARGS)

mutants: .venv/ready
	PYTHONPATH=$(CURDIR) OMP_NUM_THREADS=1 $(BIN)/python tests/mutation $(ARGS)

lint: .venv/ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright

# Two workers with a thread each: some tests hold networks of half a gigabyte, so more of them want memory. Each takes
# half of the files, and what is left of the other's when it is done: what the tests of a file share is made once.
unit: .venv/ready optimised
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist worksteal

# A part of the suite without any `assert` of archdsl: nothing correct may depend on one. The variable, unlike -O, also
# reaches pytest's workers and the commands that tests start; pytest sees to the asserts of the tests.
OPTIMISED := tests/golden tests/ir tests/elaborate tests/types tests/corpus tests/backends/torch/test_layout.py \
	tests/meta/test_optimised.py
optimised: .venv/ready
	PYTHONOPTIMIZE=1 OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --disable-warnings $(OPTIMISED)

# The environment is made anew when what it is made from changes. PyTorch is pinned in constraints.txt, because an
# unpinned one may bring gigabytes of CUDA along; the package itself accepts a range. torchvision, whose networks some
# tests compare ours with, comes without its dependencies for the same reason: it asks for a PyTorch of its own choice.
.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --no-deps torchvision
	touch $@

# What archdsl is measured against, in an environment of its own.
$(BENCH)/ready: tests/bench/requirements.txt constraints.txt
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/pip install --quiet --disable-pip-version-check --constraint constraints.txt -r tests/bench/requirements.txt
	$(BENCH)/bin/pip install --quiet --disable-pip-version-check --constraint constraints.txt --no-deps torchvision
	touch $@

clean:
	rm -rf .venv build
