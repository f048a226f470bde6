//! A world with its thread, its store and its queues, and no gateway: whoever is in the same process plays its players.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::config::Config;
use crate::crew::Crew;
use crate::gateway::Inside;
use crate::server::{Parts, Running, Server, ServerError};
use crate::status::Status;

/// See the module. Dropping it stops the world.
#[derive(Debug)]
pub(crate) struct Rehearsal {
    world: Running,
    stop: Arc<AtomicBool>,
    pub(crate) players: Inside,
}

impl Rehearsal {
    /// Recovers or creates the world, and starts ticking.
    pub(crate) fn start(config: Config) -> Result<Self, ServerError> {
        let parts = Parts::of(Server::builder(config), Crew::Threads)?;
        let (world, net) = (
            parts.worlds.into_iter().next(),
            parts.nets.into_iter().next(),
        );
        let (Some(world), Some(net)) = (world, net) else {
            return Err(ServerError::Start("there is no world".into()));
        };
        Ok(Self {
            world: world.run()?,
            stop: parts.common.stop,
            players: Inside::of(net),
        })
    }

    /// How it is doing; brought up to date once a second.
    pub(crate) fn status(&self) -> Status {
        self.world.status()
    }

    /// Journals the last state, writes a checkpoint and ends.
    pub(crate) fn end(mut self) -> Result<(), ServerError> {
        self.stop.store(true, Ordering::Release);
        self.world.end()
    }
}

impl Drop for Rehearsal {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Err(error) = self.world.end() {
            tracing::error!(%error, "the world ended badly");
        }
    }
}
