# make demo and make test do everything they need themselves on a Debian machine with Swift.

COPPICE := .build/release/coppice
VENV := .venv-interop
TORCH_VENV := .venv-torch
CHECK := $(VENV)/bin/python Tests/Interop
BENCH := $(VENV)/bin/python Benchmarks
STUDY := PYTHONPATH=Benchmarks $(VENV)/bin/python -m
COUNT ?= 150
SECONDS ?= 60

# What building needs, and what the checks need besides.
PACKAGES := libprotobuf-c-dev libopenblas-dev zlib1g-dev libpng-dev libturbojpeg0-dev pkg-config
PYTHON_PACKAGES := python3 python3-venv
# What the networks of Models are trained and measured on.
DATA_PACKAGES := dataset-fashion-mnist bible-kjv bible-kjv-text
# The code is made for what this machine's processor has: registers of 512 bits, or AVX2 and fused multiply-add; NATIVE=
# for any x86-64.
HAS = grep -qw $(1) /proc/cpuinfo 2>/dev/null
NATIVE ?= $(shell if $(call HAS,avx512f) && $(call HAS,avx512bw) && $(call HAS,avx512cd) && $(call HAS,avx512dq) \
  && $(call HAS,avx512vl); then echo "-Xcc -march=x86-64-v4"; \
  elif $(call HAS,avx2) && $(call HAS,fma); then echo "-Xcc -march=x86-64-v3"; fi)

.PHONY: help setup build demo test golden docs interop parity zoo real models study-obs study-hesso bench lint fuzz clean

help: ## show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what is missing to build and to check (as root or by sudo)
	@missing=""; \
	for package in $(PACKAGES); do \
	  dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q 'install ok installed' || missing="$$missing $$package"; \
	done; \
	python3 -c 'import ensurepip, venv' 2>/dev/null || missing="$$missing $(PYTHON_PACKAGES)"; \
	command -v git >/dev/null || missing="$$missing git"; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ]; then sudo=""; \
	elif sudo -n true 2>/dev/null || { [ -t 0 ] && command -v sudo >/dev/null; }; then sudo="sudo"; \
	else echo "error: please install these packages and try again:$$missing" >&2; exit 1; fi; \
	command -v apt-get >/dev/null || { echo "error: please install what Debian calls$$missing" >&2; exit 1; }; \
	export DEBIAN_FRONTEND=noninteractive; \
	$$sudo apt-get update -qq && $$sudo apt-get install -qq -y --no-install-recommends $$missing
	@command -v swift >/dev/null || { echo "error: please install Swift 6.1 or newer (https://swift.org/install)" >&2; exit 1; }

build: setup ## build a release
	swift build -c release --product coppice --static-swift-stdlib $(NATIVE)

demo: build ## prune a trained network, train it on for an epoch, and show what became of it
	@$(MAKE) --no-print-directory setup PACKAGES="$(PACKAGES) dataset-fashion-mnist"
	@python3 Models/demo.py --coppice $(COPPICE)

test: setup ## run all Swift tests
	swift test

golden: setup ## write what the command line prints anew, to be reviewed like code
	COPPICE_GOLDEN=write swift test --filter GoldenTests
	@git --no-pager diff --stat -- Tests/CommandLineTests/Golden

docs: build ## write the tables of Docs that the program makes itself
	$(COPPICE) passes --markdown > Docs/Passes.md
	$(COPPICE) operators --markdown > Docs/Operators.md

# ONNX's operator cases and labelled data, for the checks alone.
.PHONY: cases data
cases:
	@$(MAKE) --no-print-directory setup PACKAGES="$(PACKAGES) libonnx-testdata"
data:
	@$(MAKE) --no-print-directory setup PACKAGES="$(PACKAGES) $(DATA_PACKAGES)"

# The Python environment of the checks, made anew when the requirements change.
$(VENV)/ready: Tests/Interop/requirements.txt
	python3 -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r Tests/Interop/requirements.txt
	touch $@

