//! The last ticks of players, and shots at them as they were.

use std::io;

use super::super::contest::Contest;
use super::super::row::{Measured, Unit};
use super::super::{Pace, Tell};
use crate::case::{Case, pool};
use crate::rewinding::Shots;

const SHOT: &str = "rewind: a shot of 100 m among 10,000";
const RECORD: &str = "rewind: record 10,000, a player";
const BYTES: &str = "rewind: 64 ticks of 10,000";

pub(crate) fn race(pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
    if ![SHOT, RECORD, BYTES].iter().any(|case| pace.wants(case)) {
        return Ok(());
    }
    let rows = pool(1).install(|| measure(pace));
    rows.into_iter().try_for_each(tell)
}

fn measure(pace: &Pace) -> Vec<Measured> {
    let mut past = Shots::new(pace.size);
    let mut rows = Vec::new();
    past.shoot(); // all ticks are asked about once
    let (shots, players) = (past.operations() as usize, past.players());
    if pace.wants(SHOT) {
        let hits = past.hits();
        assert!(0 < hits && hits < shots, "{hits} of {shots} hit");
        rows.push(Contest::new(SHOT, Unit::Ns, shots, || past.shoot()).run(pace));
    }
    if pace.wants(BYTES) {
        let megabytes = past.bytes() as f64 / 1e6;
        rows.push(Measured::alone(BYTES, Some(megabytes), "MB"));
    }
    if pace.wants(RECORD) {
        rows.push(Contest::new(RECORD, Unit::Ns, players, || past.record()).run(pace));
    }
    rows
}
