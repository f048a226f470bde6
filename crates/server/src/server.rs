//! The embeddable server: a world, its journal and its gateway.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use net_proto::{Audience, WorldId};
use sim_core::{StepError, World, WorldStart};
use spatial_core::{PackStore, RocksStore, StoreError, TileStore};

use crate::clock::now_s;
use crate::config::Config;
use crate::game::{Game, GameError, NoGame};
use crate::gateway::{self, Gate, GateOptions, Gateway, TileDesk};
use crate::host::Host;
use crate::keys::{Keys, KeysError};
use crate::persist::{DirLock, Found, StartFrom, StorageError, Store, recover};
use crate::revive::{ReviveError, Revived, revive};
use crate::status::{Status, StatusBoard};
use crate::world_loop::{WorldLoop, WorldParts};

/// A running world server. Dropping it stops it; [`Server::stop`] also says how it ended.
#[derive(Debug)]
pub struct Server {
    gateway: Gateway,
    board: Arc<StatusBoard>,
    stop: Arc<AtomicBool>,
    world: Option<JoinHandle<Result<(), ServerError>>>,
}

impl Server {
    /// Recovers or creates the world, binds the endpoint and starts ticking.
    ///
    /// Threads serve it: the world's (a rayon pool inside), one for each endpoint, the store's, one that reads terrain for the world and one
    /// that reads it for clients.
    ///
    /// # Errors
    /// [`ServerError`]: each names the file, address or key, and what to do.
    pub fn start(config: Config) -> Result<Self, ServerError> {
        Self::builder(config).start()
    }

    /// A server that is to be, with no rules but those of the simulation until it is told others.
    pub fn builder(config: Config) -> ServerBuilder {
        ServerBuilder {
            config,
            game: Box::new(NoGame),
        }
    }

    fn open(ServerBuilder { config, game }: ServerBuilder) -> Result<Self, ServerError> {
        let planet = open_planet(&config.planet)?;
        let lock = DirLock::take(&config.data_dir)?;
        let keys = Keys::open_or_create(&config.data_dir)?;
        let board = Arc::new(StatusBoard::default());
        let (world, host, store) = open_world(&config, lock, &*planet, (&*game, &board))?;
        let (link, gate, net) = gateway::open(GateOptions {
            world: WorldId(u64::from(config.world)),
            verifier: keys.token.verifier(),
            audience: config.audience.map_or_else(
                || Audience::of_certificate(keys.identity.cert_sha256()),
                Audience,
            ),
            previous_version: config.previous_version,
            players_max: config.players_max as usize,
            resume_s: config.resume_s,
            tick_rate_hz: config.tick_rate_hz,
            used: host.used.clone(),
            tiles: open_desk(&config, &planet)?,
            tile_bytes_s: config.tile_bytes_s,
            commands_min: config.commands_min,
            says_s: config.says_s,
        });
        let gateway = start_gateway(&config, keys, &gate, net)?;
        let stop = Arc::new(AtomicBool::new(false));
        let parts = WorldParts {
            config,
            game,
            world,
            host,
            store,
            planet,
            link,
            gate,
            board: Arc::clone(&board),
            stop: Arc::clone(&stop),
        };
        let world_loop = WorldLoop::new(parts)?;
        let world = std::thread::Builder::new()
            .name("world".into())
            .spawn(move || world_loop.run())
            .map_err(|e| ServerError::Start(format!("the world thread: {e}")))?;
        Ok(Self {
            gateway,
            board,
            stop,
            world: Some(world),
        })
    }

    /// Where the endpoint listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.gateway.local_addr()
    }

    /// How the server is doing; brought up to date once a second.
    pub fn status(&self) -> Status {
        self.board.read()
    }

    /// Whether the world still ticks. When it does not, [`Server::stop`] says why.
    pub fn is_running(&self) -> bool {
        self.world
            .as_ref()
            .is_some_and(|world| !world.is_finished())
    }

    /// Closes the sessions with a reason, journals the last state, writes a checkpoint, and ends all threads.
    ///
    /// # Errors
    /// Why the world ended before it was asked to, or could not be saved.
    pub fn stop(mut self) -> Result<Status, ServerError> {
        self.end()?;
        Ok(self.board.read())
    }

    fn end(&mut self) -> Result<(), ServerError> {
        self.gateway.stop();
        self.stop.store(true, Ordering::Release);
        match self.world.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(ended)) => ended,
            Some(Err(_)) => Err(ServerError::Start("the world thread panicked".into())),
        }
    }
}

/// What a [`Server`] is made of.
pub struct ServerBuilder {
    config: Config,
    game: Box<dyn Game>,
}

impl ServerBuilder {
    /// Gives it rules. A world must be started, and replayed, with the same columns and systems every time.
    #[must_use]
    pub fn game(self, game: impl Game) -> Self {
        let game = Box::new(game);
        Self { game, ..self }
    }

