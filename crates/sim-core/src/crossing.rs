//! What a change of frame does to an agent: its place, what it looks at, how fast it goes and would go turn with the frame.

use spatial_core::{DVec3, FrameChange};

use crate::agent::{Body, Heading, Velocity, Wish};
use crate::world::World;

/// A change of frame, to be applied.
pub(crate) struct Crossing<'a>(pub(crate) &'a FrameChange);

impl Crossing<'_> {
    /// Brings a row into the new frame. False, and nothing changes, when it is beyond that frame's grid.
    pub(crate) fn apply(&self, world: &mut World, row: usize) -> bool {
        let change = self.0;
        let Ok(at) = change.position(world.position(row)) else {
            return false;
        };
        if !world.set_frame(row, at.frame) {
            return false;
        }
        let table = &mut world.table;
        table.set(row, Body::from(at));
        let turn = change.heading(table.get::<Heading>(row).turn);
        table.set(row, Heading { turn });
        let wish = self.wish(table.get::<Wish>(row));
        table.set(row, wish);
        let Velocity { x, y, z } = table.get::<Velocity>(row);
        let [x, y, z] = self.velocity([x, y, z]);
        table.set(row, Velocity { x, y, z });
        true
    }

    /// A velocity, 2⁻¹⁶ m/s along the axes of the frame.
    pub(crate) fn velocity(&self, parts: [i32; 3]) -> [i32; 3] {
        let turned = self.turn(parts.map(f64::from));
        turned.map(|part| part.round_ties_even() as i32)
    }

    /// A wish stays as fast as it was, as far as both its axes allow without changing its direction.
    fn wish(&self, wish: Wish) -> Wish {
        let asked = DVec3::new(f64::from(wish.east), f64::from(wish.north), 0.0);
        let [east, north, _] = self.turn(asked.to_array());
        let turned = DVec3::new(east, north, 0.0);
        let longest = turned.abs().max_element();
        if longest == 0.0 {
            return Wish {
                east: 0,
                north: 0,
                ..wish
            };
        }
        let turned = turned * (asked.length() / turned.length()).min(f64::from(i16::MAX) / longest);
        Wish {
            east: turned.x.round() as i16,
            north: turned.y.round() as i16,
            ..wish
        }
    }

    fn turn(&self, [x, y, z]: [f64; 3]) -> [f64; 3] {
        self.0.vector(DVec3::new(x, y, z)).to_array()
    }
}
