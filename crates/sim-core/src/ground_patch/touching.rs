//! Where a ball touches the ground below it.
//!
//! The surface that its lowest point may be on is the highest of hemispheres over all of the ground within its radius. Within a
//! cell the best one is where the ground is square to the line to the centre; along an edge, which is straight, in closed form; a
//! corner is the end of an edge. A cell so twisted that there may be several such places is searched line by line: a bilinear cell is
//! made of straight lines.

use spatial_core::DVec3;

use super::{Chart, GroundPatch, Rest};

/// Looks for the place in a cell where the ground is square to the line to the centre. Flat cells need one, rough ones some.
const LOOKS_MAX: u32 = 16;

/// Two looks that differ by less than this part of the radius are one: heights then differ by its square.
const LOOK_EQUAL: f64 = 1e-4;

/// How much the ground may turn under a ball for looks to come nearer by half each time. Above, cells are searched.
const TWIST_MAX: f64 = 0.5;

/// Lines of a twisted cell that are looked at, and steps of the search between the best one's neighbours.
const LINES: u32 = 12;
const NARROWINGS: u32 = 20;

/// A ball over the ground.
#[derive(Clone, Copy)]
struct Ball {
    radius: f64,
    square: f64, // of the radius
}

/// The best of what was found so far: height of the ball's centre, and from there to where it touches, level.
#[derive(Clone, Copy)]
struct Best {
    centre_m: f64,
    to: [f64; 2],
}

impl Best {
    #[inline]
    fn consider(&mut self, centre_m: f64, to: [f64; 2]) {
        if centre_m > self.centre_m {
            *self = Self { centre_m, to };
        }
    }
}

/// A cell of the lattice under the ball.
struct Square<'c> {
    chart: &'c Chart,
    at: [f64; 2],      // of the ball's centre, in intervals from the cell's corner
    corners: [f64; 4], // at (0, 0), (1, 0), (0, 1), (1, 1)
}

impl GroundPatch<'_> {
    /// The lowest place for a ball above (x, y) that does not penetrate the ground; `None` where ground under it is not resident.
    ///
    /// Right to 1 mm, and on all but the roughest ground to a rounding. A radius of 0 asks for the ground itself.
    pub fn rest(&self, x: f64, y: f64, radius_m: f64) -> Option<Rest> {
        let ball = Ball {
            radius: radius_m,
            square: radius_m * radius_m,
        };
        let mut best = Best {
            centre_m: f64::NEG_INFINITY,
            to: [0.0, 0.0],
        };
        for chart in self.charts() {
            self.touch(chart, [x, y], ball, &mut best)?;
        }
        let [to_x, to_y] = best.to;
        let drop = ball.square - (to_x * to_x + to_y * to_y);
        let normal = match radius_m > 0.0 {
            true => DVec3::new(-to_x, -to_y, if drop > 0.0 { drop.sqrt() } else { 0.0 }) / radius_m,
            false => DVec3::Z,
        };
        // No chart had a cell: only where the place is no place.
        (best.centre_m > f64::NEG_INFINITY).then_some(Rest {
            height_m: best.centre_m - radius_m - self.sag_per_m2 * (x * x + y * y),
            normal: normal + DVec3::ZERO,
        })
    }

    /// Everything of one face that a ball may touch.
    #[inline]
    fn touch(&self, chart: &Chart, [x, y]: [f64; 2], ball: Ball, best: &mut Best) -> Option<()> {
        let place = chart.place(x, y);
        let span = [ball.radius * chart.per_m[0], ball.radius * chart.per_m[1]];
        let Some([low, high]) = cells_within(place, span, self.face_intervals) else {
            return Some(()); // none of the face is under the ball
        };
        let last = f64::from(self.face_intervals - 1);
        let own = [clamped(place[0], last), clamped(place[1], last)];
        let own_square = self.square(chart, place, own)?;
        own_square.inside(ball, best);
        if own_square.holds_all(span) {
            return Some(()); // no edge in reach
        }
        for j in low[1]..=high[1] {
            for i in low[0]..=high[0] {
                let square = self.square(chart, place, [i, j])?;
                if square.may_beat(ball, best.centre_m) {
                    if [i, j] != own {
                        square.inside(ball, best);
                    }
                    square.edges(ball, best, [i == high[0], j == high[1]]);
                }
            }
        }
        Some(())
    }

    #[inline]
    fn square<'c>(
        &self,
        chart: &'c Chart,
        place: [f64; 2],
        [i, j]: [u32; 2],
    ) -> Option<Square<'c>> {
        Some(Square {
            chart,
            at: [place[0] - f64::from(i), place[1] - f64::from(j)],
            corners: self.corners(chart.face, i, j)?,
        })
    }
}

