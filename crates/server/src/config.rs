//! Configuration: defaults, then a file, then the environment, then flags, each overriding the one before.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use net_proto::Audience;
use net_proto::quic::ENDPOINTS_MAX;

use crate::crew::Crew;
use crate::persist::StoreOptions;
use crate::towns::TOWNS;

mod operations;
mod reload;
mod settings;

pub use reload::Change;
pub use settings::{Cheaters, Environment, LogFormat, Settings, WhenOpen};

/// A complete, checked configuration. The keys are described in the example file and on [`Settings`].
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Address of the QUIC endpoint.
    pub listen: SocketAddr,
    /// The base planet.
    pub planet: PathBuf,
    /// The data directory.
    pub data_dir: PathBuf,
    /// The world's number, not 0.
    pub world: u16,
    /// Ticks a second.
    pub tick_rate_hz: u16,
    /// Ticks from one snapshot of a player to the next, on average; clients are told.
    pub snapshot_ticks: u8,
    /// Snapshots of a player a second, where it is to have more than that.
    pub snapshot_hz: Option<u16>,
    /// Radius of interest, metres.
    pub interest_radius_m: f64,
    /// Hysteresis of interest, metres.
    pub interest_hysteresis_m: f64,
    /// Most players.
    pub players_max: u32,
    /// Seconds that who lost its line may come back; 0 for nobody.
    pub resume_s: u16,
    /// Speed limit, metres a second.
    pub speed_max_mps: f64,
    /// Agents of a new world.
    pub agents: u32,
    /// Towns in use.
    pub towns: u16,
    /// Seed of the server's own draws.
    pub seed: u64,
    /// Seconds between checkpoints.
    pub checkpoint_s: u32,
    /// Milliseconds from one sync of the journal to the next at least.
    pub sync_ms: u16,
    /// Bytes of journal that are kept.
    pub journal_bytes_max: u64,
    /// Bytes set aside on the disk; 0 for none.
    pub reserve_bytes: u64,
    /// Where the second witness is kept, if there is one.
    pub witness_dir: Option<PathBuf>,
    /// Where backups go, if there are any.
    pub backup_dir: Option<PathBuf>,
    /// Seconds between backups.
    pub backup_every_s: u32,
    /// Seconds between status lines; 0 for none.
    pub status_s: u32,
    /// Simulation threads; 0 for one a core.
    pub threads: u16,
    /// QUIC endpoints on the port; 0 for one for every two cores, up to 8.
    pub endpoints: u8,
    /// What becomes of cheaters.
    pub cheaters: Cheaters,
    /// Seconds that who was sent away is remembered, and kept out the second time.
    pub ban_s: u32,
    /// The oldest moment that shots are judged by, milliseconds ago.
    pub rewind_ms: u16,
    /// The slowest that the world's time may run, thousandths of its tick rate.
    pub pace_min: u16,
    /// Bytes a second of snapshots for a player, at most in the long run.
    pub player_bytes_s: u32,
    /// Bytes of terrain a second for a client; 0 for none.
    pub tile_bytes_s: u32,
    /// Whom tickets must be for; without, the server's certificate says it.
    pub audience: Option<[u8; 16]>,
    /// Commands a minute and player.
    pub commands_min: u32,
    /// Says a second and player.
    pub says_s: u32,
    /// How far those near hear, metres.
    pub earshot_m: f64,
    /// Whether tickets that are bound to no key open for clients of the protocol's previous version.
    pub previous_version: bool,
    /// Where health and metrics are asked for; nowhere without.
    pub http_listen: Option<SocketAddr>,
    /// What it is run for.
    pub environment: Environment,
    /// How the log is written.
    pub log: LogFormat,
    /// What is logged.
    pub log_level: String,
    /// Where the key that signs tickets is, if not in the data directory.
    pub token_key_file: Option<PathBuf>,
    /// The public half of the key that signs tickets, where this server does not.
    pub token_public_key: Option<[u8; 32]>,
    /// Commands of the class of trades a minute and player.
    pub trades_min: u32,
    /// Players who may wait for a place.
    pub queue_max: u32,
    /// Seconds between being told that the server stops and being sent away.
    pub drain_s: u8,
    /// What players are told when the server stops.
    pub maintenance_text: String,
    /// Where sessions are sent when the server stops.
    pub redirect_to: Option<String>,
    /// The SHA-256 of the certificate there.
    pub redirect_cert: Option<[u8; 32]>,
    /// How long an answer of the account service may take.
    pub auth_timeout_ms: u32,
    /// What becomes of logins while the account service is not asked.
    pub auth_when_open: WhenOpen,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 4433)),
            planet: "earth.pack".into(),
            data_dir: "bluemarble-data".into(),
            world: 1,
            tick_rate_hz: 30,
            snapshot_ticks: 2,
            snapshot_hz: None,
            interest_radius_m: 100.0,
            interest_hysteresis_m: 10.0,
            players_max: 2_000,
            resume_s: 30,
            speed_max_mps: 8.0,
            agents: 0,
            towns: 20,
            seed: 1,
            checkpoint_s: 10,
            sync_ms: 0,
            journal_bytes_max: 16 << 30,
            reserve_bytes: 64 << 20,
            witness_dir: None,
            backup_dir: None,
            backup_every_s: 300,
            status_s: 5,
            threads: 0,
            endpoints: 0,
            cheaters: Cheaters::default(),
            ban_s: 3_600,
            rewind_ms: 500,
            pace_min: 500,
            player_bytes_s: 32_000,
            tile_bytes_s: 256 << 10,
            audience: None,
            commands_min: 100,
            says_s: 10,
            earshot_m: 30.0,
            previous_version: true,
            http_listen: None,
            environment: Environment::default(),
            log: LogFormat::default(),
            log_level: "warn".into(),
            token_key_file: None,
            token_public_key: None,
            trades_min: 5,
            queue_max: 0,
            drain_s: 3,
            maintenance_text: "the server stops for maintenance".into(),
            redirect_to: None,
            redirect_cert: None,
            auth_timeout_ms: 2_000,
            auth_when_open: WhenOpen::default(),
        }
    }
}

