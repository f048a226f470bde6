#!/usr/bin/env bash
# The load table of docs/operations.md: builds the program, runs rows, writes what they measured between the marks.
#   scripts/load.sh [ROW...]          all rows but soak, or those named
#   LOAD_SECONDS=60 scripts/load.sh   shorter than the 300 s of a row that is to count; the table says so
# What has been measured of this commit, for as long, is not measured again; LOAD_AGAIN=1 does.
. "$(dirname "$0")/env.sh"
use_rocksdb
has python3 || refuse "scripts/load.sh needs python3"
has taskset || refuse "scripts/load.sh needs taskset (util-linux)"
[ "$(nproc)" -ge 2 ] || refuse "scripts/load.sh needs two cores: one for the server, one for the bots"
cargo build --locked --release -p bluemarble-server --bin bluemarble
exec python3 scripts/load.py "$CARGO_TARGET_DIR/release/bluemarble" "$cache/load" "$@"
