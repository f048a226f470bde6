#!/usr/bin/env bash
# Every check at a size that fits. Stops at the first that fails; prints what was skipped and why.
. "$(dirname "$0")/env.sh"
use_rocksdb
export CARGO_INCREMENTAL=0 # gigabytes of which a run from a clean checkout uses nothing
started=$(now)

main() {
    keep_cache_small
    section "format" check_format
    section "lints" check_lints
    section "licences, bans, sources" cargo deny --locked --all-features check --hide-inclusion-graph licenses bans sources
    section "advisories" check_advisories
    section "tests and their documentation" cargo test --locked --workspace --all-features --no-fail-fast
    section "without RocksDB and without QUIC" test_bare_cores
    section "the same bits in release" cargo test --locked --release -p bluemarble-sim-core --test it -- determinism golden
    section "documentation" check_documentation
    section "examples" run_examples
    section "the client in Python" test_python
    section "benches on tiny input" test_benches
    section "fuzz seeds" test_fuzz_seeds
    section "fuzz smoke" scripts/fuzz.sh 5
    echo
    echo "everything passed in $(($(now) - started)) s"
}

# Not called in a condition: `set -e` would be off inside.
section() { # title command...
    local title=$1 from
    shift
    from=$(now)
    echo
    echo "== $title"
    "$@"
    echo "-- $title: $(($(now) - from)) s"
}

# Cargo keeps every program that it ever linked, one for each state of the sources: the cache starts anew when it has
# become too large.
keep_cache_small() {
    local dir megabytes
    for dir in "$cache/target" "$cache/fuzz/target"; do
        [ -d "$dir" ] || continue
        megabytes=$(du -sm "$dir" | cut -f1)
        if [ "$megabytes" -gt 20000 ]; then
            echo "emptying $dir ($megabytes MB)"
            rm -rf "$dir"
        fi
    done
}

check_format() {
    cargo fmt --all --check
    local manifest
    for manifest in benches/Cargo.toml fuzz/Cargo.toml; do
        [ ! -f "$manifest" ] || cargo fmt --manifest-path "$manifest" --check
    done
}

check_lints() {
    cargo clippy --locked --workspace --all-targets --all-features -- -D warnings
    [ ! -f benches/Cargo.toml ] ||
        cargo clippy --locked --manifest-path benches/Cargo.toml --all-targets -- -D warnings
    [ ! -f fuzz/Cargo.toml ] ||
        cargo clippy --locked --manifest-path fuzz/Cargo.toml --lib --tests --examples -- -D warnings
}

check_advisories() {
    if timeout 120 cargo deny --locked fetch db >"$cache/advisories.log" 2>&1; then
        cargo deny --locked --offline --all-features check --hide-inclusion-graph advisories
    else
        skip "the advisory database cannot be reached (see $cache/advisories.log)"
    fi
}

# What a game client links: features are unified over a workspace, so these need builds of their own.
test_bare_cores() {
    cargo test --locked -p bluemarble-spatial-core -p bluemarble-net-proto --lib --tests
    cargo check --locked -p bluemarble
}

# The facade, the C library and the program have one name, and cargo documents one of a name at a time.
check_documentation() {
    local twin
    for twin in bluemarble bluemarble-ffi; do
        RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --all-features --lib --no-deps \
            --exclude "$twin"
    done
}

run_examples() {
    local source name
    cargo build --locked --workspace --all-features --examples --bin bluemarble
    for source in examples/*.rs; do
        [ -f "$source" ] || continue
        name=$(basename "$source" .rs)
        echo "example $name"
        timeout 60 "$CARGO_TARGET_DIR/debug/examples/$name"
    done
}

# Written from docs/wire.md alone: its examples, and a session with a real server. `run_examples` has built the program.
test_python() {
    local program
    if [ ! -f "$python/requirements.txt" ]; then
        skip "Python, or what the client needs, is not there: make setup says why"
        return
    fi
    program=$(cd "$CARGO_TARGET_DIR" && pwd)/debug/bluemarble
    (cd examples/python && PYTHONDONTWRITEBYTECODE=1 BLUEMARBLE_PROGRAM=$program \
        timeout 120 "$python/bin/python" -W error -m unittest)
}

test_benches() {
    if [ -f benches/Cargo.toml ]; then
        cargo test --locked --manifest-path benches/Cargo.toml --benches --bins --tests
    else
        skip "there is no benches/"
    fi
}

# On stable Rust: the seeds are current and accepted, and no cut or flip of them panics.
test_fuzz_seeds() {
    if [ -f fuzz/Cargo.toml ]; then
        cargo test --locked --manifest-path fuzz/Cargo.toml --lib
    else
        skip "there is no fuzz/"
    fi
}

main
