//! What a component declares about itself.

use super::kind::{Durability, Kind, Replication};
use super::lane::{Lane, LaneInfo};
use super::schema::ColumnSchema;

/// A plain struct of scalars that a [`Table`](super::Table) keeps as one lane a field.
///
/// Derive it; the derive also makes `BodyLanes` and `BodyLanesMut`, structs of slices with the fields' names.
/// Fields are `i8..i64`, `u8..u64`, `f32`, `f64` or types that implement [`LaneValue`](super::LaneValue).
/// What they may be besides is the [`Kind`]'s, and checked when the component is compiled.
///
/// ```
/// use spatial_core::{Component, EntityId, Table};
///
/// #[derive(Clone, Copy, PartialEq, Debug, Component)]
/// #[component(name = "motion", kind = vector, version = 1)]
/// struct Motion {
///     east: f32,
///     #[lane(bits = 12, quantum = 0.0625)] // how it travels: -128 to 127.9375 m/s
///     north: f32,
/// }
///
/// let mut table = Table::new();
/// table.register::<Motion>()?;
/// table.spawn(EntityId(7))?;
/// let motion = table.lanes_mut::<Motion>(); // MotionLanesMut { east: &mut [f32], north: &mut [f32] }
/// for (east, north) in motion.east.iter_mut().zip(motion.north) {
///     *east += 1.5;
///     *north -= *east;
/// }
/// assert_eq!(table.get::<Motion>(0), Motion { east: 1.5, north: -1.5 });
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
///
/// A field that is no scalar does not compile:
/// ```compile_fail
/// #[derive(Clone, Copy, spatial_core::Component)]
/// #[component(name = "name", kind = raw, version = 1)]
/// struct Name { text: &'static str }
/// ```
/// Nor do fields that the kind does not have:
/// ```compile_fail
/// #[derive(Clone, Copy, spatial_core::Component)]
/// #[component(name = "heading", kind = angle, version = 1)]
/// struct Heading { radians: f32 }
/// ```
/// Nor a wire format that its field does not have:
/// ```compile_fail
/// #[derive(Clone, Copy, spatial_core::Component)]
/// #[component(name = "fuel", kind = scalar, version = 1)]
/// struct Fuel { #[lane(bits = 9)] litres: u8 }
/// ```
pub trait Component: Copy + Send + Sync + 'static {
    /// Its name in saves; unique within a table, 1 to 255 bytes.
    const NAME: &'static str;
    /// What its values mean.
    const KIND: Kind;
    /// The version of its layout in saves.
    const VERSION: u16;
    /// How long its values are kept.
    const DURABILITY: Durability;
    /// Whom its values are sent to.
    const REPLICATION: Replication = Replication::NONE;
    /// Its lanes in the order of the fields, 1 to 32.
    const LANES: &'static [LaneInfo];

    /// All rows, to read: one slice a field.
    type Lanes<'a>: Copy + Send + Sync;
    /// All rows, to write: one slice a field.
    type LanesMut<'a>: Send;

    /// Views lanes of the declared types.
    ///
    /// # Panics
    /// When their number or types are not those of [`Component::LANES`].
    fn view(lanes: &[Lane]) -> Self::Lanes<'_>;

    /// Views lanes of the declared types, to write.
    ///
    /// # Panics
    /// As [`Component::view`].
    fn view_mut(lanes: &mut [Lane]) -> Self::LanesMut<'_>;

    /// The rows before one, and those from it on.
    ///
    /// # Panics
    /// When there are fewer rows.
    fn split_at(lanes: Self::Lanes<'_>, row: usize) -> (Self::Lanes<'_>, Self::Lanes<'_>);

    /// The rows before one, and those from it on, to write.
    ///
    /// # Panics
    /// As [`Component::split_at`].
    fn split_at_mut(
        lanes: Self::LanesMut<'_>,
        row: usize,
    ) -> (Self::LanesMut<'_>, Self::LanesMut<'_>);

    /// One row's value.
    ///
    /// # Panics
    /// When there is no such row.
    fn get(lanes: &Self::Lanes<'_>, row: usize) -> Self;

    /// Replaces one row's value.
    ///
    /// # Panics
    /// When there is no such row.
    fn set(lanes: &mut Self::LanesMut<'_>, row: usize, value: Self);

    /// The description, for whoever cannot read the type: generators of code, other languages.
    fn schema() -> ColumnSchema {
        ColumnSchema::of::<Self>()
    }
}
