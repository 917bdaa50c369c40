PACKAGES := libprotobuf-c-dev pkg-config python3-venv
SUDO := $(shell [ "$$(id -u)" = 0 ] || command -v sudo)
COPPICE := .build/release/coppice

.PHONY: help setup build test demo interop zoo real lint

help: ## show the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

setup: ## install what building needs
	@missing=""; for package in $(PACKAGES); do \
	  dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q 'install ok' || missing="$$missing $$package"; done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" != 0 ] && [ -z "$(SUDO)" ]; then echo "please install:$$missing" >&2; exit 1; fi; \
	$(SUDO) apt-get update -q && $(SUDO) apt-get install -qy --no-install-recommends $$missing

build: setup ## build a release
	swift build -c release --product coppice

demo: build ## prune a real trained model
	python3 Models/fetch.py dnsmos_model_v8
	$(COPPICE) prune Models/real/dnsmos_model_v8.onnx --ratio 0.5 -o .build/dnsmos-half.onnx --force

test: setup ## run all Swift tests
	swift test

.venv-interop/ready: Tests/Interop/requirements.txt
	python3 -m venv .venv-interop
	.venv-interop/bin/pip install -q -r Tests/Interop/requirements.txt
	touch $@

interop: build .venv-interop/ready ## check the results with onnx and ONNX Runtime
	.venv-interop/bin/python Tests/Interop/random_models.py --coppice $(COPPICE) --count 60
	if [ -d ../shared/zoo ]; then .venv-interop/bin/python Tests/Interop/zoo.py --coppice $(COPPICE) --short; fi

zoo: build .venv-interop/ready ## prune and run all models of ../shared/zoo
	.venv-interop/bin/python Tests/Interop/zoo.py --coppice $(COPPICE)

real: build .venv-interop/ready ## prune and run the nine real models
	.venv-interop/bin/python Tests/Interop/real.py --coppice $(COPPICE)

lint: ## check the formatting
	swift format lint --strict --recursive Package.swift Sources Tests
