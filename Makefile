# Every target makes its own virtual environment: a Python of 3.11 or newer is enough.
#   PYTHON=python3.12   the interpreter to use; an environment of another one is made anew
#   VENV=.venv          where the environment lives
#   UV=                 do without uv, which is used where it is installed
#   TEST_FILE=...       a test file, folder or node id
#   ARGS="..."          more arguments for the program that the target runs

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.SUFFIXES:

VENV ?= .venv
BIN := $(VENV)/bin
PYTHON ?=
ifeq ($(origin UV),undefined)
UV := $(shell command -v uv)
endif
ARGS ?=

ifneq ($(strip $(UV)),)
INSTALL = $(UV) pip install --quiet --python $(BIN)/python
else
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check
endif

# An environment that another Python made is not good enough when PYTHON= names one.
ifneq ($(PYTHON),)
ifneq ($(wildcard $(VENV)/pyvenv.cfg),)
ifneq ($(shell $(PYTHON) -c 'import sys; print(*sys.version_info[:2])'),$(shell $(BIN)/python -c 'import sys; print(*sys.version_info[:2])'))
.PHONY: $(BIN)/python
endif
endif
endif

$(BIN)/python:
	@python=$$(sh .ci/find_python $(PYTHON)) && \
	    echo "Making $(VENV) with $$python" && \
	    $(if $(strip $(UV)),$(UV) venv --quiet --clear --python "$$python" $(VENV),"$$python" -m venv --clear $(VENV))
	@$(if $(strip $(UV)),:,$(INSTALL) --upgrade 'pip>=25.1')

# The package with all its extras, and one group of pyproject.toml.
$(VENV)/.has-%: $(BIN)/python pyproject.toml langchain_streamkit/_version.py
	@echo "Installing the group $*"
	@$(INSTALL) --editable '.[all]' --group $*
	@touch $@

$(VENV)/.has-package: $(BIN)/python pyproject.toml langchain_streamkit/_version.py
	@echo "Installing the package"
	@$(INSTALL) --editable '.[all]'
	@touch $@

.PHONY: install
install: $(VENV)/.has-dev ## Everything that a developer needs

TEST_FILE ?=
LANGSERVE_VENV = .cache/venv-langserve
UNIT_TESTS = $(or $(TEST_FILE),tests/unit_tests)
INTEGRATION_TESTS = $(or $(TEST_FILE),tests/integration_tests)

.PHONY: test tests
test tests: $(VENV)/.has-test ## Unit tests, without a network (TEST_FILE=...)
	$(BIN)/python -m pytest $(UNIT_TESTS) $(ARGS)

.PHONY: integration_tests integration_test
integration_tests integration_test: $(VENV)/.has-servers ## Tests against real servers on this machine
	@$(MAKE) --no-print-directory VENV=$(LANGSERVE_VENV) $(LANGSERVE_VENV)/.langserve
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m pytest -o faulthandler_timeout=1200 $(INTEGRATION_TESTS) $(ARGS)

.PHONY: test_watch
test_watch: $(VENV)/.has-watch ## Unit tests again after each change
	$(BIN)/python -m pytest_watcher --now --runner $(BIN)/pytest . $(UNIT_TESTS) $(ARGS)

.PHONY: test_lowest
test_lowest: ## Unit tests on the lowest versions that pyproject.toml allows
	@$(MAKE) --no-print-directory VENV=.cache/venv-lowest _test_lowest

.PHONY: _test_lowest
_test_lowest: $(VENV)/.lowest
	$(BIN)/python -m pytest $(UNIT_TESTS) $(ARGS)

$(VENV)/.lowest: $(BIN)/python pyproject.toml .ci/lowest_versions.py
	@echo "Installing the lowest versions"
	@$(BIN)/python .ci/lowest_versions.py > $(VENV)/lowest.txt
	@$(INSTALL) --editable '.[all]' --group test --constraint $(VENV)/lowest.txt
	@touch $@

.PHONY: coverage
coverage: $(VENV)/.has-coverage ## Unit tests, with the lines that none of them runs
	$(BIN)/python -m coverage run -m pytest $(UNIT_TESTS) $(ARGS)
	$(BIN)/python -m coverage report

.PHONY: lint
lint: $(VENV)/.has-lint ## Style, errors, imports that go upward
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache

.PHONY: format
format: $(VENV)/.has-lint ## Format, and repair what can be repaired
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

.PHONY: type
type: $(VENV)/.has-type ## mypy (strict) and pyright (strict)
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python

.PHONY: docs
docs: $(VENV)/.has-docs ## Build the site; a broken link is an error
	$(BIN)/zensical build --strict

.PHONY: changelog
changelog: $(VENV)/.has-docs ## The next release's notes, as they would read today
	$(BIN)/towncrier build --draft --version "$$($(BIN)/python -c 'from langchain_streamkit._version import __version__ as v; print(v)')"

.PHONY: bench
bench: $(VENV)/.has-bench ## CPU per chunk, beside other chat models (ARGS=...)
	$(BIN)/python -m benchmarks $(ARGS)

.PHONY: instructions
instructions: $(VENV)/.has-test ## Processor instructions a chunk of the core loop, by Valgrind
	$(BIN)/python -m benchmarks.instructions

