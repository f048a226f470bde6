//! Who is near a path.
//!
//! ```text
//!    a ──────────────── b          q is the point of the segment that is nearest to p; p is in the corridor when
//!    (      ┆ d         )          d ≤ r. A segment is halved until few candidates are around a half, or the half
//!     ──────┆──────────            is as short as r; a candidate is looked at by the half that q is in.
//!           p
//! ```

use glam::DVec3;

use super::moving::{Hit, InvalidRadius, check_radius};
use super::view::IndexView;
use crate::planet::{CoordError, Ecef};
use crate::region::unit;

/// All places within a distance of a path of straight segments.
///
/// Distances are three-dimensional: a segment is a chord, which dips below the datum (by 0.2 m after 3 km on Earth, 20 m
/// after 32 km). A path along the surface needs points near enough to each other.
#[derive(Clone, PartialEq, Debug)]
pub struct Corridor {
    points: Vec<Ecef>, // at least one
    radius_m: f64,
}

impl Corridor {
    /// Around a path from point to point; of a single point it is a ball.
    ///
    /// # Errors
    /// [`InvalidCorridor::Empty`] without points, [`InvalidCorridor::Radius`] when the radius is negative or NaN.
    pub fn new(points: Vec<Ecef>, radius_m: f64) -> Result<Self, InvalidCorridor> {
        check_radius(radius_m)?;
        if points.is_empty() {
            return Err(InvalidCorridor::Empty);
        }
        Ok(Self { points, radius_m })
    }

    /// Around the first `length_m` of a ray from a place into a direction (of any length but zero).
    ///
    /// # Errors
    /// [`InvalidCorridor::Direction`] when there is no direction, [`InvalidCorridor::Length`] when the length is negative
    /// or not finite, [`InvalidCorridor::End`] when the end is no place, [`InvalidCorridor::Radius`] as above.
    pub fn ray(
        from: Ecef,
        direction: DVec3,
        length_m: f64,
        radius_m: f64,
    ) -> Result<Self, InvalidCorridor> {
        let ahead = unit(direction).ok_or(InvalidCorridor::Direction(direction.to_array()))?;
        if !(length_m >= 0.0 && length_m.is_finite()) {
            return Err(InvalidCorridor::Length(length_m));
        }
        let [x, y, z] = (from.to_vec() + ahead * length_m).to_array();
        Self::new(vec![from, Ecef::new(x, y, z)?], radius_m)
    }

    /// The path.
    pub fn points(&self) -> &[Ecef] {
        &self.points
    }

    /// The greatest distance from the path, metres.
    pub fn radius_m(&self) -> f64 {
        self.radius_m
    }

    fn segments(&self) -> impl Iterator<Item = Segment> + '_ {
        let next = self.points.iter().skip(1);
        let last = self.points.last(); // of a single point to itself
        let ends = next.chain(last.filter(|_| self.points.len() == 1));
        self.points.iter().zip(ends).map(|(a, b)| Segment {
            a: a.to_vec(),
            along: b.to_vec() - a.to_vec(),
        })
    }
}

#[derive(Clone, Copy)]
struct Segment {
    a: DVec3,
    along: DVec3,
}

impl Segment {
    /// Where the nearest point is, from 0 at one end to 1 at the other, and how far it is.
    ///
    /// The truth of a corridor, in f64 as written here.
    fn nearest(&self, p: DVec3) -> (f64, f64) {
        let square = self.along.length_squared();
        let t = if square > 0.0 {
            ((p - self.a).dot(self.along) / square).clamp(0.0, 1.0)
        } else {
            0.0
        };
        (t, p.distance(self.a + self.along * t))
    }
}

/// A part of a segment.
#[derive(Clone, Copy)]
struct Part {
    from: f64,
    to: f64,
}

/// Around a part of a segment with so many candidates it is not worth halving.
const CANDIDATES_FEW: usize = 48;
/// Halves of halves, at most; and how often in a row they may leave nearly as many candidates. A stack of entities, one above
/// the other, is near every part of a path along it: however short the parts are, all of them would look at all of it.
const DEPTH_MAX: u32 = 40;
const FRUITLESS_MAX: u32 = 8;

