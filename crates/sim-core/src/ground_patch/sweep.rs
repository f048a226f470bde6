//! Where a ball that travels first meets the ground.

use spatial_core::DVec3;

use super::touching::cells_within;
use super::{Chart, GroundPatch};
use crate::shape::Touch;

/// The ground around the agent is not resident: its tick is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotResident;

/// A ball is on the ground when it is no farther from it, metres, either side.
const ON_GROUND_M: f64 = 1.0 / 4_096.0;

/// Places along a travel that are looked at, at most: longer travels have longer steps.
const LOOKS_MAX: f64 = 256.0;

/// Narrowings of the part of a travel in which the ground is met.
const NARROWINGS: u32 = 24;

/// Cells of which a bound is taken. More of them are walked over without one.
const CELLS_MAX: u32 = 64;

/// What the ground of some cells is not above, and how steep it is not.
#[derive(Clone, Copy)]
struct Bound {
    top_m: f64,
    slope: f64,
}

/// A ball that travels, by its lowest point.
struct Way<'p, 'a> {
    patch: &'p GroundPatch<'a>,
    from: DVec3,
    travel: DVec3,
    radius_m: f64,
}

impl GroundPatch<'_> {
    /// Where a ball, told by its lowest point, comes to the ground. It may start on it: then it is stopped at once if it goes down into
    /// it, and not for going along it.
    ///
    /// Nothing is jumped over that is higher than 3 % of the radius, or half a centimetre for small ones on fine ground.
    ///
    /// # Errors
    /// [`NotResident`] where ground on the way is not there.
    pub fn sweep(
        &self,
        from: DVec3,
        travel: DVec3,
        radius_m: f64,
    ) -> Result<Option<Touch>, NotResident> {
        let to = from + travel;
        let bound = self.bound(from, to, radius_m)?;
        let low = if travel.z < 0.0 { to.z } else { from.z };
        if low > bound.top_m {
            return Ok(None);
        }
        let way = Way {
            patch: self,
            from,
            travel,
            radius_m,
        };
        way.first_contact(bound.slope)
    }

    /// A bound of all cells that a ball touches on a straight way. No bound where there are very many.
    fn bound(&self, from: DVec3, to: DVec3, radius_m: f64) -> Result<Bound, NotResident> {
        let mut bound = Bound {
            top_m: f64::NEG_INFINITY,
            slope: 0.0,
        };
        for chart in self.charts() {
            let Some([low, high]) = chart.cells_between(from, to, radius_m, self.face_intervals)
            else {
                continue;
            };
            if (high[0] - low[0] + 1).saturating_mul(high[1] - low[1] + 1) > CELLS_MAX {
                return Ok(Bound {
                    top_m: f64::INFINITY,
                    slope: f64::INFINITY,
                });
            }
            for j in low[1]..=high[1] {
                for i in low[0]..=high[0] {
                    let corners = self.corners(chart.face, i, j).ok_or(NotResident)?;
                    bound.add(corners, chart);
                }
            }
        }
        Ok(bound)
    }
}

impl Bound {
    fn add(&mut self, [a, b, c, d]: [f64; 4], chart: &Chart) {
        let larger = |a: f64, b: f64| if a > b { a } else { b };
        let top = larger(larger(a, b), larger(c, d));
        self.top_m = larger(self.top_m, top);
        let along_i = larger((b - a).abs(), (d - c).abs()) * chart.per_m[0];
        let along_j = larger((c - a).abs(), (d - b).abs()) * chart.per_m[1];
        self.slope = larger(self.slope, along_i + along_j);
    }
}

impl Chart {
    /// The cells of the face, lowest and highest, that a ball may touch on a straight way.
    fn cells_between(
        &self,
        from: DVec3,
        to: DVec3,
        radius_m: f64,
        face_intervals: u32,
    ) -> Option<[[u32; 2]; 2]> {
        let (a, b) = (self.place(from.x, from.y), self.place(to.x, to.y));
        let middle = [0.5 * (a[0] + b[0]), 0.5 * (a[1] + b[1])];
        let span = |k: usize| 0.5 * (a[k] - b[k]).abs() + radius_m * self.per_m[k];
        cells_within(middle, [span(0), span(1)], face_intervals)
    }
}

impl Way<'_, '_> {
    fn gap(&self, time: f64) -> Result<(f64, DVec3), NotResident> {
        let at = self.from + self.travel * time;
        let rest = self
            .patch
            .rest(at.x, at.y, self.radius_m)
            .ok_or(NotResident)?;
        Ok((at.z - rest.height_m, rest.normal))
    }

    fn goes_into(&self, normal: DVec3) -> bool {
        normal.dot(self.travel) < -1e-9 * self.travel.length()
    }

    /// Steps that cannot pass the ground by its steepest slope, but are not shorter than what a ball of this radius may clip.
    fn first_contact(&self, slope: f64) -> Result<Option<Touch>, NotResident> {
        let level_m = (self.travel.x * self.travel.x + self.travel.y * self.travel.y).sqrt();
        let closing_m = match level_m > 0.0 {
            true => slope * level_m - self.travel.z,
            false => -self.travel.z,
        };
        let (mut gap, normal) = self.gap(0.0)?;
        if gap <= ON_GROUND_M && self.goes_into(normal) {
            return Ok(Some(Touch { time: 0.0, normal }));
        }
        if closing_m <= 0.0 {
            return Ok(None);
        }
        let least_m = if self.radius_m > 0.04 {
            0.25 * self.radius_m
        } else {
            0.01
        };
        let least = 1.0 / LOOKS_MAX;
        let least = if least_m > least * level_m {
            least_m / level_m
        } else {
            least
        };
        let mut time = 0.0;
        while time < 1.0 {
            let safe = gap / closing_m;
            let step = if safe > least { safe } else { least };
            let next = if time + step < 1.0 { time + step } else { 1.0 };
            let (there, normal) = self.gap(next)?;
            if there < -ON_GROUND_M {
                return self.narrow((time, gap), (next, there)).map(Some);
            }
            if there <= ON_GROUND_M && self.goes_into(normal) {
                return Ok(Some(Touch { time: next, normal }));
            }
            (time, gap) = (next, there);
        }
        Ok(None)
    }

    /// The contact between a time above the ground and one below it.
    fn narrow(&self, mut above: (f64, f64), mut below: (f64, f64)) -> Result<Touch, NotResident> {
        for _ in 0..NARROWINGS {
            // Where a straight line says, but not too near to either end.
            let part = above.1 / (above.1 - below.1);
            let part = if part > 0.1 { part } else { 0.1 };
            let part = if part < 0.9 { part } else { 0.9 };
            let time = above.0 + (below.0 - above.0) * part;
            let (gap, normal) = self.gap(time)?;
            if gap.abs() <= ON_GROUND_M {
                return Ok(Touch { time, normal });
            }
            match gap > 0.0 {
                true => above = (time, gap),
                false => below = (time, gap),
            }
        }
        let (_, normal) = self.gap(below.0)?;
        Ok(Touch {
            time: above.0,
            normal,
        })
    }
}
