#!/usr/bin/env bash
# Makes this machine able to build, run and (with the argument `test` or `fuzz`) test Bluemarble.
# Every step is done once; a second run takes a fraction of a second.
. "$(dirname "$0")/env.sh"
purpose=${1:-build}

main() {
    check_rust
    check_compilers
    [ "$purpose" != test ] || check_rust_tools
    one_at_a_time
    install_libclang
    use_rocksdb
    build_rocksdb
    if [ "$purpose" = test ]; then
        install_valgrind
        install_tool cargo-deny "$cargo_deny_version"
        install_python
    fi
    if [ "$purpose" != build ] && has_nightly; then
        install_tool cargo-fuzz "$cargo_fuzz_version"
    fi
}

check_rust() {
    local need have
    need=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    has cargo && has rustc || refuse "needs Rust $need or newer: install it from https://rustup.rs"
    have=$(rustc --version | cut -d' ' -f2)
    [ "$(printf '%s\n' "$need" "${have%%-*}" | sort -V | head -n1)" = "$need" ] ||
        refuse "needs Rust $need or newer, found $have: run 'rustup update'"
}

check_rust_tools() {
    if ! { cargo fmt --version && cargo clippy --version; } >/dev/null 2>&1; then
        refuse "needs rustfmt and clippy: run 'rustup component add rustfmt clippy'"
    fi
}

check_compilers() {
    if ! { has "${CC:-cc}" && has "${CXX:-c++}"; }; then
        refuse "needs a C and a C++ compiler: install the package g++"
    fi
}

# Two set-ups in one cache would build the same things twice. Children inherit the lock, so that
# a leftover of a killed run is waited for as well.
one_at_a_time() {
    has flock || return 0
    exec 9>"$cache/setup.lock"
    flock -n 9 || { echo "waiting for another set-up in $cache"; flock 9; }
}

# --- libclang -------------------------------------------------------------------------------

# RocksDB's Rust bindings are generated with it.
install_libclang() {
    has_libclang && return 0
    [ -z "${LIBCLANG_PATH:-}" ] ||
        refuse "LIBCLANG_PATH=$LIBCLANG_PATH holds no libclang: correct it, or unset it and install the package libclang-dev"
    if ! apt_install libclang-dev || ! has_libclang; then
        refuse "needs libclang: install the package libclang-dev ($apt_problem)"
    fi
}

# Looks where the bindings generator looks. A library without the compiler's own headers beside
# it (Debian's libclang1 alone) parses nothing.
has_libclang() {
    local dir
    if [ -n "${LIBCLANG_PATH:-}" ]; then
        [ -f "$LIBCLANG_PATH" ] || libclang_in "$LIBCLANG_PATH"
        return
    fi
    while IFS= read -r dir; do
        if libclang_in "$dir" && clang_headers_beside "$dir"; then return 0; fi
    done < <(libclang_dirs)
    return 1
}

libclang_dirs() {
    if has llvm-config; then llvm-config --libdir; fi
    tr ':' '\n' <<<"${LD_LIBRARY_PATH:-}" | sed '/^$/d'
    compgen -G '/usr/lib/llvm-*/lib' || true
    compgen -G '/usr/local/llvm*/lib*' || true
    { ldconfig -p || /sbin/ldconfig -p || true; } 2>/dev/null |
        sed -n 's,.*=> \(.*\)/libclang[-.].*,\1,p' | sort -u
    printf '%s\n' /usr/lib /usr/lib64 /usr/local/lib /usr/local/lib64
}

libclang_in() { # directory
    local file
    for file in "$1"/libclang.so "$1"/libclang-[0-9]*.so "$1"/libclang.so.* \
        "$1"/libclang-[0-9]*.so.* "$1"/libclang.dylib; do
        [ -e "$file" ] && return 0
    done
    return 1
}

