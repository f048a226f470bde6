//! Many clients of one server on one thread, without a runtime: for programs that put a server under load.
//!
//! ```text
//! sockets ──► turn: packets ──► lines ──► news ──► (the program: sends, writes) ──► flush: packets ──► sockets
//!                     due timers ──┘                                                  wait: until packets or a moment
//! ```
//! What travels is what a [`quinn::Connection`] would send, packet by packet: runs of packets are never joined on the way
//! (GSO), although all go to one address, for no server could receive the packets of many clients so. Time is an argument.

mod line;
mod port;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::bytes::{Bytes, BytesMut};
use quinn_proto::{
    ClientConfig, ConnectionError, ConnectionHandle, DatagramEvent, Endpoint, EndpointEvent, VarInt,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::endpoint::{ConnectError, client_config, endpoint_config};
use super::identity::SERVER_NAME;
use crate::error::WireError;
use crate::holder::Exported;
use line::Line;
use port::{Arrivals, Port};

/// The clients of one thread; see the module.
pub struct Fleet {
    server: SocketAddr,
    endpoint: Endpoint,
    configs: BTreeMap<[u8; 32], ClientConfig>,
    ports: Vec<Port>,
    /// Which of them is looked at first.
    first: usize,
    arrivals: Arrivals,
    /// By the number that the endpoint gives.
    lines: Vec<Option<Line>>,
    lines_made: u64,
    timers: BinaryHeap<Reverse<(Instant, LineId)>>,
    /// Whose packets are to be made, each once.
    busy: Vec<usize>,
    news: Vec<(LineId, News)>,
    scratch: Vec<u8>,
}

/// A client's connection; never used again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LineId {
    number: usize, // the endpoint's, which uses it again
    serial: u64,
}

/// What has happened to a line.
#[derive(Clone, Debug)]
pub enum News {
    /// The handshake is complete; with the bytes that proofs of possession sign.
    Connected(Exported),
    /// A datagram.
    Datagram(Bytes),
    /// A frame of the control stream.
    Frame(Vec<u8>),
    /// The server has broken the protocol of the control stream.
    Broken(WireError),
    /// It is over; nothing follows.
    Lost(ConnectionError),
}

impl Fleet {
    /// Of a server, from a port of each of these addresses of this machine, 64 at most, which clients choose by its number.
    ///
    /// # Errors
    /// That of the system, naming the address.
    pub fn new(server: SocketAddr, from: &[IpAddr]) -> io::Result<Self> {
        let ports: Vec<_> = (from.iter())
            .take(PORTS_MAX)
            .map(|ip| Port::bind(SocketAddr::new(*ip, 0)))
            .collect::<io::Result<_>>()?;
        let Some(first) = ports.first() else {
            return Err(io::Error::other("no address to send from"));
        };
        let arrivals = Arrivals::of(first);
        let endpoint = Endpoint::new(
            Arc::new(endpoint_config()?),
            None,
            !first.may_fragment(),
            None,
        );
        Ok(Self {
            server,
            endpoint,
            configs: BTreeMap::new(),
            ports,
            first: 0,
            arrivals,
            lines: Vec::new(),
            lines_made: 0,
            timers: BinaryHeap::new(),
            busy: Vec::new(),
            news: Vec::new(),
            scratch: Vec::new(),
        })
    }

    /// Where its packets come from.
    pub fn addrs(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.ports.iter().map(Port::addr)
    }

    /// Packets that could not be sent at once, because the system had no room for them.
    pub fn sends_blocked(&self) -> u64 {
        self.ports.iter().map(|port| port.blocked).sum()
    }

    /// Packets that were sent and received, acknowledgements, handshakes and all.
    pub fn packets(&self) -> (u64, u64) {
        let ports = self.ports.iter();
        ports.fold((0, 0), |(sent, received), port| {
            (sent + port.sent, received + port.received)
        })
    }

