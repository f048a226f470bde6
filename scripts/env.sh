# Where things live and which versions we build with; sourced by the other scripts.
# Nothing is ever written into the clone: caches, tools and build results live in $cache.
# shellcheck shell=bash
set -euo pipefail
unset MAKEFLAGS MFLAGS MAKELEVEL # make's job server is none of cargo's business

cd "$(dirname "${BASH_SOURCE[0]}")/.."
cache=${BLUEMARBLE_CACHE:-${XDG_CACHE_HOME:-${HOME:?is not set}/.cache}/bluemarble}
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)
export BLUEMARBLE_CACHE=$cache # where tests and benches look for what `make data` has fetched

cargo_deny_version=0.20.2
cargo_fuzz_version=0.13.2

# Real data for tests and `make data`; what is absent is skipped, and said so.
data=${BLUEMARBLE_DATA:-../shared/data}
if [ -d "$data" ]; then BLUEMARBLE_DATA=$(cd "$data" && pwd) && export BLUEMARBLE_DATA; fi

export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}
python=$cache/python # the virtual environment of examples/python
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-auto}
export PATH=$cache/tools/bin:$PATH

# One line on stderr that says what is missing; 2 = misused or not set up.
refuse() {
    echo "bluemarble: $*" >&2
    exit 2
}

skip() {
    echo "SKIPPED: $*"
}

now() {
    date +%s
}

has() {
    command -v "$1" >/dev/null 2>&1
}

has_nightly() {
    RUSTUP_AUTO_INSTALL=0 cargo +nightly --version >/dev/null 2>&1
}

locked_version() { # package
    awk -v name="name = \"$1\"" '$0 == name { getline; gsub(/version = |"/, ""); print }' Cargo.lock
}

# The library is kept per version and host, so that an update or a shared home never mixes two.
use_rocksdb() {
    [ -z "${ROCKSDB_LIB_DIR:-}" ] || return 0 # the caller brought one
    rocksdb_version=$(locked_version librocksdb-sys)
    rocksdb_dir=$cache/rocksdb/$rocksdb_version-$(rustc -vV | sed -n 's/^host: //p')
    export ROCKSDB_LIB_DIR=$rocksdb_dir ROCKSDB_STATIC=1
}
