#!/usr/bin/env bash
# Runs every fuzz target for the given number of seconds. Finds are kept outside the clone. A target that reaches fewer edges than fuzz/floors.txt says fails,
# too: how often it ran means nothing then.
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

run() { # target
    local target=$1 corpus artifacts seeds log
    corpus=$cache/fuzz/corpus/$target artifacts=$cache/fuzz/artifacts/$target seeds=fuzz/seeds/$target log=$cache/fuzz/$target.log
    mkdir -p "$corpus" "$artifacts"
    [ -d "$seeds" ] || seeds=
    cargo +nightly fuzz run --target-dir "$cache/fuzz/target" "$target" "$corpus" ${seeds:+"$seeds"} -- \
        -max_total_time="$seconds" -timeout=20 -artifact_prefix="$artifacts/" -print_final_stats=0 -verbosity=1 >"$log" 2>&1 || {
        tail -n 80 "$log"
        echo "fuzz target $target failed; what it found, if it did, is in $artifacts" >&2
        return 1
    }
    check_floor "$target" "$log"
}

check_floor() { # target log
    local edges floor
    edges=$(grep -oE 'DONE +cov: [0-9]+' "$2" | grep -oE '[0-9]+$' || true)
    floor=$(awk -v target="$1" '$1 == target { print $2 }' fuzz/floors.txt)
    echo "fuzz target $1, $seconds s: ${edges:-no} edges, at least ${floor:-?}"
    [ "${edges:-0}" -ge "${floor:?fuzz/floors.txt has no floor for $1}" ] || {
        echo "fuzz target $1 reaches too little: are its seeds current? cargo run --manifest-path fuzz/Cargo.toml --example seeds" >&2
        return 1
    }
}

for target in $(cargo +nightly fuzz list); do
    run "$target"
done
