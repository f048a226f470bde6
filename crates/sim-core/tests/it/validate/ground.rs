//! A place to walk on: low hills, a wall in the east.

use sim_core::Surroundings;
use spatial_core::{Ecef, Frame, Planet, Position, UNITS_PER_M};

use crate::scene::at;

/// A wall stands along this line east of the frame's origin, metres.
pub(super) const WALL_M: f64 = 160.0;

/// The ground of one frame.
#[derive(Clone, Copy)]
pub(super) struct Hills {
    frame: Frame,
}

impl Hills {
    pub(super) fn new() -> Self {
        let frame = Frame::new(Planet::EARTH, at(46.95, 7.44).frame).expect("a frame");
        Self { frame }
    }

    /// Height of the ground, metres: waves of triangles, 2 m high and 80 m long.
    fn height_m(east_m: f64, north_m: f64) -> f64 {
        let wave = |at: f64| {
            let part = at / 80.0 - (at / 80.0).floor();
            2.0 * (2.0 * part - 1.0).abs()
        };
        wave(east_m) + wave(north_m + 13.0)
    }

    /// Somebody so far east and north, and so high above the ground, grid units.
    pub(super) fn position(&self, [x, y, above]: [i32; 3]) -> Position {
        let [east, north] = [x, y].map(|units| f64::from(units) / UNITS_PER_M);
        let reach = Planet::EARTH.radius_m() + Self::height_m(east, north);
        let plane = (reach * reach - (east * east + north * north)).sqrt();
        let up = (plane - Planet::EARTH.radius_m()) * UNITS_PER_M;
        Position {
            frame: self.frame.id(),
            x,
            y,
            z: up.round() as i32 + above,
        }
    }

    fn plane(&self, at: Ecef) -> [f64; 2] {
        let v = self
            .frame
            .rotate_in(at.to_vec() - self.frame.axes().origin().to_vec());
        [v.x, v.y]
    }
}

impl Surroundings for Hills {
    fn place(&self, at: Position) -> Option<Ecef> {
        (at.frame == self.frame.id()).then(|| self.frame.to_ecef(at))
    }

    fn is_open(&self, from: Ecef, to: Ecef) -> bool {
        let ([a, _], [b, _]) = (self.plane(from), self.plane(to));
        (a < WALL_M) == (b < WALL_M)
    }

    fn above_ground_m(&self, at: Ecef) -> Option<f64> {
        let [east, north] = self.plane(at);
        let height = at.to_vec().length_squared().sqrt() - Planet::EARTH.radius_m();
        Some(height - Self::height_m(east, north))
    }
}