    /// Begins a handshake with the server whose certificate has the fingerprint, from the port with this number, counted round.
    ///
    /// # Errors
    /// [`ConnectError::Setup`].
    pub fn connect(
        &mut self,
        now: Instant,
        cert_sha256: [u8; 32],
        port: usize,
    ) -> Result<LineId, ConnectError> {
        let config = match self.configs.get(&cert_sha256) {
            Some(config) => config.clone(),
            None => {
                let config = client_config(cert_sha256)?;
                self.configs.insert(cert_sha256, config.clone());
                config
            }
        };
        let begun = self.endpoint.connect(now, config, self.server, SERVER_NAME);
        let (handle, connection) = begun.map_err(|error| ConnectError::Setup(error.to_string()))?;
        self.lines_made += 1;
        let id = LineId {
            number: handle.0,
            serial: self.lines_made,
        };
        if self.lines.len() <= id.number {
            self.lines.resize_with(id.number + 1, || None);
        }
        self.lines[id.number] = Some(Line::new(connection, id, port % self.ports.len()));
        self.touch(id);
        Ok(id)
    }

    /// Queues a datagram; of those that wait the oldest go first when there is no room. False when the line is over.
    pub fn send(&mut self, id: LineId, datagram: Bytes) -> bool {
        let is_sent = (self.line(id)).is_some_and(|line| line.send(datagram));
        self.touch(id);
        is_sent
    }

    /// Writes to the control stream, opening it. False when the line is over or takes no more.
    pub fn write(&mut self, id: LineId, frames: &[u8]) -> bool {
        let is_written = (self.line(id)).is_some_and(|line| line.write(frames));
        self.touch(id);
        is_written
    }

    /// Says farewell; [`News::Lost`] does not follow.
    pub fn close(&mut self, now: Instant, id: LineId) {
        if let Some(line) = self.line(id) {
            line.connection
                .close(now, VarInt::from_u32(0), Bytes::new());
        }
        self.touch(id);
    }

    /// Forgets a line without a word: to the server it goes silent.
    pub fn cut(&mut self, id: LineId) {
        if self.line(id).is_some() {
            let handle = ConnectionHandle(id.number);
            self.endpoint.handle_event(handle, EndpointEvent::drained());
            self.lines[id.number] = None;
        }
    }

    /// How many lines there are, those that are ending among them.
    pub fn len(&self) -> usize {
        self.endpoint.open_connections()
    }

    /// Whether there is no line.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes what is due and what has arrived, some hundred packets at most, so that the program keeps its own times; appends what came of it.
    /// Packets that this makes leave with [`Fleet::flush`].
    ///
    /// # Errors
    /// That of a socket.
    pub fn turn(&mut self, now: Instant, news: &mut Vec<(LineId, News)>) -> io::Result<()> {
        self.receive(now)?;
        while let Some(Reverse((due, id))) = self.timers.peek().copied() {
            if due > now {
                break;
            }
            self.timers.pop();
            let Some(Some(line)) = self.lines.get_mut(id.number) else {
                continue;
            };
            if line.id != id {
                continue;
            }
            match line.wake(due, now) {
                true => self.touch(id),
                false => line.set_timer(&mut self.timers),
            }
        }
        self.drive(now);
        news.append(&mut self.news);
        Ok(())
    }

    /// Sends what the lines have to say. What it makes of them is told by the next [`Fleet::turn`].
    ///
    /// # Errors
    /// That of a socket.
    pub fn flush(&mut self, now: Instant) -> io::Result<()> {
        self.drive(now);
        self.ports.iter_mut().try_for_each(Port::flush)
    }

