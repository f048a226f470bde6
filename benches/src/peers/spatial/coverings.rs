//! Caps as a few cells.

use std::io;

use spatial_core::{Cap, CellId, Coverer, CoveringOptions, DVec3, Planet};

use super::super::contest::Contest;
use super::super::rivals::s2_cpp::{self, Covering};
use super::super::rivals::s2_rust;
use super::super::row::{Measured, Unit};
use super::super::{Pace, Tell};
use crate::seeded::Seeded;

const CAPS: usize = 1_000;
/// Places in each cap, and on its rim, that have to be covered.
const SAMPLES: usize = 32;
/// Ours may have so many cells more, for it rounds in other places.
const CELLS_MORE: usize = 1;

pub(crate) fn race(pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
    let cases = [
        ("covering: cap of 1 km, 8 cells", 1_000.0, false),
        ("covering: cap of 100 km, 8 cells", 100_000.0, false),
        ("covering: cap of 100 km, fast", 100_000.0, true),
    ];
    for (case, radius_m, is_fast) in cases {
        if pace.wants(case) {
            let how = Covering {
                radius_rad: radius_m / Planet::EARTH.radius_m(),
                cells_max: if is_fast { 4 } else { 8 },
                is_fast,
            };
            tell(race_one(pace, case, how))?;
        }
    }
    Ok(())
}

fn race_one(pace: &Pace, case: &str, how: Covering) -> Measured {
    let mut seeded = Seeded(41);
    let axes: Vec<_> = (0..pace.size.of(CAPS))
        .map(|_| seeded.direction())
        .collect();
    let arrays: Vec<_> = axes.iter().map(|axis| axis.to_array()).collect();
    let caps: Vec<_> = arrays
        .iter()
        .map(|axis| s2_rust::cap(*axis, how.radius_rad))
        .collect();
    let mut ours = Ours::new(how);
    let agrees = |theirs: &dyn Fn(usize) -> Vec<u64>, ours: &mut Ours| {
        let mut seeded = Seeded(42);
        (0..axes.len()).all(|n| {
            let samples: Vec<_> = (0..SAMPLES)
                .map(|_| place_in_cap(axes[n], how.radius_rad, &mut seeded))
                .collect();
            let (ours, theirs) = (ours.covering(axes[n]), theirs(n));
            covers(&ours, &samples)
                && covers(&theirs, &samples)
                && ours.len() <= theirs.len() + CELLS_MORE
        })
    };
    let rust = |n: usize| {
        let covering = s2_rust::cover_cap(&caps[n], how.cells_max, how.is_fast);
        covering.0.iter().map(|cell| cell.0).collect()
    };
    let agree_rust = agrees(&rust, &mut ours);
    let agree_cpp =
        s2_cpp::IS_INSTALLED && agrees(&|n| s2_cpp::cover_cap(arrays[n], how), &mut ours);
    let mut contest = Contest::new(case, Unit::Ns, axes.len(), || ours.each(&axes)).against(
        s2_rust::NAME,
        Some(agree_rust),
        || -> usize {
            let cover = |cap| s2_rust::cover_cap(cap, how.cells_max, how.is_fast);
            caps.iter().map(|cap| cover(cap).0.len()).sum()
        },
    );
    contest = if s2_cpp::IS_INSTALLED {
        contest.against(s2_cpp::NAME, Some(agree_cpp), || {
            s2_cpp::cover_caps_each(&arrays, how)
        })
    } else {
        contest.without(s2_cpp::NAME)
    };
    contest.run(pace)
}

/// Somewhere inside, a third of the time on the rim, but for rounding.
fn place_in_cap(axis: DVec3, radius_rad: f64, seeded: &mut Seeded) -> DVec3 {
    let (east, north) = axis.any_orthonormal_pair();
    let (x, y) = (seeded.signed(), seeded.signed());
    let length = x.hypot(y).max(1e-3);
    let reach = radius_rad * (1.0 - 1e-9) * (seeded.signed().abs() * 1.5).min(1.0);
    let outward = (east * x + north * y) / length;
    axis * libm::cos(reach) + outward * libm::sin(reach)
}

fn covers(cells: &[u64], samples: &[DVec3]) -> bool {
    let cells: Vec<_> = cells
        .iter()
        .map(|id| CellId::new(*id).expect("a cell"))
        .collect();
    samples.iter().all(|place| {
        let leaf = CellId::from_direction(*place);
        cells.iter().any(|cell| cell.contains(leaf))
    })
}

/// Our coverer, and where it puts cells.
struct Ours {
    how: Covering,
    coverer: Coverer,
    cells: Vec<CellId>,
}

impl Ours {
    fn new(how: Covering) -> Self {
        let options = CoveringOptions {
            cells_max: usize::from(how.cells_max),
            ..CoveringOptions::default()
        };
        Self {
            how,
            coverer: Coverer::new(options).expect("legal options"),
            cells: Vec::new(),
        }
    }

    fn cover(&mut self, axis: DVec3) {
        let cap = Cap::new(axis, self.how.radius_rad).expect("a direction and a radius");
        if self.how.is_fast {
            self.coverer.fast_covering_into(&cap, &mut self.cells);
        } else {
            self.coverer.covering_into(&cap, &mut self.cells);
        }
    }

    fn covering(&mut self, axis: DVec3) -> Vec<u64> {
        self.cover(axis);
        self.cells.iter().map(|cell| cell.to_u64()).collect()
    }

    fn each(&mut self, axes: &[DVec3]) -> usize {
        let mut cells = 0;
        for axis in axes {
            self.cover(*axis);
            cells += self.cells.len();
        }
        cells
    }
}
