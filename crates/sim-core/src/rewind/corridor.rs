//! Who is near a straight way, or near a place: the cells to look into.

use core::ops::ControlFlow;

use spatial_core::DVec3;

use super::cells::{CellAt, Cells, Key, Sheet, face_of, parts, seen_from};
use super::line::{Line, larger, smaller};

/// A straight way, and how far beside it there may be the axis of a capsule that it meets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Corridor {
    pub(super) from: DVec3,
    pub(super) direction: DVec3, // of length 1
    pub(super) reach_m: f64,
    pub(super) width_m: f64,
}

/// Beyond this part of the distance to the planet's centre, ways and balls are not followed over faces.
const NEAR: f64 = 1.0 / 16.0;
/// Nor beyond so many cells: steps of them are counted as f32.
const LONG: f64 = 8_192.0;

impl Corridor {
    /// About how many cells it touches; infinite when it cannot be followed.
    pub(super) fn cells(&self, sheet: Sheet) -> f64 {
        let distance_m = self.from.length_squared().sqrt();
        if self.reach_m + self.width_m > NEAR * distance_m {
            return f64::INFINITY;
        }
        let per_m = 2.0 * sheet.scale / distance_m;
        let wide = 2.0 + 2.0 * self.width_m * per_m;
        let long = wide + self.reach_m * per_m;
        if long > LONG {
            f64::INFINITY
        } else {
            long * wide
        }
    }

    /// Asks about all who may be met on the way, mostly nearer ones first; about a few twice.
    pub(super) fn for_each_near(
        &self,
        (sheet, cells): (Sheet, &Cells),
        visitor: &mut impl Visitor,
    ) {
        let mut batch = Batch::new(sheet, cells);
        let mut pass = |line: Line| {
            batch.first.part = line.part(batch.first.met_m);
            let _ = line.for_each_cell(|cell, enters| {
                if enters > batch.first.part {
                    return ControlFlow::Break(());
                }
                if batch.push(cell) {
                    batch.look(&line, visitor);
                }
                ControlFlow::Continue(())
            });
            batch.look(&line, visitor);
        };
        let home = face_of(self.from);
        let Some(line) = self.on_face(home, sheet) else {
            return;
        };
        let is_all = line.is_inside_face();
        pass(line);
        if !is_all {
            let others = (0..6).filter(|face| *face != home);
            others
                .filter_map(|face| self.on_face(face, sheet))
                .for_each(pass);
        }
    }

    /// The way as a face sees it; `None` when it does not come near the face.
    fn on_face(&self, face: u8, sheet: Sheet) -> Option<Line> {
        let [a0, b0, out0] = seen_from(face, self.from);
        // All of a way that can be followed is nearly in one direction, and a face ends where out is 0.58 of the distance.
        if out0 <= 0.0 || a0.abs().max(b0.abs()) > 1.25 * out0 {
            return None;
        }
        let [a1, b1, out1] = seen_from(face, self.from + self.direction * self.reach_m);
        let [from, to] = [[a0 / out0, b0 / out0], [a1 / out1, b1 / out1]];
        // What moves near a place that is seen at (a, b) is seen to move at most √(1 + a² + b²) times as far, in distances out.
        let aside = self.width_m / (smaller(out0, out1) - self.width_m);
        let far = [0, 1].map(|axis| larger(from[axis].abs(), to[axis].abs()) + 2.0 * aside);
        let width = (1.0 + far[0] * far[0] + far[1] * far[1]).sqrt() * aside;
        let on_sheet = |at: [f64; 2]| at.map(|x| (x + 2.0) * sheet.scale);
        let ends = (on_sheet(from), on_sheet(to));
        let outs = out0 / out1;
        let line = Line::new(
            (face, sheet),
            ends,
            width * sheet.scale,
            (self.reach_m, outs),
        );
        line.touches_face().then_some(line)
    }
}

/// Who asks about those near a way.
pub(super) trait Visitor {
    /// A slot will soon be asked about.
    fn fetch(&self, slot: u16);

    /// A slot is asked about. From now on nobody beyond the distance that is answered matters, metres along the way.
    fn visit(&mut self, slot: u16) -> f64;
}

