//! Which country a point is in.

use std::io;

use spatial_core::{DVec3, Feature, FeatureIndex, Polygon};

use super::super::batch::{Batch, fill};
use super::super::rivals::s2_cpp;
use super::super::row::{Measured, Unit};
use super::super::{Pace, Tell};
use crate::case::Size;
use crate::geo::{countries, points};

const POINTS: usize = 100_000;

/// Over the countries at a scale of 1 to 50 million (1 to 110 million in a test), points even over the globe.
pub(crate) fn race(pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
    let cases = [
        ("countries: one of 1 point", false),
        ("countries: one of 100,000 points", true),
    ];
    let scale = match pace.size {
        Size::Tiny => "110m",
        Size::Full => "50m",
    };
    for (case, is_batch) in cases {
        if !pace.wants(case) {
            continue;
        }
        tell(match countries(scale) {
            Some(countries) => race_one(pace, case, countries, is_batch),
            None => Measured::without_countries(case, Unit::Ns),
        })?;
    }
    Ok(())
}

/// The C++ library is asked point by point: it has no batches of them.
fn race_one(pace: &Pace, case: &str, mut countries: Vec<Feature>, is_batch: bool) -> Measured {
    if pace.size == Size::Tiny {
        // Its border crosses itself at this scale: what is inside then, the C++ library leaves undefined.
        countries.retain(|country| country.name.as_deref() != Some("Sudan"));
    }
    let points = points(pace.size.of(POINTS));
    let arrays: Vec<_> = points.iter().map(|p| p.to_array()).collect();
    let shapes = rings_of(&countries);
    let index = FeatureIndex::new(countries).expect("countries have few edges");
    let mut found = Vec::new();
    let batch = if is_batch {
        let locate = |found: &mut Vec<Option<u32>>| {
            let located = index.first_containing_each(&points, found);
            located.expect("directions");
        };
        let mut answers = Vec::new();
        locate(&mut answers);
        Batch::answered(case, answers, move || locate(&mut found))
    } else {
        Batch::new(case, points.len(), None, |out: &mut [Option<u32>]| {
            fill(out, &points, |p| {
                index.first_containing(*p).expect("a direction")
            });
        })
    };
    if !s2_cpp::IS_INSTALLED {
        return batch.without(s2_cpp::NAME).run(pace);
    }
    let shapes = s2_cpp::Shapes::build(&shapes);
    let run = |out: &mut [i32]| shapes.containing(&arrays, out);
    let same = |ours: &Option<u32>, theirs: &i32| *ours == u32::try_from(*theirs).ok();
    batch.against(s2_cpp::NAME, 0, run, same).run(pace)
}

/// All rings of each country, inside to the left: what ours knows, and so the same.
pub(super) fn rings_of(countries: &[Feature]) -> Vec<Vec<Vec<DVec3>>> {
    let rings = |country: &Feature| {
        let polygons = country.geometry.polygons().iter();
        polygons
            .flat_map(Polygon::rings)
            .map(<[DVec3]>::to_vec)
            .collect()
    };
    countries.iter().map(rings).collect()
}
