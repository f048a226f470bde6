//! Where everything on a planet is: coordinates, cells, columns, index, terrain and its stores.
//!
//! Goals, ranked: right, fast, simple, wide. No sockets, no async, no clocks, no physics.
//!
//! ```
//! use spatial_core::{CoordError, Geodetic, Planet};
//!
//! let earth = Planet::EARTH;
//! let place = earth.ecef(Geodetic::from_degrees(27.95, 86.95, 0.0)?);
//! let position = earth.position(place)?; // frame + integers of 2⁻¹⁶ m
//! assert!(earth.place(position)?.distance_m(place) < 1e-4);
//! # Ok::<(), CoordError>(())
//! ```

// The derive writes `::spatial_core::…`, here too.
extern crate self as spatial_core;

mod batch;
mod cell;
mod client_tile;
mod columns;
mod ellipsoid;
mod frame;
mod geo;
mod ground;
mod ids;
mod index;
#[cfg(feature = "maps")]
mod map;
mod memory;
mod planet;
mod projection;
mod region;
#[cfg(feature = "import")]
mod relief;
mod simd;
mod sphere;
mod store;
mod terrain;

pub use batch::BatchError;
pub use cell::{
    CellId, CellRange, GridKey, InvalidCell, InvalidDirection, InvalidFaceIj, InvalidFaceUv,
    InvalidToken, MAX_LEVEL, NeighborsAt, Token, VertexNeighbors, direction_to_face_uv,
    direction_to_face_uv_lanes, face_uv_to_direction, face_uv_to_direction_lanes, grid_keys,
    grid_keys_of_places, ij_to_st, ij_to_st_lanes, st_to_ij, st_to_ij_lanes, st_to_uv,
    st_to_uv_lanes, to_face_frame, uv_to_st, uv_to_st_lanes,
};
pub use client_tile::{ClientTile, EdgeSteps, Horizon, NodeBounds, TileMesh, TooCoarse};
pub use columns::{
    Access, Audience, BLOCK_ROWS, Block, Column, ColumnId, ColumnSchema, Component, Consumer,
    ConsumersFull, DespawnBatchError, Durability, FrameChangeError, Handle, Kind, Lane, LaneInfo,
    LaneSchema, LaneType, LaneValue, LoadError, Marked, Marks, Migration, MigrationError,
    MigrationRefused, OrderError, Part, RegisterError, Replication, SchemaError, SpawnBatchError,
    SpawnError, StaleHandle, Steps, Table, TableSchema, TableSnapshot, TagError, TagId,
    UnknownConsumer, UnknownEntity, Wire, WireError, WireParts, prefetch,
};
pub use derive::Component;
pub use ellipsoid::{Ellipsoid, EllipsoidError, Geodesic, GeodesicError, Geodesics, Wgs84Ecef};
pub use frame::{
    Axes, Carrier, FRAME_HYSTERESIS_M, Frame, FrameChange, FrameError, FrameId, Frames,
    NoCarrierId, Pose, PoseError, Position, PositionLanes, PositionLanesMut, UNITS_PER_M,
};
pub use geo::{
    Crossing, DensifyError, Edges, Feature, FeatureFault, FeatureFileError, FeatureIndex,
    FileOptions, Geometry, NearFeature, NoDirection, Orientation, Polygon, PolygonError, Polyline,
    PolylineError, TooManyEdges, Winding, WithinError, compare_distance, compare_distances,
    crossing, densify, edge_or_vertex_crossing, ordered_ccw, orientation, read_geojson,
    read_topojson, vertex_crossing,
};
pub use glam::{DQuat, DVec3};
pub use ground::{
    Biome, Ground, Place, ProfileError, ProfilePoint, Ray, RayError, RayHit, Seen, Sight, Terrain,
    Viewshed, ViewshedError, ViewshedOptions, first_not_positive,
};
pub use ids::EntityId;
pub use index::{
    Anchor, Corridor, Fence, Hit, IndexView, InvalidCorridor, InvalidRadius, InvalidSense, Member,
    MovingIndex, Pair, PairSearch, Sense, Sighting, StaleWatch, WatchEvents, WatchHandle,
    WatcherId, Watches,
};
#[cfg(feature = "maps")]
pub use map::{
    Effort, MapGrid, MapMaker, MapRaster, MapWindow, MercatorTile, NoSuchZoom, encode_png,
};
pub use planet::{
    CoordError, Ecef, EcefLanes, EcefLanesMut, Geodetic, GeodeticLanes, GeodeticLanesMut, Planet,
};
pub use projection::{
    Equirectangular, Hemisphere, LambertAzimuthal, Mollweide, Orthographic, PolarStereographic,
    Projection, ProjectionError, Utm, WebMercator,
};
pub use region::{
    AnyOf, Cap, CapError, Cell, CellBound, CellUnion, Coverer, CoveringError, CoveringOptions,
    InvalidCellAt, InvalidExpansion, InvalidLevel, LatLngRect, NotAscending, RectError, Region,
    Relation,
};
#[cfg(feature = "import")]
pub use relief::{
    Endian, GridBounds, HeightEncoding, Mosaic, MosaicOptions, PictureGrid, RawGrid, Registration,
    Relief, ReliefError, ReliefFault, ReliefOptions, ReliefSample, ReliefSource, RowOrder,
    SampleType, open_relief, side_file,
};
pub use simd::SimdLevel;
pub use sphere::{Direction, GreatArc, GreatCircle, SphereError};
#[cfg(feature = "rocksdb")]
pub use store::{
    CURRENT_FILE, DB_DIR, DB_SEALS_FILE, FollowedPlanet, MANIFEST_FILE, RocksStore, TABLE_FILE,
    base_dir, base_key, base_options, database_seals, is_base_name,
};
pub use store::{
    Finest, Manifest, ManifestError, MemoryStore, MissingTile, Node, NodeTable, PackStore,
    PackWriteError, PackWriter, StoreError, StoredTile, TableBuilder, TileStore,
};
pub use terrain::{
    Codec, HeightTile, HotGrid, InvalidLattice, LatticeSpec, TileError, TileLines, cell_at,
    column_row, decode_grid, encode_grid, face_st, halfway, interpolate,
};
