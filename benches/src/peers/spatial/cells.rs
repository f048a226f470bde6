//! Cell conversion.

use std::collections::BTreeSet;
use std::io;

use spatial_core::{CellId, DVec3, Geodetic, Planet, SimdLevel};

use super::super::batch::{Batch, fill};
use super::super::rivals::{h3, s2_cpp, s2_rust};
use super::super::row::{Measured, Unit};
use super::super::{Pace, Tell};
use crate::seeded::Seeded;

/// As many as stay in the L2 cache with their results.
const COUNT: usize = 10_000;

/// Centres of the same cell differ by rounding alone.
const SAME_CENTER: f64 = 1e-15;
/// Sines and cosines of two libraries differ in the last bit: a place so close to an edge may fall on either side of it.
/// Leaves are at most 1.4 cm across.
const SAME_LEAF: f64 = 0.03 / 6_371_000.0;
/// H3's finest cells are 1.2 m across.
const SAME_HEXAGON: f64 = 1.5 / 6_371_000.0;

pub(crate) fn race(pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
    let points = points(pace.size.of(COUNT));
    for (level, name) in [
        (SimdLevel::Avx512, "AVX-512"),
        (SimdLevel::Avx2, "AVX2"),
        (SimdLevel::Scalar, "scalar"),
    ] {
        race_to_leaf(pace, &points, (level, name), tell)?;
    }
    race_degrees_to_leaf(pace, &points, tell)?;
    race_to_xyz(pace, &points, tell)?;
    race_neighbors(pace, &points, tell)
}

/// Points as columns, which is how ours takes batches of them.
fn columns_of<const N: usize>(points: impl Iterator<Item = [f64; N]> + Clone) -> [Vec<f64>; N] {
    core::array::from_fn(|axis| points.clone().map(|p| p[axis]).collect())
}

/// Even on the sphere. None lies on an edge of the cube, where the Rust crate takes another face than the C++ library and
/// ours, nor on a line of the lattice, where the C++ library before 0.11 rounds another way.
fn points(count: usize) -> Vec<DVec3> {
    let mut seeded = Seeded(1);
    (0..count).map(|_| seeded.direction()).collect()
}

fn race_to_leaf(
    pace: &Pace,
    points: &[DVec3],
    (level, name): (SimdLevel, &str),
    tell: Tell<'_>,
) -> io::Result<()> {
    let case = format!("cell: xyz to leaf, {name}");
    if !pace.wants(&case) {
        return Ok(());
    }
    if level > SimdLevel::detected() {
        return tell(Measured::alone(&case, None, Unit::Ns.name()));
    }
    let arrays: Vec<_> = points.iter().map(|p| p.to_array()).collect();
    let [x, y, z] = columns_of(arrays.iter().copied());
    let s2_points: Vec<_> = arrays.iter().map(|p| s2_rust::point(*p)).collect();
    let same = |a: &CellId, b: &u64| a.to_u64() == *b;
    let blank = CellId::from_direction(DVec3::X);
    let mut batch = Batch::new(case, points.len(), blank, |out: &mut [CellId]| {
        CellId::from_directions_with(level, [&x, &y, &z], out).expect("directions");
    });
    let run = |out: &mut [u64]| fill(out, &s2_points, s2_rust::id_of_point);
    batch = batch.against(s2_rust::NAME, 0, run, same);
    batch = if s2_cpp::IS_INSTALLED {
        let run = |out: &mut [u64]| s2_cpp::ids_of_points(&arrays, out);
        batch.against(s2_cpp::NAME, 0, run, same)
    } else {
        batch.without(s2_cpp::NAME)
    };
    tell(batch.run(pace))
}

fn race_degrees_to_leaf(pace: &Pace, points: &[DVec3], tell: Tell<'_>) -> io::Result<()> {
    let case = "cell: lat/lng to leaf";
    if !pace.wants(case) {
        return Ok(());
    }
    let places: Vec<_> = points.iter().map(|p| degrees_of(*p)).collect();
    let [lat, lng] = columns_of(places.iter().copied());
    let same = |a: &CellId, b: &u64| a.center().distance(center_of(*b)) <= SAME_LEAF;
    let blank = CellId::from_direction(DVec3::X);
    let mut batch = Batch::new(case, places.len(), blank, |out: &mut [CellId]| {
        CellId::from_degrees_lanes(&lat, &lng, out).expect("degrees of places");
    });
    let run = |out: &mut [u64]| fill(out, &places, |place| s2_rust::id_of_degrees(*place));
    batch = batch.against(s2_rust::NAME, 0, run, same);
    let blank = h3::cell_of_degrees(places[0]);
    let run = |out: &mut [_]| fill(out, &places, |place| h3::cell_of_degrees(*place));
    batch = batch.against(h3::NAME, blank, run, |ours: &CellId, theirs| {
        let theirs = direction_of(h3::degrees_of_cell(*theirs));
        ours.center().distance(theirs) <= SAME_HEXAGON
    });
    batch = if s2_cpp::IS_INSTALLED {
        let run = |out: &mut [u64]| s2_cpp::ids_of_degrees(&places, out);
        batch.against(s2_cpp::NAME, 0, run, same)
    } else {
        batch.without(s2_cpp::NAME)
    };
    tell(batch.run(pace))
}

