//! Map tiles: nobody here draws them from a store, so they are measured alone.

use std::io;

use super::super::contest::Contest;
use super::super::row::{Measured, Unit};
use super::super::{Pace, Tell};
use crate::maps::{MapTiles, Picture};

/// A picture as rows name it.
const PICTURES: [(Picture, &str); 2] = [
    (Picture::Terrarium, "Terrarium"),
    (Picture::Shaded, "shaded"),
];

pub(crate) fn race(pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
    for (picture, name) in PICTURES {
        let of_earth = |which: &str| format!("map tile 512², {name}, Earth: {which} of all zooms");
        let [median, slowest] = ["the median", "the slowest"].map(of_earth);
        if pace.wants(&median) || pace.wants(&slowest) {
            match MapTiles::of_earth(pace.size, picture) {
                Some(tiles) => {
                    let times_ms = times_ms(pace, tiles);
                    let middle = times_ms.get(times_ms.len() / 2).copied();
                    tell(Measured::alone(&median, middle, "ms"))?;
                    tell(Measured::alone(&slowest, times_ms.last().copied(), "ms"))?;
                }
                None => {
                    for case in [median, slowest] {
                        tell(Measured::skipped(
                            case,
                            Unit::Ms,
                            "there is no bundled pack",
                        ))?;
                    }
                }
            }
        }
        let of_srtm = format!("map tile 512², {name}, SRTM: the slowest of four");
        if pace.wants(&of_srtm) {
            match MapTiles::of_srtm(pace.size, picture) {
                Some(tiles) => {
                    let times_ms = times_ms(pace, tiles);
                    tell(Measured::alone(&of_srtm, times_ms.last().copied(), "ms"))?;
                }
                None => {
                    let why = "there is no SRTM, see BLUEMARBLE_DATA";
                    tell(Measured::skipped(of_srtm, Unit::Ms, why))?;
                }
            }
        }
    }
    Ok(())
}

/// Of each tile, ascending.
fn times_ms(pace: &Pace, mut tiles: MapTiles) -> Vec<f64> {
    let count = tiles.count();
    let each = |n: usize| {
        let draw = || tiles.draw(n);
        Contest::new("map tile", Unit::Ms, 1, draw).run(pace).ours
    };
    let mut times_ms: Vec<f64> = (0..count).filter_map(each).collect();
    times_ms.sort_by(f64::total_cmp);
    times_ms
}
