//! One character alone: the step that a client predicts its own player with, and a server checks it by.
//!
//! ```text
//! exact state, 33 bytes   frame u64 · x i32 · y i32 · z i32 · velocity 3 × i32 · mode u8         little-endian
//! its hash, u32           the low half of the xxh3-64 of these bytes without a seed; 1 in the place of 0
//! ```
//! It is what the next tick of a character depends on besides its input, the ground and static obstacles. What else may touch it, others
//! and what happens to it, a client cannot know; where nothing does, the bits are those of [`World::step`](crate::World::step).

use spatial_core::{DVec3, EntityId, Frame, FrameChange, LatticeSpec, Planet, Position};
use xxhash_rust::xxh3::xxh3_64;

use crate::agent::{State, Velocity};
use crate::character::Drive;
use crate::crossing::Crossing;
use crate::ground_patch::Tiles;
use crate::kind::{FINE_PER_M, Grade, Kind};
use crate::mode::Mode;
use crate::obstacles::Obstacles;
use crate::record::Input;
use crate::walker::{Care, Site, Walker};
use crate::world::{World, WorldStart};

/// What a character's next tick depends on, besides its input and what is around it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ExactState {
    /// Where its feet are.
    pub position: Position,
    /// How fast it goes, 2⁻¹⁶ m/s along the axes of its frame.
    pub velocity: [i32; 3],
    /// How it moves.
    pub mode: Mode,
}

impl ExactState {
    /// Bytes of a state.
    pub const BYTES: usize = 33;

    /// Its bytes, as drawn above.
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        let parts = self.position.xyz().into_iter().chain(self.velocity);
        bytes[..8].copy_from_slice(&self.position.frame.0.to_le_bytes());
        for (out, part) in bytes[8..32].chunks_exact_mut(4).zip(parts) {
            out.copy_from_slice(&part.to_le_bytes());
        }
        bytes[32] = self.mode as u8;
        bytes
    }

    /// The hash by which a client says what it predicted; never 0, which says nothing.
    pub fn hash(&self) -> u32 {
        (xxh3_64(&self.to_bytes()) as u32).max(1)
    }
}

impl From<&ExactState> for Walker {
    fn from(state: &ExactState) -> Self {
        Self {
            at: state.position,
            velocity: state.velocity,
            mode: state.mode,
        }
    }
}

impl From<Walker> for ExactState {
    fn from(walker: Walker) -> Self {
        Self {
            position: walker.at,
            velocity: walker.velocity,
            mode: walker.mode,
        }
    }
}

/// The step of one character on its own.
///
/// ```
/// # use sim_core::{ExactState, Input, Kind, Mode, Obstacles, Solo, Tiles, WorldStart};
/// # use spatial_core::{CellId, Geodetic, HeightTile, LatticeSpec, Planet};
/// struct Flat(Vec<HeightTile>);
///
/// impl Tiles for Flat {
///     fn tile(&self, cell: CellId) -> Option<&HeightTile> {
///         self.0.iter().find(|tile| tile.cell() == cell)
///     }
/// }
///
/// let lattice = LatticeSpec::new(1, 8, 0.0, 1.0)?;
/// let tiles = lattice.cells().into_iter().map(|cell| HeightTile::new(cell, 8, vec![100; 81]));
/// let ground = Flat(tiles.collect::<Result<_, _>>()?);
/// let start = WorldStart {
///     world_id: 1,
///     planet: Planet::EARTH,
///     tick_rate_hz: 30,
///     gravity: WorldStart::EARTH_GRAVITY,
///     lattice,
/// };
/// let mut solo = Solo::new(&start, Kind::character(1_024)).expect("a character");
/// let place = Planet::EARTH.ecef(Geodetic::from_degrees(46.95, 7.44, 0.0)?);
/// let mut state = ExactState { position: Planet::EARTH.position(place)?, ..ExactState::default() };
/// let east = Input { east: 1_024, ..Input::default() }; // 4 m/s
/// for _ in 0..30 {
///     state = solo.step(&state, &east, &ground, &Obstacles::new(Planet::EARTH)).expect("ground");
/// }
/// assert_eq!(state.mode, Mode::Walk);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Solo {
    planet: Planet,
    lattice: LatticeSpec,
    care: Care,
    kind: Kind,
    frame: Option<Frame>, // the last one that was asked for
}

