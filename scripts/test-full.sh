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
coords)
    # Ten million points and crossings where `make test` has a hundred thousand or a million.
    COORDS_POINTS=10000000 cargo test --locked --release -p bluemarble-spatial-core --test it -- coords frames projections
    COORDS_POINTS=1000000 cargo test --locked --release -p bluemarble-spatial-core --test it -- sphere
    ;;
fuzz)
    # The corpus is kept, so that a later run goes on where this one ended.
    targets=$(grep -c '^\[\[bin\]\]' fuzz/Cargo.toml)
    scripts/fuzz.sh $((3000 / targets))
    ;;
cells)
    # Ten million cells against the C++ library's Python package, in chunks of their own seeds; an interrupted run goes
    # on after the last chunk that passed. S2_CELLS_CHUNKS makes it shorter.
    venv=$cache/s2geometry-0.14
    has python3 || { skip "PART=cells: there is no python3"; exit 0; }
    if ! "$venv/bin/python" -c 'import s2geometry' 2>/dev/null; then
        rm -rf "$venv"
        python3 -m venv "$venv" && "$venv/bin/pip" install -q s2geometry==0.14.0 ||
            { skip "PART=cells: s2geometry 0.14.0 cannot be installed from the package registry"; exit 0; }
    fi
    sources=$(find crates/spatial-core -type f | LC_ALL=C sort | xargs sha256sum | sha256sum | cut -c 1-16)
    passed=$cache/cells-passed-$sources
    touch "$passed"
    for seed in $(seq "${S2_CELLS_CHUNKS:-20}"); do
        if grep -qx "$seed" "$passed"; then continue; fi
        echo "cells: 500,000 of seed $seed"
        S2_CELLS_PYTHON=$venv/bin/python S2_CELLS_SEED=$seed S2_CELLS_COUNT=500000 cargo test --locked --release -q \
            -p bluemarble-spatial-core --test it cells_equal_the_librarys
        echo "$seed" >>"$passed"
    done
    ;;
index)
    # Ten million radius queries and as many for the nearest against brute force, in worlds of 1,000 to 20,000 entities, as in the
    # next parts. A line tells how far each kind is; a failure prints its world's seed, for BLUEMARBLE_QUERIES_SEED.
    BLUEMARBLE_QUERIES=10000000 cargo test --locked --release -p bluemarble-spatial-core --test it -- --nocapture \
        index::balls
    ;;
regions)
    # Ten million boxes, caps and cells each, and a quarter of it regions of other shapes.
    BLUEMARBLE_QUERIES=10000000 cargo test --locked --release -p bluemarble-spatial-core --test it -- --nocapture \
        index::regions --skip regions::polygons_equal
    ;;
queries)
    # The neighbourhoods of ten million entities of the join; a thousand queries of each kind among a million entities; long lives.
    BLUEMARBLE_QUERIES=10000000 BLUEMARBLE_QUERIES_AMONG=1000000 PROPTEST_CASES=5000 \
        cargo test --locked --release -p bluemarble-spatial-core --test it -- --nocapture \
        index::pairs among_many life::
    ;;
standing)
    # Ten million updates of watchers.
    BLUEMARBLE_QUERIES=10000000 cargo test --locked --release -p bluemarble-spatial-core --test it -- --nocapture \
        standing:: --skip among_many
    ;;
corridors)
    # Ten million.
    BLUEMARBLE_QUERIES=10000000 cargo test --locked --release -p bluemarble-spatial-core --test it -- --nocapture \
        corridors::corridors_equal
    ;;
polygons)
    # Ten million.
    BLUEMARBLE_QUERIES=10000000 cargo test --locked --release -p bluemarble-spatial-core --test it -- --nocapture \
        regions::polygons_equal
    ;;
ground)
    # A hundred thousand rays and ways of sight against marching, on planets of our making and on the bundled Earth.
    BLUEMARBLE_RAYS=100000 cargo test --locked --release -p bluemarble-spatial-core --test it -- --nocapture ground::
    ;;
