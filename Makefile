# The commands everything relies on. The work is done by scripts/; results and caches go to
# $BLUEMARBLE_CACHE (default: $XDG_CACHE_HOME/bluemarble or ~/.cache/bluemarble), never into the clone.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup demo example test test-full data bench peers fuzz

# bash counts its own SECONDS: only what the user gave counts, and it travels as an argument.
seconds := $(if $(filter command environment,$(firstword $(origin SECONDS))),$(SECONDS))
# Some shells have a NAME of their own.
example := $(if $(filter command,$(firstword $(origin NAME))),$(NAME),first_rule)

env = . scripts/env.sh; use_rocksdb
program = $(env); cargo build --locked --release -p bluemarble-server --bin bluemarble; \
	program=$$CARGO_TARGET_DIR/release/bluemarble

help: ## print this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

setup: ## make this machine able to build (demo and test do it by themselves)
	@scripts/setup.sh

demo: setup ## serve the Earth with 10,000 agents and 200 bots and watch it; SECONDS=n ends it
	@$(program); exec "$$program" demo $(if $(seconds),--seconds '$(seconds)')

example: setup ## run an example with the server and the library that setup built: NAME=first_rule ARGS='...'
	@$(env); exec cargo run --locked --features server --example '$(example)' -- $(ARGS)

test: ## every check at a size that fits
	@scripts/setup.sh test
	@exec scripts/test.sh

test-full: ## one full-size run at a time: PART=properties|coords|cells|index|regions|queries|standing|corridors|polygons|features|ground|terrain|sim|wire|server|load|soak|fuzz
	@scripts/setup.sh test
	@exec scripts/test-full.sh '$(PART)'

data: ## fetch towns and countries for tests and benches; build the finer Earth where its source is at hand
	@exec scripts/data.sh

bench: setup ## our own numbers; ARGS='...' goes to criterion
	@$(env); exec cargo bench --locked --manifest-path benches/Cargo.toml --bench ours -- $(ARGS)

peers: setup ## us against others on the same input: PEERS=spatial|sim|terrain|wire|server|ffi ARGS=--json
	@$(env); exec cargo run --locked --release --manifest-path benches/Cargo.toml --bin peers -- $(PEERS) $(ARGS)

fuzz: ## every fuzz target for SECONDS=n (default 60)
	@scripts/setup.sh fuzz
	@exec scripts/fuzz.sh '$(or $(seconds),60)'
