//! A whole server that one thread drives, in virtual time, on a network in memory (feature `simulated`, for tests).
//!
//! Gateway, worlds, stores and all that they consist of are those of a [`crate::Server`]; tasks of one runtime give them their turns instead of threads of their
//! own, and their clock is the runtime's. What a seed decides (the network's lots, how long the disk takes, what clients do) is all that happens: one seed, one run.
//! Everything in here belongs into [`net_proto::quic::simulated::run`].

use std::net::SocketAddr;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use net_proto::quic::simulated::Network;
use sim_core::World;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::clock;
use crate::config::Config;
use crate::crew::{Crew, Work};
use crate::game::Game;
use crate::gateway::{self, Lobby};
use crate::lots::Lots;
use crate::persist::{Found, StartFrom, StorageError, cut_unsynced, recover};
use crate::revive::{Revived, revive};
use crate::server::{Parts, ServerBuilder, ServerError, open_planet};
use crate::status::{Status, StatusBoard};

/// How the disk of a simulated server is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Disk {
    /// From one step of its work to the next: between writing and syncing, and between one group and the next.
    pub pause: Range<Duration>,
    /// Of these pauses.
    pub seed: u64,
    /// A planted fault: what has only been handed to it counts as synced.
    pub is_liar: bool,
}

/// Seconds since 1970 by the wall clock of the thread's simulated servers: it begins with [`begin`].
pub fn now_s() -> u64 {
    clock::now_s()
}

/// Has the wall clock of this thread go by the runtime's time from now on, from one and the same second. To be called once a runtime, before all else.
pub fn begin() {
    clock::simulate();
}

/// A running server.
#[derive(Debug)]
pub struct Simulated {
    network: Network,
    addr: SocketAddr,
    places: Vec<(PathBuf, u16)>,
    lobby: Arc<Lobby>,
    boards: Vec<Arc<StatusBoard>>,
    stop: Arc<AtomicBool>,
    gateway: Vec<(oneshot::Sender<()>, JoinHandle<()>)>,
    worlds: Vec<JoinHandle<Result<(), ServerError>>>,
    /// Whether it is a store, and its task.
    helpers: Vec<(bool, JoinHandle<()>)>,
}

impl Simulated {
    /// As [`crate::ServerBuilder::start`], at the address in the configuration, which is one of the network's. Health and metrics are not served, and an
    /// account service is asked by threads: it is not for here.
    ///
    /// # Errors
    /// [`ServerError`].
    pub fn start(
        builder: ServerBuilder,
        network: &Network,
        disk: &Disk,
    ) -> Result<Self, ServerError> {
        let (crew, works) = Crew::by_turns(disk.is_liar);
        let parts = Parts::of(builder, crew)?;
        let (addr, count) = (parts.config.listen, parts.config.endpoints_here());
        let endpoints = network.server_endpoints(addr, &parts.identity, count);
        let endpoints = endpoints.map_err(ServerError::Listen)?;
        let mut lots = Lots::new(disk.seed);
        let helpers = works.take().into_iter().map(|(name, work)| {
            let lots = Lots::new(lots.bits());
            let task = tokio::spawn(drive(work, lots, disk.pause.clone()));
            (name == "store", task)
        });
        let helpers = helpers.collect();
        Ok(Self {
            network: network.clone(),
            addr,
            places: parts.worlds.iter().map(|ready| ready.place()).collect(),
            boards: (parts.worlds.iter().map(|ready| Arc::clone(&ready.board))).collect(),
            stop: parts.common.stop,
            gateway: gateway::run_on(endpoints, &parts.lobby, parts.nets),
            lobby: parts.lobby,
            worlds: (parts.worlds.into_iter())
                .map(|ready| tokio::spawn(ready.world_loop.live()))
                .collect(),
            helpers,
        })
    }

    /// As [`crate::Server::status`].
    pub fn status(&self) -> Status {
        self.boards[0].read()
    }

    /// Whether all worlds still tick.
    pub fn is_running(&self) -> bool {
        !self.worlds.iter().any(JoinHandle::is_finished)
    }

