//! What is given: a file, the environment and flags, in the same keys.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::ConfigError;

/// Every key, absent where it is not given: what a file, the environment and the flags have in common.
#[derive(Clone, PartialEq, Debug, Default, Deserialize, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Address and UDP port of the QUIC endpoint; port 0 lets the system choose one
    #[arg(long, env = "BLUEMARBLE_LISTEN", value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// Base planet: a directory made by `planet import`, or a tile pack
    #[arg(long, env = "BLUEMARBLE_PLANET", value_name = "PATH")]
    pub planet: Option<PathBuf>,
    /// Where the journal, checkpoints and keys live
    #[arg(long = "data", env = "BLUEMARBLE_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// The world's number, 1 to 65535
    #[arg(long, env = "BLUEMARBLE_WORLD", value_name = "N")]
    pub world: Option<u16>,
    /// Ticks a second, 20 to 120; fixed for the life of a world
    #[arg(long, env = "BLUEMARBLE_TICK_RATE_HZ", value_name = "HZ")]
    pub tick_rate_hz: Option<u16>,
    /// Ticks from one snapshot to the next, on average: 1, 2, 4 or 8
    #[arg(long, env = "BLUEMARBLE_SNAPSHOT_TICKS", value_name = "N")]
    pub snapshot_ticks: Option<u8>,
    /// Snapshots of a player a second, where that is to be more than one each snapshot_ticks; at most tick_rate_hz
    #[arg(long, env = "BLUEMARBLE_SNAPSHOT_HZ", value_name = "HZ")]
    pub snapshot_hz: Option<u16>,
    /// How far players see, metres
    #[arg(long, env = "BLUEMARBLE_INTEREST_RADIUS_M", value_name = "M")]
    pub interest_radius_m: Option<f64>,
    /// How much farther what is seen stays seen, metres
    #[arg(long, env = "BLUEMARBLE_INTEREST_HYSTERESIS_M", value_name = "M")]
    pub interest_hysteresis_m: Option<f64>,
    /// Players beyond this number are refused
    #[arg(long, env = "BLUEMARBLE_PLAYERS_MAX", value_name = "N")]
    pub players_max: Option<u32>,
    /// Whose line is lost can come back to its avatar within so many seconds; 0 for nobody
    #[arg(long, env = "BLUEMARBLE_RESUME_S", value_name = "S")]
    pub resume_s: Option<u16>,
    /// Nobody walks faster than this, metres a second
    #[arg(long, env = "BLUEMARBLE_SPEED_MAX_MPS", value_name = "MPS")]
    pub speed_max_mps: Option<f64>,
    /// Wandering agents of a new world
    #[arg(long, env = "BLUEMARBLE_AGENTS", value_name = "N")]
    pub agents: Option<u32>,
    /// Towns that agents and players are spread over
    #[arg(long, env = "BLUEMARBLE_TOWNS", value_name = "N")]
    pub towns: Option<u16>,
    /// Seed of everything the server draws by lot
    #[arg(long, env = "BLUEMARBLE_SEED", value_name = "N")]
    pub seed: Option<u64>,
    /// Seconds between checkpoints
    #[arg(long, env = "BLUEMARBLE_CHECKPOINT_S", value_name = "S")]
    pub checkpoint_s: Option<u32>,
    /// Milliseconds from one sync of the journal to the next at least
    #[arg(long, env = "BLUEMARBLE_SYNC_MS", value_name = "MS")]
    pub sync_ms: Option<u16>,
    /// Bytes of journal that are kept for going back in time; the oldest go first
    #[arg(long, env = "BLUEMARBLE_JOURNAL_BYTES_MAX", value_name = "BYTES")]
    pub journal_bytes_max: Option<u64>,
    /// Bytes set aside on the disk for when it is full; 0 for none
    #[arg(long, env = "BLUEMARBLE_RESERVE_BYTES", value_name = "BYTES")]
    pub reserve_bytes: Option<u64>,
    /// Where a second witness of what was acknowledged is kept: a directory on another disk
    #[arg(long, env = "BLUEMARBLE_WITNESS_DIR", value_name = "DIR")]
    pub witness_dir: Option<PathBuf>,
    /// Where the running world is backed up to; without, it is not
    #[arg(long, env = "BLUEMARBLE_BACKUP_DIR", value_name = "DIR")]
    pub backup_dir: Option<PathBuf>,
    /// Seconds between backups
    #[arg(long, env = "BLUEMARBLE_BACKUP_EVERY_S", value_name = "S")]
    pub backup_every_s: Option<u32>,
    /// Seconds between status lines; 0 for none
    #[arg(long, env = "BLUEMARBLE_STATUS_S", value_name = "S")]
    pub status_s: Option<u32>,
    /// Threads of the simulation; 0 for one a core
    #[arg(long, env = "BLUEMARBLE_THREADS", value_name = "N")]
    pub threads: Option<u16>,
    /// QUIC endpoints on the port, a thread each, at most 64; 0 for one for every two cores, up to 8
    #[arg(long, env = "BLUEMARBLE_ENDPOINTS", value_name = "N")]
    pub endpoints: Option<u8>,
    /// What becomes of players who send what no honest client sends
    #[arg(long, env = "BLUEMARBLE_CHEATERS", value_enum, value_name = "WHAT")]
    pub cheaters: Option<Cheaters>,
    /// How long who was sent away is remembered, and kept out the second time, seconds
    #[arg(long, env = "BLUEMARBLE_BAN_S", value_name = "S")]
    pub ban_s: Option<u32>,
    /// Shots are judged by what their shooters saw, at most so long ago, milliseconds
    #[arg(long, env = "BLUEMARBLE_REWIND_MS", value_name = "MS")]
    pub rewind_ms: Option<u16>,
    /// When ticks take too long, the world's time may run as slow as this, thousandths; 1000 for not at all
    #[arg(long, env = "BLUEMARBLE_PACE_MIN", value_name = "PERMILLE")]
    pub pace_min: Option<u16>,
    /// Bytes a second that a player is sent of the world, at most in the long run
    #[arg(long, env = "BLUEMARBLE_PLAYER_BYTES_S", value_name = "BYTES")]
    pub player_bytes_s: Option<u32>,
    /// Bytes of terrain that a client without it is sent a second; 0 for none
    #[arg(long, env = "BLUEMARBLE_TILE_BYTES_S", value_name = "N")]
    pub tile_bytes_s: Option<u32>,
    /// Whom tickets must be for, 32 hexadecimal digits: one for all servers of a fleet; otherwise it is this server's certificate
    #[arg(long, env = "BLUEMARBLE_AUDIENCE", value_name = "HEX")]
    pub audience: Option<String>,
    /// Commands that a player may give the game a minute; 20 of them at once
    #[arg(long, env = "BLUEMARBLE_COMMANDS_MIN", value_name = "N")]
    pub commands_min: Option<u32>,
    /// How often a player may say something, a second; 20 times at once
    #[arg(long, env = "BLUEMARBLE_SAYS_S", value_name = "N")]
    pub says_s: Option<u32>,
    /// How far what players say to those near is heard, metres
    #[arg(long, env = "BLUEMARBLE_EARSHOT_M", value_name = "M")]
    pub earshot_m: Option<f64>,
    /// Whether clients of the protocol's previous version may come, with tickets that are bound to no key
    #[arg(long, env = "BLUEMARBLE_PREVIOUS_VERSION", value_name = "BOOL")]
    pub previous_version: Option<bool>,
    /// Address and TCP port of health and metrics; without it nobody answers about them
    #[arg(long, env = "BLUEMARBLE_HTTP_LISTEN", value_name = "ADDRESS")]
    pub http_listen: Option<SocketAddr>,
    /// What the server is run for: production refuses what is only good for development
    #[arg(long, env = "BLUEMARBLE_ENVIRONMENT", value_enum, value_name = "WHAT")]
    pub environment: Option<Environment>,
    /// How the log is written, to standard error
    #[arg(long, env = "BLUEMARBLE_LOG", value_enum, value_name = "FORMAT")]
    pub log: Option<LogFormat>,
    /// What is logged: a level, or levels by part; RUST_LOG goes before it
    #[arg(long, env = "BLUEMARBLE_LOG_LEVEL", value_name = "FILTER")]
    pub log_level: Option<String>,
    /// File with the seed of the key that signs tickets, 32 bytes or 64 hexadecimal digits
    #[arg(long, env = "BLUEMARBLE_TOKEN_KEY_FILE", value_name = "FILE")]
    pub token_key_file: Option<PathBuf>,
    /// Public half of the key that signs tickets, where another service does, 64 hexadecimal digits
    #[arg(long, env = "BLUEMARBLE_TOKEN_PUBLIC_KEY", value_name = "HEX")]
    pub token_public_key: Option<String>,
    /// Trades among the commands that a player may give a minute; 5 of them at once
    #[arg(long, env = "BLUEMARBLE_TRADES_MIN", value_name = "N")]
    pub trades_min: Option<u32>,
    /// Players who may wait for a place in a full world; 0 for none
    #[arg(long, env = "BLUEMARBLE_QUEUE_MAX", value_name = "N")]
    pub queue_max: Option<u32>,
    /// Seconds that sessions are given to leave before a server that is asked to stop ends them, at most 5
    #[arg(long, env = "BLUEMARBLE_DRAIN_S", value_name = "S")]
    pub drain_s: Option<u8>,
    /// What players are told when the server stops
    #[arg(long, env = "BLUEMARBLE_MAINTENANCE_TEXT", value_name = "TEXT")]
    pub maintenance_text: Option<String>,
    /// Where sessions are sent when the server stops
    #[arg(long, env = "BLUEMARBLE_REDIRECT_TO", value_name = "HOST:PORT")]
    pub redirect_to: Option<String>,
    /// SHA-256 of the certificate there, 64 hexadecimal digits
    #[arg(long, env = "BLUEMARBLE_REDIRECT_CERT", value_name = "HEX")]
    pub redirect_cert: Option<String>,
    /// How long the account service may take to answer, milliseconds
    #[arg(long, env = "BLUEMARBLE_AUTH_TIMEOUT_MS", value_name = "MS")]
    pub auth_timeout_ms: Option<u32>,
    /// What becomes of logins while the account service is not asked, because it failed too often
    #[arg(
        long,
        env = "BLUEMARBLE_AUTH_WHEN_OPEN",
        value_enum,
        value_name = "WHAT"
    )]
    pub auth_when_open: Option<WhenOpen>,
}