features)
    # BLUEMARBLE_COUNTRIES is where the tests read them.
    # A million points among the finer countries against the C++ library; `make data` fetches them.
    countries=$cache/data
    [ -s "$countries/countries-10m.json" ] || { skip "PART=features: there are no countries; run make data"; exit 0; }
    [ -f /usr/include/s2/s2contains_point_query.h ] || { skip "PART=features: there is no libs2-dev"; exit 0; }
    compare() {
        BLUEMARBLE_COUNTRIES=$countries cargo test --locked --release -p bluemarble-spatial-core --test it -- \
            --nocapture finer_countries
    }
    rm -f "$countries"/countries-*.answers
    compare # writes the rings
    g++ -std=c++17 -O2 -ffp-contract=off crates/spatial-core/tests/data/s2_countries.cc -ls2 -labsl_raw_hash_set \
        -labsl_hash -labsl_city -labsl_low_level_hash -labsl_throw_delegate -labsl_raw_logging_internal -labsl_base \
        -o "$countries/s2_countries"
    for scale in 50m 10m; do
        "$countries/s2_countries" "$countries/countries-$scale.rings" 1000000 "$countries/countries-$scale.answers"
    done
    compare
    ;;
sim)
    # A million walks over relief with obstacles, a thousand player-hours of honest inputs, the memory that a thousand ticks of a
    # million agents ask for, five hundred worlds that are loaded and go astray, and the matrix of threads, levels and ways, optimised;
    # then the matrix as a debug build.
    export BLUEMARBLE_MATRIX_TICKS=1000
    BLUEMARBLE_WALKS=1000000 BLUEMARBLE_PLAYER_HOURS=1000 BLUEMARBLE_STEADY_AGENTS=1000000 BLUEMARBLE_ASTRAY=500 \
        cargo test --locked --release -p bluemarble-sim-core -- --nocapture | tee "$cache/sim.log"
    cargo test --locked -p bluemarble-sim-core --test it -- golden --nocapture
    printf '\n| quality of characters | measured | must |\n| --- | --- | --- |\n'
    grep -o '| quality |.*' "$cache/sim.log" | sed 's/^| quality |/|/' | sort -u
    ;;
terrain)
    # A hundred thousand damages each of packs and of bases; a thousand kills each of imports, migrations, backups, packs and restores;
    # the memory that an import of very large files takes.
    BLUEMARBLE_CORRUPTIONS=${BLUEMARBLE_CORRUPTIONS:-100000} cargo test --locked --release -p bluemarble-spatial-core \
        --features rocksdb --test it -- --nocapture corruption::
    BLUEMARBLE_KILLS=${BLUEMARBLE_KILLS:-1000} cargo test --locked --release -p bluemarble-server --test planet -- \
        --nocapture kill::
    BLUEMARBLE_MEMORY=1 cargo test --locked --release -p bluemarble-server --test planet -- --nocapture memory::
    ;;
wire)
    # The matrix of bad lines, a million snapshots; a thousand seeds of a hundred clients each on bad lines; a hundred million hostile datagrams at an endpoint, in chunks of their
    # own seeds: an interrupted run goes on after the last chunk that passed. BLUEMARBLE_HOSTILE_CHUNKS makes it shorter.
    sources=$(find crates/net-proto Cargo.lock -type f | LC_ALL=C sort | xargs sha256sum | sha256sum | cut -c 1-16)
    passed=$cache/wire-passed-$sources
    touch "$passed"
    wire() { cargo test --locked --release -p bluemarble-net-proto --all-features "$@"; }
    if ! grep -qx matrix "$passed"; then
        BLUEMARBLE_MATRIX_SEEDS=${BLUEMARBLE_MATRIX_SEEDS:-15} wire --test it -- --nocapture matrix::after_any_line
        echo matrix >>"$passed"
    fi
    if ! grep -qx crowds "$passed"; then
        BLUEMARBLE_SEEDS=${BLUEMARBLE_SEEDS:-1000} wire --test it -- --nocapture simulated::seeds_of_crowds
        echo crowds >>"$passed"
    fi
    for seed in $(seq "${BLUEMARBLE_HOSTILE_CHUNKS:-10}"); do
        if grep -qx "$seed" "$passed"; then continue; fi
        BLUEMARBLE_HOSTILE=10000000 BLUEMARBLE_HOSTILE_SEED=$seed wire --lib -- --nocapture hostile_datagrams
        echo "$seed" >>"$passed"
    done
    ;;
