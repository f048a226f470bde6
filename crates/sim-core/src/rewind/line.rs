//! A straight way as a face of the cube sees it: a straight line, and the cells along it.

use core::ops::ControlFlow;

use super::cells::{CellAt, STEPS, Sheet};

/// A way on a face, in cells.
pub(super) struct Line {
    face: u8,
    bounds: [f64; 2], // of the face's square, on either axis
    from: [f64; 2],
    to: [f64; 2],
    width: f64,
    unit: [f64; 2], // its direction; (1, 0) for a point
    length: f64,
    unit_steps: [f32; 2],
    length_steps: f32,
    width_steps: f32,
    width_steps_squared: f32,
    reach_m: f64,
    outs: f64, // distance out at its start, of that at its end
}

impl Line {
    /// From one place on the sheet to another, which see each other's distances out as `outs`.
    pub(super) fn new(
        (face, sheet): (u8, Sheet),
        (from, to): ([f64; 2], [f64; 2]),
        width: f64,
        (reach_m, outs): (f64, f64),
    ) -> Self {
        let (dx, dy) = (to[0] - from[0], to[1] - from[1]);
        let length = (dx * dx + dy * dy).sqrt();
        let unit = if length > 0.0 {
            [dx / length, dy / length]
        } else {
            [1.0, 0.0]
        };
        let steps = |cells: f64| (cells * f64::from(STEPS)) as f32;
        let width_steps = steps(width) + 1.0; // half a step's diagonal, and what f32 loses
        Self {
            face,
            bounds: [sheet.scale, 3.0 * sheet.scale],
            from,
            to,
            width,
            unit,
            length,
            unit_steps: unit.map(|x| x as f32),
            length_steps: steps(length),
            width_steps,
            width_steps_squared: width_steps * width_steps,
            reach_m,
            outs,
        }
    }

    /// Whether nobody who is met is on another face.
    pub(super) fn is_inside_face(&self) -> bool {
        (0..2).all(|axis| {
            let (low, high) = ordered(self.from[axis], self.to[axis]);
            low - self.width > self.bounds[0] && high + self.width < self.bounds[1]
        })
    }

    /// Whether anybody who is met may be on this face.
    pub(super) fn touches_face(&self) -> bool {
        (0..2).all(|axis| {
            let (low, high) = ordered(self.from[axis], self.to[axis]);
            high + self.width >= self.bounds[0] && low - self.width <= self.bounds[1]
        })
    }

    /// Where a cell's first step is, in steps.
    #[inline]
    pub(super) fn place(&self, cell: CellAt) -> CellOnLine {
        const MIDDLE: f64 = 0.5 / STEPS as f64;
        let across = f64::from(cell.i) + MIDDLE - self.from[0];
        let up = f64::from(cell.j) + MIDDLE - self.from[1];
        let steps = f64::from(STEPS);
        CellOnLine {
            along: ((across * self.unit[0] + up * self.unit[1]) * steps) as f32,
            beside: ((across * self.unit[1] - up * self.unit[0]) * steps) as f32,
        }
    }

    /// How far along the line a step of a cell is, and whether it is as near to it as the width allows. All of the step counts.
    #[inline]
    pub(super) fn is_near(&self, cell: &CellOnLine, step: [u32; 2]) -> (f32, bool) {
        let [x, y] = step.map(|step| step as f32);
        let along = cell.along + (x * self.unit_steps[0] + y * self.unit_steps[1]);
        let beside = cell.beside + (x * self.unit_steps[1] - y * self.unit_steps[0]);
        let within = if along > 0.0 { along } else { 0.0 };
        let within = if within < self.length_steps {
            within
        } else {
            self.length_steps
        };
        let beyond = along - within;
        let is_near = beyond * beyond + beside * beside <= self.width_steps_squared;
        (along - self.width_steps, is_near)
    }

    /// The part of the line that ends behind whoever is met after so many metres of the way.
    pub(super) fn part(&self, met_m: f64) -> f64 {
        let part = met_m / self.reach_m;
        if !(0.0..1.0).contains(&part) {
            return f64::INFINITY; // NaN where the way is a point
        }
        // Of a projected way, parts are as a cross ratio has them.
        part / (part + self.outs * (1.0 - part)) + ROUNDING
    }

    /// The length of a part in steps.
    pub(super) fn steps(&self, part: f64) -> f32 {
        (part * self.length * f64::from(STEPS)) as f32 + 1.0
    }

    /// Tells every cell of the face that is touched, column by column along the axis that the line follows most. With it comes the
    /// part of the line that ends where its column begins.
    pub(super) fn for_each_cell(
        &self,
        mut tell: impl FnMut(CellAt, f64) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let ways = [self.to[0] - self.from[0], self.to[1] - self.from[1]];
        let a = usize::from(ways[1].abs() > ways[0].abs());
        let b = 1 - a;
        let is_back = ways[a] < 0.0;
        let per_way = if ways[a] == 0.0 { 0.0 } else { 1.0 / ways[a] };
        let slope = ways[b] * per_way;
        let (low, high) = ordered(self.from[a], self.to[a]);
        let columns = self.columns(low, high);
        for n in 0..=columns.1 - columns.0 {
            let column = if is_back {
                columns.1 - n
            } else {
                columns.0 + n
            };
            // The part of the line whose width reaches into the column.
            let left = larger(f64::from(column) - self.width, low);
            let right = smaller(f64::from(column) + 1.0 + self.width, high);
            let beside = |at: f64| self.from[b] + slope * (at - self.from[a]);
            let (near, far) = ordered(beside(left), beside(right));
            let rows = self.columns(near, far);
            let enters = (if is_back { right } else { left } - self.from[a]) * per_way;
            for row in rows.0..=rows.1 {
                let [i, j] = if a == 0 { [column, row] } else { [row, column] };
                let face = self.face;
                tell(CellAt { face, i, j }, enters)?;
            }
        }
        ControlFlow::Continue(())
    }

    /// The columns or rows of the face from one coordinate to another, the width added.
    fn columns(&self, low: f64, high: f64) -> (u32, u32) {
        let first = larger(low - self.width, self.bounds[0]) as u32;
        let last = smaller(high + self.width, self.bounds[1]) as u32;
        (first, last.max(first))
    }
}

/// A cell's corner as a line has it, in steps.
#[derive(Clone, Copy, Default)]
pub(super) struct CellOnLine {
    along: f32,
    beside: f32,
}

/// What rounding may take from a part of a line.
const ROUNDING: f64 = 1e-9;

/// The larger of two numbers that are none of them NaN; `max` takes care of that.
pub(super) fn larger(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

pub(super) fn smaller(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}

fn ordered(a: f64, b: f64) -> (f64, f64) {
    if a <= b { (a, b) } else { (b, a) }
}
