//! The queues between the network threads and the world thread. Neither ever waits for the other.
//!
//! | queue | bound | at the bound |
//! | --- | --- | --- |
//! | joins and leaves, to the world | [`EVENTS`] | the session's own task waits; the network goes on |
//! | inputs, to the world | [`INPUTS`] | the datagram is dropped and counted: the next one repeats its inputs |
//! | commands, to the world | [`COMMANDS`] | a command is answered with "busy" |
//! | chat, to the world | [`SAYS`] | what is said is dropped and counted |
//! | snapshots of a tick, to the network | [`BATCHES`] | the batch is dropped and counted: snapshots are latest-wins |
//! | a thread's share of them | [`BATCHES`] | the share is dropped and counted |
//! | messages, to the network | [`MESSAGES`] | digests are dropped and counted; welcomes and closings wait in the world |
//! | messages of one session | [`SESSION_MESSAGES`] | the session is closed: its client does not read |
//! | chat for one session | [`CHAT`] | what is said is dropped and counted |
//! | datagrams of one session | 8 KiB of backlog | snapshots between epochs are dropped and counted |
//! | questions for ground, to the tiles thread | 256 | whoever asks is told to ask later, and counted |

use std::borrow::Cow;
use std::time::Instant;

use bytes::Bytes;
use net_proto::{Command, InputDatagram, PlayerId, PlayerName, RefuseCode, Say, Welcome};
use tokio::sync::mpsc;

use crate::host::UsedToken;

pub(crate) const EVENTS: usize = 1_024;
pub(crate) const INPUTS: usize = 16_384;
pub(crate) const COMMANDS: usize = 4_096;
pub(crate) const SAYS: usize = 4_096;
pub(crate) const BATCHES: usize = 4;
pub(crate) const MESSAGES: usize = 16_384;
pub(crate) const SESSION_MESSAGES: usize = 16;
pub(crate) const CHAT: usize = 32;

/// The first version of the protocol that has commands, events and chat.
pub(crate) const COMMANDS_SINCE: u16 = 3;

/// One connection of one authenticated player; never reused by a process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct SessionId(pub(crate) u64);

/// Who has been let in.
#[derive(Clone, Debug)]
pub(crate) struct Entrant {
    pub(crate) player: PlayerId,
    pub(crate) name: PlayerName,
    pub(crate) token: UsedToken,
    /// Of the protocol that its client speaks.
    pub(crate) version: u16,
}

/// What the network tells the world, reliably.
#[derive(Debug)]
pub(crate) enum Event {
    Join {
        session: SessionId,
        who: Entrant,
    },
    /// A player comes back over another connection than it was in by.
    Return {
        session: SessionId,
        from: SessionId,
        /// Of the protocol that its client speaks.
        version: u16,
    },
    /// The line of a session is lost: it lingers.
    Lose {
        session: SessionId,
    },
    /// A session is over. If another one took its place, that has brought the player's avatar to its own, or will.
    Leave {
        session: SessionId,
        is_replaced: bool,
    },
}

/// A datagram of inputs, and when it came.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) session: SessionId,
    pub(crate) at: Instant,
    pub(crate) datagram: InputDatagram,
}

/// What a player asks for: in a queue apart from what players say, so that no talk delays it.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) session: SessionId,
    pub(crate) command: Command,
}

/// What a player says.
#[derive(Debug)]
pub(crate) struct Spoken {
    pub(crate) session: SessionId,
    pub(crate) say: Say,
}

/// What the world tells a session, reliably.
#[derive(Debug)]
pub(crate) struct ToSession {
    pub(crate) session: SessionId,
    pub(crate) what: Message,
}

#[derive(Debug)]
pub(crate) enum Message {
    Welcome(Welcome),
    /// Encoded control frames.
    Frame(Vec<u8>),
    /// Encoded frames of chat. Not reliably.
    Chat(Bytes),
    Close(RefuseCode, Cow<'static, str>),
}

/// All snapshots of one tick.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) is_epoch: bool,
    /// Ascending by session.
    pub(crate) snapshots: Vec<Tell>,
}

/// What a session is told in a tick.
#[derive(Debug)]
pub(crate) struct Tell {
    pub(crate) session: SessionId,
    pub(crate) datagrams: Vec<Bytes>,
    /// When the first input came that this tells the effect of, if it does of any.
    pub(crate) heard: Option<Instant>,
}

/// The world's ends of the queues.
#[derive(Debug)]
pub(crate) struct WorldLink {
    pub(crate) events: mpsc::Receiver<Event>,
    pub(crate) inputs: mpsc::Receiver<Heard>,
    pub(crate) commands: mpsc::Receiver<Asked>,
    pub(crate) says: mpsc::Receiver<Spoken>,
    pub(crate) batches: mpsc::Sender<Batch>,
    pub(crate) messages: mpsc::Sender<ToSession>,
}

/// The network's ends.
#[derive(Debug)]
pub(crate) struct NetLink {
    pub(crate) events: mpsc::Sender<Event>,
    pub(crate) inputs: mpsc::Sender<Heard>,
    pub(crate) commands: mpsc::Sender<Asked>,
    pub(crate) says: mpsc::Sender<Spoken>,
    pub(crate) batches: mpsc::Receiver<Batch>,
    pub(crate) messages: mpsc::Receiver<ToSession>,
}

/// Makes the queues.
pub(crate) fn link() -> (WorldLink, NetLink) {
    let (event_in, events) = mpsc::channel(EVENTS);
    let (input_in, inputs) = mpsc::channel(INPUTS);
    let (command_in, commands) = mpsc::channel(COMMANDS);
    let (say_in, says) = mpsc::channel(SAYS);
    let (batches, batch_out) = mpsc::channel(BATCHES);
    let (messages, message_out) = mpsc::channel(MESSAGES);
    (
        WorldLink {
            events,
            inputs,
            commands,
            says,
            batches,
            messages,
        },
        NetLink {
            events: event_in,
            inputs: input_in,
            commands: command_in,
            says: say_in,
            batches: batch_out,
            messages: message_out,
        },
    )
}