impl Solo {
    /// The step of a kind in worlds of a start; `None` when it is not of the grade of characters.
    pub fn new(start: &WorldStart, kind: Kind) -> Option<Self> {
        (kind.grade == Grade::Character).then(|| Self {
            planet: start.planet,
            lattice: start.lattice,
            care: Care::new(start),
            kind,
            frame: None,
        })
    }

    /// What steps.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// The state after a tick with an input; `None` where a world would hold it: ground that it needs is not there, or its frame is none.
    ///
    /// Costs about as much as a character in a world.
    pub fn step(
        &mut self,
        from: &ExactState,
        input: &Input,
        tiles: &dyn Tiles,
        obstacles: &Obstacles,
    ) -> Option<ExactState> {
        let id = from.position.frame;
        if id.carrier().is_none() && self.frame.is_none_or(|frame| frame.id() != id) {
            self.frame = Some(Frame::new(self.planet, id).ok()?);
        }
        let frame = self.frame.filter(|_| id.carrier().is_none());
        let site = Site {
            radius_m: self.planet.radius_m(),
            axes: frame.as_ref().map(Frame::axes),
            lattice: &self.lattice,
            tiles,
            obstacles,
        };
        let (_, next) = Walker::from(from).walk(&self.kind, &self.drive(input), &site)?;
        let next = ExactState::from(next);
        Some(match frame.filter(|_| next.position != from.position) {
            Some(frame) => crossed(self.planet, &frame, next),
            None => next,
        })
    }

    fn drive(&self, input: &Input) -> Drive {
        let wish = [input.east, input.north, input.up];
        Drive {
            wish_mps: DVec3::from_array(wish.map(f64::from)) / FINE_PER_M,
            jump: input.buttons & Input::JUMP != 0,
            push_m: DVec3::ZERO,
            gravity_mps2: self.care.gravity_mps2,
            tick_s: self.care.tick_s,
        }
    }
}

/// A state in the frame that it is in, if it has left this one.
fn crossed(planet: Planet, from: &Frame, state: ExactState) -> ExactState {
    let place = from.to_ecef(state.position);
    if !from.is_left(place) {
        return state;
    }
    let change = FrameChange::new(from.axes(), Frame::at(planet, place).axes());
    match change.position(state.position) {
        Ok(position) => ExactState {
            position,
            velocity: Crossing(&change).velocity(state.velocity),
            ..state
        },
        Err(_) => state, // beyond the grid: it stays
    }
}

impl World {
    /// The exact state of an agent, as the last step left it.
    pub fn exact(&self, entity: EntityId) -> Option<ExactState> {
        let row = self.row_of(entity)?;
        let Velocity { x, y, z } = self.table.get::<Velocity>(row);
        Some(ExactState {
            position: self.position(row),
            velocity: [x, y, z],
            mode: Mode::new(self.table.get::<State>(row).mode).unwrap_or_default(),
        })
    }

    /// The checksum of the terrain tile that an agent is over, if that is resident.
    pub fn ground_under(&self, entity: EntityId) -> Option<u64> {
        let place = self.place(self.row_of(entity)?);
        let tile = self.start().lattice.tile_at(place.to_vec());
        self.ground.resident(tile).map(|tile| tile.checksum())
    }

    /// The ground that is resident, for [`Solo::step`].
    pub fn tiles(&self) -> &dyn Tiles {
        &self.ground
    }
}

#[cfg(test)]
mod tests {
    use spatial_core::FrameId;

    use super::*;

    #[test]
    fn bytes_and_hash_are_as_documented() {
        let state = ExactState {
            position: Position {
                frame: FrameId(0x4000_0010_0000_0000),
                x: 1,
                y: -2,
                z: 3 << 16,
            },
            velocity: [4, -5, 6],
            mode: Mode::Swim,
        };
        let bytes = state.to_bytes();
        assert_eq!(bytes[..12], [0, 0, 0, 0, 16, 0, 0, 64, 1, 0, 0, 0]);
        assert_eq!(bytes[12..16], [254, 255, 255, 255]);
        assert_eq!(bytes[24..], [251, 255, 255, 255, 6, 0, 0, 0, 2]);
        assert_eq!(state.hash(), 0xbb04_4c8d);
        let other = ExactState {
            mode: Mode::Walk,
            ..state
        };
        assert_ne!(state.hash(), other.hash());
    }
}
