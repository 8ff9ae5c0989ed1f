# Every target makes .venv, installs what it needs from the package index, and runs. Start with: make demo
PYTHON ?= python3
BIN := .venv/bin
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
# With make -j two targets may want to install at once.
PATIENT := -o DPkg::Lock::Timeout=300
# Nothing here may reach for a model hub.
export HF_HUB_OFFLINE := 1

.PHONY: demo test slow test-all faults faults-long kernels fuzz lint docs site-test wheels proofs bench fashion mutants mutants-sample clean
.DELETE_ON_ERROR:

demo: .venv/installed
	$(BIN)/maskcover demo

test: .venv/installed
	$(BIN)/pytest -n auto --dist worksteal -m "not slow and not faults and not site"

# Tests of half a minute and more.
slow: .venv/installed
	$(BIN)/pytest -m slow

test-all: test slow faults

# Processes, nodes and disks that fail while runs are made, under Ray and without it; a few minutes on two cores.
faults: .venv/installed
	$(BIN)/pytest -n 2 --dist worksteal -m faults tests/runs/faults

# The same with more kills.
faults-long: .venv/installed
	MASKCOVER_FAULTS=long $(BIN)/pytest -m faults tests/runs/faults

# The tests that touch how torch computes, as two other processors would: other kernels, vectors, threads and speeds.
NUMERIC := tests/test_networks.py tests/adapters/test_torch.py tests/adapters/test_torch_evaluator.py \
  tests/adapters/test_torch_fingerprint.py tests/adapters/test_contract.py
# The second has two threads for each test, which is faster with one test at a time.
kernels: .venv/installed
	ONEDNN_MAX_CPU_ISA=SSE41 ATEN_CPU_CAPABILITY=default MASKCOVER_TEST_CLOCK=wild $(BIN)/pytest -n auto -q -m "not slow" $(NUMERIC)
	MASKCOVER_TEST_MKLDNN=0 ATEN_CPU_CAPABILITY=avx2 MASKCOVER_TEST_THREADS=2 $(BIN)/pytest -q -m "not slow" $(NUMERIC)

# Damaged documents and image files, for about half a minute each; make test tries a few.
fuzz: .venv/installed
	FUZZ_EXAMPLES=150 $(BIN)/pytest -n auto -q tests/fuzz/test_documents.py
	FUZZ_EXAMPLES=1000 $(BIN)/pytest -n auto -q tests/fuzz/test_image_files.py

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: .venv/installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# The built documentation in a browser: its search, and its pages on a phone; installs Debian's Chromium where there is none.
site-test: docs
	command -v chromium > /dev/null || command -v chromium-browser > /dev/null || command -v google-chrome > /dev/null \
	  || { $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq $(PATIENT) chromium; }
	MASKCOVER_SITE=site $(BIN)/pytest -q -m site tests/docs/test_browser.py

# The wheel without extras, in a clean environment of each Python from 3.11 on that is there.
wheels: .venv/installed
	$(BIN)/nox

# The theorems, accepted by Coq; installs it where it is missing (Debian's package, about 20 seconds).
proofs:
	command -v coqc > /dev/null && command -v ocamlfind > /dev/null \
	  || { $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq $(PATIENT) coq ocaml-nox ocaml-findlib; }
	$(MAKE) --no-print-directory -C proofs

bench: .venv/installed
	$(BIN)/python benchmarks/verify.py
	$(BIN)/python benchmarks/cover.py
	$(BIN)/python benchmarks/containment.py
	$(BIN)/python benchmarks/reopen.py
	$(BIN)/python benchmarks/certify.py

# Half an hour on two cores; the data are those of Debian's package dataset-fashion-mnist.
fashion: .venv/installed
	$(BIN)/python examples/04_fashion_mnist.py --markdown > benchmarks/fashion-mnist.part
	mv benchmarks/fashion-mnist.part benchmarks/fashion-mnist.md

# All planted faults take hours; PART=1/8 is the first of eight parts, each under an hour on two cores.
mutants: .venv/installed
	$(BIN)/python tests/mutants.py $(if $(PART),--part $(PART))

# Five of them, others each day; after make test, which shows that the tests are green without a fault.
mutants-sample: .venv/installed
	$(BIN)/python tests/mutants.py --sample 5 --green

clean:
	rm -rf .venv build dist site maskcover-demo .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[all,dev]"
	touch $@
