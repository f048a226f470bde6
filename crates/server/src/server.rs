//! The embeddable server: worlds, their journals and their gateway.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use net_proto::WorldId;
use sim_core::StepError;
use spatial_core::StoreError;

use crate::backups::Backups;
use crate::config::Config;
use crate::crew::Crew;
use crate::game::{Game, GameError, NoGame};
use crate::gateway::{Authenticator, Bans, BansError, Gate, Gateway, Lobby};
use crate::keys::KeysError;
use crate::operations::{Desk, Listener, Measures, Vitals};
use crate::persist::StorageError;
use crate::revive::ReviveError;
use crate::status::{Status, StatusBoard};
use crate::world_loop::Wish;

mod parts;
mod rule;

#[cfg(test)]
pub(crate) use parts::open_world;
pub(crate) use parts::{Parts, open_planet};

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
