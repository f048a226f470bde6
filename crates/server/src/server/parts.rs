//! What a server is put together from: its worlds, recovered or new, and what they have in common.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use net_proto::quic::Identity;
use net_proto::{Audience, WorldId};
use sim_core::{World, WorldStart};
use spatial_core::{PackStore, RocksStore, TileStore};

use super::{Running, ServerBuilder, ServerError};
use crate::backups::Backups;
use crate::clock::now_s;
use crate::config::Config;
use crate::crew::Crew;
use crate::game::Game;
use crate::gateway::{
    self, AuthDesk, Authenticator, Bans, Counters, Gate, GateOptions, Limits, Lobby, NetLinkParts,
    TileDesk,
};
use crate::host::Host;
use crate::keys::{Keys, TicketKeys, random_bytes};
use crate::operations::{Measures, WorldVitals};
use crate::persist::{
    DirLock, Found as FoundOnDisk, StartFrom, StorageError, Store, StoreOptions, recover_witnessed,
};
use crate::revive::{Revived, revive};
use crate::status::StatusBoard;
use crate::world_loop::{Wish, WorldLoop, WorldParts};

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
        let (tickets, identity) = Keys::of_server(&own)?;
        let measures = Measures::default();
        let common = Common {
            tickets,
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
    tickets: TicketKeys,
    audience: Audience,
    pub(super) bans: Arc<Mutex<Bans>>,
    auth: Option<Arc<AuthDesk>>,
    pub(super) measures: Measures,
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
            verifier: common.tickets.verifier.clone(),
            signer: common.tickets.signer.clone(),
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
    pub(super) id: WorldId,
    pub(crate) board: Arc<StatusBoard>,
    gate: Arc<Gate>,
    pub(super) vitals: Arc<WorldVitals>,
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
