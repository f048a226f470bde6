//! What a walker's update takes. Places are told to 2⁻⁷ m, 0.78 cm, finer than the centimetre that is usual; headings to 8 bits.

use std::io;

use super::super::row::{Measured, Rival};
use super::super::{Pace, Tell};
use crate::watched::Watched;

/// Acknowledgements come after so many milliseconds.
const DELAYS_MS: [u64; 3] = [50, 100, 250];

/// Its own benchmark of 32 players, 50 projectiles and 8 vehicles: 29 B for a player.
const NAIA: &str = "naia 0.25, a player's update: published, not run";

const EXACT: &str = "the world's states, decoded";
const MADE_UP: &str = "the world's states, decoded; on hills of our own: the relief is not there, see BLUEMARBLE_DATA";

/// As of the row of 100 ms.
const ALLOCATIONS: &str = "walkers: allocations a datagram, both sides, steady state";

pub(crate) fn race(pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
    for delay_ms in DELAYS_MS {
        let case = format!(
            "walkers: 100 characters over relief, bits an update, acknowledged after {delay_ms} ms"
        );
        if pace.wants(&case) {
            tell(measure(pace, case, delay_ms))?;
        }
    }
    if pace.wants(ALLOCATIONS) {
        let watched = Watched::new(pace.size, 100);
        let each = watched.steady_allocations as f64 / watched.steady_datagrams as f64;
        let mut measured = Measured::alone(ALLOCATIONS, Some(each), "-");
        measured.rivals.push(exact(&watched));
        tell(measured)?;
    }
    Ok(())
}

fn measure(pace: &Pace, case: String, delay_ms: u64) -> Measured {
    let watched = Watched::new(pace.size, delay_ms);
    let naia = Rival {
        name: NAIA.to_owned(),
        figure: Some(234.0),
        agree: None,
    };
    Measured {
        case,
        ours: Some(watched.bits as f64 / watched.updates as f64),
        unit: "bits",
        rivals: vec![exact(&watched), naia],
    }
}

fn exact(watched: &Watched) -> Rival {
    Rival {
        name: if watched.is_real { EXACT } else { MADE_UP }.to_owned(),
        figure: None,
        agree: Some(watched.is_exact),
    }
}
