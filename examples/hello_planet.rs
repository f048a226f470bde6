//! Agents on the real Earth: spawn, step, query, print.

use std::sync::Arc;

use bluemarble::sim::{Agent, FINE_PER_M, Input, Kind, KindId, Record, World, WorldStart};
use bluemarble::space::{EntityId, Geodetic, MovingIndex, PackStore, Planet, Position, TileStore};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let earth = Planet::EARTH;
    let pack = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/earth-1024.pack");
    let store = PackStore::open(pack)?;
    let lattice = *store.manifest().lattice();

    // A world starts empty; everything that happens to it is a record.
    let (world_id, tick_rate_hz) = (1, 30);
    let mut world = World::new(WorldStart {
        world_id,
        planet: earth,
        tick_rate_hz,
        gravity: WorldStart::EARTH_GRAVITY,
        lattice,
    })?;
    let zermatt = earth.ecef(Geodetic::from_degrees(46.02, 7.75, 0.0)?);
    let tile = store.load(lattice.tile_at(zermatt.to_vec()))?;
    let mut records = vec![
        Record::Resident {
            tile: tile.cell(),
            checksum: tile.checksum(),
        },
        Record::Kind {
            id: WALKER,
            kind: Kind::crowd((1.4 * FINE_PER_M) as u16),
        },
    ];
    world.stage(Arc::clone(&tile));
    for n in 1..=1_000u16 {
        records.extend(walker(n, earth.position(zermatt)?));
    }

    // Ten seconds. The same start and the same records give the same hash on every machine.
    for tick in 0..300 {
        world.step(tick, if tick == 0 { &records } else { &[] })?;
    }
    println!(
        "{} agents after {} ticks, state hash {:016x}",
        world.len(),
        world.tick(),
        world.hash()
    );

    let mut index = MovingIndex::new();
    let places = world.places();
    index.rebuild(world.ids(), &places);
    let mut near = Vec::new();
    let view = index.view(world.ids(), &places);
    view.radius(places[0], 5.0, &mut near)?;
    println!("within 5 m of {}:", world.ids()[0]);
    for hit in near {
        let at = earth.geodetic(places[hit.row as usize]);
        println!(
            "  {:>5} {:.6}° {:.6}° {:.2} m",
            hit.id,
            at.lat_deg(),
            at.lon_deg(),
            at.height_m()
        );
    }
    Ok(())
}

const WALKER: KindId = KindId(0);

/// One of a crowd: its spawn, and where it wants to go.
fn walker(n: u16, mut position: Position) -> [Record; 2] {
    position.x += i32::from(n % 40) * 65_536; // a metre apart
    position.y += i32::from(n / 40) * 65_536;
    let entity = EntityId(u64::from(n));
    let agent = Agent {
        position,
        kind: WALKER,
        ..Agent::default()
    };
    let (east, north) = ((n as i16 % 7 - 3) * 100, (n as i16 % 5 - 2) * 150); // 2^-8 m/s
    let input = Input {
        east,
        north,
        ..Input::default()
    };
    [
        Record::Spawn { entity, agent },
        Record::Input { entity, input },
    ]
}