server)
    # Bad days at their full size, a table of them at the end; an interrupted run goes on after the last that passed.
    sources=$(find crates Cargo.lock -type f | LC_ALL=C sort | xargs sha256sum | sha256sum | cut -c 1-16)
    passed=$cache/server-passed-$sources log=$cache/server-$sources.log
    touch "$passed" "$log"
    # A thousand kills in ten pieces, three hundred power cuts in three, ten thousand damages in ten.
    export BLUEMARBLE_KILLS=${BLUEMARBLE_KILLS:-100} BLUEMARBLE_CUTS=${BLUEMARBLE_CUTS:-100} BLUEMARBLE_CUTS_UNSYNCED=7
    export BLUEMARBLE_DAMAGES=${BLUEMARBLE_DAMAGES:-1000} BLUEMARBLE_TRANSFERS=${BLUEMARBLE_TRANSFERS:-10}
    export BLUEMARBLE_RECOVERY_AGENTS=${BLUEMARBLE_RECOVERY_AGENTS:-100000} BLUEMARBLE_SYNCS=${BLUEMARBLE_SYNCS:-200}
    export BLUEMARBLE_DAYS=full BLUEMARBLE_STOP_PLAYERS=1000 BLUEMARBLE_STOP_SECONDS=20
    for part in floods:: guests:: clocks:: stop:: disk:: sync:: second:: recovery:: acknowledged:: transfer:: \
        corrupt::{1..10} power::{1..3} kills::{1..10}; do
        if grep -qx "$part" "$passed"; then continue; fi
        BLUEMARBLE_SEED=${part#*::} cargo test --locked --release -p bluemarble-server --test days -- \
            --test-threads=1 "${part%%[0-9]*}" | tee -a "$log"
        echo "$part" >>"$passed"
    done
    # The whole server in the simulated network, ten thousand seeds in chunks of a thousand. BLUEMARBLE_SIMNET_CHUNKS makes it shorter.
    for chunk in $(seq "${BLUEMARBLE_SIMNET_CHUNKS:-10}"); do
        if grep -qx "simnet $chunk" "$passed"; then continue; fi
        BLUEMARBLE_SIMNET_FROM=$((1000 * chunk - 999)) BLUEMARBLE_SIMNET_SEEDS=1000 cargo test --locked --release -p bluemarble-server --all-features --test simnet whatever | tee -a "$log"
        echo "simnet $chunk" >>"$passed"
    done
    printf '\n| bad day | what became of it |\n| --- | --- |\n'
    grep -o 'bad day | .*' "$log" | sed 's/^bad day |/|/; s/$/ |/' | sort -u
    ;;
load)
    # The load table: every row for 300 s on two cores (LOAD_SECONDS makes them shorter). A row that is done is not done again.
    scripts/load.sh
    ;;
soak)
    # An hour at half load: what memory it takes.
    scripts/load.sh soak
    ;;
*)
    refuse "PART=${1:-} is not a part of test-full: use PART=properties, PART=index, PART=coords, PART=regions, PART=queries, PART=standing, PART=corridors, PART=polygons, PART=cells, PART=features, PART=ground, PART=terrain, PART=sim, PART=wire, PART=server, PART=load, PART=soak or PART=fuzz"
    ;;
esac
