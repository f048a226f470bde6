//! Events: what agents do to each other. Sent in one tick, they arrive in a later one, in an order that nothing but the state
//! decides: by target, source, and the source's own order.
//!
//! ```text
//! event   target u64 · source u64 · kind u16 · data 6 × u64
//! ```
//! Hits, damage, the end of a cooldown, a spawn: all are this one mechanism. What is on its way is part of the state.

use bytemuck::{Pod, Zeroable};
use spatial_core::{EntityId, FrameId, Position};

use crate::agent::Agent;
use crate::kind::KindId;
use crate::record::{EntryError, Reader};

/// Words of an event's data.
const WORDS: usize = 6;

/// A sort of event. Those below [`EventKind::GAME`] are the simulation's own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct EventKind(pub u16);

impl EventKind {
    /// The first one that is the game's.
    pub const GAME: Self = Self(256);
}

/// What an event of one kind carries: plain old data of at most 48 bytes.
///
/// ```
/// # use sim_core::{Event, EventData, EventKind};
/// # use spatial_core::EntityId;
/// #[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
/// #[repr(C)]
/// struct Damage {
///     points: u32,
/// }
///
/// impl EventData for Damage {
///     const KIND: EventKind = EventKind(300);
/// }
///
/// let event = Event::new(EntityId(7), EntityId(2), Damage { points: 5 });
/// assert_eq!(event.data::<Damage>().map(|damage| damage.points), Some(5));
/// ```
pub trait EventData: Pod {
    /// The kind of events that carry it; no two types have the same.
    const KIND: EventKind;
}

/// Something that happens to an agent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Event {
    /// To whom.
    pub target: EntityId,
    /// Who did it.
    pub source: EntityId,
    /// What it is.
    pub kind: EventKind,
    data: [u64; WORDS],
}

impl Event {
    /// An event.
    pub fn new<T: EventData>(target: EntityId, source: EntityId, data: T) -> Self {
        const { assert!(size_of::<T>() <= 8 * WORDS, "an event carries 48 bytes") };
        let mut words = [0; WORDS];
        bytemuck::bytes_of_mut(&mut words)[..size_of::<T>()]
            .copy_from_slice(bytemuck::bytes_of(&data));
        Self {
            target,
            source,
            kind: T::KIND,
            data: words,
        }
    }

    /// What it carries, if it is of that kind.
    pub fn data<T: EventData>(&self) -> Option<T> {
        let bytes = &bytemuck::bytes_of(&self.data)[..size_of::<T>()];
        (self.kind == T::KIND).then(|| bytemuck::pod_read_unaligned(bytes))
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.target.0.to_le_bytes());
        out.extend(self.source.0.to_le_bytes());
        out.extend(self.kind.0.to_le_bytes());
        out.extend(self.data.iter().flat_map(|word| word.to_le_bytes()));
    }

    pub(crate) fn decode(r: &mut Reader<'_>) -> Result<Self, EntryError> {
        let mut event = Self {
            target: EntityId(r.u64()?),
            source: EntityId(r.u64()?),
            kind: EventKind(r.u16()?),
            data: [0; WORDS],
        };
        for word in &mut event.data {
            *word = r.u64()?;
        }
        Ok(event)
    }
}

/// A spawn that an agent has asked for: where, and what. The new one gets a [`Spawned`] from who asked.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Spawn {
    frame: FrameId,
    xyz: [i32; 3],
    velocity: [i32; 3],
    heading: u16,
    kind: u16,
    tag: u32,
    nothing: [u32; 2],
}

impl EventData for Spawn {
    const KIND: EventKind = EventKind(1);
}

impl Spawn {
    pub(crate) fn new(agent: &Agent, tag: u32) -> Self {
        Self {
            frame: agent.position.frame,
            xyz: agent.position.xyz(),
            velocity: agent.velocity,
            heading: agent.heading,
            kind: agent.kind.0,
            tag,
            nothing: [0; 2],
        }
    }

    pub(crate) fn agent(&self) -> Agent {
        let [x, y, z] = self.xyz;
        let frame = self.frame;
        Agent {
            position: Position { frame, x, y, z },
            heading: self.heading,
            kind: KindId(self.kind),
            velocity: self.velocity,
        }
    }

    pub(crate) fn spawned(&self) -> Spawned {
        Spawned { tag: self.tag }
    }
}

/// The target has just been spawned by the source.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct Spawned {
    /// What the source said about it.
    pub tag: u32,
}

impl EventData for Spawned {
    const KIND: EventKind = EventKind(2);
}

/// The target leaves the world.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct Despawn {}

impl EventData for Despawn {
    const KIND: EventKind = EventKind(3);
}

/// The target came down on its feet; it is its own source.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct Landed {
    /// How fast, 2⁻⁸ m/s.
    pub speed: u32,
}

impl EventData for Landed {
    const KIND: EventKind = EventKind(4);
}

/// A flyer, the source, hit something. Who was hit gets it, and the flyer itself, which stops there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct Hit {
    /// The obstacle's name, if it was one.
    pub obstacle: u64,
    /// How fast the flyer was, 2⁻⁸ m/s.
    pub speed: u32,
    /// [`Hit::GROUND`], [`Hit::OBSTACLE`] or [`Hit::AGENT`].
    pub what: u32,
}

impl Hit {
    /// The ground.
    pub const GROUND: u32 = 0;
    /// A static obstacle.
    pub const OBSTACLE: u32 = 1;
    /// An agent.
    pub const AGENT: u32 = 2;
}

impl EventData for Hit {
    const KIND: EventKind = EventKind(5);
}

/// An event on its way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Pending {
    /// The tick in which it arrives.
    pub(crate) due: u64,
    /// The tick in which it was sent.
    pub(crate) sent: u64,
    /// Its place among those of its source in that tick.
    pub(crate) order: u32,
    pub(crate) event: Event,
}

impl Pending {
    /// The order of arrival: total, for a source sends one event after the other.
    fn key(&self) -> (u64, EntityId, EntityId, u64, u32) {
        let Event { target, source, .. } = self.event;
        (self.due, target, source, self.sent, self.order)
    }
}

/// All events on their way: part of the state.
#[derive(Clone, Default)]
pub(crate) struct Mail {
    pending: Vec<Pending>, // ascending by their order of arrival
}

impl Mail {
    /// Takes in new ones.
    pub(crate) fn post(&mut self, new: &mut Vec<Pending>) {
        if new.is_empty() {
            return;
        }
        self.pending.append(new);
        self.pending.sort_unstable_by_key(Pending::key);
    }

    /// Hands out those that arrive by a tick, in their order.
    pub(crate) fn take_due(&mut self, tick: u64, out: &mut Vec<Event>) {
        out.clear();
        let due = self.pending.partition_point(|pending| pending.due <= tick);
        out.extend(self.pending.drain(..due).map(|pending| pending.event));
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.extend((self.pending.len() as u32).to_le_bytes());
        for pending in &self.pending {
            out.extend(pending.due.to_le_bytes());
            out.extend(pending.sent.to_le_bytes());
            out.extend(pending.order.to_le_bytes());
            pending.event.encode(out);
        }
    }

    pub(crate) fn decode(r: &mut Reader<'_>) -> Result<Self, EntryError> {
        let mut pending = Vec::new(); // grows with the bytes there are, not with the count they claim
        for _ in 0..r.u32()? {
            pending.push(Pending {
                due: r.u64()?,
                sent: r.u64()?,
                order: r.u32()?,
                event: Event::decode(r)?,
            });
        }
        pending.sort_unstable_by_key(Pending::key);
        Ok(Self { pending })
    }
}