fn race_to_xyz(pace: &Pace, points: &[DVec3], tell: Tell<'_>) -> io::Result<()> {
    let case = "cell: leaf to xyz";
    if !pace.wants(case) {
        return Ok(());
    }
    let leaves: Vec<_> = points.iter().map(|p| CellId::from_direction(*p)).collect();
    let ids: Vec<_> = leaves.iter().map(|leaf| leaf.to_u64()).collect();
    let same = |a: &[f64; 3], b: &[f64; 3]| {
        DVec3::from_array(*a).distance(DVec3::from_array(*b)) <= SAME_CENTER
    };
    let [mut x, mut y, mut z] = [0; 3].map(|_| vec![0.0; leaves.len()]);
    CellId::centers(&leaves, &mut x, &mut y, &mut z);
    let answers = (0..leaves.len()).map(|n| [x[n], y[n], z[n]]).collect();
    let mut batch = Batch::answered(case, answers, || {
        CellId::centers(&leaves, &mut x, &mut y, &mut z);
    });
    let run = |out: &mut [[f64; 3]]| fill(out, &ids, |id| s2_rust::point_of_id(*id));
    batch = batch.against(s2_rust::NAME, [0.0; 3], run, same);
    batch = if s2_cpp::IS_INSTALLED {
        let run = |out: &mut [[f64; 3]]| s2_cpp::points_of_ids(&ids, out);
        batch.against(s2_cpp::NAME, [0.0; 3], run, same)
    } else {
        batch.without(s2_cpp::NAME)
    };
    tell(batch.run(pace))
}

/// Around cells of some hundred metres, which lie all over the planet. Peers give theirs in another order.
fn race_neighbors(pace: &Pace, points: &[DVec3], tell: Tell<'_>) -> io::Result<()> {
    let case = "cell: the 8 around a cell, level 16";
    if !pace.wants(case) {
        return Ok(());
    }
    let cells: Vec<_> = points
        .iter()
        .map(|p| CellId::from_direction(*p).parent(16))
        .collect();
    let ids: Vec<_> = cells.iter().map(|cell| cell.to_u64()).collect();
    let hexagon = |p: &DVec3| h3::cell_of_degrees(degrees_of(*p));
    let hexagons: Vec<_> = points.iter().map(hexagon).collect();
    let mut batch = Batch::new(case, cells.len(), [0; 8], |out: &mut [[u64; 8]]| {
        fill(out, &cells, |cell| cell.neighbors().map(CellId::to_u64));
    });
    let run = |out: &mut [Vec<_>]| fill(out, &ids, |id| s2_rust::all_neighbors(*id));
    batch = batch.against(s2_rust::NAME, Vec::new(), run, |ours: &[u64; 8], theirs| {
        same_set(ours, theirs.iter().map(|cell| cell.0))
    });
    // Hexagons have other neighbours, and six of them.
    let run = move |out: &mut [Vec<_>]| fill(out, &hexagons, |cell| h3::disk_of_cell(*cell));
    batch = batch.beside(h3::NAME, Vec::new(), run);
    batch = if s2_cpp::IS_INSTALLED {
        let run = |out: &mut [[u64; 8]]| s2_cpp::all_neighbors(&ids, out);
        batch.against(s2_cpp::NAME, [0; 8], run, |ours: &[u64; 8], theirs| {
            same_set(ours, theirs.iter().copied())
        })
    } else {
        batch.without(s2_cpp::NAME)
    };
    tell(batch.run(pace))
}

/// At a corner of the cube there are seven: one slot is empty or comes twice.
fn same_set(ours: &[u64; 8], theirs: impl Iterator<Item = u64>) -> bool {
    let ours: BTreeSet<u64> = ours.iter().copied().collect();
    ours == theirs.filter(|id| *id != 0).collect()
}

fn center_of(id: u64) -> DVec3 {
    CellId::new(id).expect("an id of a cell").center()
}

fn degrees_of(p: DVec3) -> [f64; 2] {
    let lat = libm::atan2(p.z, p.x.hypot(p.y));
    let lng = libm::atan2(p.y, p.x);
    [lat.to_degrees(), lng.to_degrees()]
}

fn direction_of([lat, lng]: [f64; 2]) -> DVec3 {
    let place = Geodetic::from_degrees(lat, lng, 0.0).expect("degrees of a place");
    Planet::EARTH.ecef(place).to_vec().normalize()
}
