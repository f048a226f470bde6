//! Where a seed's world is kept.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bluemarble_server::simulated::now_s;
use bluemarble_server::{Config, Settings};
use net_proto::quic::simulated::identity;
use net_proto::{
    Audience, Claims, Holder, HolderKey, PlayerId, PlayerName, Ticket, TokenKey, WorldId,
};
use spatial_core::{CellId, HeightTile, LatticeSpec, Manifest, PackStore, PackWriter, Planet};
use tempfile::TempDir;

use crate::lines::server_addr;
use crate::lots::Lots;
use crate::plan::Plan;

pub(crate) const WORLD: u16 = 1;
/// Ticks a second, and from one snapshot to the next.
pub(crate) const RATE_HZ: u16 = 20;
pub(crate) const SNAPSHOT_TICKS: u8 = 2;

/// A directory with a server's keys, where its world is to be.
pub(crate) struct Place {
    dir: TempDir,
    key: TokenKey,
    cert: [u8; 32],
}

impl Place {
    pub(crate) fn new(seed: u64) -> Self {
        let dir = memory_dir();
        let key = drawn(seed);
        let identity = identity(seed);
        write_planet(&dir.path().join("planet.pack"));
        let data = dir.path().join("data");
        std::fs::create_dir(&data).unwrap();
        std::fs::write(data.join("token.key"), key).unwrap();
        std::fs::write(data.join("server.pem"), identity.to_pem()).unwrap();
        Self {
            dir,
            key: TokenKey::from_seed(key).unwrap(),
            cert: identity.cert_sha256(),
        }
    }

    fn planet_path(&self) -> PathBuf {
        self.dir.path().join("planet.pack")
    }

    /// The planet as a client ships it.
    pub(crate) fn planet(&self) -> Arc<PackStore> {
        Arc::new(PackStore::open(self.planet_path()).unwrap())
    }

    pub(crate) fn config(&self, seed: u64, plan: &Plan) -> Config {
        Config::new(Settings {
            listen: Some(server_addr()),
            planet: Some(self.planet_path()),
            data_dir: Some(self.dir.path().join("data")),
            world: Some(WORLD),
            seed: Some(seed),
            tick_rate_hz: Some(RATE_HZ),
            snapshot_ticks: Some(SNAPSHOT_TICKS),
            agents: Some(plan.agents),
            towns: Some(2),
            threads: Some(1),
            endpoints: Some(2),
            players_max: Some(plan.places),
            queue_max: Some(20),
            checkpoint_s: Some(3),
            commands_min: Some(600),
            reserve_bytes: Some(64 << 10),
            ..Settings::default()
        })
        .unwrap()
    }

    /// A ticket for a player: the nth that it asks for.
    pub(crate) fn ticket(&self, player: u64, n: u64) -> Ticket {
        let mut nonce = [0; 16];
        nonce[..8].copy_from_slice(&player.to_le_bytes());
        nonce[8..].copy_from_slice(&n.to_le_bytes());
        let key = HolderKey::from_seed(drawn(1_000 + player)).unwrap();
        let claims = Claims {
            world: WorldId(WORLD.into()),
            player: PlayerId(player),
            not_before_s: now_s() - 10,
            expires_s: now_s() + 50,
            name: PlayerName::new(&format!("player {player}")).unwrap(),
            nonce,
            holder: Some(Holder {
                key: key.public(),
                audience: Audience::of_certificate(self.cert),
            }),
        };
        Ticket {
            token: self.key.sign(&claims),
            cert_sha256: self.cert,
            key: Some(key),
        }
    }
}

/// A key as the seed says.
fn drawn(seed: u64) -> [u8; 32] {
    let mut lots = Lots::of(seed, 3);
    let mut key = [0; 32];
    for word in key.chunks_exact_mut(8) {
        word.copy_from_slice(&lots.bits().to_le_bytes());
    }
    key
}

/// A directory in memory where there is such a thing: a sync then costs nothing.
fn memory_dir() -> TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

/// Rolling hills on one level of six small tiles.
fn write_planet(path: &Path) {
    const INTERVALS: u16 = 16;
    let lattice = LatticeSpec::new(1, INTERVALS, 0.0, 1.0).unwrap();
    let manifest = Manifest::new(Planet::EARTH, lattice, "drawn for a test", "CC0");
    let mut pack = PackWriter::new(File::create(path).unwrap(), &manifest).unwrap();
    for face in 0..6 {
        let mut samples = Vec::new();
        for j in 0..=u32::from(INTERVALS) {
            for i in 0..=u32::from(INTERVALS) {
                let d = lattice.direction(face, i, j);
                samples.push((400.0 + 200.0 * d.x + 300.0 * d.y - 100.0 * d.z) as i16);
            }
        }
        let cell = CellId::from_face_ij(face, 0, 0, 0);
        let tile = HeightTile::new(cell, INTERVALS, samples).unwrap();
        pack.push(cell, &tile.encode_raw()).unwrap();
    }
    pack.finish().unwrap();
}
