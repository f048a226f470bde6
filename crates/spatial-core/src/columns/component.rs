//! What a component declares about itself.

use super::lane::{Lane, LaneInfo};
use super::table::{Column, position_of};

/// What the values of a component mean. Hash and save carry it, and a saved column is only taken over by a component
/// of its kind; what a kind says of frame changes is for generic code to come, today's are written out a column.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Kind {
    /// A place: rotated and translated by a frame change.
    Point = 1,
    /// A direction with a length: rotated only.
    Vector = 2,
    /// An orientation in space (unit quaternion): composed with the rotation.
    Rotation = 3,
    /// A heading about up: turned by the difference of north.
    Angle = 4,
    /// Numbers that no frame touches.
    Scalar = 5,
    /// Bits whose meaning is the game's own.
    Raw = 6,
}

impl Kind {
    /// The kind of a saved code.
    pub(crate) fn from_code(code: u8) -> Option<Self> {
        [
            Self::Point,
            Self::Vector,
            Self::Rotation,
            Self::Angle,
            Self::Scalar,
            Self::Raw,
        ]
        .into_iter()
        .find(|kind| *kind as u8 == code)
    }
}

/// A plain struct of scalars that a [`Table`](super::Table) keeps as one lane a field.
///
/// Derive it; the derive also makes `BodyLanes` and `BodyLanesMut`, structs of slices with the fields' names.
/// Fields are `i8..i64`, `u8..u64`, `f32`, `f64` or types that implement [`LaneValue`](super::LaneValue).
///
/// ```
/// use spatial_core::{Component, EntityId, Table};
///
/// #[derive(Clone, Copy, PartialEq, Debug, Component)]
/// #[component(name = "motion", kind = vector, version = 1)]
/// struct Motion {
///     east: f32,
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
pub trait Component: Copy + 'static {
    /// Its name in saves; unique within a table, 1 to 255 bytes.
    const NAME: &'static str;
    /// What its values mean.
    const KIND: Kind;
    /// The version of its layout in saves.
    const VERSION: u16;
    /// Its lanes in the order of the fields, 1 to 32.
    const LANES: &'static [LaneInfo];

    /// All rows, to read: one slice a field.
    type Lanes<'a>;
    /// All rows, to write: one slice a field.
    type LanesMut<'a>;

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
}

/// Two to six different components whose lanes are written in one pass.
pub trait ComponentSet {
    /// A tuple of the components' [`Component::LanesMut`].
    type LanesMut<'a>;

    /// Views the lanes of all of them.
    ///
    /// # Panics
    /// When one is not registered or named twice.
    fn view_mut(columns: &mut [Column]) -> Self::LanesMut<'_>;
}

macro_rules! component_set {
    ($($component:ident $column:ident),+) => {
        impl<$($component: Component),+> ComponentSet for ($($component,)+) {
            type LanesMut<'a> = ($($component::LanesMut<'a>,)+);

            fn view_mut(columns: &mut [Column]) -> Self::LanesMut<'_> {
                let positions = [$(position_of::<$component>(columns)),+];
                let [$($column),+] = columns
                    .get_disjoint_mut(positions)
                    .expect("a component is named once in a set");
                ($($component::view_mut($column.lanes_mut()),)+)
            }
        }
    };
}

component_set!(A a, B b);
component_set!(A a, B b, C c);
component_set!(A a, B b, C c, D d);
component_set!(A a, B b, C c, D d, E e);
component_set!(A a, B b, C c, D d, E e, F f);
