# One venv, two commands. `make help` lists the targets.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

# Where `make install` puts things; DESTDIR is for packagers.
PREFIX ?= /usr/local
DESTDIR ?=
BINDIR := $(PREFIX)/bin
LIBDIR := $(PREFIX)/lib/edge-gate
DOCDIR := $(PREFIX)/share/doc/edge-gate
UNITDIR := $(PREFIX)/lib/systemd/system
SYSUSERS := $(PREFIX)/lib/sysusers.d/edge-gate.conf
TMPFILES := $(PREFIX)/lib/tmpfiles.d/edge-gate.conf

# The Python of the system that a package is for: 3.10 on JetPack 6, 3.11 on Debian 12.
DEB_ARCH ?= arm64
DEB_PYTHON ?= 3.10

.DEFAULT_GOAL := help
.PHONY: help venv demo test test-system test-arm64 lint bench pictures soak soak-kills services hashes sbom audit install \
  install-program install-launcher install-service deb uninstall clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

$(BIN)/.installed: pyproject.toml constraints.txt
	@command -v npm >/dev/null || { echo "npm is needed: it downloads networks and photographs (no JavaScript is run)."; \
	  echo "Debian, Ubuntu: sudo apt-get install npm    macOS: brew install node"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "Python 3.10 to 3.13 is needed; name one with: make PYTHON=python3.11 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

venv: $(BIN)/.installed ## create .venv and install the pinned dependencies

# For every Python and processor at once. uv is no tool of the venv: it is needed only here.
UV ?= uv
HASHED := install/requirements.txt
hashes: ## write install/requirements.txt anew, from constraints.txt (needs uv, from PyPI)
	@{ head -n 2 $(HASHED); $(UV) pip compile --quiet --universal --python-version 3.10 --generate-hashes \
	  --only-binary :all: --emit-build-options --no-header --no-annotate --upgrade \
	  --constraint constraints.txt pyproject.toml; } > $(HASHED).new && mv $(HASHED).new $(HASHED)

sbom: venv ## write sbom.cdx.json: what the venv holds, as a CycloneDX bill of materials
	$(BIN)/python install/sbom.py > sbom.cdx.json

audit: venv ## ask PyPI which pinned libraries have known faults (needs the web)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check pip-audit
	$(BIN)/python -m pip_audit --requirement install/requirements.txt --require-hashes --disable-pip --strict

demo: venv ## obtain networks and photographs, build the pair, run the gate, write demo/
	@$(BIN)/python -m edge demo --out demo

lint: venv ## formatting, lint, types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Tests keep to ports and folders of their own; those of one file share what it has opened. The longest
# files come first (tests/longest.py).
PYTEST := $(BIN)/python -m pytest -n $(or $(WORKERS),2) --dist loadfile --no-loadscope-reorder --benchmark-disable
# What decides, counts and computes, and the tests that mirror it.
PURE := tests/edge/config tests/edge/delivery tests/edge/gate tests/edge/pipeline \
  $(filter-out %_chromium.py,$(wildcard tests/edge/page/test_*.py)) \
  tests/engines/biometrics tests/engines/calibration tests/engines/pruning tests/engines/quality

test: lint coverage ## lint and all tests, in WORKERS (2) processes
	$(PYTEST) $(PURE:%=--ignore=%)

coverage: venv ## the tests of what decides, counts and computes, and which of its branches they miss
	$(PYTEST) --cov --cov-report=term $(PURE)

test-system: venv ## install and run it as a service, under a real systemd in a folder (needs root)
	$(BIN)/python -m pytest tests/system -p no:randomly

test-arm64: venv ## the package of an arm64 device, emulated (needs root)
	$(BIN)/python -m pytest tests/system/test_arm64.py -p no:randomly

bench: venv ## time the hot paths
	$(BIN)/python -m pytest tests/bench/bench_hot_paths.py -p no:randomly

services: ## install the Debian packages that the tests of cameras and sinks use (needs root)
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	  $$(grep -v '^#' tests/apt-packages.txt) >/dev/null

soak: venv ## run cameras, good and hostile, for MINUTES (10) while everything around them fails
	$(BIN)/python -m tests.soak --minutes $(or $(MINUTES),10)

pictures: venv ## make the pictures of page, tune report and contact sheet in docs/pictures, of drawn people
	$(BIN)/python -m tests.edge.page_pictures
	$(BIN)/python -m tests.edge.report_pictures

soak-kills: venv ## kill -9 the gate KILLS (500) times among two cameras and three receivers
	$(BIN)/python -m tests.soak_kills --kills $(or $(KILLS),500)

install: install-program install-service ## install program, units and example to PREFIX (needs root)

install-program:
	install/program.sh $(PYTHON) '$(DESTDIR)$(LIBDIR)'
	$(MAKE) --no-print-directory install-launcher

# Neither -m nor an empty entry of PYTHONPATH: both import from the folder that the caller stands in,
# before anything else. (-P is not known to Python 3.10, and -I would take PYTHONUNBUFFERED away.)
define LAUNCHER
#!/bin/sh
PYTHONPATH= exec $(PYTHON) -c 'import sys; sys.path[0] = "$(LIBDIR)"; from edge.entry import main; sys.exit(main())' "$$@"
endef
export LAUNCHER

install-launcher:
	install -d '$(DESTDIR)$(BINDIR)'
	printenv LAUNCHER > '$(DESTDIR)$(BINDIR)/edge-gate'
	chmod 755 '$(DESTDIR)$(BINDIR)/edge-gate'

install-service:
	install -d '$(DESTDIR)$(UNITDIR)' '$(DESTDIR)$(DOCDIR)' '$(DESTDIR)/etc/edge-gate'
	for unit in edge-gate edge-gate-csi; do \
	  sed -e 's|@BINDIR@|$(BINDIR)|; s|@DOCDIR@|$(DOCDIR)|' systemd/$$unit.service.in \
	    > '$(DESTDIR)$(UNITDIR)'/$$unit.service || exit 1; \
	  chmod 644 '$(DESTDIR)$(UNITDIR)'/$$unit.service; \
	done
	install -D -m 644 systemd/edge-gate.sysusers '$(DESTDIR)$(SYSUSERS)'
	install -D -m 644 systemd/edge-gate.tmpfiles '$(DESTDIR)$(TMPFILES)'
	install -m 644 README.md LICENSE docs/service.md configs/gate.example.yaml configs/rtsp.yaml '$(DESTDIR)$(DOCDIR)'
	@[ -n '$(DESTDIR)' ] || { systemd-sysusers '$(SYSUSERS)' && systemd-tmpfiles --create '$(TMPFILES)' && \
	  systemctl daemon-reload; } || echo "systemd is not running here: users and units are taken up at the next start"

# Made on any machine for either processor. lintian is asked where it is installed.
deb: venv ## make a Debian package in dist/, for DEB_ARCH (amd64, arm64) and DEB_PYTHON (3.10, 3.11, 3.12)
	@deb=$$(deb/build.sh $(BIN)/python $(DEB_ARCH) $(DEB_PYTHON) dist) && ls -sh "$$deb" && \
	  if command -v lintian >/dev/null; then lintian --fail-on error "$$deb"; fi

uninstall: ## remove what `make install` installed; configuration and state stay
	@[ -n '$(DESTDIR)' ] || systemctl disable --now edge-gate edge-gate-csi 2>/dev/null || true
	rm -f '$(DESTDIR)$(BINDIR)/edge-gate' '$(DESTDIR)$(SYSUSERS)' '$(DESTDIR)$(TMPFILES)'
	rm -f '$(DESTDIR)$(UNITDIR)/edge-gate.service' '$(DESTDIR)$(UNITDIR)/edge-gate-csi.service'
	rm -rf '$(DESTDIR)$(LIBDIR)' '$(DESTDIR)$(DOCDIR)'
	@[ -n '$(DESTDIR)' ] || rmdir /etc/systemd/system/edge-gate.service.d /etc/systemd/system/edge-gate-csi.service.d \
	  2>/dev/null || true
	@[ -n '$(DESTDIR)' ] || systemctl daemon-reload 2>/dev/null || true

clean: ## remove the venv and everything the demo made
	rm -rf $(VENV) demo pairs
