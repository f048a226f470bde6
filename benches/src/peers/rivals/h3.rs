//! The hexagons of H3.

use ::h3o::{CellIndex, LatLng, Resolution};

pub(crate) const NAME: &str = "h3o 0.11.1 (resolution 15)";

/// Cells of 0.9 m², the finest: of a leaf's kind, though a leaf is ten thousand times smaller.
pub(crate) fn cell_of_degrees([lat, lng]: [f64; 2]) -> CellIndex {
    let place = LatLng::new(lat, lng).expect("finite degrees");
    place.to_cell(Resolution::Fifteen)
}

/// The centre of a cell, degrees.
pub(crate) fn degrees_of_cell(cell: CellIndex) -> [f64; 2] {
    let center = LatLng::from(cell);
    [center.lat(), center.lng()]
}

/// A cell and those around it.
pub(crate) fn disk_of_cell(cell: CellIndex) -> Vec<CellIndex> {
    cell.grid_disk(1)
}
