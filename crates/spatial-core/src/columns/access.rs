//! Which components a pass reads and writes.

use core::marker::PhantomData;

use super::changes::Marks;
use super::column::{Column, position_of};
use super::component::Component;

/// One component of a pass: `&C` to read, `&mut C` to write all rows, [`Marked<C>`] to write some.
pub trait Part {
    /// The component.
    type Component: Component;
    /// Some consecutive rows of it.
    type View<'a>: Send;
    /// Whether it writes.
    const WRITES: bool;

    /// All rows. Marks them as changed where the part says so.
    fn view(column: &mut Column) -> Self::View<'_>;

    /// The rows before one, and those from it on; the row is a multiple of [`BLOCK_ROWS`](super::BLOCK_ROWS).
    fn split_at(view: Self::View<'_>, row: usize) -> (Self::View<'_>, Self::View<'_>);
}

impl<C: Component> Part for &C {
    type Component = C;
    type View<'a> = C::Lanes<'a>;
    const WRITES: bool = false;

    fn view(column: &mut Column) -> Self::View<'_> {
        C::view(column.lanes())
    }

    fn split_at(view: Self::View<'_>, row: usize) -> (Self::View<'_>, Self::View<'_>) {
        C::split_at(view, row)
    }
}

impl<C: Component> Part for &mut C {
    type Component = C;
    type View<'a> = C::LanesMut<'a>;
    const WRITES: bool = true;

    fn view(column: &mut Column) -> Self::View<'_> {
        C::view_mut(column.lanes_mut_marked())
    }

    fn split_at(view: Self::View<'_>, row: usize) -> (Self::View<'_>, Self::View<'_>) {
        C::split_at_mut(view, row)
    }
}

/// A component of a pass that writes some rows and says which: its view are the lanes and the [`Marks`].
pub struct Marked<C>(PhantomData<C>);

impl<C: Component> Part for Marked<C> {
    type Component = C;
    type View<'a> = (C::LanesMut<'a>, Marks<'a>);
    const WRITES: bool = true;

    fn view(column: &mut Column) -> Self::View<'_> {
        let (lanes, marks) = column.lanes_and_marks();
        (C::view_mut(lanes), marks)
    }

    fn split_at(view: Self::View<'_>, row: usize) -> (Self::View<'_>, Self::View<'_>) {
        let (lanes, later_lanes) = C::split_at_mut(view.0, row);
        let (marks, later_marks) = view.1.split_at(row);
        ((lanes, marks), (later_lanes, later_marks))
    }
}

/// The components of a pass: a tuple of one to eight different [`Part`]s, such as `(&mut Position, &Velocity)`.
pub trait Access {
    /// A tuple of the parts' views.
    type View<'a>: Send;

    /// The names of the components in their order, and whether the pass writes them.
    fn parts() -> Vec<(&'static str, bool)>;

    /// All rows of all of them.
    ///
    /// # Panics
    /// When a component is not registered or named twice.
    fn view(columns: &mut [Column]) -> Self::View<'_>;

    /// The rows before one, and those from it on, as [`Part::split_at`].
    fn split_at(view: Self::View<'_>, row: usize) -> (Self::View<'_>, Self::View<'_>);
}

macro_rules! access {
    ($($part:ident $name:ident $after:ident),+) => {
        impl<$($part: Part),+> Access for ($($part,)+) {
            type View<'a> = ($($part::View<'a>,)+);

            fn parts() -> Vec<(&'static str, bool)> {
                vec![$(($part::Component::NAME, $part::WRITES)),+]
            }

            fn view(columns: &mut [Column]) -> Self::View<'_> {
                let positions = [$(position_of::<$part::Component>(columns)),+];
                let [$($name),+] = columns
                    .get_disjoint_mut(positions)
                    .expect("a component is named once in a pass");
                ($($part::view($name),)+)
            }

            fn split_at(view: Self::View<'_>, row: usize) -> (Self::View<'_>, Self::View<'_>) {
                let ($($name,)+) = view;
                $(let ($name, $after) = $part::split_at($name, row);)+
                (($($name,)+), ($($after,)+))
            }
        }
    };
}

access!(A a a2);
access!(A a a2, B b b2);
access!(A a a2, B b b2, C c c2);
access!(A a a2, B b b2, C c c2, D d d2);
access!(A a a2, B b b2, C c c2, D d d2, E e e2);
access!(A a a2, B b b2, C c c2, D d d2, E e e2, F f f2);
access!(A a a2, B b b2, C c c2, D d d2, E e e2, F f f2, G g g2);
access!(A a a2, B b b2, C c c2, D d d2, E e e2, F f f2, G g g2, H h h2);
