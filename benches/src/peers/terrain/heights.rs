//! Heights at random places of the square, one by one and many at once.

use std::io;

use spatial_core::{Ecef, Geodetic};

use super::super::batch::{Batch, fill};
use super::super::rivals::htg;
use super::super::{Pace, Tell};
use super::named;
use super::scene::Scene;
use crate::places::{in_cell_order, on_datum};
use crate::seeded::Seeded;

const COUNT: usize = 10_000;

const RANDOM: &str = "height: random";
const GEODETIC: &str = "height: random, latitude and longitude";
const BATCH: &str = "height: batch in cell order";
const GROUND: &str = "height, normal, biome and water: batch";
pub(super) const CASES: &[&str] = &[RANDOM, GEODETIC, BATCH, GROUND];

/// Samples of the lattice are the square's at their places, rounded; between them the surfaces differ, p99 2.5 m.
const SAME_M: f64 = 40.0;

pub(super) fn race(pace: &Pace, scene: &Scene, tell: Tell<'_>) -> io::Result<()> {
    let mut seeded = Seeded(51);
    let spots: Vec<_> = (0..pace.size.of(COUNT))
        .map(|_| scene.draw(&mut seeded, 2.0))
        .collect();
    let geodetic: Vec<Geodetic> = spots.iter().map(|spot| scene.geodetic(*spot)).collect();
    let places: Vec<Ecef> = geodetic.iter().map(|at| on_datum(at.direction())).collect();
    let degrees: Vec<_> = spots.iter().map(|spot| scene.degrees(*spot)).collect();
    let terrain = &scene.terrain;
    let files = scene.square.folder().map(htg::Files::open);
    let height = |place: &Ecef| terrain.height(*place).expect("a tile of the square");
    let name = |case| named(case, scene.square.name);
    if pace.wants(&name(RANDOM)) {
        let batch = Batch::new(name(RANDOM), places.len(), 0.0, |out: &mut [f64]| {
            fill(out, &places, height)
        });
        tell(one_by_one(batch, files.as_ref(), &degrees).run(pace))?;
    }
    if pace.wants(&name(GEODETIC)) {
        let height = |place: &Geodetic| terrain.height(*place).expect("a tile of the square");
        let batch = Batch::new(name(GEODETIC), places.len(), 0.0, |out: &mut [f64]| {
            fill(out, &geodetic, height)
        });
        tell(one_by_one(batch, files.as_ref(), &degrees).run(pace))?;
    }
    let sorted = in_cell_order(places);
    if pace.wants(&name(BATCH)) {
        let batch = Batch::new(name(BATCH), sorted.len(), 0.0, |out: &mut [f64]| {
            terrain.heights(&sorted, out).expect("tiles of the square");
        });
        let planet = terrain.planet();
        let degrees: Vec<_> = sorted
            .iter()
            .map(|place| planet.geodetic(*place))
            .map(|at| (at.lat_deg(), at.lon_deg()))
            .collect();
        let batch = match files.as_ref() {
            Some(files) => {
                let run = |out: &mut [f64]| out.copy_from_slice(&files.heights_m(&degrees));
                batch.against(htg::NAME, 0.0, run, is_same)
            }
            None => batch.without(htg::NAME),
        };
        tell(batch.run(pace))?;
    }
    if pace.wants(&name(GROUND)) {
        let blank = terrain.ground(sorted[0]).expect("a tile of the square");
        let batch = Batch::new(name(GROUND), sorted.len(), blank, |out: &mut [_]| {
            terrain.grounds(&sorted, out).expect("tiles of the square");
        });
        tell(batch.run(pace))?;
    }
    Ok(())
}

fn one_by_one<'a>(
    batch: Batch<'a, f64>,
    files: Option<&'a htg::Files>,
    degrees: &'a [[f64; 2]],
) -> Batch<'a, f64> {
    match files {
        Some(files) => {
            let run = |out: &mut [f64]| fill(out, degrees, |at| files.height_m(*at));
            batch.against(htg::NAME, 0.0, run, is_same)
        }
        None => batch.without(htg::NAME),
    }
}

fn is_same(ours: &f64, theirs: &f64) -> bool {
    (ours - theirs).abs() <= SAME_M
}