impl Config {
    /// Fills settings up with defaults and checks every value.
    ///
    /// # Errors
    /// [`ConfigError::Value`], naming the key and what it may be.
    pub fn new(settings: Settings) -> Result<Self, ConfigError> {
        let default = Self::default();
        let config = Self {
            listen: settings.listen.unwrap_or(default.listen),
            planet: settings.planet.unwrap_or(default.planet),
            data_dir: settings.data_dir.unwrap_or(default.data_dir),
            world: settings.world.unwrap_or(default.world),
            tick_rate_hz: settings.tick_rate_hz.unwrap_or(default.tick_rate_hz),
            snapshot_ticks: settings.snapshot_ticks.unwrap_or(default.snapshot_ticks),
            snapshot_hz: settings.snapshot_hz,
            interest_radius_m: settings
                .interest_radius_m
                .unwrap_or(default.interest_radius_m),
            interest_hysteresis_m: settings
                .interest_hysteresis_m
                .unwrap_or(default.interest_hysteresis_m),
            players_max: settings.players_max.unwrap_or(default.players_max),
            resume_s: settings.resume_s.unwrap_or(default.resume_s),
            speed_max_mps: settings.speed_max_mps.unwrap_or(default.speed_max_mps),
            agents: settings.agents.unwrap_or(default.agents),
            towns: settings.towns.unwrap_or(default.towns),
            seed: settings.seed.unwrap_or(default.seed),
            checkpoint_s: settings.checkpoint_s.unwrap_or(default.checkpoint_s),
            sync_ms: settings.sync_ms.unwrap_or(default.sync_ms),
            journal_bytes_max: settings
                .journal_bytes_max
                .unwrap_or(default.journal_bytes_max),
            reserve_bytes: settings.reserve_bytes.unwrap_or(default.reserve_bytes),
            witness_dir: settings.witness_dir,
            backup_dir: settings.backup_dir,
            backup_every_s: settings.backup_every_s.unwrap_or(default.backup_every_s),
            status_s: settings.status_s.unwrap_or(default.status_s),
            threads: settings.threads.unwrap_or(default.threads),
            endpoints: settings.endpoints.unwrap_or(default.endpoints),
            cheaters: settings.cheaters.unwrap_or(default.cheaters),
            ban_s: settings.ban_s.unwrap_or(default.ban_s),
            rewind_ms: settings.rewind_ms.unwrap_or(default.rewind_ms),
            pace_min: settings.pace_min.unwrap_or(default.pace_min),
            player_bytes_s: settings.player_bytes_s.unwrap_or(default.player_bytes_s),
            tile_bytes_s: settings.tile_bytes_s.unwrap_or(default.tile_bytes_s),
            audience: settings.audience.as_deref().map(audience).transpose()?,
            commands_min: settings.commands_min.unwrap_or(default.commands_min),
            says_s: settings.says_s.unwrap_or(default.says_s),
            earshot_m: settings.earshot_m.unwrap_or(default.earshot_m),
            previous_version: settings
                .previous_version
                .unwrap_or(default.previous_version),
            http_listen: settings.http_listen,
            environment: settings.environment.unwrap_or(default.environment),
            log: settings.log.unwrap_or(default.log),
            log_level: settings.log_level.unwrap_or(default.log_level),
            token_key_file: settings.token_key_file,
            token_public_key: settings
                .token_public_key
                .map(|text| hex_32("token_public_key", &text))
                .transpose()?,
            trades_min: settings.trades_min.unwrap_or(default.trades_min),
            queue_max: settings.queue_max.unwrap_or(default.queue_max),
            drain_s: settings.drain_s.unwrap_or(default.drain_s),
            maintenance_text: settings
                .maintenance_text
                .unwrap_or(default.maintenance_text),
            redirect_to: settings.redirect_to,
            redirect_cert: settings
                .redirect_cert
                .map(|text| hex_32("redirect_cert", &text))
                .transpose()?,
            auth_timeout_ms: settings.auth_timeout_ms.unwrap_or(default.auth_timeout_ms),
            auth_when_open: settings.auth_when_open.unwrap_or(default.auth_when_open),
        };
        config.check().map(|()| config)
    }

