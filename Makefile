# `make run` and `make test` need Linux, Python >= 3.11 and make; they bring everything else.
PYTHON ?= python3
PIP_EXTRA ?=
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt $(PIP_EXTRA)

.PHONY: run setup chat doctor test unit fault real check train eval eval-models eval-ears bench bench-turn bench-asr bench-lm bench-voice clean

run: .venv/installed
	$(BIN)/parley run

setup chat doctor: .venv/installed
	$(BIN)/parley $@

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	@echo "Installing Parley into .venv (PyTorch is large: a few minutes the first time) ..."
	$(PIP) --editable .
	@touch $@

.venv/tested: .venv/installed
	$(PIP) --editable '.[dev]'
	@touch $@

test: check
	@sh deploy/test-packages.sh
	$(BIN)/python -m pytest -n 2 --dist loadfile

# While working: a minute, without a browser.
unit: .venv/tested
	$(BIN)/python -m pytest tests/unit -m "not slow" -n 2 --dist loadfile

# Minutes: what is killed, stopped, held or refused from outside. Not a part of `make test`.
fault: .venv/tested
	$(BIN)/python -m pytest tests/fault -p no:cacheprovider -q

# Real weights, 630 MB fetched once into PARLEY_REAL. Not a part of `make test`.
PARLEY_REAL ?= $(HOME)/.cache/parley-real
real: .venv/tested
	PARLEY_REAL='$(PARLEY_REAL)' $(BIN)/python -m pytest tests/real -p no:cacheprovider -q

check: .venv/tested
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright
	$(BIN)/python -m pytest tests/unit/test_walls.py

train: .venv/installed
	$(BIN)/python -m training.train

eval: .venv/installed
	$(BIN)/python -m evals.sentences
	$(BIN)/python -m evals.sentences.dangers
	$(BIN)/python -m training.speech.evaluate
	$(BIN)/python -m training.chat.evaluate

# MODEL: a folder, a GGUF file, a hub id, or a server's address (then NAME is the model's name there); none: the built-in one.
eval-models: .venv/installed
	$(BIN)/python -m evals.models $(MODEL) $(if $(NAME),--name $(NAME))

# MODEL: any Whisper size, hub id or folder; none: what ships. ARGS="--voice FOLDER": also a Piper voice speaks.
eval-ears: .venv/installed
	$(BIN)/python -m evals.ears $(MODEL) $(ARGS)

bench: bench-turn bench-asr bench-lm
	$(BIN)/python -m benchmarks.start

bench-turn: .venv/tested
	$(BIN)/python -m benchmarks.turn

bench-asr: .venv/installed
	$(BIN)/python -m benchmarks.asr

# The starter set lies in PARLEY_REAL. ARGS="--voice FOLDER": a Piper voice speaks clearly.
bench-voice: .venv/tested
	$(BIN)/python -m benchmarks.voice_note '$(PARLEY_REAL)' $(ARGS)

# llama.cpp, the other side of half the table, is compiled for this processor: minutes. Without it those rows are left out.
.venv/compared: .venv/installed
	-$(PIP) --no-binary llama-cpp-python --editable '.[bench]'
	@touch $@

bench-lm: .venv/compared
	$(BIN)/python -m benchmarks.lm

clean:
	rm -rf .venv build *.egg-info
