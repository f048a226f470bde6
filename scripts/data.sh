#!/usr/bin/env bash
# Builds what is too large to carry in the repository. Each file once, complete or not at all.
. "$(dirname "$0")/env.sh"
program=${1:?path of the bluemarble program}
relief=$data/relief/etopo5_4320x2161_i16le.raw.zst
pack=$cache/data/earth-2048.pack

if [ -s "$pack" ]; then
    echo "there already: $pack"
elif ! [ -f "$relief" ]; then
    skip "the Earth at 2,048 samples an edge: there is no $relief; BLUEMARBLE_DATA names the folder that holds relief/"
else
    planet=$cache/data/earth-2048
    mkdir -p "$cache/data"
    "$program" planet import --relief "$relief" --samples 2048 --out "$planet"
    "$program" planet pack "$planet" --out "$pack.partial"
    mv -f "$pack.partial" "$pack"
    rm -rf "$planet"
    echo "built: $pack"
fi
