//! 250 asteroids, all of them always in view.

use std::io;

use super::super::row::{Measured, Rival};
use super::super::{Pace, Tell};
use crate::Size;
use crate::asteroids::{Asteroids, Sent};

/// What is told of them, and what others are known to need: figures of the makers of one of them.
const CASES: [(&str, &str, [f64; 2]); 3] = [
    (
        "asteroids: 250 at 30 Hz, kB a second on the wire",
        "kB",
        [15.0, 100.0],
    ),
    (
        "asteroids: 250 at 30 Hz, kB a second of payload",
        "kB",
        [10.0, 95.0],
    ),
    (
        "asteroids: 250 at 30 Hz, bits of one in a frame",
        "bits",
        [10.7, 101.0],
    ),
];

const OTHERS: [&str; 2] = [
    "Reactor 1.1.0: published, not run",
    "PurrNet 1.14: published, not run",
];

/// The frames' hash on machines of the kind that these figures are of: functions of angles differ between systems.
const TRACE: u64 = 0x26b5_2da4_5bc5_2f77;

pub(crate) fn race(pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
    let wanted = CASES.iter().filter(|(case, ..)| pace.wants(case));
    let wanted: Vec<_> = wanted.collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let asteroids = Asteroids::new(pace.size);
    let sent = asteroids.send().expect("legal bodies and our packets");
    let exact = exact(&asteroids, &sent, pace.size);
    for (case, unit, known) in wanted {
        let [payload, wire] = sent.kilobytes();
        let ours = match case {
            case if case.ends_with("wire") => wire,
            case if case.ends_with("payload") => payload,
            _ => sent.bits(),
        };
        let others = OTHERS.iter().zip(known).map(|(name, figure)| Rival {
            name: (*name).to_owned(),
            figure: (pace.size == Size::Full).then_some(*figure),
            agree: None,
        });
        tell(Measured {
            case: (*case).to_owned(),
            ours: Some(ours),
            unit,
            rivals: core::iter::once(exact.clone()).chain(others).collect(),
        })?;
    }
    Ok(())
}

/// Whether all came back bit for bit, and whether they are the frames that the figures are known of.
fn exact(asteroids: &Asteroids, sent: &Sent, size: Size) -> Rival {
    let hash = asteroids.hash();
    let trace = match hash == TRACE {
        _ if size == Size::Tiny => "a short one".to_owned(),
        true => "the known one".to_owned(),
        false => format!("ANOTHER than the known one, {hash:#x}"),
    };
    Rival {
        name: format!("the frames themselves, decoded; the trace is {trace}"),
        figure: None,
        agree: Some(sent.is_exact),
    }
}
