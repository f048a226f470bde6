//! A rule of one's own: people gather berries from bushes, which grow again. Then the proof that it is deterministic.

use bluemarble::sim::{
    Agent, Event, EventData, EventKind, Input, Kind, KindId, Near, Outbox, Record, Stage, State,
    System, Trial, World, WorldStart, prove,
};
use bluemarble::space::{
    Access, Block, Component, EntityId, Geodetic, PackStore, Planet, Position, TileStore,
};

/// What somebody carries, or a bush bears.
#[derive(Clone, Copy, Component)]
#[component(name = "berries", kind = scalar, version = 1)]
struct Berries {
    count: u32,
}

/// "Give me one": from a gatherer to a bush. And "here it is": back.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct Ask {}

#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct Give {}

impl EventData for Ask {
    const KIND: EventKind = EventKind(256);
}

impl EventData for Give {
    const KIND: EventKind = EventKind(257);
}

const PERSON: KindId = KindId(0);
const BUSH: KindId = KindId(1);
const TICK_RATE_HZ: u16 = 20;
/// Berries grow this often.
const GROWTH_TICKS: u64 = 40;

struct Gathering;

impl System for Gathering {
    type Own = (&'static mut Berries, &'static bluemarble::sim::Body);
    type Others = State;

    fn stage(&self) -> Stage {
        Stage::Before
    }

    fn reach_m(&self) -> f64 {
        1.5
    }

    fn run(
        &self,
        near: &Near<'_, State>,
        rows: Block<'_>,
        (berries, body): <Self::Own as Access>::View<'_>,
        out: &mut Outbox,
    ) {
        near.with_list(|others| {
            for (n, id) in rows.ids.iter().enumerate() {
                let row = rows.first_row + n;
                if near.other(row).kind == BUSH.0 {
                    let grows = (near.tick() + id.0).is_multiple_of(GROWTH_TICKS);
                    berries.count[n] = (berries.count[n] + u32::from(grows)).min(10);
                    continue;
                }
                let (frame, x, y, z) = (body.frame[n], body.x[n], body.y[n], body.z[n]);
                near.within(row, Position { frame, x, y, z }, 1.5, others);
                let bush = others
                    .iter()
                    .find(|other| near.other(other.row).kind == BUSH.0);
                // Once a second, so that nobody asks for more than he can hold.
                if let Some(bush) = bush
                    && (near.tick() + id.0).is_multiple_of(u64::from(TICK_RATE_HZ))
                {
                    out.send(*id, bush.id, Ask {});
                }
            }
        });
    }

    fn hears(&self) -> &[EventKind] {
        &[Ask::KIND, Give::KIND]
    }

    fn receive(
        &self,
        _near: &Near<'_, State>,
        event: &Event,
        row: usize,
        (berries, _): &mut <Self::Own as Access>::View<'_>,
        out: &mut Outbox,
    ) {
        if event.data::<Give>().is_some() {
            berries.count[row] += 1;
        } else if berries.count[row] > 0 {
            // Two who ask in one tick are served one after the other: a berry is never given twice.
            berries.count[row] -= 1;
            out.send(event.target, event.source, Give {});
        }
    }
}

/// A meadow with bushes, and people who stroll over it.
struct Meadow {
    pack: PackStore,
    place: Position,
}

impl Trial for Meadow {
    fn begin(&self) -> World {
        let start = WorldStart {
            world_id: 1,
            planet: Planet::EARTH,
            tick_rate_hz: TICK_RATE_HZ,
            gravity: WorldStart::EARTH_GRAVITY,
            lattice: *self.pack.manifest().lattice(),
        };
        let mut world = World::new(start).expect("a legal start");
        world.register::<Berries>().expect("a new column");
        world.add_system(Gathering).expect("a legal system");
        world
    }

    fn records(&self, world: &mut World, tick: u64) -> Vec<Record> {
        if tick > 0 {
            return Vec::new();
        }
        let lattice = *self.pack.manifest().lattice();
        let place = Planet::EARTH.place(self.place).expect("a place");
        let tile = self
            .pack
            .load(lattice.tile_at(place.to_vec()))
            .expect("ground");
        let mut records = vec![
            Record::Resident {
                tile: tile.cell(),
                checksum: tile.checksum(),
            },
            Record::Kind {
                id: PERSON,
                kind: Kind::character(512),
            },
            Record::Kind {
                id: BUSH,
                kind: Kind::crowd(0),
            },
        ];
        world.stage(tile);
        for n in 0..400u64 {
            let entity = EntityId(n + 1);
            let is_bush = n % 4 == 0;
            let mut position = self.place;
            position.x += ((n * 7_919 % 40) as i32 - 20) * 65_536;
            position.y += ((n * 104_729 % 41) as i32 - 20) * 65_536;
            let agent = Agent {
                position,
                kind: if is_bush { BUSH } else { PERSON },
                ..Agent::default()
            };
            records.push(Record::Spawn { entity, agent });
            let input = Input {
                east: ((n % 5) as i16 - 2) * 60,
                north: ((n % 7) as i16 - 3) * 40,
                ..Input::default()
            };
            records.push(Record::Input { entity, input });
        }
        records
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pack = PackStore::open(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/assets/earth-1024.pack"
    ))?;
    let place = Planet::EARTH.ecef(Geodetic::from_degrees(46.95, 7.44, 600.0)?);
    let meadow = Meadow {
        pack,
        place: Planet::EARTH.position(place)?,
    };
    let mut world = meadow.begin();
    for tick in 0..400 {
        let records = meadow.records(&mut world, tick);
        world.step(tick, &records)?;
    }
    let berries = world.column::<Berries>().count;
    let of = |wanted: KindId| {
        let all = world
            .kinds()
            .zip(berries)
            .filter(|(kind, _)| *kind == wanted);
        all.map(|(_, count)| *count).sum::<u32>()
    };
    println!(
        "after 20 s people have {} berries, bushes {}",
        of(PERSON),
        of(BUSH)
    );
    let hash = prove(&meadow, 60)?;
    println!(
        "the same on 1, 2, 3 and 8 threads, at every SIMD level, and after going back: {hash:016x}"
    );
    Ok(())
}
