# Every target sets itself up: a machine needs Python 3.10 or newer and make, nothing else.
#
#   make demo     track and score the embedded benchmark, save a video
#   make demo VIDEO=my.mp4 [BOX=x,y,w,h]    follow a target through a video of yours instead
#   make test     run the tests
#   make lint     ruff and mypy
#   make format   rewrite in the house style
#   make bench    time the trackers and the scoring on this machine

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SOURCES := pysot toolkit tools tests examples setup.py pysot_command.py

.PHONY: demo test lint format bench clean

$(READY): setup.py pyproject.toml constraints.txt toolkit/utils/region.pyx csrc/region.cpp csrc/region.h \
  pysot/models/layers/prroi_pool.pyx csrc/prroi_pool.cpp csrc/prroi_pool.h
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev,report]"
	$(BIN)/python -c "import cv2" 2>/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --force-reinstall --no-deps -c constraints.txt opencv-python-headless
	touch $(READY)

demo: $(READY)
ifdef VIDEO
	$(BIN)/python tools/demo.py $(VIDEO) $(if $(BOX),--init-box $(BOX) --no-display) --save demo_output/demo.mp4
else
	$(BIN)/python -m pysot.cli.main synth-demo
endif

test: $(READY)
	$(BIN)/python -m pytest -n auto --dist loadfile

lint: $(READY)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

bench: $(READY)
	$(BIN)/python tools/benchmark.py --config nanotrack_v2
	$(BIN)/python tools/benchmark.py --config siamrpn_alex_dwxcorr
	$(BIN)/python tools/benchmark.py --config siamrpn_r50_l234_dwxcorr --frames 20
	$(BIN)/python tools/benchmark.py eval

clean:
	rm -rf $(VENV) build *.egg-info demo_output
	find pysot toolkit -name '*.so' -delete