/// Cells that are looked into together, in passes that ask for the memory of the next one: where their entries are, which
/// of these are near, and whose they are.
struct Batch<'a> {
    sheet: Sheet,
    cells: &'a Cells,
    at: [(CellAt, Key); CELLS_MAX],
    count: usize,
    full: usize, // the first batch is small: most ways end soon where there are many
    first: First,
}

const CELLS_MAX: usize = 16;
const CELLS_FIRST: usize = 4;
const ENTRIES_MAX: usize = 24;

impl<'a> Batch<'a> {
    fn new(sheet: Sheet, cells: &'a Cells) -> Self {
        Self {
            sheet,
            cells,
            at: [<(CellAt, Key)>::default(); CELLS_MAX],
            count: 0,
            full: CELLS_FIRST,
            first: First {
                met_m: f64::INFINITY,
                part: f64::INFINITY,
            },
        }
    }

    /// Adds a cell; whether it is time to look.
    #[inline]
    fn push(&mut self, cell: CellAt) -> bool {
        self.at[self.count] = (cell, self.cells.look_up(self.sheet, cell));
        self.count += 1;
        self.count == self.full
    }

    /// Asks about those near the line, and empties the batch.
    fn look(&mut self, line: &Line, visitor: &mut impl Visitor) {
        let mut runs = [[0; 2]; CELLS_MAX];
        for (run, (_, key)) in runs.iter_mut().zip(&self.at[..self.count]) {
            *run = self.cells.run(*key);
        }
        let mut found = Near::default();
        for (run, (cell, key)) in runs.into_iter().zip(&self.at[..self.count]) {
            let place = line.place(*cell);
            for entry in self.cells.entries(run) {
                let (slot, tag, step) = parts(*entry);
                let (along, is_near) = line.is_near(&place, step);
                found.push((slot, along), is_near & (tag == key.tag));
                if found.count == ENTRIES_MAX {
                    self.first.visit(line, &mut found, visitor);
                }
            }
        }
        self.first.visit(line, &mut found, visitor);
        self.count = 0;
        self.full = CELLS_MAX;
    }
}

/// Who is met first.
struct First {
    met_m: f64,
    part: f64, // of the line that is asked about; nobody beyond its end matters
}

impl First {
    /// Asks about all of a list who matter, and empties it.
    fn visit(&mut self, line: &Line, found: &mut Near, visitor: &mut impl Visitor) {
        let list = &found.list[..found.count];
        found.count = 0;
        list.iter().for_each(|(slot, _)| visitor.fetch(*slot));
        let mut last = line.steps(self.part);
        for (slot, along) in list {
            if *along > last {
                continue;
            }
            let met_m = visitor.visit(*slot);
            if met_m < self.met_m {
                self.met_m = met_m;
                self.part = line.part(met_m);
                last = line.steps(self.part);
            }
        }
    }
}

/// Slots near a line, and how far along it they are.
struct Near {
    list: [(u16, f32); ENTRIES_MAX],
    count: usize, // below the maximum
}

impl Default for Near {
    fn default() -> Self {
        Self {
            list: [(0, 0.0); ENTRIES_MAX],
            count: 0,
        }
    }
}

impl Near {
    /// Without a branch that nobody could predict.
    #[inline]
    fn push(&mut self, entry: (u16, f32), is_near: bool) {
        self.list[self.count] = entry;
        self.count += usize::from(is_near);
    }
}

/// About how many cells a ball touches; infinite when it cannot be found on faces.
pub(super) fn cells_of_ball(center: DVec3, radius_m: f64, sheet: Sheet) -> f64 {
    let ball = Corridor {
        from: center,
        direction: DVec3::X,
        reach_m: 0.0,
        width_m: radius_m,
    };
    ball.cells(sheet)
}

/// Asks about all whose axis comes within a distance of a place, and about some more; about a few twice.
pub(super) fn for_each_around(
    (sheet, cells): (Sheet, &Cells),
    center: DVec3,
    radius_m: f64,
    visitor: &mut impl Visitor,
) {
    let ball = Corridor {
        from: center,
        direction: DVec3::X,
        reach_m: 0.0,
        width_m: radius_m,
    };
    ball.for_each_near((sheet, cells), visitor);
}
