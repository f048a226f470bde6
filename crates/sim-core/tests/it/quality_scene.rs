//! A planet with any relief, obstacles, and one character that is ticked by its pure function: state is integers, as in a world.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use sim_core::{
    Drive, GroundPatch, Kind, LocalAxes, LocalScene, Mode, Moved, Mover, Obstacle, Obstacles,
    Shape, Tiles, advance_character,
};
use spatial_core::{
    CellId, DQuat, DVec3, Ecef, EntityId, Frame, FrameChange, Geodetic, HeightTile, LatticeSpec,
    Planet, Position, UNITS_PER_M, column_row, face_st,
};

pub(crate) const GRAVITY_MPS2: f64 = 9.81;

type Height = Box<dyn Fn(DVec3) -> f64>;

/// Relief of a planet, a function of the direction; tiles are made when they are asked for.
pub(crate) struct Relief {
    pub(crate) planet: Planet,
    pub(crate) lattice: LatticeSpec,
    height_m: Height,
    tiles: RefCell<BTreeMap<CellId, Arc<HeightTile>>>,
}

impl Relief {
    pub(crate) fn new(planet: Planet, lattice: LatticeSpec, height_m: Height) -> Self {
        Self {
            planet,
            lattice,
            height_m,
            tiles: RefCell::default(),
        }
    }

    /// Relief around a place, a function of metres east and north of it, on a lattice of about 0.6 m; ±32 m around the base.
    pub(crate) fn around(
        place: (f64, f64),
        base_m: f64,
        height_m: impl Fn(f64, f64) -> f64 + 'static,
    ) -> Self {
        let planet = Planet::EARTH;
        let lattice = LatticeSpec::new(18, 128, base_m, 0.001).expect("a legal lattice");
        let [east, north, up] = tangent(place);
        let radius_m = planet.radius_m() + base_m;
        let height = move |p: DVec3| {
            let scale = radius_m / p.dot(up);
            base_m + height_m(p.dot(east) * scale, p.dot(north) * scale)
        };
        Self::new(planet, lattice, Box::new(height))
    }

    pub(crate) fn tile(&self, cell: CellId) -> Arc<HeightTile> {
        let mut tiles = self.tiles.borrow_mut();
        let tile = tiles.entry(cell).or_insert_with(|| {
            let n = u32::from(self.lattice.intervals());
            let (column, row) = column_row(cell);
            let sample = |k: u32| {
                let (i, j) = (column * n + k % (n + 1), row * n + k / (n + 1));
                let height_m = (self.height_m)(self.lattice.direction(cell.face(), i, j));
                let steps = (height_m - self.lattice.offset_m()) / self.lattice.quantum_m();
                steps.round() as i16
            };
            let samples = (0..(n + 1) * (n + 1)).map(sample).collect();
            let tile = HeightTile::new(cell, self.lattice.intervals(), samples);
            Arc::new(tile.expect("samples of a whole tile"))
        });
        Arc::clone(tile)
    }

    /// Height of the surface in a direction.
    pub(crate) fn ground_m(&self, direction: DVec3) -> f64 {
        let (face, s, t) = face_st(direction);
        let tile = self.tile(self.lattice.tile_of(face, s, t));
        tile.height_m(&self.lattice, face, s, t)
    }

    /// The point of the surface so many metres east and north of a place.
    pub(crate) fn surface(&self, place: (f64, f64), east_m: f64, north_m: f64) -> DVec3 {
        let [east, north, up] = tangent(place);
        let radius_m = self.planet.radius_m() + self.ground_m(up);
        let direction = (up * radius_m + east * east_m + north * north_m).normalize();
        direction * (self.planet.radius_m() + self.ground_m(direction))
    }
}

/// East, north and up of a place, degrees; east of a pole is along the y axis.
pub(crate) fn tangent((lat_deg, lon_deg): (f64, f64)) -> [DVec3; 3] {
    let place = Geodetic::from_degrees(lat_deg, lon_deg, 0.0).expect("a legal place");
    let up = Planet::EARTH.ecef(place).to_vec().normalize();
    let east = DVec3::new(-up.y, up.x, 0.0);
    let east = if east.length() > 1e-9 {
        east.normalize()
    } else {
        DVec3::Y
    };
    [east, up.cross(east), up]
}