clang_headers_beside() { # directory
    local file
    for file in "$1"/clang/*/include/stddef.h "$1"/../lib/clang/*/include/stddef.h \
        /usr/lib/llvm-*/lib/clang/*/include/stddef.h /usr/lib*/clang/*/include/stddef.h \
        /usr/local/lib*/clang/*/include/stddef.h; do
        [ -e "$file" ] && return 0
    done
    return 1
}

# --- packages of the system -----------------------------------------------------------------

apt_problem=
apt_install() { # packages...
    local log=$cache/apt.log run=()
    if ! has apt-get; then
        apt_problem="there is no apt-get here to do it"
        return 1
    fi
    if [ "$(id -u)" != 0 ]; then
        if ! { has sudo && sudo -n true 2>/dev/null; }; then
            apt_problem="not root, and sudo asks for a password or is absent"
            return 1
        fi
        run=(sudo -n)
    fi
    echo "installing $* once"
    # Lists may be absent or stale: try, then refresh them once.
    if apt_get install "$@" >"$log" 2>&1; then return 0; fi
    if apt_get update >>"$log" 2>&1 && apt_get install "$@" >>"$log" 2>&1; then return 0; fi
    apt_problem="apt-get could not, see $log"
    return 1
}

apt_get() { # install packages... | update
    "${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -y -q --no-install-recommends \
        -o Acquire::Retries=1 -o Acquire::http::Timeout=30 -o DPkg::Lock::Timeout=120 "$@" </dev/null
}

# The C client is tested under it; some systems need the symbols to start it.
install_valgrind() {
    if has valgrind; then return 0; fi
    apt_install valgrind libc6-dbg || skip "valgrind could not be installed ($apt_problem); the C client runs without it"
}

# What examples/python needs, in an environment of its own: made again when the list or the Python is another. It is
# renamed when it is whole; a virtual environment that is moved has wrong paths in its scripts, which nobody uses.
install_python() {
    local list=examples/python/requirements.txt version partial=$cache/python.partial log=$cache/python.log
    if ! version=$(python_that_will_do); then
        skip "the client in Python: it needs python3 3.11 or newer with venv and pip"
        return
    fi
    if cmp -s "$list" "$python/requirements.txt" && [ "$version" = "$("$python/bin/python" --version 2>&1)" ]; then return 0; fi
    echo "installing what the client in Python needs once"
    rm -rf "$partial"
    if python3 -m venv "$partial" >"$log" 2>&1 && timeout 180 "$partial/bin/python" -m pip install --quiet \
        --disable-pip-version-check --no-input --retries 1 --timeout 20 --require-hashes --only-binary :all: -r "$list" >>"$log" 2>&1; then
        cp "$list" "$partial/requirements.txt"
        rm -rf "$python"
        mv -f "$partial" "$python"
    else
        rm -rf "$partial" "$python"
        skip "the client in Python: pip could not install what it needs: $(tail -n1 "$log")"
    fi
}

python_that_will_do() {
    has python3 && python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && python3 --version
}

# --- RocksDB --------------------------------------------------------------------------------

# Built once, in release, for all profiles: librocksdb-sys links what ROCKSDB_LIB_DIR names.
build_rocksdb() {
    [ -n "${rocksdb_dir:-}" ] || return 0
    if [ ! -s "$rocksdb_dir/librocksdb.a" ]; then
        compile_rocksdb
    fi
    strip_rocksdb
    local link=$cache/rocksdb/librocksdb.a target
    target=$(basename "$rocksdb_dir")/librocksdb.a
    if [ "$(readlink "$link" || true)" != "$target" ]; then
        ln -sfn "$target" "$link.$$"
        mv -f "$link.$$" "$link"
    fi
}

compile_rocksdb() {
    local build=$cache/rocksdb-build library started
    started=$(now)
    echo "building RocksDB $rocksdb_version once; this takes about 13 minutes on two cores"
    report_progress "$build" "$started" 9>&- &
    # shellcheck disable=SC2064
    trap "kill $! 2>/dev/null || true" EXIT
    env -u ROCKSDB_LIB_DIR -u ROCKSDB_STATIC \
        cargo build --locked --release --quiet -p librocksdb-sys --target-dir "$build"
    library=$(find "$build" -name librocksdb.a | head -n1)
    mkdir -p "$rocksdb_dir"
    cp "$library" "$rocksdb_dir/librocksdb.a.partial"
    mv -f "$rocksdb_dir/librocksdb.a.partial" "$rocksdb_dir/librocksdb.a"
    rm -rf "$build"
    echo "RocksDB built in $((($(now) - started) / 60)) min"
}

# Without its debug information the library is 45 MB instead of 1.5 GB, and so is every program and test that links it.
# What was linked before is thrown away: cargo would keep it beside what it links now.
strip_rocksdb() {
    local library=$rocksdb_dir/librocksdb.a bytes
    bytes=$(wc -c <"$library")
    if [ "$bytes" -lt 300000000 ] || ! has strip; then return 0; fi
    echo "stripping RocksDB of its debug information once"
    cp "$library" "$library.partial"
    strip --strip-debug "$library.partial"
    rm -rf "$cache/target" "$cache/fuzz/target"
    mv -f "$library.partial" "$library"
}

report_progress() { # build directory, start
    local files
    while sleep 20 >/dev/null 2>&1 && kill -0 $$ 2>/dev/null; do
        files=$(find "$1" -path '*librocksdb-sys*' -name '*.o' 2>/dev/null | wc -l)
        echo "  RocksDB: $((files)) of about 340 files, $((($(now) - $2) / 60)) min"
    done
}

# --- cargo's tools --------------------------------------------------------------------------

# --root keeps them out of ~/.cargo; without our target directory cargo cleans up after itself.
install_tool() { # crate version
    if grep -qs "^\"$1 $2 " "$cache/tools/.crates.toml"; then return 0; fi
    echo "building $1 $2 once"
    env -u CARGO_TARGET_DIR cargo install --locked --quiet --root "$cache/tools" "$1@$2" ||
        refuse "$1 $2 could not be installed: it comes from the crates registry, check the network"
}

main
