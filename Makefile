# The commands of the project. They only call meson, ninja and the scripts in dev/.

PREFIX  ?= /usr/local
LIBDIR  ?= $(PREFIX)/lib
DESTDIR ?=
BUILD   := build

.DEFAULT_GOAL := all
.PHONY: all help setup run test test-programs check bench install uninstall format clean

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

bench: ## build and measure
	@dev/setup bench
	@$(MAKE) --no-print-directory all
	@bench/run

install: all ## install below PREFIX (/usr/local), LIBDIR (PREFIX/lib), in front of it DESTDIR
	@meson configure $(BUILD) -Dprefix=$(abspath $(PREFIX)) -Dlibdir=$(abspath $(LIBDIR))
	@DESTDIR='$(DESTDIR)' meson install -C $(BUILD)

uninstall: ## remove what `make install` put there
	@ninja -C $(BUILD) uninstall

format: ## rewrite the C sources in the format of .clang-format, refresh the lists of sources
	@dev/sources.py --write
	@dev/format --write

clean: ## remove the build directories
	@rm -rf build build-clang build-debug build-asan build-tsan

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 22
