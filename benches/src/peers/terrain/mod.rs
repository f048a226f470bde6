//! Heights, rays, sight, codecs and map tiles on real relief; stores of tiles.

mod client_tiles;
mod codecs;
mod cold;
mod heights;
mod maps;
mod opening;
mod rays;
mod rivals;
mod scene;
mod stores;

use std::io;

use super::row::{Measured, Unit};
use super::{Pace, Tell};
use scene::Scene;

pub(crate) fn race(pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
    for name in ["S33W071", "N44W072"] {
        if !heights::CASES
            .iter()
            .chain(rays::CASES)
            .any(|case| pace.wants(&named(case, name)))
        {
            continue;
        }
        match Scene::load(name) {
            Some(scene) => {
                heights::race(pace, &scene, tell)?;
                rays::race(pace, &scene, tell)?;
            }
            None => {
                for case in heights::CASES.iter().chain(rays::CASES) {
                    let why = "there is no SRTM, see BLUEMARBLE_DATA";
                    tell(Measured::skipped(named(case, name), Unit::Ns, why))?;
                }
            }
        }
    }
    for name in ["S33W071", "N44W072"] {
        client_tiles::race(pace, name, tell)?;
    }
    codecs::race(pace, tell)?;
    stores::race(pace, tell)?;
    cold::race(pace, tell)?;
    opening::race(pace, tell)?;
    maps::race(pace, tell)
}

/// A case on a square.
fn named(case: &str, square: &str) -> String {
    format!("{case}, {square}")
}
