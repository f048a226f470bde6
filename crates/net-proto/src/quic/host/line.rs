//! One connection of a host.

use std::io;
use std::sync::{Arc, OnceLock};
use std::task::Waker;
use std::time::Instant;

use ::bytes::Bytes;
use quinn::{AsyncUdpSocket, VarInt};
use quinn_proto::{Connection, ConnectionError, ConnectionHandle, Endpoint, Event, Transmit};

use super::state::packet;

/// A connection; never used again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct LineId {
    pub(super) number: usize, // the endpoint's, which uses it again
    pub(super) serial: u64,
}

/// How a connection ended; it outlives it.
#[derive(Debug, Default)]
pub(super) struct Fate(OnceLock<ConnectionError>);

impl Fate {
    /// The first reason counts: whether this is it.
    pub(super) fn decide(&self, reason: ConnectionError) -> bool {
        self.0.set(reason).is_ok()
    }

    pub(super) fn reason(&self) -> Option<&ConnectionError> {
        self.0.get()
    }
}

/// Takes datagrams.
pub(super) type Listener = Box<dyn FnMut(Bytes) + Send>;

pub(super) struct Line {
    pub(super) connection: Connection,
    pub(super) id: LineId,
    pub(super) fate: Arc<Fate>,
    pub(super) is_connected: bool,
    pub(super) listener: Option<Listener>,
    /// Tasks that wait for something of it to happen.
    pub(super) waiting: Vec<Waker>,
}

/// What came of a visit.
pub(super) enum Visit {
    Done,
    /// It has more to say.
    Unsaid,
    /// The connection is over.
    Over,
}

impl Line {
    pub(super) fn new(connection: Connection, id: LineId, fate: Arc<Fate>) -> Self {
        Self {
            connection,
            id,
            fate,
            is_connected: false,
            listener: None,
            waiting: Vec::new(),
        }
    }

    /// Says farewell, unless it is over; whether it was not.
    pub(super) fn close(&mut self, now: Instant, code: VarInt, reason: Bytes) -> bool {
        let is_first = self.fate.decide(ConnectionError::LocallyClosed);
        if is_first {
            self.connection.close(now, code, reason);
        }
        is_first
    }

    /// Does whatever can be done now.
    pub(super) fn visit(
        &mut self,
        now: Instant,
        endpoint: &mut Endpoint,
        out: &mut Out,
        woken: &mut Vec<Waker>,
    ) -> Visit {
        loop {
            self.hear(woken);
            let is_all_said = out.is_stuck() || self.speak(now, out);
            match self.exchange(endpoint) {
                Exchanged::Nothing if is_all_said && !out.is_stuck() => return Visit::Done,
                Exchanged::Nothing => return Visit::Unsaid,
                Exchanged::Something => {}
                Exchanged::Last => {
                    self.hear(woken);
                    return Visit::Over;
                }
            }
        }
    }

    /// Takes note of what has happened.
    fn hear(&mut self, woken: &mut Vec<Waker>) {
        while let Some(event) = self.connection.poll() {
            match event {
                Event::DatagramReceived if self.listener.is_some() => self.listen(),
                Event::Connected => {
                    self.is_connected = true;
                    woken.append(&mut self.waiting);
                }
                Event::ConnectionLost { reason } => {
                    self.fate.decide(reason);
                    woken.append(&mut self.waiting);
                }
                Event::DatagramReceived | Event::Stream(_) => woken.append(&mut self.waiting),
                Event::HandshakeDataReady | Event::DatagramsUnblocked => {}
            }
        }
    }

    /// Gives the listener what has come.
    pub(super) fn listen(&mut self) {
        if let Some(listener) = &mut self.listener {
            while let Some(datagram) = self.connection.datagrams().recv() {
                listener(datagram);
            }
        }
    }

    /// Makes packets of what is to leave now; whether that is all.
    fn speak(&mut self, now: Instant, out: &mut Out) -> bool {
        for _ in 0..SENDS_A_VISIT {
            out.scratch.clear();
            let segments = out.segments();
            let made = (self.connection).poll_transmit(now, segments, &mut out.scratch);
            let Some(transmit) = made else {
                return true;
            };
            if !out.send(transmit) {
                return false;
            }
        }
        false
    }

    /// Lets connection and endpoint tell each other what they must know.
    fn exchange(&mut self, endpoint: &mut Endpoint) -> Exchanged {
        let mut exchanged = Exchanged::Nothing;
        while let Some(event) = self.connection.poll_endpoint_events() {
            let is_last = event.is_drained();
            let handle = ConnectionHandle(self.id.number);
            if let Some(answer) = endpoint.handle_event(handle, event) {
                self.connection.handle_event(answer);
                exchanged = Exchanged::Something;
            }
            if is_last {
                return Exchanged::Last;
            }
        }
        exchanged
    }
}

enum Exchanged {
    Nothing,
    Something,
    Last,
}

/// Where packets leave.
pub(super) struct Out {
    socket: Arc<dyn AsyncUdpSocket>,
    /// The packet that is being made.
    pub(super) scratch: Vec<u8>,
    /// The packet that the system did not take.
    stuck: Option<(Transmit, Vec<u8>)>,
}

impl Out {
    pub(super) fn new(socket: Arc<dyn AsyncUdpSocket>) -> Self {
        Self {
            socket,
            scratch: Vec::new(),
            stuck: None,
        }
    }

    /// Packets to one peer that the system takes as one: fewer once it has refused some.
    fn segments(&self) -> usize {
        self.socket.max_transmit_segments().min(SEGMENTS_MAX)
    }

    /// Whether the system takes nothing for now.
    pub(super) fn is_stuck(&self) -> bool {
        self.stuck.is_some()
    }

    /// Sends the packet that has been made; false when the system takes no more: then it is kept.
    fn send(&mut self, transmit: Transmit) -> bool {
        match self.socket.try_send(&packet(&transmit, &self.scratch)) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.stuck = Some((transmit, core::mem::take(&mut self.scratch)));
                false
            }
            Ok(()) | Err(_) => true, // what cannot be sent is lost, as packets are
        }
    }

    /// Tries the packet again that was not taken.
    pub(super) fn go_on(&mut self) {
        if let Some((transmit, bytes)) = self.stuck.take() {
            self.scratch = bytes;
            self.send(transmit);
        }
    }

    /// Answers somebody who has no connection. Where the system takes nothing, it is lost: whoever matters asks again.
    pub(super) fn answer(&self, transmit: &Transmit, bytes: &[u8]) {
        let _ = self.socket.try_send(&packet(transmit, bytes));
    }
}

/// What one connection sends before others have a turn: packets, or runs of them.
const SENDS_A_VISIT: usize = 8;
const SEGMENTS_MAX: usize = 10;
