# The commands of the project. They only call meson, ninja and the scripts in dev/.

# Where things are installed, by their GNU names. PREFIX and LIBDIR are understood as well.
prefix     ?= $(or $(PREFIX),/usr/local)
bindir     ?= $(prefix)/bin
libdir     ?= $(or $(LIBDIR),$(prefix)/lib)
includedir ?= $(prefix)/include
datadir    ?= $(prefix)/share
mandir     ?= $(datadir)/man
DESTDIR    ?=
BUILD      := build

FOLDERS = -Dprefix=$(abspath $(prefix)) -Dbindir=$(abspath $(bindir)) \
    -Dlibdir=$(abspath $(libdir)) -Dincludedir=$(abspath $(includedir)) \
    -Ddatadir=$(abspath $(datadir)) -Dmandir=$(abspath $(mandir))
# Seconds of `make fuzz` for each engine.
TIME       ?= 600
SEEDS      ?= 50

.DEFAULT_GOAL := all
.PHONY: all help setup run test test-programs check seeds model fuzz architectures mutants coverage bench bench-quick install deb uninstall format clean

all: $(BUILD)/build.ninja ## build libneap.so.0, libneap.a and neap into build/
	@ninja -C $(BUILD)

$(BUILD)/build.ninja:
	@command -v meson ninja >/dev/null || { echo 'neap: meson or ninja is missing: make setup'; exit 2; }
	@CC=$${CC:-gcc} meson setup $(BUILD)

setup: ## install what building needs (apt-get, as root)
	@dev/setup build

run: ## build, then show on a real server what neap does
	@dev/setup run
	@$(MAKE) --no-print-directory all
	@dev/run_demo

test: ## build every variant and run all tests; ends with "N passed, N failed"
	@dev/setup test
	@dev/test

test-programs: ## build, then compare 30 real programs under libc's malloc and under neap
	@dev/setup test-programs
	@test/real/fetch_sources $(BUILD)/sources
	@$(MAKE) --no-print-directory all
	@dev/test_programs

check: ## what to run before every commit: format, layers, tidy, unit tests
	@dev/setup test
	@dev/test --quick

seeds: ## run the random tests with other seeds, SEEDS=50 of them
	@dev/setup test
	@dev/seeds $(SEEDS)

model: ## check the model of frees by other threads with spin: some minutes
	@dev/setup model
	@model/run

fuzz: ## fuzz malloc with every engine for TIME=600 seconds, add to docs/results/fuzz.md
	@dev/setup fuzz
	@dev/fuzz --time $(TIME)

architectures: ## build for other machines and run the tests emulated: an hour or two; docs/results
	@dev/setup architectures
	@test/real/fetch_sources build-cross/sources cmocka
	@dev/architectures --update

mutants: ## do the unit tests notice small mistakes in the core? hours; goes on where it stopped
	@dev/setup test
	@dev/mutate

coverage: ## which lines and branches of the library the tests run; docs/results/coverage.md
	@dev/setup coverage
	@dev/coverage

bench: ## measure all, for some hours, and rewrite docs/results; goes on where it was interrupted
	@dev/setup bench
	@$(MAKE) --no-print-directory all
	@bench/malloc/run
	@bench/run

bench-quick: ## measure malloc beside others in five minutes; results in build/bench-results
	@dev/setup bench
	@$(MAKE) --no-print-directory all
	@bench/malloc/run --size quick

install: $(BUILD)/build.ninja ## build and install below prefix (/usr/local), in front of it DESTDIR
	@meson configure $(BUILD) $(FOLDERS)
	@DESTDIR='$(DESTDIR)' meson install --quiet -C $(BUILD)

deb: ## build Debian packages (libneap0, libneap-dev, neap) into build-deb/
	@dev/setup deb
	@dev/deb build-deb

uninstall: $(BUILD)/build.ninja ## remove what `make install` put there
	@meson configure $(BUILD) $(FOLDERS)
	@DESTDIR='$(DESTDIR)' dev/uninstall $(BUILD)

format: ## rewrite the C sources in the format of .clang-format, refresh the lists of sources
	@dev/sources.py --write
	@dev/format --write

clean: ## remove the build directories
	@rm -rf build build-deb build-clang build-debug build-asan build-tsan \
	    build-fuzz build-fuzz-ubsan build-fuzz-afl build-fuzz-coverage \
	    build-cross build-mutants build-coverage

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 22