interop: build cases data $(VENV)/ready ## check results with onnx and ONNX Runtime: invariant, bad input, round trip, trained models
	$(CHECK)/random_models.py --coppice $(COPPICE) --count $(COUNT)
	$(CHECK)/bad_input.py --coppice $(COPPICE)
	$(CHECK)/roundtrip.py --coppice $(COPPICE) --short
	$(CHECK)/real.py --coppice $(COPPICE)
	$(CHECK)/own_models.py --coppice $(COPPICE)
	$(CHECK)/contrib_models.py --coppice $(COPPICE)
	$(CHECK)/conformance.py --coppice $(COPPICE)
	$(CHECK)/operator_rules.py --coppice $(COPPICE)
	$(CHECK)/parity_operators.py --coppice $(COPPICE)
	$(CHECK)/parity_contrib.py --coppice $(COPPICE)
	$(CHECK)/parity_models.py --coppice $(COPPICE) --short
	$(CHECK)/fuzz.py --coppice $(COPPICE) --seconds $(SECONDS)
	@if [ -e ../shared/zoo/zoo.json ]; then set -ex; \
	  $(CHECK)/zoo.py --coppice $(COPPICE) --short; \
	  $(CHECK)/invariant.py --coppice $(COPPICE) --zoo --short; \
	  $(CHECK)/budgets.py --coppice $(COPPICE); \
	fi

parity: build cases $(VENV)/ready ## compare results and speed with ONNX Runtime and PyTorch, side by side
	status=0; \
	$(CHECK)/parity_operators.py --coppice $(COPPICE) || status=1; \
	$(CHECK)/parity_contrib.py --coppice $(COPPICE) || status=1; \
	$(CHECK)/parity_models.py --coppice $(COPPICE) || status=1; \
	$(CHECK)/parity_training.py --coppice $(COPPICE) || status=1; \
	$(CHECK)/parity_criteria.py --coppice $(COPPICE) || status=1; \
	$(CHECK)/parity_hesso.py --coppice $(COPPICE) || status=1; \
	$(BENCH)/runtime_speed.py --coppice $(COPPICE) || status=1; exit $$status

models: build data $(VENV)/ready ## train the networks of Models anew (half an hour)
	$(VENV)/bin/python Models/make.py --coppice $(COPPICE)

# The Python environment with PyTorch, made anew when the studies' requirements change.
$(TORCH_VENV)/study-ready: Benchmarks/study/requirements.txt
	python3 -m venv $(TORCH_VENV)
	pip="$(TORCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check"; \
	$$pip -r $< || sed 's/+cpu//' $< | $$pip -r /dev/stdin
	touch $@

STUDY_ARGUMENTS = --coppice $(COPPICE) --torch $(TORCH_VENV)/bin/python $(if $(SEEDS),--seeds $(SEEDS)) \
  $(if $(ONLY),--only $(ONLY)) $(if $(FRESH),--fresh)

study-obs: build data $(VENV)/ready $(TORCH_VENV)/study-ready ## write Docs/StudyOBS.md; SEEDS=3, ONLY=order,peer, FRESH=1
	$(STUDY) study_obs $(STUDY_ARGUMENTS)

study-hesso: build data $(VENV)/ready $(TORCH_VENV)/study-ready ## write Docs/StudyHESSO.md, likewise
	$(STUDY) study_hesso $(STUDY_ARGUMENTS)

zoo: build $(VENV)/ready ## prune, check and run all models of ../shared/zoo
	@[ -e ../shared/zoo/zoo.json ] || { echo "error: make zoo needs ../shared/zoo, which is not there" >&2; exit 1; }
	status=0; $(CHECK)/zoo.py --coppice $(COPPICE) || status=1; \
	$(CHECK)/invariant.py --coppice $(COPPICE) --zoo || status=1; \
	$(CHECK)/roundtrip.py --coppice $(COPPICE) || status=1; exit $$status

real: build $(VENV)/ready ## prune, check and run the trained models of Models/fetch.py
	$(CHECK)/real.py --coppice $(COPPICE)

bench: build $(VENV)/ready ## measure analysis, whole command, big file and kernels; TORCH=1 compares with Torch-Pruning
	status=0; \
	$(BENCH)/analysis_speed.py --coppice $(COPPICE) $(if $(TORCH),--torch) || status=1; \
	$(BENCH)/whole_command.py --coppice $(COPPICE) || status=1; \
	swift build -c release --product KernelBenchmark $(NATIVE) && .build/release/KernelBenchmark || status=1; \
	exit $$status

fuzz: build $(VENV)/ready ## run mutated models through coppice for SECONDS (60)
	$(CHECK)/fuzz.py --coppice $(COPPICE) --seconds $(SECONDS)

lint: ## check the formatting
	swift format lint --strict --recursive Package.swift Sources Passes Tests

clean: ## remove what was built
	rm -rf .build .cache $(VENV) $(TORCH_VENV)
