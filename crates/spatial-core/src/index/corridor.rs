//! Who is near a path.
//!
//! ```text
//!    a ──────────────── b          q is the point of the segment that is nearest to p; p is in the corridor when
//!    (      ┆ d         )          d ≤ r. A segment is halved until few candidates are around a half, or the half
//!     ──────┆──────────            is as short as r; a candidate is looked at by the half that q is in.
//!           p
//! ```
//!
//! Where halving gains nothing, as in a crowd that stands in one place, it soon ends: the work is proportional to the candidates
//! around the path, whatever the radius.

use core::ops::Range;

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

impl Part {
    const WHOLE: Self = Self { from: 0.0, to: 1.0 };

    fn middle(self) -> f64 {
        0.5 * (self.from + self.to)
    }

    fn halves(self) -> [Self; 2] {
        let middle = self.middle();
        [
            Self { to: middle, ..self },
            Self {
                from: middle,
                ..self
            },
        ]
    }
}

/// Around a part of a segment with so many candidates it is not worth halving.
const CANDIDATES_FEW: usize = 48;
/// How often in a row a part is halved although the halves have no fewer candidates together: a crowd beside the path is around
/// both halves at first.
const PATIENCE: u32 = 3;

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
            let count = search.count(&segment, Part::WHOLE);
            search.search(&segment, Part::WHOLE, count, PATIENCE, out);
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
    /// Looks at everybody around a part, of whom there are `count`, or around parts of it.
    fn search(
        &self,
        segment: &Segment,
        part: Part,
        count: usize,
        patience: u32,
        out: &mut Vec<Hit>,
    ) {
        if count == 0 {
            return;
        }
        if count <= CANDIDATES_FEW || self.half_m(segment, part) <= self.radius_m || patience == 0 {
            self.for_each_run(segment, part, |run| {
                for slot in run {
                    self.look(segment, part, slot, out);
                }
            });
            return;
        }
        let halves = part.halves();
        let counts = halves.map(|half| self.count(segment, half));
        let patience = match counts[0] + counts[1] < count {
            true => PATIENCE,
            false => patience - 1,
        };
        for (half, count) in halves.into_iter().zip(counts) {
            self.search(segment, half, count, patience, out);
        }
    }

    fn count(&self, segment: &Segment, part: Part) -> usize {
        let mut count = 0;
        self.for_each_run(segment, part, |run| count += run.len());
        count
    }

    /// The runs of all who may be within the radius of a part.
    fn for_each_run(&self, segment: &Segment, part: Part, mut visit: impl FnMut(Range<u32>)) {
        let center = segment.a + segment.along * part.middle();
        // Wider than the rounding of the centre and of what is nearest.
        let slack_m = 1e-12 * (segment.a.length() + segment.along.length() + self.radius_m);
        let reach_m = self.half_m(segment, part) + self.radius_m + slack_m;
        let order = &self.view.index.order;
        order.for_each_run_near(center, reach_m, |_, run| visit(run));
    }

    fn half_m(&self, segment: &Segment, part: Part) -> f64 {
        0.5 * (part.to - part.from) * segment.along.length()
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
