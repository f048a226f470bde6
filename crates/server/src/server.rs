//! The embeddable server: worlds, their journals and their gateway.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use net_proto::quic::Identity;
use net_proto::{Audience, WorldId};
use sim_core::{StepError, World, WorldStart};
use spatial_core::{PackStore, RocksStore, StoreError, TileStore};

use crate::backups::Backups;
use crate::clock::now_s;
use crate::config::Config;
use crate::crew::Crew;
use crate::game::{Game, GameError, NoGame};
use crate::gateway::{
    self, AuthDesk, Authenticator, Bans, BansError, Counters, Gate, GateOptions, Gateway, Limits,
    Lobby, NetLinkParts, TileDesk,
};
use crate::host::Host;
use crate::keys::{Issuer, Keys, KeysError, random_bytes};
use crate::operations::{Desk, Listener, Measures, Vitals, WorldVitals};
use crate::persist::{
    DirLock, Found as FoundOnDisk, StartFrom, StorageError, Store, StoreOptions, recover_witnessed,
};
use crate::revive::{ReviveError, Revived, revive};
use crate::status::{Status, StatusBoard};
use crate::world_loop::{Wish, WorldLoop, WorldParts};

mod rule;

/// A running server of one world, or of several behind one port. Dropping it stops it; [`Server::stop`] also says how it ended.
#[derive(Debug)]
pub struct Server {
    gateway: Gateway,
    http: Option<Listener>,
    vitals: Arc<Vitals>,
    bans: Arc<Mutex<Bans>>,
    stop: Arc<AtomicBool>,
    worlds: Vec<Running>,
}

/// One of its worlds.
#[derive(Debug)]
pub(crate) struct Running {
    id: WorldId,
    board: Arc<StatusBoard>,
    gate: Arc<Gate>,
    wish: Arc<Wish>,
    /// As it is in force.
    config: Mutex<Config>,
    thread: Option<JoinHandle<Result<(), ServerError>>>,
    backups: Option<Backups>,
}

impl Server {
    /// Recovers or creates the world, binds the endpoint and starts ticking.
    ///
    /// Threads serve it: of each world its own (a rayon pool inside), the store's, one that reads terrain for the world and one
    /// that reads it for clients; and one for each endpoint.
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
            others: Vec::new(),
            authenticator: None,
        }
    }

    fn open(builder: ServerBuilder) -> Result<Self, ServerError> {
        let Parts {
            config,
            identity,
            common,
            lobby,
            worlds,
            nets,
        } = Parts::of(builder, Crew::Threads)?;
        let vitals = worlds.iter().map(|ready| Arc::clone(&ready.vitals));
        let vitals = Arc::new(Vitals::new(vitals.collect()));
        let boards = worlds
            .iter()
            .map(|ready| (ready.id, Arc::clone(&ready.board)));
        let seen = (boards.collect(), Arc::clone(&vitals), Arc::clone(&lobby));
        let http = open_http(&config, seen, &common.measures)?;
        let place = (config.listen, config.endpoints_here());
        let gateway = Gateway::start(place, identity, &lobby, nets).map_err(ServerError::Listen)?;
        // Worlds whose threads have started end with this.
        let mut server = Self {
            gateway,
            http,
            vitals,
            bans: common.bans,
            stop: common.stop,
            worlds: Vec::new(),
        };
        for ready in worlds {
            server.worlds.push(ready.run()?);
        }
        Ok(server)
    }

    /// Where the endpoint listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.gateway.local_addr()
    }

    /// How the first world is doing; brought up to date once a second.
    pub fn status(&self) -> Status {
        self.worlds[0].board.read()
    }

    /// Its worlds, in the order in which they were named.
    pub fn worlds(&self) -> impl Iterator<Item = WorldId> + '_ {
        self.worlds.iter().map(|world| world.id)
    }

    /// How a world is doing; `None` when it is not here.
    pub fn status_of(&self, world: WorldId) -> Option<Status> {
        let found = self.worlds.iter().find(|running| running.id == world);
        found.map(|running| running.board.read())
    }

    /// Whether all worlds still tick. When one does not, [`Server::stop`] says why.
    pub fn is_running(&self) -> bool {
        let ticks = |world: &Running| {
            let thread = world.thread.as_ref();
            thread.is_some_and(|thread| !thread.is_finished())
        };
        self.worlds.iter().all(ticks)
    }

    /// Closes the sessions with a reason, journals the last state of each world, writes a checkpoint, and ends all threads. Gives the first
    /// world's last status.
    ///
    /// # Errors
    /// Why a world ended before it was asked to, or could not be saved: the first of those.
    pub fn stop(mut self) -> Result<Status, ServerError> {
        self.end()?;
        Ok(self.status())
    }

    fn end(&mut self) -> Result<(), ServerError> {
        for world in &mut self.worlds {
            world.backups = None;
        }
        self.gateway.stop();
        self.stop.store(true, Ordering::Release);
        let mut ended = Ok(());
        for world in &mut self.worlds {
            ended = ended.and(world.end());
        }
        ended
    }
}

