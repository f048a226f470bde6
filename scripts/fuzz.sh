#!/usr/bin/env bash
# Runs every fuzz target for the given number of seconds. Finds are kept outside the clone.
. "$(dirname "$0")/env.sh"
seconds=${1:?seconds per target}

if ! [ -f fuzz/Cargo.toml ]; then
    skip "there is no fuzz/"
    exit 0
fi
if ! has_nightly; then
    skip "fuzzing needs nightly Rust: rustup toolchain install nightly"
    exit 0
fi
# C code is built with the sanitizer as well. GCC takes a table within a function of zstd's for a variable that lives as long as a scope, and
# calls its second use an error.
export CFLAGS="${CFLAGS:-} -fno-sanitize-address-use-after-scope"
for target in $(cargo +nightly fuzz list); do
    corpus=$cache/fuzz/corpus/$target
    artifacts=$cache/fuzz/artifacts/$target
    seeds=fuzz/seeds/$target
    mkdir -p "$corpus" "$artifacts"
    [ -d "$seeds" ] || seeds=
    echo "fuzz target $target, $seconds s"
    cargo +nightly fuzz run --target-dir "$cache/fuzz/target" "$target" "$corpus" ${seeds:+"$seeds"} -- \
        -max_total_time="$seconds" -timeout=20 -artifact_prefix="$artifacts/" -print_final_stats=0 -verbosity=0
done
