//! A million that are remembered and go back.
//!
//! The peer has a hundredth of them, for what its state takes; figures are those of one. It keeps contacts, islands and joints as well, and its bytes may go to a
//! disk as they are; ours go into room that is there, and to a disk by `World::save`.

use std::io;
use std::time::Duration;

use super::super::clock::cpu_time_of;
use super::super::contest::Contest;
use super::super::rivals::rapier::{self, Saved};
use super::super::row::{Measured, Rival, Unit};
use super::super::{Pace, Tell};
use crate::case::pool;
use crate::snapshots::Remembered;
use crate::tick::person;

const BYTES: &str = "snapshot: bytes an agent of 1 M";
const TAKE: &str = "snapshot: 1 M, an agent";
const RESTORE: &str = "restore: 1 M after three ticks, an agent";

/// The peer has one for so many of ours.
const SHARE: u32 = 100;

pub(crate) fn race(pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
    if ![BYTES, TAKE, RESTORE].iter().any(|case| pace.wants(case)) {
        return Ok(());
    }
    let rows = pool(1).install(|| measure(pace));
    rows.into_iter().try_for_each(tell)
}

fn measure(pace: &Pace) -> Vec<Measured> {
    let mut ours = Remembered::of_a_million(pace.size);
    let agents = ours.agents();
    let person = person();
    let mut theirs = Saved::new(
        agents / SHARE as usize,
        person.radius_m(),
        person.height_m(),
    );
    let mut rows = Vec::new();
    if pace.wants(BYTES) {
        rows.push(bytes(&ours, &theirs));
    }
    if pace.wants(TAKE) {
        let contest = Contest::new(TAKE, Unit::Ns, agents, || ours.take());
        let run = || SHARE * cpu_time_of(|| theirs.take());
        rows.push(contest.against_timed(rapier::SNAPSHOT, None, run).run(pace));
    }
    if pace.wants(RESTORE) {
        rows.push(restore(pace, &mut ours, &mut theirs));
    }
    rows
}

fn bytes(ours: &Remembered, theirs: &Saved) -> Measured {
    Measured {
        case: BYTES.to_owned(),
        ours: Some(ours.bytes() as f64 / ours.agents() as f64),
        unit: "B",
        rivals: vec![Rival {
            name: rapier::SNAPSHOT.to_owned(),
            figure: Some(theirs.bytes() as f64 / theirs.people() as f64),
            agree: None,
        }],
    }
}

/// Both must be afterwards what they were before.
fn restore(pace: &Pace, ours: &mut Remembered, theirs: &mut Saved) -> Measured {
    let before = ours.hash();
    ours.take();
    ours.go_on();
    ours.go_back();
    let places = theirs.places();
    theirs.take();
    theirs.go_on();
    let have_moved = theirs.places() != places;
    theirs.go_back();
    let agree = ours.hash() == before && have_moved && theirs.places() == places;
    let agents = ours.agents();
    let run = || {
        ours.go_on();
        cpu_time_of(|| ours.go_back())
    };
    let run_theirs = || -> Duration {
        theirs.go_on();
        SHARE * cpu_time_of(|| theirs.go_back())
    };
    Contest::timed(RESTORE, Unit::Ns, agents, run)
        .against_timed(rapier::SNAPSHOT, Some(agree), run_theirs)
        .run(pace)
}
