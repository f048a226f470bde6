//! Sight over relief of a metre, 20 to 200 m. The peer's cells are two triangles where ours are smooth, so what is compared is how many ways
//! are blocked.

use std::io;

use super::super::contest::Contest;
use super::super::rivals::parry::{self, Field};
use super::super::row::Unit;
use super::super::{Pace, Tell};
use crate::meadow::SIDE;
use crate::sightlines::SightLines;

const CASE: &str = "sight: 20 to 200 m on relief of 1 m";

/// Parts of blocked ways differ by no more.
const SAME_PART: f64 = 0.02;

pub(crate) fn race(pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
    if !pace.wants(CASE) {
        return Ok(());
    }
    let mut ours = SightLines::new(pace.size);
    let meadow = &ours.meadow;
    let field = Field::new(SIDE, meadow.step_m(), |row, column| {
        meadow.sample_m(row, column)
    });
    let spot = |[east, north, up_m]: [f64; 3]| {
        let [east, north] = meadow.samples([east, north]);
        [north, east, up_m]
    };
    let ways = ours.ways.iter().map(|[a, b]| field.way(spot(*a), spot(*b)));
    let ways: Vec<_> = ways.collect();
    let mut look = || ours.look().iter().filter(|sight| !sight.is_clear()).count();
    let theirs = || ways.iter().filter(|way| field.cast(way).is_some()).count();
    let part = |blocked: usize| blocked as f64 / ways.len() as f64;
    let agree = (part(look()) - part(theirs())).abs() <= SAME_PART;
    let contest = Contest::new(CASE, Unit::Ns, ways.len(), look);
    tell(contest.against(parry::NAME, Some(agree), theirs).run(pace))
}
