//! Our own numbers, and ours against others on the same input.
//!
//! A [`Case`] is prepared from a fixed seed, works in [`Case::run`], and hashes what came out. Criterion times the
//! [`BENCHES`]; the tests run each of them on tiny input. [`peers`] races cases against other libraries.

mod case;
mod cells;
mod data;
mod encode;
mod ground;
mod height;
pub mod peers;
mod places;
mod radius;
mod seeded;
mod tick;

pub use case::{Case, Size};

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
    bench("cell", "leaf to xyz", |size| some(cells::ToXyz::new(size))),
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
    bench("tick", "10,000 agents, 1 thread", |size| {
        some(tick::Crowd::new(size, 1))
    }),
    bench("tick", "10,000 agents, 2 threads", |size| {
        some(tick::Crowd::new(size, 2))
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

fn some(case: impl Case + 'static) -> Option<Box<dyn Case>> {
    Some(boxed(case))
}

fn boxed(case: impl Case + 'static) -> Box<dyn Case> {
    Box::new(case)
}
