//! Geographic features on the sphere: exact predicates, and what is built on them.

mod bounds;
mod box_tree;
mod centroid;
mod compare;
mod crossing;
mod edge_distance;
mod edge_set;
mod edge_tree;
mod exact;
mod feature;
mod feature_index;
mod file;
mod first_cells;
mod orientation;
mod polygon;
mod polygon_check;
mod polygon_error;
mod polyline;
mod ring;

pub use compare::{compare_distance, compare_distances};
pub use crossing::{Crossing, crossing, edge_or_vertex_crossing, vertex_crossing};
pub use feature::{Feature, Geometry, NoDirection};
pub use feature_index::{FeatureIndex, NearFeature, TooManyEdges, WithinError};
pub use file::{
    DensifyError, Edges, FeatureFault, FeatureFileError, FileOptions, Winding, densify,
    read_geojson, read_topojson,
};
pub use orientation::{Orientation, ordered_ccw, orientation};
pub use polygon::Polygon;
pub use polygon_error::PolygonError;
pub use polyline::{Polyline, PolylineError};