    /// As [`Server::start`].
    ///
    /// # Errors
    /// [`ServerError`].
    pub fn start(self) -> Result<Server, ServerError> {
        Server::open(self)
    }
}

impl std::fmt::Debug for ServerBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerBuilder")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            tracing::error!(%error, "the server ended badly");
        }
    }
}

/// Opens a base planet: a directory holds a database, a file is a pack.
pub(crate) fn open_planet(path: &Path) -> Result<Arc<dyn TileStore>, ServerError> {
    Ok(if path.is_dir() {
        Arc::new(RocksStore::open(path)?)
    } else {
        Arc::new(PackStore::open(path)?)
    })
}

/// Where clients get their ground, unless it is not served.
fn open_desk(
    config: &Config,
    planet: &Arc<dyn TileStore>,
) -> Result<Option<TileDesk>, ServerError> {
    if config.tile_bytes_s == 0 {
        return Ok(None);
    }
    let desk = TileDesk::start(Arc::clone(planet));
    desk.map(Some)
        .map_err(|e| ServerError::Start(format!("the tiles thread: {e}")))
}

fn start_gateway(
    config: &Config,
    keys: Keys,
    gate: &Arc<Gate>,
    net: gateway::NetLinkParts,
) -> Result<Gateway, ServerError> {
    let place = (config.listen, config.endpoints_here());
    Gateway::start(place, keys.identity, gate, net).map_err(ServerError::Listen)
}

/// The recovered world, or a new one.
pub(crate) fn open_world(
    config: &Config,
    lock: DirLock,
    planet: &dyn TileStore,
    (game, board): (&dyn Game, &StatusBoard),
) -> Result<(World, Host, Store), ServerError> {
    let start = WorldStart {
        world_id: u64::from(config.world),
        planet: planet.manifest().planet(),
        tick_rate_hz: config.tick_rate_hz,
        gravity: WorldStart::EARTH_GRAVITY,
        lattice: *planet.manifest().lattice(),
    };
    match recover(&config.data_dir, config.world, StartFrom::Newest)? {
        Found::Empty => {
            let mut world = World::new(start).map_err(|e| ServerError::Start(e.to_string()))?;
            game.prepare(&mut world)?;
            let host = Host::default();
            let store = Store::create(lock, config.world, host.encode(), world.save())?;
            Ok((world, host, store))
        }
        Found::World(recovery) => {
            let Revived {
                world,
                mut host,
                entries,
                ..
            } = revive(&recovery, planet, game, None)?;
            check_start(world.start(), &start)?;
            host.forget(now_s());
            let store = Store::resume(lock, config.world, &recovery)?;
            tracing::info!(tick = world.tick(), entries, "recovered");
            board.update(|s| {
                s.tick = world.tick();
                s.state_hash = format!("{:016x}", world.hash());
                s.state_hash_tick = world.tick();
                s.durable_tick = store.durable_tick();
                s.entities = world.len() as u32;
                (s.recovered_tick, s.recovered_entries) = (world.tick(), entries);
            });
            Ok((world, host, store))
        }
    }
}

/// What a world is made with cannot be configured otherwise later.
fn check_start(stored: &WorldStart, configured: &WorldStart) -> Result<(), ServerError> {
    let what = if stored.tick_rate_hz != configured.tick_rate_hz {
        format!("tick_rate_hz = {}", stored.tick_rate_hz)
    } else if stored.planet != configured.planet || stored.lattice != configured.lattice {
        "another planet (radius or terrain lattice)".to_owned()
    } else {
        return Ok(());
    };
    Err(ServerError::OtherStart(what))
}

/// Why a server cannot start, or ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The data directory.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The stored world.
    #[error(transparent)]
    Revive(#[from] ReviveError),
    /// The keys.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The planet.
    #[error("planet: {0}")]
    Planet(#[from] StoreError),
    /// The endpoint.
    #[error("{0}; choose another address or port (key `listen`), or stop what uses it")]
    Listen(std::io::Error),
    /// The world in the data directory was made with other settings.
    #[error(
        "the world in the data directory was made with {0}: configure that, or use another data directory"
    )]
    OtherStart(String),
    /// The game's rules.
    #[error(transparent)]
    Game(#[from] GameError),
    /// The simulation refused a tick.
    #[error("the world stopped: {0}")]
    Step(#[from] StepError),
    /// Something of the system or of ours that should not fail.
    #[error("{0}")]
    Start(String),
}

impl ServerError {
    /// The process's exit code: 70 when stored data can no longer be trusted, 2 when another directory or world
    /// should have been named, else 1.
    pub fn exit_code(&self) -> u8 {
        let is_untrusted = match self {
            Self::Storage(error) | Self::Revive(ReviveError::Storage(error)) => {
                error.is_untrusted()
            }
            Self::Revive(_) => true,
            _ => false,
        };
        match self {
            _ if is_untrusted => 70,
            Self::Storage(error) if error.is_misuse() => 2,
            _ => 1,
        }
    }
}
