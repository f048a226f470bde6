//! What it takes to write a client's snapshot, by its updates; the same updates as structs beside it, which others do not share.

use std::hint::black_box;
use std::io;

use net_proto::EntityState;
use serde::Serialize;

use super::super::contest::Contest;
use super::super::row::{Measured, Rival, Unit};
use super::super::{Pace, Tell};
use crate::encode::{ENTITIES, Fresh, Shared};
use crate::{Case, Size};

/// Whom a client sees: everybody, and as many as is usual.
const SEEN: [(&str, usize); 2] = [("1,000", ENTITIES), ("62", 62)];

/// Updates that are timed at once: a snapshot of a few is over before a clock of the system's has moved.
const UPDATES: usize = 16_000;

const POSTCARD: &str = "postcard 1.1.3, structs";
const BITCODE: &str = "bitcode 0.6.9, structs";

pub(crate) fn race(pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
    for (name, seen) in SEEN {
        let count = match pace.size {
            Size::Full => seen,
            Size::Tiny => 10,
        };
        let rounds = pace.size.of(UPDATES) / count;
        let case = |what: &str| format!("encode: {what}, a changed entity, {name} visible");
        let (hit, first) = (case("shared hit"), case("bit-pack"));
        if pace.wants(&hit) {
            let mut shared = Shared::seeing(count, pace.size);
            let updates = updates(&shared);
            let run = move || (0..rounds).for_each(|_| shared.run());
            let contest = Contest::new(hit, Unit::Ns, count * rounds, run);
            tell(beside(contest, &updates, rounds).run(pace))?;
        }
        if pace.wants(&first) {
            let mut fresh = Fresh::seeing(count, pace.size);
            let updates = updates(&Shared::seeing(count, pace.size));
            let run = move || (0..rounds).for_each(|_| fresh.run());
            let contest = Contest::new(first, Unit::Ns, count * rounds, run);
            tell(beside(contest, &updates, rounds).run(pace))?;
        }
        let bytes = format!("encode: bytes a changed entity, headers included, {name} visible");
        if pace.wants(&bytes) {
            tell(bytes_of(bytes, &Shared::seeing(count, pace.size)))?;
        }
    }
    Ok(())
}

/// What an update says, of somebody in a frame that is known.
#[derive(Serialize, bitcode::Encode)]
struct Update {
    id: u64,
    x: i32,
    y: i32,
    z: i32,
    heading: u8,
}

fn updates(shared: &Shared) -> Vec<Update> {
    let update = |state: &EntityState| {
        let [x, y, z] = state.xyz();
        Update {
            id: state.id().0,
            x,
            y,
            z,
            heading: state.heading(),
        }
    };
    shared.told().map(update).collect()
}

/// They write nothing that could be compared with ours.
fn beside<'a>(contest: Contest<'a>, updates: &'a [Update], rounds: usize) -> Contest<'a> {
    let mut room = vec![0; bytes_max(updates)];
    let contest = contest.against(POSTCARD, None, move || {
        for _ in 0..rounds {
            let written = postcard::to_slice(black_box(updates), &mut room);
            black_box(written.expect("there is room"));
        }
    });
    let mut buffer = bitcode::Buffer::new();
    contest.against(BITCODE, None, move || {
        for _ in 0..rounds {
            black_box(buffer.encode(black_box(updates)));
        }
    })
}

fn bytes_of(case: String, shared: &Shared) -> Measured {
    let updates = updates(shared);
    let mut buffer = vec![0; bytes_max(&updates)];
    let postcard = postcard::to_slice(&updates, &mut buffer);
    let each = |bytes: usize| bytes as f64 / updates.len() as f64;
    let rival = |name: &str, bytes: usize| Rival {
        name: name.to_owned(),
        figure: Some(each(bytes)),
        agree: None,
    };
    let postcard = postcard.expect("there is room").len();
    let bitcode = bitcode::encode(&updates[..]).len();
    Measured {
        case,
        ours: Some(each(shared.bytes())),
        unit: "B",
        rivals: vec![rival(POSTCARD, postcard), rival(BITCODE, bitcode)],
    }
}

/// Enough for postcard: five bytes for three numbers each, ten for an id.
fn bytes_max(updates: &[Update]) -> usize {
    10 + 26 * updates.len()
}
