//! All pairs within a distance: what collisions start from. The peers have no join: they are asked around every entity, in
//! the order of cells, and each pair counts where its lesser row asks.

use std::io;

use spatial_core::{Ecef, PairSearch};

use super::super::contest::Contest;
use super::super::rivals::kiddo::Immutable;
use super::super::rivals::rstar::Tree;
use super::super::rivals::{Found, PointIndex, s2_cpp};
use super::super::row::{Measured, Unit};
use super::super::{Pace, Tell};
use super::scene::Spread;
use super::scene::{MILLION, radius_m};
use crate::places::{in_cell_order, in_towns, radius_of_hits, uniform};
use crate::radius::Indexed;

/// So many that the slowest peer is done in a few seconds.
const COUNT: usize = MILLION / 10;

pub(crate) fn race(pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
    let count = pace.size.of(COUNT);
    for (case, spread) in [
        ("pairs: 100,000 even, 16 in reach", Spread::Even),
        ("pairs: 100,000 in towns, 5 km", Spread::Towns),
    ] {
        if !pace.wants(case) {
            continue;
        }
        let scene = match spread {
            Spread::Towns => in_towns(count).map(|places| (places, radius_m(pace, spread, 17))),
            Spread::Even | Spread::Crowd => Some((uniform(count), radius_of_hits(16.0, count))),
        };
        tell(match scene {
            Some((places, radius_m)) => race_one(pace, case, in_cell_order(places), radius_m),
            None => Measured::without_towns(case.to_owned(), Unit::Ns),
        })?;
    }
    Ok(())
}

/// Figures are those of an entity.
fn race_one(pace: &Pace, case: &str, places: Vec<Ecef>, radius_m: f64) -> Measured {
    let points: Vec<_> = places.iter().map(|place| place.to_array()).collect();
    let count = points.len();
    let index = Indexed::new(places);
    let mut search = PairSearch::new();
    let mut pairs = Vec::new();
    search
        .pairs(index.view(), radius_m, &mut pairs)
        .expect("a positive radius");
    let mut ours: Vec<[u32; 2]> = pairs
        .iter()
        .map(|pair| {
            [
                pair.rows[0].min(pair.rows[1]),
                pair.rows[0].max(pair.rows[1]),
            ]
        })
        .collect();
    ours.sort_unstable();
    let mut contest = Contest::new(case, Unit::Ns, count, || {
        let found = search.pairs(index.view(), radius_m, &mut pairs);
        found.expect("a positive radius");
        pairs.len()
    });
    let mut rivals: Vec<Box<dyn PointIndex>> = vec![
        Box::new(Immutable::build(&points)),
        Box::new(Tree::build(&points)),
    ];
    if s2_cpp::IS_INSTALLED {
        rivals.push(Box::new(s2_cpp::Points::build(&points)));
    }
    for mut rival in rivals {
        let (name, centers) = (rival.name(), rival.native(&points));
        let (mut near, mut found) = (Vec::new(), Vec::new());
        pairs_around(rival.as_mut(), &centers, radius_m, &mut near, &mut found);
        found.sort_unstable();
        let agree = Some(found == ours);
        let name = format!("{name}: around everybody");
        contest = contest.against(name, agree, move || {
            pairs_around(rival.as_mut(), &centers, radius_m, &mut near, &mut found);
            found.len()
        });
    }
    if !s2_cpp::IS_INSTALLED {
        contest = contest.without(s2_cpp::NAME);
    }
    contest.run(pace)
}

fn pairs_around(
    rival: &mut dyn PointIndex,
    centers: &[[f64; 3]],
    radius_m: f64,
    near: &mut Vec<Found>,
    found: &mut Vec<[u32; 2]>,
) {
    found.clear();
    for (row, center) in (0u32..).zip(centers) {
        rival.within(*center, radius_m, near);
        let others = near.iter().filter(|(other, _)| *other > row);
        found.extend(others.map(|(other, _)| [row, *other]));
    }
}
