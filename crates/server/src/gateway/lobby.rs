//! The lobby: where everybody who knocks waits, before it is known to which world.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use net_proto::quic::{Admission, Door};
use net_proto::{RefuseCode, WorldId};
use quinn::Incoming;

use super::login::Refusal;
use super::table::{Counters, Gate, lock};

/// The worlds behind one port. Shared by all network threads.
#[derive(Debug)]
pub(crate) struct Lobby {
    gates: BTreeMap<WorldId, Arc<Gate>>,
    door: Mutex<Door>,
    /// Of who was refused before it said to which world it wanted.
    pub(super) strays: Arc<Counters>,
}

impl Lobby {
    /// The lobby of these gates, each of another world; all count the same strays.
    pub(crate) fn new(gates: impl IntoIterator<Item = Arc<Gate>>, strays: Arc<Counters>) -> Self {
        Self {
            gates: gates.into_iter().map(|gate| (gate.world, gate)).collect(),
            door: Mutex::new(Door::new(Instant::now())),
            strays,
        }
    }

    /// The gates, by rising world.
    fn gates(&self) -> impl Iterator<Item = &Arc<Gate>> {
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
        lock(&self.door).admit(incoming, Instant::now())
    }

    /// An accepted client until it has logged in or failed to.
    pub(super) fn flight(&self, from: SocketAddr) -> Flight<'_> {
        Flight { lobby: self, from }
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
