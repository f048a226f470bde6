//! Cubes of two recordings, each frame against that of six before, which the receiver has acknowledged.
//!
//! Others' figures on the same two files are not run here: Fabian Giesen's coder has 411.16 B a packet on s23 and 296.92 on
//! s31, Glenn Fiedler's, which has no probabilities either, 533.50 and 368.77.
//!
//! A time is a whole packet's, what lies still included, by the cubes that differ.

use std::io;

use net_proto::{Bodies, QuickBodies};

use super::super::clock::cpu_time_of;
use super::super::contest::Contest;
use super::super::row::{Measured, Rival, Unit};
use super::super::{Pace, Tell};
use crate::Size;
use crate::cubes::{Cubes, Stream};

/// Both ways to send them.
const WAYS: [&str; 2] = [ENTROPY, FIXED_COST];
const ENTROPY: &str = "entropy";
const FIXED_COST: &str = "fixed cost";

/// Recordings, and what others' coders are known to need.
const FILES: [(&str, [(&str, f64); 2]); 2] = [
    ("s23", [(GIESEN, 411.16), (FIEDLER, 533.50)]),
    ("s31", [(GIESEN, 296.92), (FIEDLER, 368.77)]),
];

const GIESEN: &str = "Giesen's coder, known, not run here";
const FIEDLER: &str = "Fiedler's coder, known, not run here";

/// A frame back bit for bit is the answer.
const EXACT: &str = "the frames themselves, decoded";

pub(crate) fn race(pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
    for (file, known) in FILES {
        let wanted: Vec<_> = cases(file)
            .into_iter()
            .filter(|(case, _)| pace.wants(case))
            .collect();
        if wanted.is_empty() {
            continue;
        }
        let Some(cubes) = Cubes::load(file, pace.size) else {
            for (case, what) in wanted {
                let why = "the cubes are not there, see BLUEMARBLE_DATA";
                let skipped = Measured::skipped(case, Unit::Ns, why);
                let unit = if what.1 == What::Bytes { "B" } else { "ns" };
                tell(Measured { unit, ..skipped })?;
            }
            continue;
        };
        for (case, (way, what)) in wanted {
            tell(match way {
                FIXED_COST => measure::<QuickBodies>(pace, case, what, (&cubes, &known)),
                _ => measure::<Bodies>(pace, case, what, (&cubes, &known)),
            })?;
        }
    }
    Ok(())
}

/// What of a way is measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum What {
    Bytes,
    Encode,
    Decode,
}

/// Of a file its size; the times are of the livelier one.
fn cases(file: &str) -> Vec<(String, (&'static str, What))> {
    let mut cases = Vec::new();
    for way in WAYS {
        let suffix = if way == ENTROPY { "" } else { ", fixed cost" };
        let bytes = format!("cubes: regenerated {file}, bytes a packet{suffix}");
        cases.push((bytes, (way, What::Bytes)));
        if file == "s23" {
            let time = |verb: &str| format!("cubes: {verb} a changed entity, {way}");
            cases.push((time("encode"), (way, What::Encode)));
            cases.push((time("decode"), (way, What::Decode)));
        }
    }
    cases
}

fn measure<S: Stream>(
    pace: &Pace,
    case: String,
    what: What,
    (cubes, known): (&Cubes, &[(&str, f64)]),
) -> Measured {
    let changed = cubes.changed();
    match what {
        What::Bytes => bytes::<S>(pace, case, cubes, known),
        What::Encode => {
            let run = || {
                cubes
                    .time_of_encoding::<S>(|work| cpu_time_of(work))
                    .expect("legal cubes")
            };
            let mut measured = Contest::timed(case, Unit::Ns, changed, run).run(pace);
            measured.rivals.extend(known_ns::<S>(pace));
            measured
        }
        What::Decode => {
            let packets = cubes.packets::<S>().expect("legal cubes");
            let run = || cubes.decode::<S>(&packets).expect("our packets");
            Contest::new(case, Unit::Ns, changed, run).run(pace)
        }
    }
}

/// Fabian Giesen's coder as it was published, without any pains taken for speed.
fn known_ns<S: Stream>(pace: &Pace) -> Option<Rival> {
    (S::IS_ENTROPY && pace.size == Size::Full).then(|| Rival {
        name: GIESEN.to_owned(),
        figure: Some(800.0),
        agree: None,
    })
}

fn bytes<S: Stream>(pace: &Pace, case: String, cubes: &Cubes, known: &[(&str, f64)]) -> Measured {
    let sent = cubes.send::<S>().expect("legal cubes");
    let exact = Rival {
        name: EXACT.to_owned(),
        figure: None,
        agree: Some(sent.is_exact),
    };
    // Theirs are of whole recordings.
    let is_whole = pace.size == Size::Full;
    let others = known.iter().map(|(name, figure)| Rival {
        name: (*name).to_owned(),
        figure: is_whole.then_some(*figure),
        agree: None,
    });
    Measured {
        case,
        ours: Some(sent.bytes as f64 / sent.packets as f64),
        unit: "B",
        rivals: core::iter::once(exact).chain(others).collect(),
    }
}