pub(crate) fn ecef(p: DVec3) -> Ecef {
    Ecef::new(p.x, p.y, p.z).expect("a finite place")
}

/// A character on a course.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Runner {
    pub(crate) position: Position,
    pub(crate) velocity: [i32; 3], // 2⁻¹⁶ m/s along the frame's axes
    pub(crate) mode: Mode,
}

/// What a tick is told, along the planet's axes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Ask {
    pub(crate) wish_mps: DVec3,
    pub(crate) jump: bool,
    pub(crate) push_m: DVec3,
}

/// A place to run.
pub(crate) struct Course {
    pub(crate) relief: Relief,
    pub(crate) obstacles: Obstacles,
    pub(crate) kind: Kind,
    pub(crate) tick_s: f64,
    next_id: u64,
    held: RefCell<BTreeMap<CellId, &'static HeightTile>>,
}

impl Course {
    pub(crate) fn new(relief: Relief, kind: Kind) -> Self {
        Self {
            obstacles: Obstacles::new(relief.planet),
            relief,
            kind,
            tick_s: 1.0 / 30.0,
            next_id: 1,
            held: RefCell::default(),
        }
    }

    /// An obstacle at a place, its shape's axes turned into those given: x, y and up, in planet axes.
    pub(crate) fn put(
        &mut self,
        at: DVec3,
        [x, y, up]: [DVec3; 3],
        shape: impl Fn(DQuat) -> Shape,
    ) {
        let position = self
            .relief
            .planet
            .position(ecef(at))
            .expect("within the shell");
        let frame = Frame::new(self.relief.planet, position.frame).expect("a frame");
        let columns = [x, y, up].map(|axis| frame.rotate_in(axis));
        let turn = turn_of(columns);
        let obstacle = Obstacle {
            position,
            shape: shape(turn),
        };
        let id = EntityId(self.next_id);
        self.next_id += 1;
        self.obstacles
            .insert(id, obstacle)
            .expect("a new id in a frame");
    }

    /// A runner whose feet are at a place, in the air until its first tick.
    pub(crate) fn runner(&self, at: DVec3) -> Runner {
        Runner {
            position: self
                .relief
                .planet
                .position(ecef(at))
                .expect("within the shell"),
            velocity: [0; 3],
            mode: Mode::Fall,
        }
    }

    pub(crate) fn place(&self, runner: &Runner) -> DVec3 {
        let frame = Frame::new(self.relief.planet, runner.position.frame).expect("a frame");
        frame.to_ecef(runner.position).to_vec()
    }

    pub(crate) fn set_velocity(&self, runner: &mut Runner, mps: DVec3) {
        let frame = Frame::new(self.relief.planet, runner.position.frame).expect("a frame");
        let v = frame.rotate_in(mps) * UNITS_PER_M;
        runner.velocity = v.to_array().map(|c| c.round() as i32);
    }

