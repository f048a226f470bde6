//! A player in a world of its own: the same on the server and on the client, who predicts with it.

use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use sim_core::{Agent, Input, KindId, Mode, Record, Snapshot, State, World, WorldStart};
use spatial_core::{EntityId, HeightTile, Planet, Position};

use super::ground::start;
use crate::scene::{kinds, lattice, tiles};

const PLAYER: EntityId = EntityId(1);

pub(super) struct Body {
    world: World,
}

impl Body {
    /// Stands where all of them begin.
    pub(super) fn new(tick_rate_hz: u16) -> Self {
        static TILES: OnceLock<Vec<Arc<HeightTile>>> = OnceLock::new();
        let mut world = World::new(WorldStart {
            world_id: 7,
            planet: Planet::EARTH,
            tick_rate_hz,
            gravity: WorldStart::EARTH_GRAVITY,
            lattice: lattice(),
        })
        .expect("a legal start");
        let mut records = Vec::from(kinds());
        for tile in TILES.get_or_init(|| tiles().collect()) {
            records.push(Record::Resident {
                tile: tile.cell(),
                checksum: tile.checksum(),
            });
            world.stage(Arc::clone(tile));
        }
        let (kind, position) = (KindId(1), start());
        let agent = Agent {
            position,
            kind,
            ..Agent::default()
        };
        let entity = PLAYER;
        records.push(Record::Spawn { entity, agent });
        world.step(0, &records).expect("the first step");
        let mut body = Self { world };
        (0..10).for_each(|_| body.step(None));
        body
    }

    /// A tick with an input, or with the last one again.
    pub(super) fn step(&mut self, input: Option<&Input>) {
        let record = input.map(|input| Record::Input {
            entity: PLAYER,
            input: *input,
        });
        let report = self.world.step(self.world.tick(), record.as_slice());
        let report = report.expect("the next tick");
        assert_eq!((report.held, report.refused), (0, 0));
    }

    pub(super) fn position(&self) -> Position {
        self.world.position(0)
    }

    pub(super) fn mode(&self) -> Mode {
        let mode = self.world.column::<State>().mode[0];
        Mode::new(mode).expect("a mode")
    }

    /// East and north of the start, grid units.
    pub(super) fn at(&self) -> [i32; 2] {
        let (at, start) = (self.position(), start());
        [at.x - start.x, at.y - start.y]
    }

    /// A hash of all that its next tick depends on, but for the input.
    pub(super) fn hash(&self) -> u32 {
        let agent = self.world.agent(PLAYER).expect("it is there");
        let parts = agent.position.xyz().into_iter().chain(agent.velocity);
        parts.fold(self.mode() as u32, |hash, part| {
            (hash ^ part as u32)
                .wrapping_mul(0x9e37_79b9)
                .rotate_left(13)
        })
    }

    pub(super) fn snapshot(&self) -> Rc<Snapshot> {
        let mut snapshot = Snapshot::default();
        self.world.snapshot(&mut snapshot);
        Rc::new(snapshot)
    }

    pub(super) fn restore(&mut self, snapshot: &Snapshot) {
        let restored = self.world.restore(snapshot);
        restored.expect("worlds of one start");
    }
}
