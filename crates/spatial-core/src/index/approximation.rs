//! Places in steps of their tile's frame.

use super::leaves::{BATCH, round};
use super::order::Order;
use super::tile::Tile;
use crate::memory;
use crate::planet::Ecef;

/// Lanes that a kernel may read behind a run.
pub(super) const PADDING: usize = 16;

/// One number of 16 bits an axis for each slot.
#[derive(Clone, Debug, Default)]
pub(super) struct Approximations {
    pub(super) x: Vec<u16>, // each as long as the slots and the padding
    pub(super) y: Vec<u16>,
    pub(super) z: Vec<u16>,
}

impl Approximations {
    /// Makes room for so many entities.
    pub(super) fn reserve(&mut self, len: usize) {
        for lane in [&mut self.x, &mut self.y, &mut self.z] {
            memory::reserve(lane, (len + PADDING).saturating_sub(lane.len()));
        }
    }

    /// Approximates everybody.
    #[inline(always)]
    pub(super) fn rebuild(&mut self, order: &Order, places: &[Ecef]) {
        let len = order.rows.len();
        for lane in [&mut self.x, &mut self.y, &mut self.z] {
            lane.resize(len, 0);
        }
        for tile in &order.tiles {
            order.for_each_own_run(tile, |run| self.fill(tile, run, &order.rows, places));
        }
    }

    /// Bytes allocated.
    pub(super) fn byte_count(&self) -> usize {
        let lanes = [&self.x, &self.y, &self.z];
        lanes
            .map(|lane| lane.capacity() * size_of::<u16>())
            .iter()
            .sum()
    }

    #[inline(always)]
    fn fill(&mut self, tile: &Tile, run: [u32; 2], rows: &[u32], places: &[Ecef]) {
        let run = run[0] as usize..run[1] as usize;
        let lanes = [&mut self.x, &mut self.y, &mut self.z].map(|lane| &mut lane[run.clone()]);
        let rows = &rows[run.clone()];
        fill(lanes, tile, rows, places);
    }
}

#[inline(always)]
fn fill(lanes: [&mut [u16]; 3], tile: &Tile, rows: &[u32], places: &[Ecef]) {
    let [xs, ys, zs] = lanes;
    let chunks = rows
        .chunks(BATCH)
        .zip(xs.chunks_mut(BATCH))
        .zip(ys.chunks_mut(BATCH))
        .zip(zs.chunks_mut(BATCH));
    let (mut x, mut y, mut z) = ([0.0; BATCH], [0.0; BATCH], [0.0; BATCH]);
    for (((rows, xs), ys), zs) in chunks {
        for (n, row) in rows.iter().enumerate() {
            let p = places[*row as usize].0;
            (x[n], y[n], z[n]) = (p.x, p.y, p.z);
        }
        let steps = tile.steps_per_m;
        let (mut sx, mut sy, mut sz) = ([0u16; BATCH], [0u16; BATCH], [0u16; BATCH]);
        for n in 0..BATCH {
            sx[n] = step((x[n] - tile.origin_m.x) * steps);
            sy[n] = step((y[n] - tile.origin_m.y) * steps);
            sz[n] = step((z[n] - tile.origin_m.z) * steps);
        }
        xs.copy_from_slice(&sx[..xs.len()]);
        ys.copy_from_slice(&sy[..ys.len()]);
        zs.copy_from_slice(&sz[..zs.len()]);
    }
}

/// Rounded and kept within 16 bits: of a place inside the frame only rounding can leave them.
#[inline(always)]
fn step(v: f64) -> u16 {
    round(v.clamp(0.0, 65_535.0)) as u16
}
