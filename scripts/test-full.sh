#!/usr/bin/env bash
# The full-size runs, one part at a time, each under an hour.
. "$(dirname "$0")/env.sh"
use_rocksdb

case ${1:-} in
properties)
    # Two hundred times the cases of `make test`, optimised.
    PROPTEST_CASES=50000 cargo test --locked --release \
        -p bluemarble-spatial-core -p bluemarble-sim-core -p bluemarble-net-proto
    ;;
fuzz)
    # The corpus is kept, so that a later run goes on where this one ended.
    targets=$(grep -c '^\[\[bin\]\]' fuzz/Cargo.toml)
    scripts/fuzz.sh $((3000 / targets))
    ;;
*)
    refuse "PART=${1:-} is not a part of test-full: use PART=properties or PART=fuzz"
    ;;
esac
