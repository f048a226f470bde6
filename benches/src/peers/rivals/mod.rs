//! The peers, each behind the little that cases need of it.
//!
//! Points are planet-centred metres, or what [`PointIndex::native`] has made of them before anything is timed.

pub(crate) mod bevy;
pub(crate) mod h3;
pub(crate) mod hecs;
pub(crate) mod htg;
pub(crate) mod kiddo;
pub(crate) mod parry;
pub(crate) mod rapier;
pub(crate) mod rstar;
pub(crate) mod s2_cpp;
pub(crate) mod s2_rust;
pub(crate) mod shelves;

/// Number of a point, square of its distance.
pub(crate) type Found = (u32, f64);

/// An index of points.
pub(crate) trait PointIndex {
    /// Library, version and kind.
    fn name(&self) -> &'static str;

    /// Points as the other functions want them.
    fn native(&self, points: &[[f64; 3]]) -> Vec<[f64; 3]> {
        points.to_vec()
    }

    /// Everybody within a distance, the bound included, in any order. What was found before is forgotten.
    fn within(&mut self, center: [f64; 3], radius_m: f64, found: &mut Vec<Found>);

    /// The so many nearest, in any order. What was found before is forgotten.
    fn nearest(&mut self, center: [f64; 3], count: usize, found: &mut Vec<Found>);

    /// What is timed: a query after the other, each into the same buffer; the number of hits.
    fn within_each(&mut self, centers: &[[f64; 3]], radius_m: f64, found: &mut Vec<Found>) -> u64 {
        let mut hits = 0;
        for center in centers {
            self.within(*center, radius_m, found);
            hits += found.len() as u64;
        }
        hits
    }

    /// As [`PointIndex::within_each`], for the nearest.
    fn nearest_each(&mut self, centers: &[[f64; 3]], count: usize, found: &mut Vec<Found>) -> u64 {
        let mut hits = 0;
        for center in centers {
            self.nearest(*center, count, found);
            hits += found.len() as u64;
        }
        hits
    }
}

/// An index whose points can move one by one.
pub(crate) trait MovingPoints: PointIndex {
    /// Point by point; both as [`PointIndex::native`] gives them.
    fn move_each(&mut self, from: &[[f64; 3]], to: &[[f64; 3]]);
}

/// An entity of the races of columns.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Mover {
    pub(crate) place: [f32; 3],
    pub(crate) velocity: [f32; 3],
}

/// Something that keeps entities of two components. Entities have numbers that the caller gives from 0 up; what is timed
/// works on a selection, for a caller has the handles that he needs at hand.
pub(crate) trait EntityStore {
    /// Library and version.
    fn name(&self) -> &'static str;

    /// Takes the handles of these.
    fn select(&mut self, numbers: &[u32]);

    /// Gives what is selected these numbers: of others before, or the next.
    fn assign(&mut self, numbers: &[u32]);

    /// In one batch; they are selected.
    fn spawn(&mut self, movers: &[Mover]);

    /// What is selected; in one batch, where it has such.
    fn despawn(&mut self);

    /// Adds every velocity to its place.
    fn advance(&mut self);

    /// The sum of x of those selected, one after the other.
    fn look_up(&mut self) -> f32;

    /// Where an entity is.
    fn place(&mut self, number: u32) -> [f32; 3];

    /// Entities.
    fn len(&mut self) -> usize;
}

/// Handles by number, and a selection of them.
pub(crate) struct Handles<H> {
    pub(crate) by_number: Vec<H>,
    pub(crate) selected: Vec<H>,
}

impl<H> Default for Handles<H> {
    fn default() -> Self {
        Self {
            by_number: Vec::new(),
            selected: Vec::new(),
        }
    }
}

impl<H: Copy> Handles<H> {
    pub(crate) fn select(&mut self, numbers: &[u32]) {
        self.selected.clear();
        let of = |number: &u32| self.by_number[*number as usize];
        self.selected.extend(numbers.iter().map(of));
    }

    pub(crate) fn assign(&mut self, numbers: &[u32]) {
        for (number, handle) in numbers.iter().zip(&self.selected) {
            match self.by_number.get_mut(*number as usize) {
                Some(slot) => *slot = *handle,
                None => self.by_number.push(*handle),
            }
        }
    }
}
