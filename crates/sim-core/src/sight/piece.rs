//! A way cut into pieces: short enough to be parabolas over the lattice, and each above a quarter of a face of the cube.
//!
//! ```text
//! ┌────────┬────────┐  v
//! │        │        │  ▲   Lines of the lattice lie along u and v as squares have it, and from the middle of a face on as
//! │     ╱──┼──▶     │  │   other ones: there nothing is a parabola.
//! ├────╱───┼────────┤  0
//! │   ●    │        │
//! │        │        │
//! └────────┴────────┘  ▶ u
//! ```

use spatial_core::{DVec3, direction_to_face_uv, face_uv_to_direction, to_face_frame, uv_to_st};

use super::steep;
use super::track::Track;
use crate::ground::Ground;

/// Pieces are at most the cube root of this (per metre) times the square of the planet's radius long, 3 km on the Earth: then parabolas err by less
/// than 0.5 mm of height over slopes up to 10.
const ERROR_PER_M: f64 = 6.4e-4;

/// No piece is above more faces.
const FACES_MAX: u32 = 4;

/// Who is deeper is at no place in particular, metres from the planet's centre.
const CENTRE_M: f64 = 1.0;

/// A straight way; places on it go from 0 to 1.
pub(super) struct Way {
    from: DVec3,
    step: DVec3,
    pub(super) length_m: f64,
}

/// What is first on a way, and where on it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Met {
    Ground(f64),
    Unknown(f64),
}

impl Met {
    fn map(self, place: impl FnOnce(f64) -> f64) -> Self {
        match self {
            Self::Ground(along) => Self::Ground(place(along)),
            Self::Unknown(along) => Self::Unknown(place(along)),
        }
    }
}

impl Way {
    pub(super) fn new(from: DVec3, step: DVec3, length_m: f64) -> Self {
        Self {
            from,
            step,
            length_m,
        }
    }

    pub(super) fn at(&self, along: f64) -> DVec3 {
        self.from + self.step * along
    }

    /// The part that is within a distance of the planet's centre.
    fn within(&self, radius_m: f64) -> Option<[f64; 2]> {
        let square = radius_m * radius_m;
        let to = self.from + self.step;
        let (from_square, to_square) = (self.from.length_squared(), to.length_squared());
        if from_square <= square && to_square <= square {
            return Some([0.0, 1.0]);
        }
        let step_square = self.step.length_squared();
        let foot = -self.from.dot(self.step) / step_square;
        let foot_square = self.at(foot).length_squared();
        // No way at all has a foot that is NaN.
        let half = ((square - foot_square) / step_square).sqrt();
        let (first, last) = (foot - half, foot + half);
        let part = [
            if first > 0.0 { first } else { 0.0 },
            if last < 1.0 { last } else { 1.0 },
        ];
        (half >= 0.0 && part[0] <= part[1]).then_some(part)
    }
}

impl Ground {
    /// What is first on a way.
    pub(super) fn first_met(&self, way: &Way) -> Option<Met> {
        let lowest_m = self.radius_of(i16::MIN).max(CENTRE_M);
        if way.from.length_squared() < lowest_m * lowest_m {
            return Some(Met::Ground(0.0));
        }
        let [first, last] = way.within(self.radius_of(i16::MAX))?;
        let length = last - first;
        let pieces = (way.length_m * length * self.pieces_per_m).ceil().max(1.0);
        let place = |n: f64| first + length * (n / pieces);
        (0..pieces as u64)
            .map(|n| n as f64)
            .find_map(|n| self.first_on_piece(way, place(n), place(n + 1.0)))
    }

    fn radius_of(&self, value: i16) -> f64 {
        self.base_m + self.lattice.quantum_m() * f64::from(value)
    }

    #[inline(always)]
    fn first_on_piece(&self, way: &Way, first: f64, last: f64) -> Option<Met> {
        let from = way.at(first);
        let (face, _, _) = direction_to_face_uv(from);
        let (start, end) = (to_face_frame(face, from), to_face_frame(face, way.at(last)));
        if is_above_face(end) {
            let met = self.first_above_face(face, start, end);
            return met.map(|met| met.map(|along| first + along * (last - first)));
        }
        self.first_above_faces(face, way, first, last)
    }