    /// How many endpoints there are to be: 1 to 64. The simulation wants cores as well.
    pub(crate) fn endpoints_here(&self) -> u8 {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        match self.endpoints {
            0 => u8::try_from(cores / 2).unwrap_or(u8::MAX).clamp(1, 8),
            count => count,
        }
    }

    /// How many snapshots a player has in how many ticks.
    pub(crate) fn snapshots(&self) -> (u64, u64) {
        match self.snapshot_hz {
            Some(hz) => (hz.into(), self.tick_rate_hz.into()),
            None => (1, self.snapshot_ticks.into()),
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        // Written so that NaN fails.
        let towns = 1..=TOWNS.len();
        let rules = [
            ("world", self.world != 0, "1 to 65535"),
            (
                "tick_rate_hz",
                (20..=120).contains(&self.tick_rate_hz),
                "20 to 120",
            ),
            (
                "snapshot_ticks",
                [1, 2, 4, 8].contains(&self.snapshot_ticks),
                "1, 2, 4 or 8",
            ),
            (
                "snapshot_hz",
                self.snapshot_hz.is_none_or(|hz| {
                    let at_least = self
                        .tick_rate_hz
                        .div_ceil(self.snapshot_ticks.max(1).into());
                    (at_least..=self.tick_rate_hz).contains(&hz)
                }),
                "tick_rate_hz / snapshot_ticks to tick_rate_hz",
            ),
            (
                "interest_radius_m",
                (10.0..=5_000.0).contains(&self.interest_radius_m),
                "10 to 5000 metres",
            ),
            (
                "interest_hysteresis_m",
                (0.0..=1_000.0).contains(&self.interest_hysteresis_m),
                "0 to 1000 metres",
            ),
            (
                "players_max",
                (1..=100_000).contains(&self.players_max),
                "1 to 100000",
            ),
            ("resume_s", self.resume_s <= 3_600, "at most 3600 seconds"),
            (
                "speed_max_mps",
                (0.1..=100.0).contains(&self.speed_max_mps),
                "0.1 to 100 metres a second",
            ),
            ("agents", self.agents <= 1_000_000, "at most 1000000"),
            ("towns", towns.contains(&usize::from(self.towns)), "1 to 20"),
            (
                "checkpoint_s",
                (1..=3_600).contains(&self.checkpoint_s),
                "1 to 3600 seconds",
            ),
            ("status_s", self.status_s <= 3_600, "at most 3600 seconds"),
            (
                "pace_min",
                (100..=1_000).contains(&self.pace_min),
                "100 to 1000 thousandths",
            ),
            ("threads", self.threads <= 256, "at most 256"),
            ("endpoints", self.endpoints <= ENDPOINTS_MAX, "at most 64"),
        ];
        match rules
            .into_iter()
            .chain(self.rules_of_players())
            .chain(self.rules_of_operations())
            .chain(self.rules_of_storage())
            .find(|(_, holds, _)| !holds)
        {
            Some((key, _, legal)) => Err(ConfigError::Value { key, legal }),
            None => Ok(()),
        }
    }

    /// What holds of the keys that are about the disk.
    fn rules_of_storage(&self) -> [(&'static str, bool, &'static str); 4] {
        [
            (
                "sync_ms",
                self.sync_ms <= 1_000,
                "at most 1000 milliseconds",
            ),
            (
                "journal_bytes_max",
                (1 << 20..=1 << 50).contains(&self.journal_bytes_max),
                "1048576 to 1125899906842624 bytes",
            ),
            (
                "reserve_bytes",
                self.reserve_bytes <= 64 << 30,
                "at most 68719476736 bytes",
            ),
            (
                "backup_every_s",
                (1..=604_800).contains(&self.backup_every_s),
                "1 to 604800 seconds",
            ),
        ]
    }

    /// How the store is to keep the world.
    pub(crate) fn store_options(&self) -> StoreOptions {
        StoreOptions {
            world: self.world,
            witness_dir: self.witness_dir.clone(),
            journal_bytes_max: self.journal_bytes_max,
            reserve_bytes: self.reserve_bytes,
            sync_every: Duration::from_millis(self.sync_ms.into()),
            crew: Crew::Threads,
        }
    }

    /// What holds of the keys that are about what players may.
    fn rules_of_players(&self) -> [(&'static str, bool, &'static str); 7] {
        [
            (
                "ban_s",
                (1..=31_536_000).contains(&self.ban_s),
                "1 to 31536000 seconds",
            ),
            (
                "rewind_ms",
                self.rewind_ms <= 2_000,
                "at most 2000 milliseconds",
            ),
            (
                "player_bytes_s",
                (2_000..=10_000_000).contains(&self.player_bytes_s),
                "2000 to 10000000 bytes a second",
            ),
            (
                "commands_min",
                (1..=60_000).contains(&self.commands_min),
                "1 to 60000",
            ),
            ("says_s", (1..=1_000).contains(&self.says_s), "1 to 1000"),
            (
                "earshot_m",
                (0.0..=5_000.0).contains(&self.earshot_m),
                "0 to 5000 metres",
            ),
            (
                "tile_bytes_s",
                matches!(self.tile_bytes_s, 0 | 32_768..=134_217_728),
                "0, or 32768 to 134217728",
            ),
        ]
    }
}

/// What 64 hexadecimal digits say.
fn hex_32(key: &'static str, text: &str) -> Result<[u8; 32], ConfigError> {
    crate::keys::bytes_of_hex(text).ok_or(ConfigError::Value {
        key,
        legal: "64 hexadecimal digits",
    })
}

fn audience(text: &str) -> Result<[u8; 16], ConfigError> {
    let value = Audience::from_hex(text).map(|audience| audience.0);
    value.ok_or(ConfigError::Value {
        key: "audience",
        legal: "32 hexadecimal digits",
    })
}

/// Why a configuration was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: cannot read the configuration: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The file is not TOML, has an unknown key, or a value of the wrong type.
    #[error("{}: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Line, key and reason.
        problem: String,
    },
    /// An environment variable is no key.
    #[error("environment variable {0}: there is no such configuration key")]
    Variable(String),
    /// A value is out of range.
    #[error("configuration key `{key}`: must be {legal}")]
    Value {
        /// The key.
        key: &'static str,
        /// What it may be.
        legal: &'static str,
    },
}

#[cfg(test)]
mod tests;
