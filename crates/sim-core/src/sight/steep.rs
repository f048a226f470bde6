//! Pieces that are nearly vertical, or short: they touch a cell or a few.

use spatial_core::first_not_positive;

use super::piece::Met;
use super::scan::above;
use super::track::{Parabola, greater, lesser};
use crate::ground::Ground;

/// What is first on a piece that goes over less than a cell along either axis, by lattice coordinates and heights at its beginning, middle and
/// end.
#[cold]
pub(super) fn first_met(ground: &Ground, face: u8, nodes: &[[f64; 3]; 3]) -> Option<Met> {
    let through = |n: usize| {
        let [start, middle, end] = nodes.map(|node| node[n]);
        Parabola([
            start,
            4.0 * middle - 3.0 * start - end,
            2.0 * (start + end) - 4.0 * middle,
        ])
    };
    let (x, y, height) = (through(0), through(1), through(2));
    let [a, b] = [0, 1].map(|axis| crossing(nodes[0][axis], nodes[2][axis], [x, y][axis]));
    let places = [0.0, lesser(a, b), greater(a, b), 1.0];
    places.windows(2).find_map(|part| {
        let (from, length) = (part[0], part[1] - part[0]);
        let middle = from + 0.5 * length;
        let last = ground.lattice.face_intervals() - 1;
        let [i, j] = [x, y].map(|along| (along.at(middle) as u32).min(last));
        let Some(corners) = ground.corners(face, i, j) else {
            return Some(Met::Unknown(from));
        };
        let x = x.from(from).lowered(f64::from(i)).scaled(length);
        let y = y.from(from).lowered(f64::from(j)).scaled(length);
        let height = height.from(from).scaled(length);
        let found = first_not_positive(above(corners, x, y, height))?;
        Some(Met::Ground(from + found * length))
    })
}

/// Where on the way from one coordinate to another less than 1 from it there is a whole number; the end where there is none.
fn crossing(start: f64, end: f64, along: Parabola) -> f64 {
    let line = greater(start, end).floor();
    if !(lesser(start, end) < line && line < greater(start, end)) {
        return 1.0;
    }
    let place = match start < end {
        true => along.reaches(line),
        false => along.negative().reaches(-line),
    };
    lesser(place, 1.0)
}

impl Ground {
    /// The samples around a cell of the lattice.
    fn corners(&self, face: u8, i: u32, j: u32) -> Option<[f64; 4]> {
        let size = u32::from(self.lattice.intervals());
        let tile = &self.table.find(face, i / size, j / size)?.tile;
        let (i, j) = ((i % size) as usize, (j % size) as usize);
        let around = [(i, j), (i + 1, j), (i, j + 1), (i + 1, j + 1)];
        Some(around.map(|(i, j)| f64::from(tile.sample(i, j))))
    }
}
