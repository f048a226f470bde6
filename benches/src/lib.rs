//! Our own numbers, and ours against others on the same input.
//!
//! A [`Case`] is prepared from a fixed seed, works in [`Case::run`], and hashes what came out. Criterion times the
//! [`BENCHES`]; the tests run each of them on tiny input. [`peers`] races cases against other libraries.

mod allocations;
mod asteroids;
mod case;
mod cells;
mod client_tiles;
mod codecs;
mod columns;
mod coords;
mod cubes;
mod data;
mod encode;
mod fan_out;
mod geo;
mod ground;
mod height;
mod join;
mod maps;
mod meadow;
pub mod peers;
mod places;
mod planets;
mod players;
mod queries;
mod radius;
mod regions;
mod relief;
mod resample;
mod rewinding;
mod seeded;
mod sight;
mod sightlines;
mod snapshots;
mod srtm;
mod standing;
mod store;
mod strollers;
mod tick;
mod touching;
mod walkers;
mod watched;

use case::Pooled;
pub use case::{Case, Size};
use client_tiles::Work;
use spatial_core::Codec;
use tick::Spread;

/// A case that criterion times.
pub struct Bench {
    /// Group and name, as in criterion's reports.
    pub name: (&'static str, &'static str),
    /// Prepares it; `None` when its input is not there.
    pub prepare: fn(Size) -> Option<Box<dyn Case>>,
}

