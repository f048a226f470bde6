//! The lobby: where everybody who knocks waits, before it is known to which world.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use net_proto::quic::{Admission, Door, Incoming};
use net_proto::{RefuseCode, WorldId};

use super::counts::Counters;
use super::login::Refusal;
use super::table::{Gate, lock};
use crate::clock;

/// The worlds behind one port. Shared by all network threads.
#[derive(Debug)]
pub(crate) struct Lobby {
    gates: BTreeMap<WorldId, Arc<Gate>>,
    door: Mutex<Door>,
    /// Of who was refused before it said to which world it wanted.
    pub(super) strays: Arc<Counters>,
    traces: AtomicU64,
}

impl Lobby {
    /// The lobby of these gates, each of another world; all count the same strays. From the seed, another one for every process, the log's names for logins
    /// are made.
    pub(crate) fn new(
        gates: impl IntoIterator<Item = Arc<Gate>>,
        strays: Arc<Counters>,
        seed: u64,
    ) -> Self {
        Self {
            gates: gates.into_iter().map(|gate| (gate.world, gate)).collect(),
            door: Mutex::new(Door::new(clock::now())),
            strays,
            traces: AtomicU64::new(seed),
        }
    }

    /// The gates, by rising world.
    pub(crate) fn gates(&self) -> impl Iterator<Item = &Arc<Gate>> {
        self.gates.values()
    }

    /// The gate of a world.
    pub(super) fn gate(&self, world: WorldId) -> Result<&Arc<Gate>, Refusal> {
        self.gates.get(&world).ok_or_else(|| {
            let here: Vec<_> = self.gates.keys().map(ToString::to_string).collect();
            let text = format!("this is world {}, not world {world}", here.join(", "));
            Refusal::new(RefuseCode::WORLD, text)
        })
    }

    /// Decides about a client that knocks. One that is accepted needs a [`Lobby::flight`].
    pub(super) fn admit(&self, incoming: Incoming) -> Admission {
        lock(&self.door).admit(incoming, clock::now())
    }

    /// An accepted client until it has logged in or failed to.
    pub(super) fn flight(&self, from: SocketAddr) -> Flight<'_> {
        Flight { lobby: self, from }
    }

    /// Clients that were accepted and have neither logged in nor failed to.
    pub(crate) fn logging_in(&self) -> usize {
        lock(&self.door).in_flight()
    }

    /// What the log calls a login; no two of a process are the same.
    pub(super) fn next_trace(&self) -> u64 {
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
        let count = self.traces.fetch_add(ODD, Ordering::Relaxed);
        // SplitMix64's output: one to one, and neighbours have nothing in common.
        let mixed = (count ^ count >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// Asks every session of every world to end.
    pub(super) fn close_all(&self) {
        self.gates().for_each(|gate| gate.close_all());
    }

    /// Completes when no session is left.
    pub(super) async fn emptied(&self) {
        for gate in self.gates() {
            gate.emptied().await;
        }
    }
}

/// A connection that is logging in.
pub(super) struct Flight<'a> {
    lobby: &'a Lobby,
    from: SocketAddr,
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        lock(&self.lobby.door).leave(self.from);
    }
}