/// What a server is run for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// It makes itself the key that signs tickets.
    #[default]
    Development,
    /// It takes nobody's tickets but those of the key that it was given.
    Production,
}

/// How the log is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// An object a line.
    Json,
}

/// What becomes of logins while the account service is not asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum WhenOpen {
    /// They are refused: later.
    #[default]
    Refuse,
    /// Whose ticket holds comes in.
    Accept,
}

/// What becomes of players who send what no honest client sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Cheaters {
    /// They are counted and told of in the log, nothing else.
    Watch,
    /// Their sessions end.
    Kick,
    /// Their sessions end, and who comes back and goes on stays out for a time.
    #[default]
    Ban,
}

impl Settings {
    /// Reads a TOML file.
    ///
    /// # Errors
    /// [`ConfigError::Unreadable`] and [`ConfigError::File`]; both name the file, the latter the key and line too.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        toml::from_str(&text).map_err(|error| ConfigError::File {
            path: path.to_owned(),
            problem: error.to_string().trim_end().to_owned(),
        })
    }

    /// Refuses names of environment variables that look like ours and mean nothing: a mistyped key must not be
    /// silently ignored.
    ///
    /// # Errors
    /// [`ConfigError::Variable`], naming the first.
    pub(crate) fn check_variables(
        names: impl IntoIterator<Item = OsString>,
    ) -> Result<(), ConfigError> {
        let settings = <Self as clap::Args>::augment_args(clap::Command::new("serve"));
        let is_known = |name: &OsString| {
            let mut keys = settings.get_arguments().filter_map(clap::Arg::get_env);
            keys.any(|key| key == name) || OTHER_VARIABLES.iter().any(|other| name == other)
        };
        let ours = |name: &OsString| name.as_encoded_bytes().starts_with(b"BLUEMARBLE_");
        match names.into_iter().filter(ours).find(|name| !is_known(name)) {
            Some(name) => Err(ConfigError::Variable(name.to_string_lossy().into_owned())),
            None => Ok(()),
        }
    }

    /// These settings, and the other's where these have none.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            listen: self.listen.or(other.listen),
            planet: self.planet.or(other.planet),
            data_dir: self.data_dir.or(other.data_dir),
            world: self.world.or(other.world),
            tick_rate_hz: self.tick_rate_hz.or(other.tick_rate_hz),
            snapshot_ticks: self.snapshot_ticks.or(other.snapshot_ticks),
            snapshot_hz: self.snapshot_hz.or(other.snapshot_hz),
            interest_radius_m: self.interest_radius_m.or(other.interest_radius_m),
            interest_hysteresis_m: self.interest_hysteresis_m.or(other.interest_hysteresis_m),
            players_max: self.players_max.or(other.players_max),
            resume_s: self.resume_s.or(other.resume_s),
            speed_max_mps: self.speed_max_mps.or(other.speed_max_mps),
            agents: self.agents.or(other.agents),
            towns: self.towns.or(other.towns),
            seed: self.seed.or(other.seed),
            checkpoint_s: self.checkpoint_s.or(other.checkpoint_s),
            sync_ms: self.sync_ms.or(other.sync_ms),
            journal_bytes_max: self.journal_bytes_max.or(other.journal_bytes_max),
            reserve_bytes: self.reserve_bytes.or(other.reserve_bytes),
            witness_dir: self.witness_dir.or(other.witness_dir),
            backup_dir: self.backup_dir.or(other.backup_dir),
            backup_every_s: self.backup_every_s.or(other.backup_every_s),
            status_s: self.status_s.or(other.status_s),
            threads: self.threads.or(other.threads),
            endpoints: self.endpoints.or(other.endpoints),
            cheaters: self.cheaters.or(other.cheaters),
            ban_s: self.ban_s.or(other.ban_s),
            rewind_ms: self.rewind_ms.or(other.rewind_ms),
            pace_min: self.pace_min.or(other.pace_min),
            player_bytes_s: self.player_bytes_s.or(other.player_bytes_s),
            tile_bytes_s: self.tile_bytes_s.or(other.tile_bytes_s),
            audience: self.audience.or(other.audience),
            commands_min: self.commands_min.or(other.commands_min),
            says_s: self.says_s.or(other.says_s),
            earshot_m: self.earshot_m.or(other.earshot_m),
            previous_version: self.previous_version.or(other.previous_version),
            http_listen: self.http_listen.or(other.http_listen),
            environment: self.environment.or(other.environment),
            log: self.log.or(other.log),
            log_level: self.log_level.or(other.log_level),
            token_key_file: self.token_key_file.or(other.token_key_file),
            token_public_key: self.token_public_key.or(other.token_public_key),
            trades_min: self.trades_min.or(other.trades_min),
            queue_max: self.queue_max.or(other.queue_max),
            drain_s: self.drain_s.or(other.drain_s),
            maintenance_text: self.maintenance_text.or(other.maintenance_text),
            redirect_to: self.redirect_to.or(other.redirect_to),
            redirect_cert: self.redirect_cert.or(other.redirect_cert),
            auth_timeout_ms: self.auth_timeout_ms.or(other.auth_timeout_ms),
            auth_when_open: self.auth_when_open.or(other.auth_when_open),
        }
    }
}

/// Variables that are no keys: the configuration's file, and those of scripts and tests (docs/operations.md).
const OTHER_VARIABLES: [&str; 5] = [
    "BLUEMARBLE_CONFIG",
    "BLUEMARBLE_TOKEN_KEY",
    "BLUEMARBLE_CACHE",
    "BLUEMARBLE_DATA",
    "BLUEMARBLE_BLESS",
];
