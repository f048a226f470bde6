//! What is near among countries: the nearest, and all within a distance.

use std::io;

use rstar::primitives::{GeomWithData, Line};
use rstar::{PointDistance, RTree};
use spatial_core::{DVec3, FeatureIndex, NearFeature, Polygon};

use super::super::batch::{Batch, fill};
use super::super::rivals::rstar::Tree;
use super::super::rivals::s2_cpp;
use super::super::row::{Measured, Unit};
use super::super::{Pace, Tell};
use super::countries::rings_of;
use crate::case::Size;
use crate::geo::{countries, points};

const POINTS: usize = 10_000;
/// 500 km on Earth.
const RADIUS_RAD: f64 = 500_000.0 / 6_371_008.8;
/// What two libraries' distances may differ by: 6 mm on Earth. The C++ library's are squares of chords.
const SAME_RAD: f64 = 1e-9;

/// Over the countries at a scale of 1 to 50 million (1 to 110 million in a test), points even over the globe.
pub(crate) fn race(pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
    let cases = [
        ("countries: the nearest", true),
        ("countries: within 500 km", false),
    ];
    let scale = match pace.size {
        Size::Tiny => "110m",
        Size::Full => "50m",
    };
    for (case, is_nearest) in cases {
        if !pace.wants(case) {
            continue;
        }
        let Some(mut countries) = countries(scale) else {
            tell(Measured::without_countries(case, Unit::Ns))?;
            continue;
        };
        if pace.size == Size::Tiny {
            // Its border crosses itself at this scale: what is inside then, the C++ library leaves undefined.
            countries.retain(|country| country.name.as_deref() != Some("Sudan"));
        }
        let shapes = rings_of(&countries);
        let index = FeatureIndex::new(countries).expect("countries have few edges");
        let points = points(pace.size.of(POINTS));
        tell(match is_nearest {
            true => race_nearest(pace, case, &index, (&shapes, &points)),
            false => race_within(pace, case, &index, (&shapes, &points)),
        })?;
    }
    Ok(())
}

type Shapes = [Vec<Vec<DVec3>>];

fn arrays(points: &[DVec3]) -> Vec<[f64; 3]> {
    points.iter().map(|p| p.to_array()).collect()
}

/// Distances are compared. rstar knows borders alone, as straight lines, and not what is inside: its answers are of another
/// nature.
fn race_nearest(
    pace: &Pace,
    case: &str,
    index: &FeatureIndex,
    (shapes, points): (&Shapes, &[DVec3]),
) -> Measured {
    let mut found: Vec<NearFeature> = Vec::new();
    let batch = Batch::new(case, points.len(), 0.0, |out: &mut [f64]| {
        for (slot, p) in out.iter_mut().zip(points) {
            index.nearest(*p, 1, &mut found).expect("a direction");
            *slot = found[0].distance_rad;
        }
    });
    let borders = borders(index);
    let run = |out: &mut [f64]| {
        fill(out, points, |p| {
            let at = p.to_array();
            let nearest = borders.nearest_neighbor(at).expect("there are some");
            nearest.distance_2(&at)
        });
    };
    let name = format!("{}: lines, without what is inside", Tree::NAME);
    let batch = batch.beside(&name, 0.0, run);
    if !s2_cpp::IS_INSTALLED {
        return batch.without(s2_cpp::NAME).run(pace);
    }
    let (shapes, arrays) = (s2_cpp::Shapes::build(shapes), arrays(points));
    let run = |out: &mut [f64]| shapes.distances(&arrays, out);
    let same = |ours: &f64, theirs: &f64| (ours - theirs).abs() <= SAME_RAD;
    batch.against(s2_cpp::NAME, 0.0, run, same).run(pace)
}

/// Numbers of features are compared.
fn race_within(
    pace: &Pace,
    case: &str,
    index: &FeatureIndex,
    (shapes, points): (&Shapes, &[DVec3]),
) -> Measured {
    let mut found: Vec<NearFeature> = Vec::new();
    let batch = Batch::new(case, points.len(), 0, |out: &mut [u32]| {
        for (slot, p) in out.iter_mut().zip(points) {
            let within = index.within(*p, RADIUS_RAD, &mut found);
            within.expect("a direction and a distance");
            *slot = found.len() as u32;
        }
    });
    if !s2_cpp::IS_INSTALLED {
        return batch.without(s2_cpp::NAME).run(pace);
    }
    let (shapes, arrays) = (s2_cpp::Shapes::build(shapes), arrays(points));
    let run = |out: &mut [u32]| shapes.within(&arrays, RADIUS_RAD, out);
    batch
        .against(s2_cpp::NAME, 0, run, |a: &u32, b: &u32| a == b)
        .run(pace)
}

/// All edges of all countries.
fn borders(index: &FeatureIndex) -> RTree<GeomWithData<Line<[f64; 3]>, u32>> {
    let mut lines = Vec::new();
    for (number, feature) in (0u32..).zip(index.features()) {
        for ring in feature.geometry.polygons().iter().flat_map(Polygon::rings) {
            let next = ring.iter().cycle().skip(1);
            let edges = ring.iter().zip(next);
            lines
                .extend(edges.map(|(a, b)| {
                    GeomWithData::new(Line::new(a.to_array(), b.to_array()), number)
                }));
        }
    }
    RTree::bulk_load(lines)
}
