//! Unions of regions of any kind.

use glam::DVec3;

use super::{Cap, Cell, LatLngRect, Region};

/// What lies in any of some regions.
///
/// ```
/// use spatial_core::{AnyOf, Cap, Coverer, DVec3, LatLngRect};
///
/// let cap = Cap::new(DVec3::X, 0.1)?;
/// let rect = LatLngRect::from_degrees([60.0, 70.0], [170.0, -170.0])?;
/// let covering = Coverer::new(Default::default())?.covering(&AnyOf(&[&cap, &rect]));
/// assert!(covering.len() <= 8);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct AnyOf<'a>(
    /// The regions.
    pub &'a [&'a dyn Region],
);

impl Region for AnyOf<'_> {
    fn cap_bound(&self) -> Cap {
        self.0
            .iter()
            .fold(Cap::EMPTY, |all, region| all.union(&region.cap_bound()))
    }

    fn rect_bound(&self) -> LatLngRect {
        self.0.iter().fold(LatLngRect::EMPTY, |all, region| {
            all.union(&region.rect_bound())
        })
    }

    fn contains_point(&self, direction: DVec3) -> bool {
        self.0.iter().any(|region| region.contains_point(direction))
    }

    /// Whether one of the regions contains the cell; several that contain it together are in doubt.
    fn contains_cell(&self, cell: &Cell) -> bool {
        self.0.iter().any(|region| region.contains_cell(cell))
    }

    fn may_intersect(&self, cell: &Cell) -> bool {
        self.0.iter().any(|region| region.may_intersect(cell))
    }
}
