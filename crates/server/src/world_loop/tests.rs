//! A world that is stopped at exactly this tick or that, and started again.

use std::path::Path;

use net_proto::WorldId;

use super::*;
use crate::config::Settings;
use crate::game::NoGame;
use crate::gateway::{self, Bans, GateOptions, Limits};
use crate::keys::Keys;
use crate::persist::DirLock;
use crate::server::{open_planet, open_world};

fn start(data: &Path, agents: u32) -> (WorldLoop, Arc<StatusBoard>) {
    let config = Config::new(Settings {
        planet: Some(concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/earth-1024.pack").into()),
        data_dir: Some(data.to_owned()),
        tick_rate_hz: Some(20),
        checkpoint_s: Some(1),
        agents: Some(agents),
        threads: Some(1),
        ..Settings::default()
    })
    .unwrap();
    let lock = DirLock::take(data).unwrap();
    let keys = Keys::open_or_create(data).unwrap();
    let planet = open_planet(&config.planet).unwrap();
    let board = Arc::new(StatusBoard::default());
    let (world, host, store) =
        open_world(&config, (lock, &Crew::Threads), &*planet, (&NoGame, &board)).unwrap();
    let (link, gate, _net) = gateway::open(GateOptions {
        strays: Arc::default(),
        world: WorldId(u64::from(config.world)),
        verifier: keys.token.verifier(),
        signer: None,
        audience: net_proto::Audience([0; 16]),
        limits: Limits::of(&config),
        bans: Arc::new(Mutex::new(Bans::open(data.join("bans.txt")).unwrap())),
        auth: None,
        routes: Box::default(),
        measures: Measures::default(),
        tick_rate_hz: config.tick_rate_hz,
        used: Vec::new(),
        tiles: None,
        tile_bytes_s: 0,
    });
    let parts = WorldParts {
        config,
        game: Box::new(NoGame),
        world,
        host,
        store,
        crew: Crew::Threads,
        planet,
        link,
        gate,
        board: Arc::clone(&board),
        stop: Arc::default(),
        vitals: Arc::new(WorldVitals::new(1)),
        measures: Measures::default(),
        wish: Arc::default(),
    };
    (WorldLoop::new(parts).unwrap(), board)
}

/// One life: start, that many ticks, a clean stop. Returns the tick and hash found at the start and left at the end.
fn live(data: &Path, ticks: u64) -> [(u64, u64); 2] {
    let (mut world_loop, board) = start(data, 5);
    let now = |world: &World| (world.tick(), world.hash());
    let found = now(&world_loop.world);
    (0..ticks).for_each(|_| world_loop.tick().unwrap());
    let left = now(&world_loop.world);
    world_loop.finish().unwrap();
    let last = board.read();
    assert_eq!(last.state_hash_tick, left.0);
    assert_eq!(last.state_hash, format!("{:016x}", left.1));
    [found, left]
}

#[test]
fn a_stop_at_any_tick_can_be_started_again() {
    // Checkpoints fall on every 20th tick, hashes on every 10th; lives without a tick come between.
    let dir = tempfile::tempdir().unwrap();
    let mut left = None;
    for ticks in [
        0, 0, 19, 1, 0, 1, 19, 0, 20, 0, 21, 18, 2, 10, 10, 9, 1, 30, 0, 5, 16,
    ] {
        let [found, end] = live(dir.path(), ticks);
        assert!(left.is_none_or(|left| left == found), "{left:?}, {found:?}");
        assert_eq!(end.0, found.0 + ticks);
        left = Some(end);
    }
}

#[test]
fn a_recovered_world_may_stop_before_its_first_tick() {
    // Between checkpoints, on a hashed tick and not, and with the newest checkpoint damaged.
    for ticks in [25, 30, 40] {
        let dir = tempfile::tempdir().unwrap();
        let [_, left] = live(dir.path(), ticks);
        let newest = dir.path().join(format!("checkpoint-{ticks:020}.bmc"));
        std::fs::remove_file(newest).unwrap();
        for _ in 0..3 {
            assert_eq!(live(dir.path(), 0), [left, left], "{ticks}");
        }
        assert_eq!(live(dir.path(), 1)[0], left);
    }
}

#[test]
fn after_a_restart_agents_do_not_all_choose_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let (mut world_loop, _) = start(dir.path(), 500);
    let deadline = Instant::now() + Duration::from_secs(10);
    while world_loop.world.len() < 500 {
        assert!(Instant::now() < deadline, "no ground");
        world_loop.tick().unwrap();
    }
    world_loop.finish().unwrap();
    let (mut world_loop, _) = start(dir.path(), 500);
    world_loop.gather().unwrap();
    let inputs = |r: &&Record| matches!(r, Record::Input { .. });
    // Five seconds of 20 ticks share them.
    assert_eq!(world_loop.records.iter().filter(inputs).count(), 5);
}
