//! Characters on relief of a metre, against the character controller of an engine of physics.
//!
//! Relief, capsules, steps, slopes and wishes are the same. Theirs moves among any shapes, on platforms that move, and tells what it met so that bodies
//! may be pushed; ours is a whole tick of a world, with inputs, contacts among characters, velocities and landings.

use std::io;
use std::time::Duration;

use super::super::clock::cpu_time_of;
use super::super::contest::Contest;
use super::super::rivals::parry::Field;
use super::super::rivals::rapier::{self, Ability, Characters};
use super::super::row::{Measured, Unit};
use super::super::{Pace, Tell};
use crate::case::{Size, pool};
use crate::meadow::SIDE;
use crate::walkers::{Walkers, person};

const CASE: &str = "character: on relief of 1 m, a tick";
const TICK_S: f64 = 1.0 / 30.0;
/// Ticks after which places are compared.
const COMPARED_TICKS: usize = 60;
/// Of a hundred characters so many are then at the same place here and there, but for a tenth of the way: theirs keep their speed over the
/// plane, ours along the slope, after a tick or two in which they gain it.
const SAME_PERCENT: usize = 95;
const SAME_M: f64 = 0.1 * 3.0 * TICK_S * COMPARED_TICKS as f64;
/// And as high above the ground; theirs keep a gap of 1.8 cm.
const SAME_UP_M: f64 = 0.06;
/// Ticks of a run.
const RUN_TICKS: usize = 10;

pub(crate) fn race(pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
    if pace.wants(CASE) {
        tell(pool(1).install(|| measure(pace)))?;
    }
    Ok(())
}

fn measure(pace: &Pace) -> Measured {
    let mut ours = Walkers::new(pace.size);
    let mut theirs = Theirs::new(&ours);
    for _ in 0..COMPARED_TICKS {
        ours.ask();
        ours.step();
        theirs.tick(&ours);
    }
    let agree = agree(&ours, &theirs);
    let ticks = if pace.size == Size::Tiny {
        1
    } else {
        RUN_TICKS
    };
    let count = ours.starts.len() * ticks;
    let wishes = Walkers::new(pace.size);
    let run = move || {
        let tick = |_| {
            ours.ask();
            cpu_time_of(|| ours.step())
        };
        (0..ticks).map(tick).sum()
    };
    let run_theirs = move || (0..ticks).map(|_| theirs.tick(&wishes)).sum();
    Contest::timed(CASE, Unit::Ns, count, run)
        .against_timed(rapier::CONTROLLER, Some(agree), run_theirs)
        .run(pace)
}

/// The other engine's characters, in its axes: east, up, north.
struct Theirs {
    characters: Characters,
    tick: u64,
    ways: Vec<[f64; 3]>,
}

impl Theirs {
    fn new(ours: &Walkers) -> Self {
        let meadow = &ours.meadow;
        let field = Field::new(SIDE, meadow.step_m(), |row, column| {
            meadow.sample_m(row, column)
        });
        let kind = person();
        let ability = Ability {
            radius_m: kind.radius_m(),
            height_m: kind.height_m(),
            slope_max: f64::from(kind.slope_max) / 256.0,
            step_m: f64::from(kind.step_max) / 256.0,
        };
        let feet = ours.starts.iter().map(|start| {
            let up_m = meadow.ground_m(*start);
            [start[0], up_m, start[1]]
        });
        Self {
            characters: Characters::new(&field, &ability, feet),
            tick: 0,
            ways: Vec::new(),
        }
    }

    /// A tick of everybody; only their work counts.
    fn tick(&mut self, wishes: &Walkers) -> Duration {
        self.ways.clear();
        for n in 0..wishes.starts.len() {
            let [east, north] = wishes
                .way(n, self.tick)
                .map(|v| f64::from(v) / 256.0 * TICK_S);
            self.ways.push([east, 0.0, north]);
        }
        self.tick += 1;
        cpu_time_of(|| self.characters.advance(&self.ways))
    }
}

/// Whether nearly all are at the same places.
fn agree(ours: &Walkers, theirs: &Theirs) -> bool {
    let count = ours.starts.len();
    let is_same = |n: &usize| {
        let [x, y, z] = ours.place_m(*n);
        let [east, up, north] = theirs.characters.feet(*n);
        let above = |x, y, z| z - ours.meadow.ground_m([x, y]);
        let apart = (x - east).hypot(y - north);
        apart <= SAME_M && (above(x, y, z) - above(east, north, up)).abs() <= SAME_UP_M
    };
    let same = (0..count).filter(is_same).count();
    100 * same >= SAME_PERCENT * count
}
