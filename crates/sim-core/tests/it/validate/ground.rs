//! The ground that players walk on, and a wall in the east.

use std::sync::{Arc, OnceLock};

use sim_core::Surroundings;
use spatial_core::{Ecef, Frame, HeightTile, Planet, Position, UNITS_PER_M, face_st};

use crate::scene::{at, ground_m, lattice, tile};

/// A wall stands along this line east of the start, metres.
pub(super) const WALL_M: f64 = 160.0;

/// Where players begin: on the ground, far inside of a frame.
pub(super) fn start() -> Position {
    static START: OnceLock<Position> = OnceLock::new();
    *START.get_or_init(|| {
        let frame = frame();
        let place = frame.axes().origin().to_vec();
        let reach = Planet::EARTH.radius_m() + ground_m(frame.axes().origin()) + 0.01;
        let v = place * (reach / place.length_squared().sqrt());
        let on_ground = Ecef::new(v.x, v.y, v.z).expect("a finite place");
        frame.to_position(on_ground).expect("within reach")
    })
}

fn frame() -> Frame {
    Frame::new(Planet::EARTH, at(46.95, 7.44).frame).expect("a frame")
}

/// The ground around the start.
#[derive(Clone)]
pub(super) struct Field {
    frame: Frame,
    tile: Arc<HeightTile>,
}

impl Field {
    pub(super) fn new() -> Self {
        let frame = frame();
        let (face, s, t) = face_st(frame.axes().origin().to_vec());
        Self {
            frame,
            tile: tile(lattice().tile_of(face, s, t)),
        }
    }

    fn east_m(&self, at: Ecef) -> f64 {
        let v = self
            .frame
            .rotate_in(at.to_vec() - self.frame.axes().origin().to_vec());
        v.x - f64::from(start().x) / UNITS_PER_M
    }
}

impl Surroundings for Field {
    fn place(&self, at: Position) -> Option<Ecef> {
        (at.frame == self.frame.id()).then(|| self.frame.to_ecef(at))
    }

    fn is_open(&self, from: Ecef, to: Ecef) -> bool {
        (self.east_m(from) < WALL_M) == (self.east_m(to) < WALL_M)
    }

    fn above_ground_m(&self, at: Ecef) -> Option<f64> {
        let (face, s, t) = face_st(at.to_vec());
        let height = self.tile.height_m(&lattice(), face, s, t);
        let above_datum = at.to_vec().length_squared().sqrt() - Planet::EARTH.radius_m();
        Some(above_datum - height)
    }
}
