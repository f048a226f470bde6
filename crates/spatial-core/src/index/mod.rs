//! The moving index: who is where, rebuilt every tick.
//!
//! ```text
//! tiles   the cells of one coarse level, six faces of 2^L × 2^L, row-major; L by the number of entities
//!         ┌─────┬─────┐     Each tile has a grid of 2^b × 2^b cells, b by its number of entities: 1 to 4 a cell on average.
//!         │▫▫▫▫▫│▪▪▪▪▪│     A cell with more than 32 becomes a tile itself, over the smallest cell of the sphere around
//!         │▫▫▫▫▫│▪▪▣▪▪│     its entities, with a grid of its own (▣); and so on. Only leaf cells are not divided.
//!         └─────┴─────┘
//! cells   the directory: for each tile its cells row-major, where each starts, and where the last one ends
//!         … │ 40 │ 43 │ 43 │ tile 6152 │ 91 │ …          a number of a slot, or of a tile (which knows its slots)
//! slots   entities in iteration order: by tile, cell (row-major), entity id; a part of a row of cells is one run
//!  rows   u32: where the entity is in the caller's slices of ids and places
//!  x y z  u16 each: the place in steps of its tile's frame, a cube around all places of the tile
//! ```
//! What a query does: its ball is bounded by ranges of leaves on the faces (`reach`); the tiles and runs in them are
//! visited (`walk`); a run's approximations are sieved sixteen at a time (`scan`). An approximation decides unless it is within
//! a step or so of the rim; then the f64 place does. So answers are exact and hardly ever touch a place.
//!
//! The few nearest (`few`) are ranked by their approximations in lanes; only those that may be among them are looked up.
//!
//! What a rebuild does (`order`): reads the rows in the order of the last time, so that nearly all writes follow each other;
//! finds leaves in lanes (`leaves`), counts by tile, then by cell, scatters rows, splits crowds, and approximates at the end
//! (`approximation`). Everything follows from places and ids alone: fineness, tiles, order.
//!
//! What a batch does (`each`): answers its queries one after the other, and fetches what the next ones will read (`ahead`).
//!
//! What asks for many at once (`join`, `standing`) gathers a `neighbourhood` around a group of those who lie together, and
//! sieves it for each of them (`sift`). Regions and corridors go by cells (`region`) and by halves of segments (`corridor`).
//!
//! A further query: a `walk::Visitor` for what is bounded by ranges of leaves, or `Order::tiles`, `Tile` and the directory
//! for what looks at cells. `well_formed` says what may be relied on.

mod ahead;
mod approximation;
mod corridor;
mod each;
mod few;
mod join;
mod keys;
mod lanes;
mod leaves;
mod moving;
mod nearest;
mod neighbourhood;
mod order;
mod reach;
mod region;
mod runs;
mod scan;
mod sift;
mod sorter;
mod split;
mod standing;
mod tile;
mod view;
mod walk;
mod well_formed;

pub use corridor::{Corridor, InvalidCorridor};
pub use join::{Pair, PairSearch};
pub use moving::{Hit, InvalidRadius, MovingIndex};
pub use standing::{
    Anchor, Fence, InvalidSense, Member, Sense, Sighting, StaleWatch, WatchEvents, WatchHandle,
    WatcherId, Watches,
};
pub use view::IndexView;
