# Two commands: `make demo` shows murai, `make test` checks it. Both set up what they need.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
APT := $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get -q -y

# What the tests drive: a virtual screen, software OpenGL, keys, screenshots, a browser, a print server, and FFmpeg as
# peer on the network.
TEST_PACKAGES := chromium cups cups-client cups-filters ffmpeg ghostscript imagemagick libegl1 libgl1 libgl1-mesa-dri x11-xserver-utils xauth xdotool xvfb

.PHONY: demo test check bench soak soak-booth clean

demo: $(VENV)/base
	$(BIN)/murai live --overwrite

test: system $(VENV)/all servers check
	$(BIN)/python -c "from murai.stylizers.apply import prepare; prepare()"  # compiled once, not by every test's process
	$(BIN)/pytest --numprocesses 2 --dist loadfile

# The real servers that the tests of publishing speak to; where they cannot be had, those tests say so and are skipped.
.PHONY: servers
servers:
	@$(MAKE) .servers/ready || echo "*** the servers were not set up: the tests that publish to them are skipped ***"

.servers/ready: $(wildcard tests/publish/servers/*)
	SUDO="$(SUDO)" tests/publish/servers/install.sh .servers
	touch $@

# Lint, format and types.
check: $(VENV)/all
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The figures of the README.
bench: $(VENV)/all
	$(BIN)/murai measure speed --size 640x360
	$(BIN)/murai measure speed --size 1280x720

# An hour of a show with a fault every minute.
soak: $(VENV)/all
	$(BIN)/murai measure soak --minutes 60

# A thousand visits to the booth, while network, servers, disk and power fail.
soak-booth: $(VENV)/all .servers/ready
	$(BIN)/python -m tests.booth.soak --visits 1000

.PHONY: system
system:
	@command -v apt-get >/dev/null || { echo "not a Debian system: install $(TEST_PACKAGES) yourself"; exit 0; }; \
	dpkg -s $(TEST_PACKAGES) >/dev/null 2>&1 || { $(APT) update && $(APT) install --no-install-recommends $(TEST_PACKAGES); }

$(VENV)/bin/python:
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'murai needs Python 3.11 or later: make PYTHON=python3.11')"
	$(PYTHON) -c "import ensurepip" 2>/dev/null || { $(APT) update && $(APT) install python3-venv; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/base: pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --editable .
	touch $@

$(VENV)/all: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[train,measure,tensorboard,control,cuda,booth,dev]'
	touch $@ $(VENV)/base

clean:
	rm -rf $(VENV) .servers build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis demo.mp4
