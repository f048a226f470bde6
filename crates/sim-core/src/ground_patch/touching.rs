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
        let place = [0, 1].map(|k| chart.at[k] + chart.rows[k][0] * x + chart.rows[k][1] * y);
        let span = chart.per_m.map(|per_m| ball.radius * per_m);
        let last = f64::from(self.face_intervals) - 1.0;
        let (mut low, mut high, mut own) = ([0u32; 2], [0u32; 2], [0u32; 2]);
        for k in 0..2 {
            let (from, to) = (place[k] - span[k], place[k] + span[k]);
            if to < 0.0 || from > last + 1.0 {
                return Some(()); // none of the face is under the ball
            }
            low[k] = clamped(from, last);
            high[k] = clamped(to, last);
            own[k] = clamped(place[k], last);
        }
        let square = |i: u32, j: u32| {
            Some(Square {
                chart,
                at: [place[0] - f64::from(i), place[1] - f64::from(j)],
                corners: self.corners(chart.face, i, j)?,
            })
        };
        let own_square = square(own[0], own[1])?;
        own_square.inside(ball, best);
        let within = |k: usize| {
            place[k] - span[k] > f64::from(own[k]) && place[k] + span[k] < f64::from(own[k] + 1)
        };
        if within(0) && within(1) {
            return Some(()); // no edge in reach
        }
        own_square.edges(ball, best);
        for j in low[1]..=high[1] {
            for i in low[0]..=high[0] {
                if [i, j] != own {
                    let other = square(i, j)?;
                    if other.may_beat(ball, best.centre_m) {
                        other.inside(ball, best);
                        other.edges(ball, best);
                    }
                }
            }
        }
        Some(())
    }
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
    /// Whether any point of the cell could hold the ball higher.
    #[inline]
    fn may_beat(&self, ball: Ball, centre_m: f64) -> bool {
        let [a, b, c, d] = self.corners;
        let (ab, cd) = (if a > b { a } else { b }, if c > d { c } else { d });
        let top = if ab > cd { ab } else { cd };
        // Lines of i and of j are as far as their rows tell; the farther of the two is not beyond the cell.
        let away = |k: usize| {
            let p = self.at[k];
            let beyond = if p < 0.0 {
                -p
            } else if p > 1.0 {
                p - 1.0
            } else {
                0.0
            };
            beyond / self.chart.per_m[k]
        };
        let (i, j) = (away(0), away(1));
        let away = if i > j { i } else { j };
        let rise = ball.square - away * away;
        rise >= 0.0 && top + rise.sqrt() > centre_m
    }

    /// Slopes along x and y at a place in the cell.
    #[inline]
    fn slopes(&self, [p, q]: [f64; 2]) -> [f64; 2] {
        let [a, b, c, d] = self.corners;
        let along_i = (b - a) * (1.0 - q) + (d - c) * q;
        let along_j = (c - a) * (1.0 - p) + (d - b) * p;
        let rows = &self.chart.rows;
        [0, 1].map(|k| along_i * rows[0][k] + along_j * rows[1][k])
    }

    #[inline]
    fn height(&self, [p, q]: [f64; 2]) -> f64 {
        let [a, b, c, d] = self.corners;
        (a * (1.0 - p) + b * p) * (1.0 - q) + (c * (1.0 - p) + d * p) * q
    }

    #[inline]
    fn place(&self, to: [f64; 2]) -> [f64; 2] {
        let rows = &self.chart.rows;
        [0, 1].map(|k| self.at[k] + rows[k][0] * to[0] + rows[k][1] * to[1])
    }

    /// The ball against the cell's inside.
    #[inline]
    fn inside(&self, ball: Ball, best: &mut Best) {
        let [a, b, c, d] = self.corners;
        let [i_per_m, j_per_m] = self.chart.per_m;
        let twist = ((a - b) + (d - c)) * i_per_m * j_per_m * ball.radius;
        if !(-TWIST_MAX..=TWIST_MAX).contains(&twist) {
            return self.search(ball, best);
        }
        let mut slopes = self.slopes(self.at.map(unit));
        for _ in 0..LOOKS_MAX {
            let steep = (1.0 + slopes[0] * slopes[0] + slopes[1] * slopes[1]).sqrt();
            let lean = ball.radius / steep; // height of the centre over where it touches
            let to = slopes.map(|slope| slope * lean);
            let place = self.place(to);
            let next = self.slopes(place.map(unit));
            let (dx, dy) = (next[0] - slopes[0], next[1] - slopes[1]);
            if dx * dx + dy * dy <= LOOK_EQUAL * LOOK_EQUAL * steep * steep {
                let is_inside = |p: &f64| (-1e-9..=1.0 + 1e-9).contains(p);
                if place.iter().all(is_inside) {
                    best.consider(self.height(place) + lean, to);
                }
                return; // or its plane is touched beyond the cell
            }
            slopes = next;
        }
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

    /// The ball against the cell's four edges.
    #[inline]
    fn edges(&self, ball: Ball, best: &mut Best) {
        let [a, b, c, d] = self.corners;
        self.edge(ball, best, (0, 0.0), [a, c]);
        self.edge(ball, best, (0, 1.0), [b, d]);
        self.edge(ball, best, (1, 0.0), [a, b]);
        self.edge(ball, best, (1, 1.0), [c, d]);
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
        let chart = self.chart;
        let off = (value - self.at[k]) / (chart.per_m[k] * chart.per_m[k]); // of the foot, times the row
        let foot = chart.rows[k].map(|c| c * off);
        let square = ball.square - (foot[0] * foot[0] + foot[1] * foot[1]);
        if square < 0.0 {
            return None;
        }
        let radius = square.sqrt(); // of the circle that the line's upright plane cuts from the ball
        if (if from > to { from } else { to }) + radius <= known_m {
            return None;
        }
        let way = chart.along[1 - k]; // one interval along the line
        let length = (way[0] * way[0] + way[1] * way[1]).sqrt();
        let foot_along = self.at[1 - k] + chart.skew * off;
        let slope = (to - from) / length;
        let lean = radius * slope / (1.0 + slope * slope).sqrt() / length;
        let along = unit(foot_along + lean);
        let from_foot = along - foot_along;
        let over = square - from_foot * from_foot * length * length;
        if over < 0.0 {
            return None;
        }
        let centre_m = from + (to - from) * along + over.sqrt();
        Some((
            centre_m,
            [0, 1].map(|axis| foot[axis] + way[axis] * from_foot),
        ))
    }
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