/// What halving has come to.
#[derive(Clone, Copy)]
struct Halving {
    depth: u32,
    count: usize, // candidates around what was halved
    fruitless: u32,
}

impl Halving {
    const START: Self = Self {
        depth: 0,
        count: usize::MAX,
        fruitless: 0,
    };

    fn next(self, count: usize) -> Self {
        let is_fruitless = count > self.count / 4 * 3;
        Self {
            depth: self.depth + 1,
            count,
            fruitless: if is_fruitless { self.fruitless + 1 } else { 0 },
        }
    }

    fn is_worth_it(self) -> bool {
        self.depth <= DEPTH_MAX && self.fruitless <= FRUITLESS_MAX
    }
}

impl IndexView<'_> {
    /// Everybody within a corridor, with the distance from its path, in iteration order. `out` is cleared first.
    /// Allocates only when it grows.
    pub fn corridor(&self, corridor: &Corridor, out: &mut Vec<Hit>) {
        out.clear();
        let search = CorridorSearch {
            view: self,
            radius_m: corridor.radius_m,
        };
        for segment in corridor.segments() {
            let whole = Part { from: 0.0, to: 1.0 };
            search.search(&segment, whole, Halving::START, out);
        }
        // Rows are slots until here, so this is iteration order; of a slot's distances the least is first.
        let by_slot = |hit: &Hit| (hit.row, hit.distance_m.to_bits()); // no distance is negative
        out.sort_unstable_by_key(by_slot);
        out.dedup_by_key(|hit| hit.row);
        for hit in out {
            hit.row = self.index.order.rows[hit.row as usize];
            hit.id = self.ids[hit.row as usize];
        }
    }
}

struct CorridorSearch<'a> {
    view: &'a IndexView<'a>,
    radius_m: f64,
}

impl CorridorSearch<'_> {
    fn search(&self, segment: &Segment, part: Part, halving: Halving, out: &mut Vec<Hit>) {
        let middle = 0.5 * (part.from + part.to);
        let half_m = 0.5 * (part.to - part.from) * segment.along.length();
        let center = segment.a + segment.along * middle;
        // Wider than the rounding of the centre and of what is nearest.
        let slack_m = 1e-12 * (segment.a.length() + segment.along.length() + self.radius_m);
        let reach_m = half_m + self.radius_m + slack_m;
        let order = &self.view.index.order;
        let mut count = 0;
        order.for_each_run_near(center, reach_m, |_, run| count += run.len());
        if count == 0 {
            return;
        }
        let halving = halving.next(count);
        if count > CANDIDATES_FEW && half_m > self.radius_m && halving.is_worth_it() {
            for part in [
                Part { to: middle, ..part },
                Part {
                    from: middle,
                    ..part
                },
            ] {
                self.search(segment, part, halving, out);
            }
            return;
        }
        order.for_each_run_near(center, reach_m, |_, run| {
            for slot in run {
                self.look(segment, part, slot, out);
            }
        });
    }

    fn look(&self, segment: &Segment, part: Part, slot: u32, out: &mut Vec<Hit>) {
        let row = self.view.index.order.rows[slot as usize];
        let (t, distance_m) = segment.nearest(self.view.places[row as usize].to_vec());
        let is_here = part.from <= t && (t < part.to || part.to == 1.0);
        if is_here && distance_m <= self.radius_m {
            out.push(Hit {
                id: crate::EntityId(0), // once it is known which hits remain
                row: slot,
                distance_m,
            });
        }
    }
}

/// Why a corridor was refused.
#[derive(Clone, Copy, PartialEq, Debug, thiserror::Error)]
pub enum InvalidCorridor {
    /// The path has no point.
    #[error("a corridor needs a path of at least one point")]
    Empty,
    /// The radius is negative or no number.
    #[error(transparent)]
    Radius(#[from] InvalidRadius),
    /// The direction is zero or not finite.
    #[error("direction {0:?} of a ray has no direction")]
    Direction([f64; 3]),
    /// The length is negative or not finite.
    #[error("length {0} m of a ray is not a finite number from 0 up")]
    Length(f64),
    /// The end of a ray is too far out.
    #[error("the end of the ray is no place: {0}")]
    End(#[from] CoordError),
}
