//! What a system sends while it looks at its rows.

use spatial_core::EntityId;

use crate::agent::Agent;
use crate::event::{Despawn, Event, EventData, Pending, Spawn};
use crate::rooms::{Room, grow};

/// Events that agents send. Each is sent by the agent whose row it is; they arrive in the next tick, or later.
#[derive(Default)]
pub struct Outbox {
    tick: u64,
    system: u32,
    sent: Vec<Pending>,
}

/// Events of one source, system and tick are told apart by this many bits.
const ORDER_BITS: u32 = 24;

/// What the step itself sends has this number of a system, which none has.
pub(crate) const STEP_ORDER: u32 = 255 << ORDER_BITS;

impl Outbox {
    /// For a system's turn in a tick.
    pub(crate) fn begin(&mut self, tick: u64, system: usize) {
        self.tick = tick;
        self.system = system as u32;
        self.sent.clear();
    }

    /// Sends an event that arrives in the next tick.
    pub fn send<T: EventData>(&mut self, source: EntityId, target: EntityId, data: T) {
        self.send_after(1, source, target, data);
    }

    /// Sends an event that arrives so many ticks later, at least one: the end of a cooldown, say.
    pub fn send_after<T: EventData>(
        &mut self,
        ticks: u32,
        source: EntityId,
        target: EntityId,
        data: T,
    ) {
        // A source's events lie in the outbox of its own block, in its own order; the places between them mean nothing.
        let order = self.system << ORDER_BITS | self.sent.len() as u32 & ((1 << ORDER_BITS) - 1);
        self.sent.push(Pending {
            due: self.tick.saturating_add(u64::from(ticks.max(1))),
            sent: self.tick,
            order,
            event: Event::new(target, source, data),
        });
    }

    /// Asks for a new agent; it enters in the next tick and gets a [`Spawned`](crate::Spawned) with the tag. Its name is the next of those
    /// that [`Record::Lease`](crate::Record::Lease) gave the world; without one it is refused and counted.
    pub fn spawn(&mut self, source: EntityId, agent: &Agent, tag: u32) {
        self.send(source, source, Spawn::new(agent, tag));
    }

    /// Asks that an agent leaves the world in the next tick.
    pub fn despawn(&mut self, source: EntityId, target: EntityId) {
        self.send(source, target, Despawn {});
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sent.is_empty()
    }

    /// Moves what was sent to the end of all that is.
    pub(crate) fn hand_over(&mut self, all: &mut Vec<Pending>) {
        all.append(&mut self.sent);
    }
}

impl Room for Outbox {
    fn grow_to(&mut self, other: &Self) {
        grow(&mut self.sent, &other.sent);
    }
}

/// Numbers each source's events of a tick from 0, so that places in outboxes do not become state.
pub(crate) fn number(sent: &mut [Pending]) {
    sent.sort_unstable_by_key(|pending| (pending.event.source, pending.order));
    let mut last = None;
    let mut next = 0;
    for pending in sent {
        if last.replace(pending.event.source) != Some(pending.event.source) {
            next = 0;
        }
        pending.order = next;
        next += 1;
    }
}