/// The lowest and highest cells of a face within a span of a place, if there are any.
#[inline]
pub(super) fn cells_within(
    place: [f64; 2],
    span: [f64; 2],
    face_intervals: u32,
) -> Option<[[u32; 2]; 2]> {
    let last = f64::from(face_intervals - 1);
    let (i_low, i_high) = (place[0] - span[0], place[0] + span[0]);
    let (j_low, j_high) = (place[1] - span[1], place[1] + span[1]);
    let is_off = i_high < 0.0 || j_high < 0.0 || i_low > last + 1.0 || j_low > last + 1.0;
    (!is_off).then(|| {
        [
            [clamped(i_low, last), clamped(j_low, last)],
            [clamped(i_high, last), clamped(j_high, last)],
        ]
    })
}

/// The cell that a lattice coordinate is in, or the nearest one of the face.
#[inline]
fn clamped(place: f64, last: f64) -> u32 {
    if place >= last {
        last as u32
    } else {
        place as u32 // from 0 up; what is below, and NaN, is 0
    }
}

impl Square<'_> {
    /// Whether the whole ball is over the cell.
    #[inline]
    fn holds_all(&self, span: [f64; 2]) -> bool {
        let [p, q] = self.at;
        p > span[0] && p + span[0] < 1.0 && q > span[1] && q + span[1] < 1.0
    }

    /// Whether any point of the cell could hold the ball higher.
    #[inline]
    fn may_beat(&self, ball: Ball, centre_m: f64) -> bool {
        let [a, b, c, d] = self.corners;
        let top = larger(larger(a, b), larger(c, d));
        // Lines of i and of j are as far as their rows tell; the farther of the two is not beyond the cell.
        let i = beyond(self.at[0]) * self.chart.m_per[0];
        let j = beyond(self.at[1]) * self.chart.m_per[1];
        let away = larger(i, j);
        let (rise, missing) = (ball.square - away * away, centre_m - top);
        rise >= 0.0 && (missing < 0.0 || missing * missing < rise)
    }

    /// Slopes along x and y at a place in the cell.
    #[inline]
    fn slopes(&self, [p, q]: [f64; 2]) -> [f64; 2] {
        let [a, b, c, d] = self.corners;
        let along_i = (b - a) * (1.0 - q) + (d - c) * q;
        let along_j = (c - a) * (1.0 - p) + (d - b) * p;
        let [row_i, row_j] = &self.chart.rows;
        [
            along_i * row_i[0] + along_j * row_j[0],
            along_i * row_i[1] + along_j * row_j[1],
        ]
    }

    #[inline]
    fn height(&self, [p, q]: [f64; 2]) -> f64 {
        let [a, b, c, d] = self.corners;
        (a * (1.0 - p) + b * p) * (1.0 - q) + (c * (1.0 - p) + d * p) * q
    }

    #[inline]
    fn place(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let [row_i, row_j] = &self.chart.rows;
        [
            self.at[0] + row_i[0] * x + row_i[1] * y,
            self.at[1] + row_j[0] * x + row_j[1] * y,
        ]
    }

    /// The ball against the cell's inside.
    #[inline]
    fn inside(&self, ball: Ball, best: &mut Best) {
        let [a, b, c, d] = self.corners;
        let twist = ((a - b) + (d - c)) * self.chart.twist * ball.radius;
        if !(-TWIST_MAX..=TWIST_MAX).contains(&twist) {
            return self.search(ball, best);
        }
        let mut slopes = self.slopes([unit(self.at[0]), unit(self.at[1])]);
        for _ in 0..LOOKS_MAX {
            let steep_square = 1.0 + slopes[0] * slopes[0] + slopes[1] * slopes[1];
            let lean = ball.radius / steep_square.sqrt(); // height of the centre over where it touches
            let to = [slopes[0] * lean, slopes[1] * lean];
            let place = self.place(to);
            let next = self.slopes([unit(place[0]), unit(place[1])]);
            let (dx, dy) = (next[0] - slopes[0], next[1] - slopes[1]);
            if dx * dx + dy * dy <= LOOK_EQUAL * LOOK_EQUAL * steep_square {
                let is_inside = |p: f64| (-1e-9..=1.0 + 1e-9).contains(&p);
                if is_inside(place[0]) && is_inside(place[1]) {
                    best.consider(self.height(place) + lean, to);
                }
                return; // or its plane is touched beyond the cell
            }
            slopes = next;
        }
        self.search(ball, best);
    }

    /// The ball against the straight lines that the cell is made of: evenly, then between the neighbours of the best.
    #[cold]
    fn search(&self, ball: Ball, best: &mut Best) {
        let span = ball.radius * self.chart.per_m[0];
        let (mut low, mut high) = (unit(self.at[0] - span), unit(self.at[0] + span));
        let mut at_line = |p: f64| {
            let [a, b, c, d] = self.corners;
            let ends = [a + (b - a) * p, c + (d - c) * p];
            let Some((centre_m, to)) = self.line(ball, f64::NEG_INFINITY, (0, p), ends) else {
                return f64::NEG_INFINITY;
            };
            best.consider(centre_m, to);
            centre_m
        };
        let step = (high - low) / f64::from(LINES);
        let mut top = (f64::NEG_INFINITY, 0.0);
        for n in 0..=LINES {
            let p = low + step * f64::from(n);
            let centre_m = at_line(p);
            if centre_m > top.0 {
                top = (centre_m, p);
            }
        }
        (low, high) = (unit(top.1 - step), unit(top.1 + step));
        for _ in 0..NARROWINGS {
            let third = (high - low) / 3.0;
            match at_line(low + third) < at_line(high - third) {
                true => low += third,
                false => high -= third,
            }
        }
    }

    /// The ball against the cell's lower edges, and its upper ones where there is no further cell to have them.
    #[inline]
    fn edges(&self, ball: Ball, best: &mut Best, [is_last_i, is_last_j]: [bool; 2]) {
        let [a, b, c, d] = self.corners;
        self.edge(ball, best, (0, 0.0), [a, c]);
        self.edge(ball, best, (1, 0.0), [a, b]);
        if is_last_i {
            self.edge(ball, best, (0, 1.0), [b, d]);
        }
        if is_last_j {
            self.edge(ball, best, (1, 1.0), [c, d]);
        }
    }

    #[inline]
    fn edge(&self, ball: Ball, best: &mut Best, line: (usize, f64), ends: [f64; 2]) {
        if let Some((centre_m, to)) = self.line(ball, best.centre_m, line, ends) {
            best.consider(centre_m, to);
        }
    }

    /// The ball against the straight line where lattice coordinate `k` has a value, between the heights of its ends: the centre's height,
    /// and the way to where it touches. `None` where it does not, or could not be higher than what is known.
    #[inline]
    fn line(
        &self,
        ball: Ball,
        known_m: f64,
        (k, value): (usize, f64),
        [from, to]: [f64; 2],
    ) -> Option<(f64, [f64; 2])> {
        let (chart, other) = (self.chart, 1 - k);
        let off_m = (value - self.at[k]) * chart.m_per[k];
        let (square, missing) = (ball.square - off_m * off_m, known_m - larger(from, to));
        if square < 0.0 || missing > 0.0 && missing * missing >= square {
            return None;
        }
        let off = off_m * chart.m_per[k]; // times the row is the way to the foot of the line
        let radius = square.sqrt(); // of the circle that the line's upright plane cuts from the ball
        let length = chart.along_m[other];
        let foot_along = self.at[other] + chart.skew * off;
        let slope = (to - from) / length;
        let lean = radius * slope / (1.0 + slope * slope).sqrt() / length;
        let along = unit(foot_along + lean);
        let from_foot = along - foot_along;
        let over = square - from_foot * from_foot * length * length;
        if over < 0.0 {
            return None;
        }
        let (row, way) = (chart.rows[k], chart.along[other]);
        let touches = [
            row[0] * off + way[0] * from_foot,
            row[1] * off + way[1] * from_foot,
        ];
        Some((from + (to - from) * along + over.sqrt(), touches))
    }
}

#[inline]
fn larger(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

/// How far a coordinate is outside of the cell.
#[inline]
fn beyond(p: f64) -> f64 {
    larger(larger(-p, p - 1.0), 0.0)
}

/// A coordinate brought into the cell.
#[inline]
fn unit(p: f64) -> f64 {
    if p >= 1.0 {
        1.0
    } else if p > 0.0 {
        p
    } else {
        0.0
    }
}