impl Running {
    pub(crate) fn status(&self) -> Status {
        self.board.read()
    }

    /// Waits for its end, which has been asked for.
    pub(crate) fn end(&mut self) -> Result<(), ServerError> {
        match self.thread.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(outcome)) => outcome,
            Some(Err(_)) => Err(ServerError::Start("the world thread panicked".into())),
        }
    }
}

/// A server that is put together, and neither listens nor ticks yet.
pub(crate) struct Parts {
    /// The first world's: that of the port.
    pub(crate) config: Config,
    pub(crate) identity: Identity,
    pub(crate) common: Common,
    pub(crate) lobby: Arc<Lobby>,
    pub(crate) worlds: Vec<Ready>,
    pub(crate) nets: Vec<NetLinkParts>,
}

impl Parts {
    /// Recovers or creates the worlds.
    pub(crate) fn of(builder: ServerBuilder, crew: Crew) -> Result<Self, ServerError> {
        let ServerBuilder {
            config,
            game,
            others,
            authenticator,
        } = builder;
        let own = config.clone();
        let first = Found::of(config, game, None, &crew)?;
        let (issuer, identity) = Keys::of_server(&own)?;
        let measures = Measures::default();
        let common = Common {
            issuer,
            audience: own.audience.map_or_else(
                || Audience::of_certificate(identity.cert_sha256()),
                Audience,
            ),
            bans: Arc::new(Mutex::new(Bans::open(own.data_dir.join("bans.txt"))?)),
            auth: open_auth(authenticator, &measures)?,
            measures,
            strays: Arc::default(),
            stop: Arc::new(AtomicBool::new(false)),
            crew,
        };
        let mut all = vec![first];
        for (config, game) in others {
            if all.iter().any(|found| found.config.world == config.world) {
                return Err(ServerError::SameWorld(config.world));
            }
            let planet = all
                .iter()
                .find(|found| found.config.planet == config.planet);
            let planet = planet.map(|found| Arc::clone(&found.planet));
            all.push(Found::of(config, game, planet, &common.crew)?);
        }
        let (mut worlds, mut gates, mut nets) = (Vec::new(), Vec::new(), Vec::new());
        for found in all {
            let (world, gate, net) = found.open(&common)?;
            worlds.push(world);
            gates.push(gate);
            nets.push(net);
        }
        let lobby = Lobby::new(gates, Arc::clone(&common.strays), seed()?);
        Ok(Self {
            config: own,
            identity,
            common,
            lobby: Arc::new(lobby),
            worlds,
            nets,
        })
    }
}

/// What the worlds of a server have in common.
pub(crate) struct Common {
    issuer: Issuer,
    audience: Audience,
    bans: Arc<Mutex<Bans>>,
    auth: Option<Arc<AuthDesk>>,
    measures: Measures,
    strays: Arc<Counters>,
    pub(crate) stop: Arc<AtomicBool>,
    crew: Crew,
}

/// A world that is there, recovered or new.
struct Found {
    config: Config,
    game: Box<dyn Game>,
    planet: Arc<dyn TileStore>,
    board: Arc<StatusBoard>,
    world: World,
    host: Host,
    store: Store,
}