    /// Whether what the gateway knows of its sessions fits together, and every queue is within its bound: what does not.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check(&self) -> Result<(), String> {
        self.lobby.gates().try_for_each(|gate| gate.check())
    }

    /// As [`crate::Server::stop`].
    ///
    /// # Errors
    /// As there; a world that panicked is [`ServerError::Start`].
    pub async fn stop(mut self) -> Result<Status, ServerError> {
        let stop = |(stop, task): (oneshot::Sender<()>, JoinHandle<()>)| {
            let _ = stop.send(()); // fails only when the task has ended already
            task
        };
        let gateway = std::mem::take(&mut self.gateway);
        for task in gateway.into_iter().map(stop).collect::<Vec<_>>() {
            let _ = task.await;
        }
        // A runtime of its own would end what is left of its connections now.
        self.network.unplug(self.addr);
        self.stop.store(true, Ordering::Release);
        let mut ended = Ok(());
        for world in std::mem::take(&mut self.worlds) {
            let outcome = world.await;
            ended = ended.and(outcome.unwrap_or_else(|e| Err(ServerError::Start(e.to_string()))));
        }
        let status = self.status();
        drop(self.lobby);
        for (is_store, mut helper) in self.helpers {
            // Others have nothing to end.
            if !is_store || timeout(PATIENCE, &mut helper).await.is_err() {
                helper.abort();
            }
        }
        ended.map(|()| status)
    }

    /// As when the power goes: nobody is told anything, nothing is written any more, and of what was written and not synced only a part is left, as the seed
    /// says. Another one may start then. Gives how many bytes were lost.
    ///
    /// # Errors
    /// [`StorageError`]: the directory cannot be read.
    pub async fn cut(self, seed: u64) -> Result<u64, StorageError> {
        self.network.unplug(self.addr);
        for world in &self.worlds {
            world.abort();
        }
        for (_, helper) in &self.helpers {
            helper.abort();
        }
        for world in self.worlds {
            let _ = world.await;
        }
        for (_, helper) in self.helpers {
            let _ = helper.await;
        }
        // Its tasks end by themselves, in the dark.
        for (stop, _) in self.gateway {
            let _ = stop.send(());
        }
        let mut lots = Lots::new(seed);
        let mut lost = 0;
        for (dir, world) in &self.places {
            lost += cut_unsynced(dir, *world, lots.unit())?;
        }
        Ok(lost)
    }
}

/// Gives work its turns.
async fn drive(mut work: Box<dyn Work>, mut lots: Lots, pause: Range<Duration>) {
    let (from_s, to_s) = (pause.start.as_secs_f64(), pause.end.as_secs_f64());
    while work.turn(false) {
        sleep(Duration::from_secs_f64(lots.within(from_s, to_s))).await;
    }
}

/// How long a store may take to write what is left.
const PATIENCE: Duration = Duration::from_secs(10);

/// A world as its journal says.
pub struct Replayed {
    /// As it was after the last frame.
    pub world: World,
    /// State hashes in the journal: each was compared and equal.
    pub verified: u64,
}

impl std::fmt::Debug for Replayed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replayed")
            .field("tick", &self.world.tick())
            .field("verified", &self.verified)
            .finish_non_exhaustive()
    }
}

/// Replays a world that nobody serves from its oldest checkpoint on, up to and with a tick if one is given; none where it has not begun.
///
/// # Errors
/// [`ServerError`]: what is there cannot be read, or gives another hash than it gave then.
pub fn replay(
    config: &Config,
    game: &dyn Game,
    until: Option<u64>,
) -> Result<Option<Replayed>, ServerError> {
    let planet = open_planet(&config.planet)?;
    match recover(&config.data_dir, config.world, StartFrom::Oldest)? {
        Found::Empty => Ok(None),
        Found::World(recovery) => {
            let Revived {
                world, verified, ..
            } = revive(&recovery, &*planet, game, until)?;
            Ok(Some(Replayed { world, verified }))
        }
    }
}