/// All cases that criterion times.
pub const BENCHES: &[Bench] = &[
    bench("cell", "xyz to leaf", |size| some(cells::ToLeaf::new(size))),
    bench("cell", "xyz to leaf, batch", |size| {
        some(cells::BatchToLeaf::new(size))
    }),
    bench("cell", "degrees to leaf, batch", |size| {
        some(cells::DegreesToLeaf::new(size))
    }),
    bench("cell", "place to grid key, batch", |size| {
        some(cells::ToKey::new(size))
    }),
    bench("cell", "leaf to xyz", |size| some(cells::ToXyz::new(size))),
    bench("cell", "leaf to xyz, batch", |size| {
        some(cells::BatchFromLeaf::<3>::new(size))
    }),
    bench("cell", "leaf to lat/lng, batch", |size| {
        some(cells::BatchFromLeaf::<2>::new(size))
    }),
    bench("cell", "8 neighbours", |size| {
        some(cells::Around::all(size))
    }),
    bench("cell", "4 edge neighbours", |size| {
        some(cells::Around::edges(size))
    }),
    bench("cell", "vertex neighbours", |size| {
        some(cells::Around::vertex(size))
    }),
    bench("columns", "place += velocity, 10,000", |size| {
        some(columns::Iterate::of_ten_thousand(size))
    }),
    bench("columns", "place += velocity, 1 M", |size| {
        some(columns::Iterate::of_a_million(size))
    }),
    bench("columns", "place += velocity, 1 M, all threads", |size| {
        some(columns::Iterate::in_parallel(size))
    }),
    bench("columns", "spawn and despawn, 10,000 in order", |size| {
        some(columns::Batches::of_ten_thousand(
            size,
            columns::Order::Spawned,
        ))
    }),
    bench(
        "columns",
        "spawn and despawn, 10,000 in any order",
        |size| {
            some(columns::Batches::of_ten_thousand(
                size,
                columns::Order::Random,
            ))
        },
    ),
    bench("columns", "spawn and despawn, 10,000 beside 1 M", |size| {
        some(columns::Batches::among_a_million(
            size,
            columns::Order::Random,
        ))
    }),
    bench("columns", "spawn and despawn, 1 M in order", |size| {
        some(columns::Batches::of_a_million(
            size,
            columns::Order::Spawned,
        ))
    }),
    bench("columns", "spawn and despawn, 1 M in any order", |size| {
        some(columns::Batches::of_a_million(size, columns::Order::Random))
    }),
    bench("columns", "spawn and despawn, half of 1 M", |size| {
        some(columns::Turnover::new(size))
    }),
    bench("columns", "row by handle, 10,000", |size| {
        some(columns::LookUp::few_by_handle(size))
    }),
    bench("columns", "row by handle, 1 M", |size| {
        some(columns::LookUp::by_handle(size))
    }),
    bench("columns", "row by id, 1 M", |size| {
        some(columns::LookUp::by_id(size))
    }),
    bench("columns", "write and find 5,000 of 4.5 M", |size| {
        some(columns::Changes::new(size))
    }),
    bench("columns", "find none of 4.5 M", |size| {
        some(columns::Changes::none(size))
    }),
    bench("columns", "reorder 1 M at random", |size| {
        some(columns::Reorder::new(size))
    }),
    bench("columns", "save and load 1 M", |size| {
        some(columns::Saves::new(size))
    }),
    bench("coords", "geodetic to Ecef", |size| {
        some(coords::geodetic_to_ecef(size))
    }),
    bench("coords", "geodetic to Ecef, lanes", |size| {
        some(coords::Lanes::new(size))
    }),
    bench("coords", "Ecef to geodetic", |size| {
        some(coords::ecef_to_geodetic(size))
    }),
    bench("coords", "WGS84 to geodetic", |size| {
        some(coords::wgs84_to_geodetic(size))
    }),
    bench("coords", "position to Ecef", |size| {
        some(coords::position_to_ecef(size))
    }),
    bench("coords", "Ecef to position", |size| {
        some(coords::ecef_to_position(size))
    }),
    bench("coords", "UTM", |size| some(coords::utm(size))),
    bench("radius", "10,000 in random order", |size| {
        some(radius::Radius::of_ten_thousand(size, radius::Order::Random))
    }),
    bench("radius", "10,000 in cell order", |size| {
        some(radius::Radius::of_ten_thousand(size, radius::Order::Cells))
    }),
    bench("radius", "1 M in random order", |size| {
        some(radius::Radius::of_a_million(size, radius::Order::Random))
    }),
    bench("radius", "1 M in cell order", |size| {
        some(radius::Radius::of_a_million(size, radius::Order::Cells))
    }),
    bench("rebuild", "10,000 in random order", |size| {
        some(radius::Rebuild::of_ten_thousand(
            size,
            radius::Order::Random,
        ))
    }),
    bench("rebuild", "1 M in random order", |size| {
        some(radius::Rebuild::of_a_million(size, radius::Order::Random))
    }),
    bench("rebuild", "1 M in cell order", |size| {
        some(radius::Rebuild::of_a_million(size, radius::Order::Cells))
    }),
    bench("join", "1 M, 16 in reach", |size| {
        some(join::Join::of_a_million(size, 16.0))
    }),
    bench("join", "1 M, 1 in reach", |size| {
        some(join::Join::of_a_million(size, 1.0))
    }),
    bench("standing", "10,000 watchers", |size| {
        some(standing::Standing::of_ten_thousand(size))
    }),
    bench("standing", "1 M watchers", |size| {
        some(standing::Standing::of_a_million(size))
    }),
    bench("query", "box, 1 M", |size| {
        some(queries::Queries::of_a_million(size, queries::Shape::Box))
    }),
    bench("query", "cap, 1 M", |size| {
        some(queries::Queries::of_a_million(size, queries::Shape::Cap))
    }),
    bench("query", "cell, 1 M", |size| {
        some(queries::Queries::of_a_million(size, queries::Shape::Cell))
    }),
    bench("query", "polygon, 1 M", |size| {
        some(queries::Queries::of_a_million(
            size,
            queries::Shape::Polygon,
        ))
    }),
    bench("query", "corridor, 1 M", |size| {
        some(queries::Queries::of_a_million(
            size,
            queries::Shape::Corridor,
        ))
    }),
    bench("height", "Ecef, memory", |size| {
        some(height::ByEcef::in_memory(size))
    }),
    bench("height", "Geodetic, memory", |size| {
        some(height::ByGeodetic::in_memory(size))
    }),
    bench("height", "Ecef, raw pack", |size| {
        some(height::ByEcef::in_raw_pack(size))
    }),
    bench("height", "Ecef, bundled pack, one town", |size| {
        height::ByEcef::in_bundled_pack(size).map(boxed)
    }),
    bench("height", "Ecef, memory, batch in cell order", |size| {
        some(height::Batch::in_memory(size))
    }),
    bench("ray", "straight down", |size| {
        some(sight::Rays::new(size, 0.0))
    }),
    bench("ray", "45 degrees down", |size| {
        some(sight::Rays::new(size, 1.0))
    }),
    bench("ray", "6 degrees down", |size| {
        some(sight::Rays::new(size, 10.0))
    }),
    bench("sight", "50 km", |size| some(sight::Sights::new(size))),
    bench("map", "512² Terrarium, the Earth's zooms", |size| {
        maps::MapTiles::of_earth(size, maps::Picture::Terrarium).map(boxed)
    }),
    bench("map", "512² shaded, the Earth's zooms", |size| {
        maps::MapTiles::of_earth(size, maps::Picture::Shaded).map(boxed)
    }),
    bench("map", "512² Terrarium, SRTM", |size| {
        maps::MapTiles::of_srtm(size, maps::Picture::Terrarium).map(boxed)
    }),
    bench("map", "512² shaded, SRTM", |size| {
        maps::MapTiles::of_srtm(size, maps::Picture::Shaded).map(boxed)
    }),
    bench("codec", "hot, decode a sample", |size| {
        codecs::Decode::new(size, Codec::Hot).map(boxed)
    }),
    bench("codec", "wire, decode a sample", |size| {
        codecs::Decode::new(size, Codec::Wire).map(boxed)
    }),
    bench("codec", "archive, decode a sample", |size| {
        codecs::Decode::new(size, Codec::Archive).map(boxed)
    }),
    bench("codec", "hot, one sample", |size| {
        codecs::Samples::new(size).map(boxed)
    }),
    bench("codec", "hot, encode a sample", |size| {
        codecs::Encode::new(size, Codec::Hot).map(boxed)
    }),
    bench("codec", "wire, encode a sample", |size| {
        codecs::Encode::new(size, Codec::Wire).map(boxed)
    }),
    bench("codec", "archive, encode a sample", |size| {
        codecs::Encode::new(size, Codec::Archive).map(boxed)
    }),
    bench("store", "a hot tile of a pack", |size| {
        some(store::HotReads::of_pack(size))
    }),
    bench("store", "a hot tile of a base", |size| {
        some(store::HotReads::of_base(size))
    }),
    bench("relief", "resample 3,601², a sample", |size| {
        some(resample::Resample::new(size))
    }),
    bench("client tile", "make from hot tiles", |size| {
        client_tiles::ClientTiles::new(size, Work::Make).map(boxed)
    }),
    bench("client tile", "encode, archive", |size| {
        client_tiles::ClientTiles::new(size, Work::Encode(Codec::Archive)).map(boxed)
    }),
    bench("client tile", "encode, wire", |size| {
        client_tiles::ClientTiles::new(size, Work::Encode(Codec::Wire)).map(boxed)
    }),
    bench("client tile", "decode, archive", |size| {
        client_tiles::ClientTiles::new(size, Work::Decode(Codec::Archive)).map(boxed)
    }),
    bench("client tile", "decode, wire", |size| {
        client_tiles::ClientTiles::new(size, Work::Decode(Codec::Wire)).map(boxed)
    }),
    bench("client tile", "mesh", |size| {
        client_tiles::ClientTiles::new(size, Work::Mesh).map(boxed)
    }),
    bench("sim", "tick, 10,000 in towns, 1 thread", |size| {
        some(crowd(size, 1, 10_000, Spread::Towns(20)))
    }),
    bench("sim", "tick, 10,000 in towns, 2 threads", |size| {
        some(crowd(size, 2, 10_000, Spread::Towns(20)))
    }),
    bench("sim", "tick, 1 M in one crowd", |size| {
        some(crowd(size, 1, 1_000_000, Spread::Square))
    }),
    bench("sim", "tick, 1 M in one crowd, 2 threads", |size| {
        some(crowd(size, 2, 1_000_000, Spread::Square))
    }),
    bench("sim", "tick, 1 M in 1,000 towns", |size| {
        some(crowd(size, 1, 1_000_000, Spread::Towns(1_000)))
    }),
    bench("sim", "tick, 1 M over the globe", |size| {
        some(crowd(size, 1, 1_000_000, Spread::Globe))
    }),
    bench("sim", "tick, 10 M asleep", |size| {
        some(Pooled::new(1, || tick::Asleep::new(size, 10_000_000)))
    }),
    bench("sim", "tick, 2,000 characters on a meadow", |size| {
        some(Pooled::new(1, || walkers::Walkers::new(size)))
    }),
    bench("sim", "touching pairs of 1 M", |size| {
        some(Pooled::new(1, || touching::Touching::of_a_million(size)))
    }),
    bench("sim", "sight, 20 to 200 m on a meadow", |size| {
        some(sightlines::SightLines::new(size))
    }),
    bench("sim", "snapshot of 1 M", |size| {
        some(Pooled::new(1, || {
            snapshots::Taking(snapshots::Remembered::of_a_million(size))
        }))
    }),
    bench("sim", "tick and restore 1 M", |size| {
        some(Pooled::new(1, || {
            snapshots::Rollback(snapshots::Remembered::of_a_million(size))
        }))
    }),
    bench("sim", "rewound shot among 10,000", |size| {
        some(Pooled::new(1, || rewinding::Shots::new(size)))
    }),
    bench("region", "covering of 1 km, 8 cells", |size| {
        some(regions::Covering::new(size, 1_000.0))
    }),
    bench("region", "covering of 100 km, 8 cells", |size| {
        some(regions::Covering::new(size, 100_000.0))
    }),
    bench("region", "fast covering", |size| {
        some(regions::FastCovering::new(size))
    }),
    bench("region", "union contains leaf", |size| {
        some(regions::Contains::new(size))
    }),
    bench("features", "country of a point, 110m", |size| {
        geo::Locate::new(size, "110m", false).map(boxed)
    }),
    bench("features", "countries of points, 110m", |size| {
        geo::Locate::new(size, "110m", true).map(boxed)
    }),
    bench("features", "country of a point, 50m", |size| {
        geo::Locate::new(size, "50m", false).map(boxed)
    }),
    bench("features", "countries of points, 50m", |size| {
        geo::Locate::new(size, "50m", true).map(boxed)
    }),
    bench("features", "country of a point, 10m", |size| {
        geo::Locate::new(size, "10m", false).map(boxed)
    }),
    bench("features", "countries of points, 10m", |size| {
        geo::Locate::new(size, "10m", true).map(boxed)
    }),
    bench("features", "build, an edge, 110m", |_| {
        geo::Build::new("110m").map(boxed)
    }),
    bench("features", "build, an edge, 50m", |_| {
        geo::Build::new("50m").map(boxed)
    }),
    bench("features", "build, an edge, 10m", |_| {
        geo::Build::new("10m").map(boxed)
    }),
    bench("features", "8 nearest countries", |size| {
        geo::Nearest::new(size).map(boxed)
    }),
    bench("encode", "fresh", |size| some(encode::Fresh::new(size))),
    bench("encode", "shared", |size| some(encode::Shared::new(size))),
];

const fn bench(
    group: &'static str,
    name: &'static str,
    prepare: fn(Size) -> Option<Box<dyn Case>>,
) -> Bench {
    Bench {
        name: (group, name),
        prepare,
    }
}

fn crowd(size: Size, threads: usize, agents: usize, spread: Spread) -> impl Case {
    Pooled::new(threads, || tick::Crowd::new(size, agents, spread))
}

fn some(case: impl Case + 'static) -> Option<Box<dyn Case>> {
    Some(boxed(case))
}

fn boxed(case: impl Case + 'static) -> Box<dyn Case> {
    Box::new(case)
}
