//! Opening a planet of a million tiles, and what an import takes.

use std::io;

use spatial_core::{PackStore, RocksStore, TileStore};

use super::super::contest::Contest;
use super::super::row::Unit;
use super::super::{Pace, Tell};
use crate::planets::Plan;
use crate::resample::Resample;

const TILES: usize = 1_000_000;

const BASE: &str = "opening: a base of 1 M tiles";
const PACK: &str = "opening: a pack of 1 M tiles";
const RESAMPLE: &str = "import: tiles of an .hgt of 3,601²";

pub(super) fn race(pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
    let tiles = pace.size.of(TILES);
    if [BASE, PACK].iter().any(|case| pace.wants(case)) {
        let (plan, dir) = (Plan::many(tiles), tempfile::tempdir()?);
        if pace.wants(BASE) {
            let planet = dir.path().join("base");
            plan.write_base(&planet);
            let open = || {
                RocksStore::open(&planet)
                    .expect("the base just written")
                    .cells()
                    .len()
            };
            let agree = open() == tiles;
            let contest = Contest::new(BASE, Unit::Ms, 1, open);
            tell(contest.checked_by("the number of tiles", agree).run(pace))?;
        }
        if pace.wants(PACK) {
            let path = dir.path().join("pack");
            plan.write_pack(&path);
            let open = || {
                PackStore::open(&path)
                    .expect("the pack just written")
                    .cells()
                    .len()
            };
            let agree = open() == tiles;
            let contest = Contest::new(PACK, Unit::Ms, 1, open);
            tell(contest.checked_by("the number of tiles", agree).run(pace))?;
        }
    }
    if pace.wants(RESAMPLE) {
        let mut case = Resample::new(pace.size);
        tell(Contest::new(RESAMPLE, Unit::Ms, 1, move || case.resample()).run(pace))?;
    }
    Ok(())
}
