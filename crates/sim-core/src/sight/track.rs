//! A piece of a way over the lattice of one face, in axes of its own: it goes ahead along the first and less far along the second.
//!
//! ```text
//!  second ▲          ┌───────┬───────┐
//!         │          │      ▗▄▀▀▘    │     x  cells along the first axis since its start
//!         │  ┌───────┼──▄▄▞▀─┼───────┘     aside(x), height(x), along(x): parabolas; tiles end at whole
//!         │  │   ▗▄▄▀▀▘      │             numbers of cells along both axes
//!         │  └──●────┴───────┘
//!         └──────────────────────▶ first
//! ```

use super::piece::Met;
use super::scan::Scan;
use crate::ground::Ground;

/// Shorter ones stay in a few cells, and are looked at otherwise.
const CELLS_MIN: f64 = 0.25;

/// How a track's axes lie on the lattice's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Octant {
    pub(super) is_swapped: bool,   // the first axis is the lattice's second
    pub(super) is_back: [bool; 2], // along the track's axes
}

/// A value as a polynomial of the place on a track.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parabola(pub(super) [f64; 3]);

/// A piece of a way.
pub(super) struct Track {
    octant: Octant,
    start: f64,       // along the first axis
    cells: f64,       // its length along it
    aside: Parabola,  // along the second axis
    height: Parabola, // stored steps
    along: Parabola,  // the piece, from 0 to 1
}

/// What of a track is above one tile, in cells from its corner.
pub(super) struct Part {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) aside: Parabola,
    pub(super) height: Parabola,
}

impl Track {
    /// Through three places: lattice coordinates and heights at the beginning, the middle and the end of a piece. `None` of one that is nearly
    /// vertical, or short.
    #[inline(always)]
    pub(super) fn new(cells: f64, nodes: &[[f64; 3]; 3]) -> Option<Self> {
        let [first, middle, last] = nodes;
        let far = [0, 1].map(|axis| (last[axis] - first[axis]).abs());
        let is_swapped = far[1] > far[0];
        let axes = [usize::from(is_swapped), usize::from(!is_swapped)];
        if far[axes[0]] < CELLS_MIN {
            return None;
        }
        let is_back = axes.map(|axis| last[axis] < first[axis]);
        // Branches that nobody can predict would take longer. Exact where it goes back, too.
        let along = |n: usize| {
            let (end, sign) = if is_back[n] {
                (cells, -1.0)
            } else {
                (0.0, 1.0)
            };
            [first, middle, last].map(|node| end + sign * node[axes[n]])
        };
        let (x, y) = (along(0), along(1));
        let fit = Fit::new([x[1] - x[0], x[2] - x[0]]);
        Some(Self {
            octant: Octant {
                is_swapped,
                is_back,
            },
            start: x[0],
            cells: x[2] - x[0],
            aside: fit.through(y),
            height: fit.through([first[2], middle[2], last[2]]),
            along: fit.through([0.0, 0.5, 1.0]),
        })
    }
}

impl Octant {
    /// Column and row of what is n-th along the axes, of so many.
    #[inline(always)]
    pub(super) fn on_lattice(self, [a, b]: [u32; 2], last: u32) -> [u32; 2] {
        let from_end = |n: u32, is_back: bool| if is_back { last - n } else { n };
        let (a, b) = (from_end(a, self.is_back[0]), from_end(b, self.is_back[1]));
        if self.is_swapped { [b, a] } else { [a, b] }
    }
}

impl Ground {
    /// What is first on a track.
    #[inline(always)]
    pub(super) fn first_on_track(&self, face: u8, track: &Track) -> Option<Met> {
        let size = f64::from(self.lattice.intervals());
        let last = (1u32 << self.lattice.leaf_level()) - 1;
        let tile_of = |at: f64| ((at / size) as u32).min(last);
        let mut tile = [tile_of(track.start), tile_of(track.aside.0[0])];
        let mut from = 0.0;
        loop {
            let corner = tile.map(|n| f64::from(n) * size);
            let ahead = corner[0] - track.start;
            let ends = [ahead + size, track.aside.reaches(corner[1] + size)];
            let to = greater(lesser(lesser(ends[0], ends[1]), track.cells), from);
            let [column, row] = track.octant.on_lattice(tile, last);
            let Some(found) = self.table.find(face, column, row) else {
                return Some(Met::Unknown(track.along.at(from)));
            };
            let part = Part {
                from: from - ahead,
                to: to - ahead,
                aside: track.aside.from(ahead).lowered(corner[1]),
                height: track.height.from(ahead),
            };
            if let Some(at) = Scan::new(found, track.octant, part).first_contact() {
                return Some(Met::Ground(track.along.at(ahead + at)));
            }
            let axis = usize::from(ends[1] < ends[0]);
            tile[axis] += 1;
            if to >= track.cells || tile[axis] > last {
                return None;
            }
            from = to;
        }
    }
}

/// Finds parabolas through values at 0 and two other places.
struct Fit {
    first: f64,
    per_first: f64,
    per_last: f64,
    per_rest: f64,
}

impl Fit {
    #[inline(always)]
    fn new([first, last]: [f64; 2]) -> Self {
        Self {
            first,
            per_first: 1.0 / first,
            per_last: 1.0 / last,
            per_rest: 1.0 / (last - first),
        }
    }

    #[inline(always)]
    fn through(&self, [start, middle, end]: [f64; 3]) -> Parabola {
        let slopes = [
            (middle - start) * self.per_first,
            (end - start) * self.per_last,
        ];
        let bend = (slopes[1] - slopes[0]) * self.per_rest;
        Parabola([start, slopes[0] - bend * self.first, bend])
    }
}

impl Parabola {
    #[inline(always)]
    pub(super) fn at(&self, x: f64) -> f64 {
        let [c0, c1, c2] = self.0;
        c0 + x * (c1 + x * c2)
    }

    /// The same of x more than a place.
    #[inline(always)]
    pub(super) fn from(&self, place: f64) -> Self {
        let [_, c1, c2] = self.0;
        Self([self.at(place), c1 + 2.0 * place * c2, c2])
    }

    #[inline(always)]
    pub(super) fn lowered(&self, by: f64) -> Self {
        let [c0, c1, c2] = self.0;
        Self([c0 - by, c1, c2])
    }

    /// The same of x times a length.
    #[inline(always)]
    pub(super) fn scaled(&self, length: f64) -> Self {
        let [c0, c1, c2] = self.0;
        Self([c0, c1 * length, c2 * length * length])
    }

    pub(super) fn negative(&self) -> Self {
        Self(self.0.map(|c| -c))
    }

    /// Where it comes up to a value, ahead of 0; infinity when it does not.
    #[inline(always)]
    pub(super) fn reaches(&self, value: f64) -> f64 {
        let [c0, c1, c2] = self.0;
        let up = value - c0;
        let slopes = c1 + (c1 * c1 + 4.0 * c2 * up).sqrt();
        // Not when there is no root: then it is NaN.
        if slopes > 0.0 {
            2.0 * up / slopes
        } else {
            f64::INFINITY
        }
    }

    /// How far it may be below its values at the ends of so much of it, or above.
    #[inline(always)]
    pub(super) fn sag(&self, length: f64) -> f64 {
        0.25 * length * length * self.0[2].abs()
    }
}

/// Not `f64::min`, which takes longer to treat NaN in its way.
#[inline(always)]
pub(super) fn lesser(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}

#[inline(always)]
pub(super) fn greater(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}
