//! The peers, each behind the little that cases need of it.
//!
//! Points are planet-centred metres, or what [`PointIndex::native`] has made of them before anything is timed.

pub(crate) mod h3;
pub(crate) mod kiddo;
pub(crate) mod rstar;
pub(crate) mod s2_cpp;
pub(crate) mod s2_rust;

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
