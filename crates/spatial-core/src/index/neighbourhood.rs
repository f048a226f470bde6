//! The candidates of many queries at once: everybody who may be within a ball, relative to its centre.

use glam::DVec3;

use super::approximation::Approximations;
use super::reach::for_each_range;
use super::sift::LANES;
use super::tile::Tile;
use super::view::IndexView;
use super::walk::Visitor;
use crate::simd::SimdLevel;

/// Offsets from a centre in f32, in iteration order, padded with lanes that are nowhere.
#[derive(Clone, Debug, Default)]
pub(super) struct Neighbourhood {
    center: DVec3,
    error_m: f64, // of a lane's place, all axes together
    x: Vec<f32>,  // of one length, at least a step beyond `len`
    y: Vec<f32>,
    z: Vec<f32>,
    rows: Vec<u32>,
    len: usize,
}

/// What rounds an offset to f32: half a step an axis is 0.87 steps; each of the four roundings of an axis is 2⁻²⁴ of numbers up to
/// the tile's extent and its distance.
const RELATIVE: f64 = 8.0 / (1 << 24) as f64;

impl Neighbourhood {
    /// Gathers everybody who may be within a ball, and whoever else is in cells that it touches; only from a slot on.
    /// Allocates only to grow.
    pub(super) fn gather(
        &mut self,
        view: &IndexView<'_>,
        (center, radius_m): (DVec3, f64),
        from_slot: u32,
    ) {
        self.center = center;
        self.error_m = 0.0;
        self.len = 0;
        let order = &view.index.order;
        let mut gathering = Gathering {
            hood: self,
            lanes: &view.index.approximations,
            rows: &order.rows,
            from_slot,
            level: view.index.simd,
        };
        for_each_range(center, radius_m, order.rho2, |range| {
            order.visit(&range, &mut gathering);
        });
        self.pad();
    }

    /// Makes room for `len` candidates and a step behind them.
    #[inline(always)]
    fn grow(&mut self) {
        let enough = self.len + LANES;
        if enough > self.rows.len() {
            let more = enough.next_power_of_two();
            for lane in [&mut self.x, &mut self.y, &mut self.z] {
                lane.resize(more, 0.0);
            }
            self.rows.resize(more, 0);
        }
    }

    fn pad(&mut self) {
        let padding = self.len..self.len.next_multiple_of(LANES);
        for lane in [&mut self.x, &mut self.y, &mut self.z] {
            lane[padding.clone()].fill(f32::NAN); // a distance that no radius reaches
        }
    }

    pub(super) fn byte_count(&self) -> usize {
        16 * self.rows.capacity()
    }

    /// What offsets are relative to.
    pub(super) fn center(&self) -> DVec3 {
        self.center
    }

    /// How far an offset may be from the truth, metres.
    pub(super) fn error_m(&self) -> f64 {
        self.error_m
    }

    /// x, y and z offsets, padded.
    pub(super) fn lanes(&self) -> [&[f32]; 3] {
        let padded = self.len.next_multiple_of(LANES);
        [&self.x[..padded], &self.y[..padded], &self.z[..padded]]
    }

    /// Rows, padded.
    pub(super) fn rows(&self) -> &[u32] {
        &self.rows[..self.len.next_multiple_of(LANES)]
    }
}

struct Gathering<'a> {
    hood: &'a mut Neighbourhood,
    lanes: &'a Approximations,
    rows: &'a [u32],
    from_slot: u32,
    level: SimdLevel,
}

impl Visitor for Gathering<'_> {
    type Local = Local;

    #[inline(always)]
    fn enter(&mut self, tile: &Tile) -> Option<Local> {
        let local = Local::new(tile, self.hood.center);
        self.hood.error_m = self.hood.error_m.max(local.error_m);
        (tile.end > self.from_slot).then_some(local)
    }

    #[inline(always)]
    fn run(&mut self, _: &Tile, local: &Local, [from, to]: [u32; 2]) {
        let from = from.max(self.from_slot);
        if from < to {
            let start = self.hood.len;
            self.hood.len += (to - from) as usize;
            self.hood.grow();
            take(self.level, self, local, from as usize, start);
        }
    }
}

/// A tile's frame, relative to a centre.
struct Local {
    step_m: f32,
    origin_m: [f32; 3],
    error_m: f64,
}

impl Local {
    fn new(tile: &Tile, center: DVec3) -> Self {
        let origin = tile.origin_m - center;
        let step_m = 1.0 / tile.steps_per_m;
        let extent_m = 65_536.0 * step_m + origin.abs().max_element();
        Self {
            step_m: step_m as f32,
            origin_m: [origin.x as f32, origin.y as f32, origin.z as f32],
            error_m: step_m + extent_m * RELATIVE,
        }
    }
}

/// Takes in the candidates from a slot on as those from a place on.
fn take(level: SimdLevel, gathering: &mut Gathering<'_>, local: &Local, slot: usize, start: usize) {
    match level {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a level above `Scalar` is one that the CPU has.
        SimdLevel::Avx512 => unsafe { take_avx512(gathering, local, slot, start) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        SimdLevel::Avx2 => unsafe { take_avx2(gathering, local, slot, start) },
        _ => take_steps(gathering, local, slot, start),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn take_avx512(gathering: &mut Gathering<'_>, local: &Local, slot: usize, start: usize) {
    take_steps(gathering, local, slot, start);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn take_avx2(gathering: &mut Gathering<'_>, local: &Local, slot: usize, start: usize) {
    take_steps(gathering, local, slot, start);
}

/// Whole steps: runs are short, so what is taken in behind the last one and overwritten costs less than an end of single lanes.
#[inline(always)]
fn take_steps(gathering: &mut Gathering<'_>, local: &Local, slot: usize, start: usize) {
    let (hood, lanes) = (&mut *gathering.hood, gathering.lanes);
    for step in (0..hood.len - start).step_by(LANES) {
        let (from, to) = (slot + step, start + step);
        let axes = [
            (&lanes.x, &mut hood.x),
            (&lanes.y, &mut hood.y),
            (&lanes.z, &mut hood.z),
        ];
        for ((steps, out), origin_m) in axes.into_iter().zip(local.origin_m) {
            let out = &mut out[to..to + LANES];
            for (out, steps) in out.iter_mut().zip(&steps[from..from + LANES]) {
                *out = f32::from(*steps) * local.step_m + origin_m;
            }
        }
        hood.rows[to..to + LANES].copy_from_slice(&gathering.rows[from..from + LANES]);
    }
}
