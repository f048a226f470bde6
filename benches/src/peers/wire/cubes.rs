//! Cubes of two recordings, each frame against that of six before, which the receiver has acknowledged.
//!
//! Others' figures on the same two files are not run here: Fabian Giesen's coder has 411.16 B a packet on s23 and 296.92 on
//! s31, Glenn Fiedler's 533.50 and 368.77.

use std::io;

use super::super::contest::Contest;
use super::super::row::{Measured, Rival, Unit};
use super::super::{Pace, Tell};
use crate::Size;
use crate::cubes::Cubes;

const ENCODE: &str = "cubes: encode a changed entity, entropy";
const DECODE: &str = "cubes: decode a changed entity, entropy";

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
            for (case, unit) in wanted {
                let why = "the cubes are not there, see BLUEMARBLE_DATA";
                let skipped = Measured::skipped(case, Unit::Ns, why);
                tell(Measured { unit, ..skipped })?;
            }
            continue;
        };
        for (case, _) in wanted {
            tell(measure(pace, case, &cubes, &known))?;
        }
    }
    Ok(())
}

/// Of a file its size; the times are of the livelier one.
fn cases(file: &str) -> Vec<(String, &'static str)> {
    let mut cases = vec![(format!("cubes: regenerated {file}, bytes a packet"), "B")];
    if file == "s23" {
        cases.extend([ENCODE, DECODE].map(|case| (case.to_owned(), "ns")));
    }
    cases
}

fn measure(pace: &Pace, case: String, cubes: &Cubes, known: &[(&str, f64)]) -> Measured {
    let changed = cubes.changed();
    match case.as_str() {
        ENCODE => {
            let run = || cubes.encode(|_, _, _| Ok(())).expect("legal cubes");
            Contest::new(case, Unit::Ns, changed, run).run(pace)
        }
        DECODE => {
            let packets = cubes.packets().expect("legal cubes");
            let run = || cubes.decode(&packets).expect("our packets");
            Contest::new(case, Unit::Ns, changed, run).run(pace)
        }
        _ => bytes(pace, case, cubes, known),
    }
}

fn bytes(pace: &Pace, case: String, cubes: &Cubes, known: &[(&str, f64)]) -> Measured {
    let sent = cubes.send().expect("legal cubes");
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