    fn leaked(&self, cell: CellId) -> &'static HeightTile {
        let mut held = self.held.borrow_mut();
        held.entry(cell)
            .or_insert_with(|| Box::leak(Box::new((*self.relief.tile(cell)).clone())))
    }

    /// One tick.
    pub(crate) fn tick(&self, runner: &mut Runner, ask: Ask) -> Moved {
        let planet = self.relief.planet;
        let frame = Frame::new(planet, runner.position.frame).expect("a frame");
        let axes = LocalAxes::upright(planet.radius_m(), frame.axes(), runner.position);
        let local = |v: DVec3| axes.from_frame(frame.rotate_in(v));
        let patch = GroundPatch::new(&self.relief.lattice, &axes, 16.0, self);
        let at = runner.position;
        let scene = LocalScene {
            axes: &axes,
            ground: Some(&patch),
            obstacles: self.obstacles.near(at.frame, at.x, at.y),
        };
        let velocity = DVec3::from_array(runner.velocity.map(f64::from)) / UNITS_PER_M;
        let mover = Mover {
            velocity_mps: axes.from_frame(velocity),
            mode: runner.mode,
        };
        let drive = Drive {
            wish_mps: local(ask.wish_mps),
            jump: ask.jump,
            push_m: local(ask.push_m),
            gravity_mps2: GRAVITY_MPS2,
            tick_s: self.tick_s,
        };
        let moved = advance_character(&self.kind, &mover, &drive, &scene);
        assert!(
            moved.travel_m.is_finite() && moved.velocity_mps.is_finite(),
            "{moved:?}"
        );
        let units = |v: DVec3| {
            (axes.to_frame(v) * UNITS_PER_M)
                .to_array()
                .map(|c| c.round() as i32)
        };
        let [x, y, z] = units(moved.travel_m);
        runner.position = Position {
            frame: at.frame,
            x: at.x + x,
            y: at.y + y,
            z: at.z + z,
        };
        runner.velocity = units(moved.velocity_mps);
        runner.mode = moved.mode;
        self.cross(runner, &frame);
        moved
    }

    fn cross(&self, runner: &mut Runner, frame: &Frame) {
        let place = frame.to_ecef(runner.position);
        if frame.is_left(place) {
            let next = Frame::at(self.relief.planet, place);
            let change = FrameChange::new(frame.axes(), next.axes());
            runner.position = change.position(runner.position).expect("on the grid");
            let v = change.vector(DVec3::from_array(runner.velocity.map(f64::from)));
            runner.velocity = v.to_array().map(|c| c.round() as i32);
        }
    }

    /// Ticks with one wish.
    pub(crate) fn run(&self, runner: &mut Runner, ticks: u32, wish_mps: DVec3) -> Option<f64> {
        let mut landed = None;
        for _ in 0..ticks {
            let ask = Ask {
                wish_mps,
                ..Ask::default()
            };
            landed = self.tick(runner, ask).landed_mps.or(landed);
        }
        landed
    }

    /// How deep a runner is in the ground, metres, by points all over its lower half, and in obstacles.
    pub(crate) fn depth_m(&self, runner: &Runner) -> f64 {
        let feet = self.place(runner);
        let up = feet.normalize();
        let frame = Frame::new(self.relief.planet, runner.position.frame).expect("a frame");
        let [east, north, _] = frame.axes().units();
        let radius = self.kind.radius_m();
        let centre = feet + up * radius;
        let mut deepest = f64::NEG_INFINITY;
        for ring in 0..12 {
            let lean = f64::from(ring) / 11.0 * 1.5;
            for turn in 0..24 {
                let angle = f64::from(turn) / 24.0 * core::f64::consts::TAU;
                let side = east * libm::cos(angle) + north * libm::sin(angle);
                let point = centre + (side * libm::sin(lean) - up * libm::cos(lean)) * radius;
                let over = point.length() - self.relief.planet.radius_m();
                deepest = deepest.max(self.relief.ground_m(point.normalize()) - over);
            }
        }
        let own = runner.position;
        let at = |p: DVec3| {
            let grid = frame.to_position(ecef(p)).expect("on the grid");
            DVec3::from_array(grid.xyz().map(f64::from)) / UNITS_PER_M
        };
        let axis = sim_core::Segment {
            start: at(centre),
            end: at(feet + up * (self.kind.height_m() - radius)),
        };
        for placed in self.obstacles.near(own.frame, own.x, own.y) {
            deepest = deepest.max(radius - placed.solid.gap(axis).distance_m);
        }
        deepest
    }
}

impl Tiles for Course {
    fn tile(&self, cell: CellId) -> Option<&HeightTile> {
        Some(self.leaked(cell))
    }
}

/// The quaternion that turns x, y and z into three axes (Shepperd's choice of the largest part).
fn turn_of([x, y, z]: [DVec3; 3]) -> DQuat {
    let squares = [
        1.0 + x.x - y.y - z.z,
        1.0 - x.x + y.y - z.z,
        1.0 - x.x - y.y + z.z,
        1.0 + x.x + y.y + z.z,
    ];
    let largest = (0..4)
        .max_by(|a, b| squares[*a].total_cmp(&squares[*b]))
        .expect("four parts");
    let q = match largest {
        0 => [squares[0], x.y + y.x, z.x + x.z, y.z - z.y],
        1 => [x.y + y.x, squares[1], y.z + z.y, z.x - x.z],
        2 => [z.x + x.z, y.z + z.y, squares[2], x.y - y.x],
        _ => [y.z - z.y, z.x - x.z, x.y - y.x, squares[3]],
    };
    DQuat::from_array(q).normalize()
}

/// Prints a row of the table of qualities; `make test-full PART=sim` gathers them.
pub(crate) fn tell_quality(what: &str, measured: &str, must: &str) {
    println!("| quality | {what} | {measured} | {must} |");
}