impl Found {
    /// Looks for it, on a planet that is open already, if one is given.
    fn of(
        config: Config,
        game: Box<dyn Game>,
        planet: Option<Arc<dyn TileStore>>,
        crew: &Crew,
    ) -> Result<Self, ServerError> {
        let planet = planet.map_or_else(|| open_planet(&config.planet), Ok)?;
        if let Some(dir) = config.witness_dir.as_ref().filter(|dir| !dir.is_dir()) {
            return Err(StorageError::NotADataDir {
                path: dir.clone(),
                what: "no such directory: make it, or mount the disk (key `witness_dir`)",
            }
            .into());
        }
        let lock = DirLock::take(&config.data_dir)?;
        let board = Arc::new(StatusBoard::default());
        let (world, host, store) = open_world(&config, (lock, crew), &*planet, (&*game, &board))?;
        Ok(Self {
            config,
            game,
            planet,
            board,
            world,
            host,
            store,
        })
    }

    /// Makes its queues, its gate and its loop.
    fn open(self, common: &Common) -> Result<(Ready, Arc<Gate>, NetLinkParts), ServerError> {
        let Self { config, .. } = self;
        let id = WorldId(u64::from(config.world));
        let (link, gate, net) = gateway::open(GateOptions {
            world: id,
            verifier: common.issuer.verifier.clone(),
            signer: common.issuer.signer.clone(),
            audience: common.audience,
            strays: Arc::clone(&common.strays),
            limits: Limits::of(&config),
            bans: Arc::clone(&common.bans),
            auth: common.auth.clone(),
            routes: (0..=u16::MAX).map(|kind| self.game.route(kind)).collect(),
            measures: common.measures.clone(),
            tick_rate_hz: config.tick_rate_hz,
            used: self.host.used.clone(),
            tiles: open_desk(&config, &self.planet, &common.crew)?,
            tile_bytes_s: config.tile_bytes_s,
        });
        self.store.measure(common.measures.sync.clone());
        let vitals = Arc::new(WorldVitals::new(config.world));
        let wish = Arc::new(Wish::default());
        let backups = Backups::start(&config, &self.board)
            .map_err(|e| ServerError::Start(format!("the backup thread: {e}")))?;
        let world_loop = WorldLoop::new(WorldParts {
            config: config.clone(),
            game: self.game,
            world: self.world,
            host: self.host,
            store: self.store,
            crew: common.crew.clone(),
            planet: self.planet,
            link,
            gate: Arc::clone(&gate),
            board: Arc::clone(&self.board),
            stop: Arc::clone(&common.stop),
            vitals: Arc::clone(&vitals),
            measures: common.measures.clone(),
            wish: Arc::clone(&wish),
        })?;
        let ready = Ready {
            id,
            board: self.board,
            gate: Arc::clone(&gate),
            vitals,
            wish,
            config,
            world_loop,
            backups,
        };
        Ok((ready, gate, net))
    }
}

/// A world that is going to tick.
pub(crate) struct Ready {
    id: WorldId,
    pub(crate) board: Arc<StatusBoard>,
    gate: Arc<Gate>,
    vitals: Arc<WorldVitals>,
    wish: Arc<Wish>,
    config: Config,
    pub(crate) world_loop: WorldLoop,
    backups: Option<Backups>,
}

impl Ready {
    /// Where it is kept, and its number.
    #[cfg(feature = "simulated")]
    pub(crate) fn place(&self) -> (std::path::PathBuf, u16) {
        (self.config.data_dir.clone(), self.config.world)
    }

    pub(crate) fn run(self) -> Result<Running, ServerError> {
        let thread = std::thread::Builder::new()
            .name(format!("world {}", self.id))
            .spawn(move || self.world_loop.run())
            .map_err(|e| ServerError::Start(format!("the world thread: {e}")))?;
        Ok(Running {
            id: self.id,
            board: self.board,
            gate: self.gate,
            wish: self.wish,
            config: Mutex::new(self.config),
            thread: Some(thread),
            backups: self.backups,
        })
    }
}

/// What a [`Server`] is made of.
pub struct ServerBuilder {
    config: Config,
    game: Box<dyn Game>,
    others: Vec<(Config, Box<dyn Game>)>,
    authenticator: Option<Arc<dyn Authenticator>>,
}

impl ServerBuilder {
    /// Gives it rules. A world must be started, and replayed, with the same columns and systems every time.
    #[must_use]
    pub fn game(self, game: impl Game) -> Self {
        let game = Box::new(game);
        Self { game, ..self }
    }

