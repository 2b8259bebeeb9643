# One way to run each thing. Every target sets up what it needs, once, in .venv and node_modules.

PYTHON := .venv/bin/python
SITE := .venv/site.stamp
TOOLS := .venv/tools.stamp
MATHJAX := node_modules/.package-lock.json
FONTS := node_modules/@mathjax/mathjax-newcm-font/chtml/woff2/parts/list.json
AXE := node_modules/axe-core/package.json
LIGHTHOUSE := benchmarks/node_modules/.package-lock.json
PEERS := benchmarks/.venv/peers.stamp

.PHONY: help site serve test lint proofs bench figures clean
.DEFAULT_GOAL := help

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' Makefile

site: $(SITE) $(FONTS) ## build the site of this repository into site/
	$(PYTHON) build_site.py

serve: $(SITE) $(FONTS) ## build it, serve it, and build again on every change
	$(PYTHON) build_site.py --serve

test: $(TOOLS) $(AXE) $(FONTS) ## run all tests
	@$(PYTHON) scripts/install_browser.py
	$(PYTHON) -m pytest --numprocesses logical --dist loadfile

lint: $(TOOLS) ## check style and types
	$(PYTHON) -m ruff check
	$(PYTHON) -m mypy

proofs: $(TOOLS) ## verify the optimizers again, and write down what their pages say of it
	$(PYTHON) -m benchmarks.proofs

bench: $(TOOLS) $(FONTS) $(LIGHTHOUSE) $(PEERS) ## measure the generator, its pages and the optimizers
	@$(PYTHON) scripts/install_browser.py
	$(PYTHON) -m benchmarks

figures: $(TOOLS) ## draw the plots of the pages again, beside the sources that draw them
	$(PYTHON) -m labml_nn.figures

clean: ## remove what was built and cached; keep .venv and node_modules, which hold only what was fetched
	rm -rf site dist benchmarks/out .sidelit_cache .hypothesis .mypy_cache .pytest_cache .ruff_cache

# ---- set-up: a stamp is newer than the files that say what to install ----

# The first Python that is new enough and can make environments. A version manager may put a name on PATH that runs
# nothing, so each is tried rather than looked up.
.venv/pyvenv.cfg:
	@for python in python3 python3.13 python3.12 python3.11; do \
		if $$python -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			echo "Making the environment .venv with $$python."; \
			exec $$python -m venv .venv; \
		fi; \
	done; \
	echo "sidelit needs Python 3.11 or newer with its module venv (Debian: apt install python3-venv)." >&2; exit 1

$(SITE): .venv/pyvenv.cfg pyproject.toml requirements.txt
	@echo "Installing what the site needs into .venv."
	$(PYTHON) -m pip install --disable-pip-version-check --constraint requirements.txt --editable '.[api]'
	@touch $@

$(TOOLS): $(SITE) requirements-dev.txt
	@echo "Installing what the optimizers, the tests and the checks need into .venv (torch is large)."
	$(PYTHON) -m pip install --disable-pip-version-check --requirement requirements-dev.txt
	@touch $@

# The site needs MathJax only. With what the tests need beside it, MathJax is there too.
$(MATHJAX): package.json package-lock.json | $(SITE)
	@$(PYTHON) scripts/install_node_modules.py . --omit=dev
	@touch $@

$(AXE): package.json package-lock.json | $(SITE)
	@$(PYTHON) scripts/install_node_modules.py .
	@touch $@ $(MATHJAX)

$(FONTS): $(MATHJAX) scripts/cut_fonts.py requirements.txt
	$(PYTHON) -m pip install --disable-pip-version-check --quiet --constraint requirements.txt brotli fonttools
	$(PYTHON) scripts/cut_fonts.py node_modules
	@touch $@

$(LIGHTHOUSE): benchmarks/package.json benchmarks/package-lock.json | $(SITE)
	@$(PYTHON) scripts/install_node_modules.py benchmarks
	@touch $@

$(PEERS): benchmarks/requirements.txt | $(SITE)
	@echo "Installing what sidelit is measured against into benchmarks/.venv."
	$(PYTHON) -m venv benchmarks/.venv
	benchmarks/.venv/bin/python -m pip install --disable-pip-version-check --requirement benchmarks/requirements.txt
	@touch $@