.PHONY: faults
faults: $(VENV)/.has-bench ## Each fault of the catalogue, here and with ChatOpenAI, into docs/reliability.md
	$(BIN)/python -m tests.reliability_table

.PHONY: promises
promises: $(VENV)/.has-test ## What can be done, with the tests that prove it, into docs/promises.md
	$(BIN)/python -m tests.promises

.PHONY: build
build: $(VENV)/.has-test ## The wheel and the sdist, in dist/
	$(BIN)/python -m build --no-isolation --outdir dist

URL ?=
MODEL ?=
.PHONY: demo
demo: $(VENV)/.has-package ## Watch a stream of a fake server, or of your own (URL=... MODEL=...)
	$(BIN)/python examples/demo.py "$(URL)" "$(MODEL)"

PORT ?=
EXAMPLE = URL="$(URL)" MODEL="$(MODEL)" PORT="$(PORT)"
.PHONY: example-fastapi
example-fastapi: $(VENV)/.has-package ## A chat page with FastAPI (URL=... MODEL=... PORT=...)
	$(EXAMPLE) $(BIN)/python -m examples.fastapi_app.app

.PHONY: example-gradio
example-gradio: $(VENV)/.has-package ## A chat with Gradio
	$(EXAMPLE) $(BIN)/python -m examples.gradio_app

.PHONY: example-notebook
example-notebook: $(VENV)/.has-examples ## A notebook in JupyterLab
	$(EXAMPLE) $(BIN)/python -m jupyterlab --no-browser --ip 127.0.0.1 \
	    $(if $(filter 0,$(shell id -u)),--allow-root) $(if $(PORT),--port $(PORT)) \
	    examples/notebook.ipynb

.PHONY: example-streamlit
example-streamlit: $(VENV)/.has-examples ## A chat with Streamlit
	$(EXAMPLE) $(BIN)/python -m streamlit run examples/streamlit_app.py \
	    --server.address 127.0.0.1 --server.headless true --browser.gatherUsageStats false \
	    $(if $(PORT),--server.port $(PORT))

.PHONY: example-batch-ray
example-batch-ray: $(VENV)/.has-examples ## Many prompts with Ray Data, resumable (ARGS="--prompts 1000000")
	$(EXAMPLE) $(BIN)/python -m examples.batch_ray $(ARGS)

.PHONY: example-langserve
example-langserve: ## A LangServe server, in an environment of its own
	@$(MAKE) --no-print-directory VENV=$(LANGSERVE_VENV) $(LANGSERVE_VENV)/.langserve
	$(EXAMPLE) $(LANGSERVE_VENV)/bin/python -m examples.langserve_app

$(LANGSERVE_VENV)/.langserve: $(BIN)/python pyproject.toml
	@echo "Installing LangServe in $(VENV)"
	@$(INSTALL) --editable . --group langserve
	@touch $@

.PHONY: screenshots
screenshots: $(VENV)/.has-servers ## The pictures of docs/examples.md, taken anew (needs chromium)
	$(BIN)/python -m tests.integration_tests.screenshots $(ARGS)

.PHONY: safety
safety: $(VENV)/.has-test ## What an agent does with a tool call that was cut
	$(BIN)/python -m benchmarks.safety $(ARGS)

CORPUS ?= ../shared/wire
.PHONY: corpus
corpus: $(VENV)/.has-test ## Recordings of real servers, in every mode and split (CORPUS=folder)
	$(BIN)/python -m tests.corpus $(CORPUS) $(ARGS)

SEEDS ?= 20000
SEED ?=
.PHONY: simulate
simulate: $(VENV)/.has-test ## The client, a server, the clock and the reader in one loop (SEEDS=..., SEED=n)
	$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED),--seeds $(SEEDS)) $(ARGS)
	$(if $(SEED),,$(BIN)/python -m tests.simulation.planted)

.PHONY: cuts
cuts: $(VENV)/.has-test ## Every recorded stream cut at every byte, and on sockets (CORPUS=folder)
	$(BIN)/python -m tests.corpus.cut $(CORPUS) $(ARGS)

SECONDS ?= 60
.PHONY: fuzz
fuzz: $(VENV)/.has-fuzz ## Hostile bytes for the decoder (SECONDS=60)
	$(BIN)/python -m tests.fuzz -max_total_time=$(SECONDS) $(ARGS)

MINUTES ?= 3
.PHONY: soak
soak: $(VENV)/.has-test ## A thousand streams at once with faults, into docs/reliability.md (MINUTES=3)
	$(BIN)/python -m tests.soak --minutes $(MINUTES) $(ARGS)

.PHONY: audit
audit: $(VENV)/.has-audit ## Known vulnerabilities of what is installed
	$(BIN)/python .ci/audit.py

.PHONY: check
check: lint type test audit ## What a change must pass before it is sent

.PHONY: clean
clean: ## Remove everything that was made here
	rm -rf $(VENV) .cache build dist

.PHONY: help
help: ## This list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z_ -]+:.*## / {split($$1, names, " "); printf "  %-18s %s\n", names[1], $$2}' $(MAKEFILE_LIST)
