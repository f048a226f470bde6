//! Features from files: GeoJSON and TopoJSON.

mod error;
mod geojson;
mod planar;
mod shape;
mod topojson;

pub use error::{FeatureFault, FeatureFileError};
pub use geojson::read_geojson;
pub use planar::{DensifyError, densify};
pub use shape::{Edges, FileOptions, Winding};
pub use topojson::read_topojson;