    /// Another world behind the same port, with a data directory and threads of its own. Of its configuration the keys of the port and of who may
    /// knock do not count (`listen`, `endpoints`, `audience`, `http_listen`): those are the first one's, and so are the keys that sign.
    #[must_use]
    pub fn world(mut self, config: Config, game: impl Game) -> Self {
        self.others.push((config, Box::new(game)));
        self
    }

    /// Has somebody be asked about every player whose ticket holds, before it gets a place.
    #[must_use]
    pub fn authenticator(self, authenticator: impl Authenticator) -> Self {
        let authenticator = Some(Arc::new(authenticator) as Arc<dyn Authenticator>);
        Self {
            authenticator,
            ..self
        }
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
    crew: &Crew,
) -> Result<Option<TileDesk>, ServerError> {
    if config.tile_bytes_s == 0 {
        return Ok(None);
    }
    let desk = TileDesk::start(Arc::clone(planet), crew);
    desk.map(Some)
        .map_err(|e| ServerError::Start(format!("the tiles thread: {e}")))
}

fn open_auth(
    service: Option<Arc<dyn Authenticator>>,
    measures: &Measures,
) -> Result<Option<Arc<AuthDesk>>, ServerError> {
    let desk = service.map(|service| AuthDesk::start(service, measures.auth.clone()));
    let desk = desk.transpose();
    desk.map(|desk| desk.map(Arc::new))
        .map_err(|e| ServerError::Start(format!("the account service's threads: {e}")))
}

/// What health and metrics are about.
type Seen = (Vec<(WorldId, Arc<StatusBoard>)>, Arc<Vitals>, Arc<Lobby>);

/// Where health and metrics are asked for, unless nobody is to.
fn open_http(
    config: &Config,
    (boards, vitals, lobby): Seen,
    measures: &Measures,
) -> Result<Option<Listener>, ServerError> {
    let Some(listen) = config.http_listen else {
        return Ok(None);
    };
    let desk = Desk::new((boards, vitals, lobby), config.data_dir.clone(), measures);
    Listener::start(listen, desk)
        .map(Some)
        .map_err(ServerError::Http)
}

/// What the names of logins in the log begin with.
fn seed() -> Result<u64, ServerError> {
    random_bytes()
        .map(u64::from_le_bytes)
        .map_err(|e| ServerError::Start(format!("/dev/urandom: {e}")))
}

/// The recovered world, or a new one.
pub(crate) fn open_world(
    config: &Config,
    (lock, crew): (DirLock, &Crew),
    planet: &dyn TileStore,
    (game, board): (&dyn Game, &StatusBoard),
) -> Result<(World, Host, Store), ServerError> {
    let options = StoreOptions {
        crew: crew.clone(),
        ..config.store_options()
    };
    let start = WorldStart {
        world_id: u64::from(config.world),
        planet: planet.manifest().planet(),
        tick_rate_hz: config.tick_rate_hz,
        gravity: WorldStart::EARTH_GRAVITY,
        lattice: *planet.manifest().lattice(),
    };
    let second = config.witness_dir.as_deref();
    match recover_witnessed(&config.data_dir, config.world, StartFrom::Newest, second)? {
        FoundOnDisk::Empty => {
            let mut world = World::new(start).map_err(|e| ServerError::Start(e.to_string()))?;
            game.prepare(&mut world)?;
            let host = Host::default();
            let store = Store::create(lock, options, host.encode(), world.save())?;
            Ok((world, host, store))
        }
        FoundOnDisk::World(recovery) => {
            let Revived {
                world,
                mut host,
                entries,
                ..
            } = revive(&recovery, planet, game, None)?;
            check_start(world.start(), &start)?;
            host.forget(now_s());
            let store = Store::resume(lock, options, &recovery)?;
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
    /// The listener for health and metrics.
    #[error("{0}; choose another address or port (key `http_listen`)")]
    Http(std::io::Error),
    /// The list of the kept out.
    #[error(transparent)]
    Bans(#[from] BansError),
    /// The world in the data directory was made with other settings.
    #[error(
        "the world in the data directory was made with {0}: configure that, or use another data directory"
    )]
    OtherStart(String),
    /// Two worlds of one server have the same number.
    #[error("world {0} is there twice: give each its own number (key `world`) and data directory")]
    SameWorld(u16),
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
