//! What whoever runs a server does to it while it runs.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use net_proto::{PlayerId, RefuseCode, WorldId};

use super::{Running, Server};
use crate::clock::now_s;
use crate::config::Config;
use crate::gateway::{Bans, BansError, Limits};
use crate::operations::Listener;

/// How often a server that is being left looks whether it is.
const DRAIN_LOOK: Duration = Duration::from_millis(20);
/// What who is kept out is told.
const KEPT_OUT: &str = "you are kept out of this server";

impl Server {
    /// Where health and metrics are asked for, if they are.
    pub fn http_addr(&self) -> Option<SocketAddr> {
        self.http.as_ref().map(Listener::local_addr)
    }

    /// Whether players may come: as `/health/ready` says.
    pub fn is_ready(&self) -> bool {
        self.vitals.is_ready()
    }

    /// Whether its threads turn: as `/health/live` says.
    pub fn is_live(&self) -> bool {
        self.vitals.is_live()
    }

    /// Lets nobody in any more and tells everybody who is in: where to go on (keys `redirect_to`, `redirect_cert`), or that the server stops
    /// (`maintenance_text`). Returns when all have left, at the latest after the longest `drain_s`. Then stop it.
    pub fn drain(&self) {
        self.vitals.drain();
        self.worlds.iter().for_each(|world| world.gate.drain());
        let drain_s = self.worlds.iter().map(|world| world.config().drain_s);
        let patience = Duration::from_secs(drain_s.max().unwrap_or(0).into());
        let until = Instant::now() + patience;
        let is_deserted = || self.worlds.iter().all(|world| world.gate.is_deserted());
        while !is_deserted() && Instant::now() < until {
            std::thread::sleep(DRAIN_LOOK);
        }
    }

    /// Takes what can change of another configuration of the world that it names (of the first, if there is no such), for sessions that there are too; gives the
    /// keys that cannot change and whose values differ: they stay as they were.
    pub fn reload(&self, wanted: &Config) -> Vec<&'static str> {
        let id = WorldId(u64::from(wanted.world));
        let named = self.worlds.iter().find(|world| world.id == id);
        named.unwrap_or(&self.worlds[0]).reload(wanted)
    }

    /// Sends a player away from all worlds, also one who lingers or waits, and tells it why; whether there was one. It may come again.
    pub fn kick(&self, player: PlayerId, why: impl Into<String>) -> bool {
        self.send_away(player, (RefuseCode::KICKED, Cow::Owned(why.into())))
    }

    fn send_away(&self, player: PlayerId, why: (RefuseCode, Cow<'static, str>)) -> bool {
        let kicked = self
            .worlds
            .iter()
            .filter(|world| world.gate.kick(player, why.clone()));
        kicked.count() > 0
    }

    /// Keeps a player out for so long, by the clock of the machine, or for ever, and sends it away. The list is `bans.txt` in the (first) data directory.
    ///
    /// # Errors
    /// [`BansError`]: the list could not be stored; nothing has changed.
    pub fn ban(&self, player: PlayerId, how_long: Option<Duration>) -> Result<(), BansError> {
        let seconds = how_long.map(|d| d.as_secs().max(1));
        self.bans().add(player, seconds, now_s())?;
        self.send_away(player, (RefuseCode::BANNED, Cow::Borrowed(KEPT_OUT)));
        Ok(())
    }

    /// Lets a player in again; whether it was kept out.
    ///
    /// # Errors
    /// [`BansError`]: the list could not be stored; nothing has changed.
    pub fn unban(&self, player: PlayerId) -> Result<bool, BansError> {
        self.bans().remove(player)
    }

    /// Reads the list of the kept out again, which somebody has edited, and sends away who is on it.
    ///
    /// # Errors
    /// [`BansError`], with the line; the list that was in force stays.
    pub fn read_bans(&self) -> Result<(), BansError> {
        let again = self.bans().again()?;
        *self.bans() = again;
        self.worlds
            .iter()
            .for_each(|world| world.gate.enforce_bans());
        Ok(())
    }

    fn bans(&self) -> std::sync::MutexGuard<'_, Bans> {
        self.bans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    fn config(&self) -> std::sync::MutexGuard<'_, Config> {
        self.config.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reload(&self, wanted: &Config) -> Vec<&'static str> {
        let mut config = self.config();
        let (after, refused) = config.reloaded(wanted);
        self.gate.limit(Limits::of(&after));
        self.wish.make(after.clone());
        *config = after;
        refused
    }
}