    /// Of a piece that leaves the face that it begins above.
    #[cold]
    fn first_above_faces(&self, mut face: u8, way: &Way, mut first: f64, last: f64) -> Option<Met> {
        for _ in 0..FACES_MAX {
            let start = to_face_frame(face, way.at(first));
            let end = to_face_frame(face, way.at(last));
            let (part, axis) = leaving(start, end);
            let out = first + part * (last - first);
            let end = to_face_frame(face, way.at(out));
            if let Some(met) = self.first_above_face(face, start, end) {
                return Some(met.map(|along| first + along * (out - first)));
            }
            let axis = axis?;
            let beyond = if end[axis] > 0.0 { 2.0 } else { -2.0 };
            let uv = if axis == 0 {
                [beyond, 0.0]
            } else {
                [0.0, beyond]
            };
            (face, _, _) = direction_to_face_uv(face_uv_to_direction(face, uv[0], uv[1]));
            first = out;
        }
        debug_assert!(false, "a straight way is above three faces at most");
        None
    }

    /// Of a piece above one face, between two places in the face's axes.
    #[inline(always)]
    fn first_above_face(&self, face: u8, start: [f64; 3], end: [f64; 3]) -> Option<Met> {
        if (start[0] * end[0] < 0.0) | (start[1] * end[1] < 0.0) {
            return self.first_above_quarters(face, start, end);
        }
        self.first_above_quarter(face, start, end)
    }

    /// Of one that goes over the middle along u or v, or both.
    #[cold]
    fn first_above_quarters(&self, face: u8, start: [f64; 3], end: [f64; 3]) -> Option<Met> {
        let middle = |axis: usize| match start[axis] * end[axis] < 0.0 {
            true => start[axis] / (start[axis] - end[axis]),
            false => 1.0,
        };
        let [a, b] = [middle(0), middle(1)];
        let places = [0.0, a.min(b), a.max(b), 1.0];
        places.windows(2).find_map(|part| {
            let ends = [part[0], part[1]].map(|along| between(start, end, along));
            let met = self.first_above_quarter(face, ends[0], ends[1]);
            met.map(|met| met.map(|along| part[0] + along * (part[1] - part[0])))
        })
    }

    #[inline(always)]
    fn first_above_quarter(&self, face: u8, start: [f64; 3], end: [f64; 3]) -> Option<Met> {
        let nodes = [start, between(start, end, 0.5), end].map(|at| self.on_lattice(at));
        match Track::new(f64::from(self.lattice.face_intervals()), &nodes) {
            Some(track) => self.first_on_track(face, &track),
            None => steep::first_met(self, face, &nodes),
        }
    }

    /// Lattice coordinates of a place above a face, and its height in stored steps.
    #[inline(always)]
    fn on_lattice(&self, [a, b, out]: [f64; 3]) -> [f64; 3] {
        let cells = f64::from(self.lattice.face_intervals());
        let inverse = 1.0 / out;
        let radius_m = (a * a + b * b + out * out).sqrt();
        [
            uv_to_st(a * inverse) * cells,
            uv_to_st(b * inverse) * cells,
            (radius_m - self.base_m) * self.quanta_per_m,
        ]
    }
}

/// How long pieces are on a planet.
pub(crate) fn pieces_per_m(radius_m: f64) -> f64 {
    1.0 / libm::cbrt(ERROR_PER_M * radius_m * radius_m)
}

#[inline(always)]
fn between(start: [f64; 3], end: [f64; 3], along: f64) -> [f64; 3] {
    let [a, b, c] = start;
    let [to_a, to_b, to_c] = end;
    [
        a + (to_a - a) * along,
        b + (to_b - b) * along,
        c + (to_c - c) * along,
    ]
}

#[inline(always)]
fn is_above_face([a, b, out]: [f64; 3]) -> bool {
    a.abs() <= out && b.abs() <= out
}

/// Where a piece leaves the face that it starts above, and along which axis; all of it where it does not.
fn leaving(start: [f64; 3], end: [f64; 3]) -> (f64, Option<usize>) {
    let mut found = (1.0, None);
    for (axis, side) in [(0, 1.0), (0, -1.0), (1, 1.0), (1, -1.0)] {
        let [from, to] = [start, end].map(|at| at[2] - side * at[axis]);
        if to < 0.0 && to < from {
            let part = (from / (from - to)).max(0.0);
            if part < found.0 {
                found = (part, Some(axis));
            }
        }
    }
    found
}