    /// Sleeps until packets arrive or a timer is due, `until` at the latest.
    ///
    /// # Errors
    /// That of the system.
    pub fn wait(&mut self, now: Instant, until: Instant) -> io::Result<()> {
        let timer = self.timers.peek().map_or(until, |Reverse((due, _))| *due);
        let is_left = self.ports.iter().any(|port| port.is_ready);
        let left = match self.news.is_empty() && !is_left {
            true => until.min(timer).saturating_duration_since(now),
            false => Duration::ZERO,
        };
        let left = Timespec::try_from(left.min(WAIT_MAX)).map_err(io::Error::other)?;
        let ready: Vec<_> = {
            let polled = |port: &Port| match port.is_blocked {
                true => PollFlags::IN | PollFlags::OUT,
                false => PollFlags::IN,
            };
            let mut fds: Vec<_> = (self.ports.iter())
                .map(|port| PollFd::new(port, polled(port)))
                .collect();
            match poll(&mut fds, Some(&left)) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            let is_in = |fd: &PollFd<'_>| !(fd.revents() - PollFlags::OUT).is_empty();
            fds.iter().map(is_in).collect()
        };
        for (port, is_ready) in self.ports.iter_mut().zip(ready) {
            port.is_ready |= is_ready;
        }
        Ok(())
    }

    /// Receives from each port that is ready, in turns; what is left is left for the next time.
    fn receive(&mut self, now: Instant) -> io::Result<()> {
        let mut arrivals = core::mem::take(&mut self.arrivals);
        let mut calls = 0;
        let mut received = Ok(());
        for n in 0..self.ports.len() {
            let port = (self.first + n) % self.ports.len();
            while self.ports[port].is_ready && calls < CALLS_A_TURN && received.is_ok() {
                calls += 1;
                match self.ports[port].receive(&mut arrivals) {
                    Ok(is_any) => self.ports[port].is_ready = is_any,
                    Err(error) => received = Err(error),
                }
                arrivals.each(|from, ecn, packet| {
                    self.ports[port].received += 1;
                    self.handle(now, (from, ecn), BytesMut::from(packet));
                });
            }
        }
        self.first = (self.first + 1) % self.ports.len();
        self.arrivals = arrivals;
        received
    }

    fn handle(
        &mut self,
        now: Instant,
        (from, ecn): (SocketAddr, Option<quinn_proto::EcnCodepoint>),
        packet: BytesMut,
    ) {
        self.scratch.clear();
        let event = (self.endpoint).handle(now, from, None, ecn, packet, &mut self.scratch);
        // What is neither a line's nor begins one answers strays, and nobody waits for such answers.
        let Some(DatagramEvent::ConnectionEvent(handle, event)) = event else {
            return;
        };
        let Some(line) = self.lines.get_mut(handle.0).and_then(Option::as_mut) else {
            return;
        };
        line.connection.handle_event(event);
        let id = line.id;
        self.touch(id);
    }

    fn line(&mut self, id: LineId) -> Option<&mut Line> {
        let line = self.lines.get_mut(id.number)?.as_mut()?;
        (line.id == id).then_some(line)
    }

    /// Notes that a line may have something to say.
    fn touch(&mut self, id: LineId) {
        if let Some(line) = self.line(id)
            && !core::mem::replace(&mut line.is_busy, true)
        {
            self.busy.push(id.number);
        }
    }

    fn drive(&mut self, now: Instant) {
        let mut busy = core::mem::take(&mut self.busy);
        for number in busy.drain(..) {
            let Some(Some(line)) = self.lines.get_mut(number) else {
                continue;
            };
            line.is_busy = false;
            let is_over = line.exchange(&mut self.endpoint);
            line.hear(&mut self.news);
            line.speak(now, &mut self.scratch, &mut self.ports);
            line.set_timer(&mut self.timers);
            if is_over {
                self.lines[number] = None;
            }
        }
        self.busy = busy;
    }
}

impl core::fmt::Debug for Fleet {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Fleet")
            .field("server", &self.server)
            .field("lines", &self.len())
            .finish_non_exhaustive()
    }
}

/// Sockets that one call of the system watches without taking noticeable time.
const PORTS_MAX: usize = 64;
/// Calls that receive packets, 32 at most each.
const CALLS_A_TURN: usize = 4;
/// A fleet looks up at least so often.
const WAIT_MAX: Duration = Duration::from_millis(100);
