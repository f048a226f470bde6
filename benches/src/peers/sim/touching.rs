//! Who touches whom, of a million in a crowd.
//!
//! Ours lists pairs of capsules that overlap, in a world whose agents have just walked; the peer lists pairs of their boxes, which are more. So its
//! boxes are looked at once more before its pairs are compared with ours; that takes it no time.

use std::io;

use parry3d::bounding_volume::Aabb;
use spatial_core::{DVec3, EntityId};

use super::super::clock::cpu_time_of;
use super::super::contest::Contest;
use super::super::rivals::parry::{self, Boxes, capsule_box};
use super::super::row::{Measured, Unit};
use super::super::{Pace, Tell};
use crate::case::{Case, pool};
use crate::tick::{person, square};
use crate::touching::Touching;

const CASE: &str = "touching: all pairs of 1 M in a crowd";
/// Capsules that are no further apart, and overlap no deeper, may be a pair or none.
const DOUBT_M: f64 = 2e-3;

pub(crate) fn race(pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
    if pace.wants(CASE) {
        tell(pool(1).install(|| measure(pace)))?;
    }
    Ok(())
}

fn measure(pace: &Pace) -> Measured {
    let mut ours = Touching::of_a_million(pace.size);
    let (names, before) = places(&ours);
    ours.crowd.run();
    let after = places_of(&ours, &names);
    ours.list();
    let states = [boxes(&before), boxes(&after)];
    let mut theirs = Boxes::new(&states[0]);
    let mut pairs = Vec::new();
    theirs.pairs(&states[1], &mut pairs);
    let agree = is_same(&ours.pairs, &pairs, &names, &after);
    let count = names.len();
    let run = || {
        ours.crowd.run();
        cpu_time_of(|| ours.list())
    };
    let mut now = 1;
    let run_theirs = || {
        now = 1 - now;
        theirs.pairs(&states[now], &mut pairs);
        pairs.len()
    };
    Contest::timed(CASE, Unit::Ns, count, run)
        .against(parry::BOXES, Some(agree), run_theirs)
        .run(pace)
}

/// Everybody in the order of rows, which is one of space, and where they are.
fn places(ours: &Touching) -> (Vec<EntityId>, Vec<[f64; 3]>) {
    let names = ours.crowd.world().ids().to_vec();
    let places = places_of(ours, &names);
    (names, places)
}

/// Feet, metres along the axes of the square.
fn places_of(ours: &Touching, names: &[EntityId]) -> Vec<[f64; 3]> {
    let world = ours.crowd.world();
    let (middle, [east, north]) = square();
    let axes: [DVec3; 3] = [east, north, middle.normalize()];
    let place = |name: &EntityId| {
        let row = world.row_of(*name).expect("everybody stays");
        let aside = world.place(row).to_vec() - middle;
        axes.map(|axis| aside.dot(axis))
    };
    names.iter().map(place).collect()
}

fn boxes(places: &[[f64; 3]]) -> Vec<Aabb> {
    let person = person();
    let (radius_m, height_m) = (person.radius_m() as f32, person.height_m() as f32);
    let one = |place: &[f64; 3]| capsule_box(place.map(|v| v as f32), radius_m, height_m);
    places.iter().map(one).collect()
}

/// How far apart two capsules are, metres; less than 0 when they overlap.
fn gap_m(a: [f64; 3], b: [f64; 3]) -> f64 {
    let person = person();
    let reach_m = 2.0 * person.radius_m();
    let level = (a[0] - b[0]).hypot(a[1] - b[1]);
    let axis_m = person.height_m() - reach_m;
    level.hypot(((a[2] - b[2]).abs() - axis_m).max(0.0)) - reach_m
}

/// Whether pairs of capsules that overlap are the same, but for those in doubt.
fn is_same(
    ours: &[[EntityId; 2]],
    theirs: &[[u32; 2]],
    names: &[EntityId],
    places: &[[f64; 3]],
) -> bool {
    let gap_of = |[a, b]: [u32; 2]| gap_m(places[a as usize], places[b as usize]);
    let mut rows = vec![0u32; names.len() + 1];
    for (row, name) in (0..).zip(names) {
        rows[name.0 as usize] = row;
    }
    let row_pair = |pair: &[EntityId; 2]| {
        let [a, b] = pair.map(|id| rows[id.0 as usize]);
        [a.min(b), a.max(b)]
    };
    let mut ours: Vec<[u32; 2]> = ours.iter().map(row_pair).collect();
    let is_one = |pair: &[u32; 2]| gap_of(*pair) < 0.0;
    let mut theirs: Vec<[u32; 2]> = theirs.iter().copied().filter(is_one).collect();
    ours.sort_unstable();
    theirs.sort_unstable();
    let only = |some: &[[u32; 2]], others: &[[u32; 2]]| {
        let is_missing = |pair: &&[u32; 2]| others.binary_search(pair).is_err();
        some.iter()
            .filter(is_missing)
            .all(|pair| gap_of(*pair).abs() <= DOUBT_M)
    };
    !ours.is_empty() && only(&ours, &theirs) && only(&theirs, &ours)
}
