//! An endpoint and its connections without sockets: packets in, packets out, time as an argument.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;
use quinn_proto::{
    ClientConfig, Connection, ConnectionHandle, DatagramEvent, Dir, Endpoint, Event, Incoming,
    ServerConfig, StreamId,
};

use crate::quic::admission::{Door, Verdict};
use crate::quic::endpoint::endpoint_config;
use crate::quic::{HANDSHAKE_DEADLINE, HELLO_DEADLINE};

pub(super) struct Packet {
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    pub(super) bytes: Vec<u8>,
}

/// One end, as the gateway or a client would drive it.
pub(super) struct Host {
    pub(super) addr: SocketAddr,
    pub(super) talks: BTreeMap<usize, Talk>,
    pub(super) out: Vec<Packet>,
    /// Bytes of an answer that belongs to no connection were at most so many times those of what it answers.
    pub(super) worst_answer: f64,
    /// Clients that were accepted, refused, told to prove their address, and not answered.
    pub(super) verdicts: [u64; 4],
    endpoint: Endpoint,
    door: Door,
}

pub(super) struct Talk {
    pub(super) connection: Connection,
    pub(super) is_up: bool,
    pub(super) has_spoken: bool,
    from: SocketAddr,
    since: Instant,
    in_flight: bool,
}

impl Host {
    pub(super) fn new(addr: SocketAddr, server: Option<ServerConfig>, now: Instant) -> Self {
        let config = Arc::new(endpoint_config().unwrap());
        Self {
            addr,
            talks: BTreeMap::new(),
            out: Vec::new(),
            worst_answer: 0.0,
            verdicts: [0; 4],
            endpoint: Endpoint::new(config, server.map(Arc::new), true, Some([7; 32])),
            door: Door::new(now),
        }
    }

    pub(super) fn connect(&mut self, config: ClientConfig, to: SocketAddr, now: Instant) -> usize {
        let (ConnectionHandle(n), connection) = self
            .endpoint
            .connect(now, config, to, "bluemarble")
            .unwrap();
        self.talks.insert(n, Talk::new(connection, to, now, false));
        self.drive(n, now);
        n
    }

    pub(super) fn receive(&mut self, packet: &Packet, now: Instant) {
        let mut answer = Vec::new();
        let bytes = BytesMut::from(&packet.bytes[..]);
        match self
            .endpoint
            .handle(now, packet.from, None, None, bytes, &mut answer)
        {
            None => {}
            Some(DatagramEvent::NewConnection(incoming)) => self.admit(incoming, packet, now),
            Some(DatagramEvent::ConnectionEvent(ConnectionHandle(n), event)) => {
                if let Some(talk) = self.talks.get_mut(&n) {
                    talk.connection.handle_event(event);
                    self.drive(n, now);
                }
            }
            Some(DatagramEvent::Response(transmit)) => {
                self.answer(packet, &answer[..transmit.size])
            }
        }
    }

    fn admit(&mut self, incoming: Incoming, packet: &Packet, now: Instant) {
        let mut answer = Vec::new();
        let verdict = self
            .door
            .decide(packet.from, incoming.remote_address_validated(), now);
        self.verdicts[verdict as usize] += 1;
        let transmit = match verdict {
            Verdict::Ignore => return self.endpoint.ignore(incoming),
            Verdict::Refuse => Some(self.endpoint.refuse(incoming, &mut answer)),
            Verdict::Retry => self.endpoint.retry(incoming, &mut answer).ok(),
            Verdict::Accept => match self.endpoint.accept(incoming, now, &mut answer, None) {
                Ok((ConnectionHandle(n), connection)) => {
                    self.talks
                        .insert(n, Talk::new(connection, packet.from, now, true));
                    return self.drive(n, now);
                }
                Err(error) => {
                    self.door.leave(packet.from);
                    error.response
                }
            },
        };
        if let Some(transmit) = transmit {
            self.answer(packet, &answer[..transmit.size]);
        }
    }

    fn answer(&mut self, packet: &Packet, answer: &[u8]) {
        let factor = answer.len() as f64 / packet.bytes.len() as f64;
        self.worst_answer = self.worst_answer.max(factor);
        self.out.push(Packet {
            from: self.addr,
            to: packet.from,
            bytes: answer.to_vec(),
        });
    }

    /// Timers, and the deadlines that a gateway has.
    pub(super) fn pass(&mut self, now: Instant) {
        let due: Vec<_> = (self.talks.iter_mut())
            .map(|(n, talk)| (*n, talk.connection.poll_timeout(), talk))
            .filter_map(|(n, timeout, talk)| {
                let is_late = talk.is_late(now) && !talk.connection.is_closed();
                (is_late || timeout.is_some_and(|at| at <= now)).then_some((n, is_late))
            })
            .collect();
        for (n, is_late) in due {
            if let Some(talk) = self.talks.get_mut(&n) {
                if is_late {
                    talk.connection.close(now, 0u32.into(), bytes::Bytes::new());
                }
                talk.connection.handle_timeout(now);
                self.drive(n, now);
            }
        }
    }

    /// Lets a connection do what it has to.
    pub(super) fn drive(&mut self, n: usize, now: Instant) {
        let Some(talk) = self.talks.get_mut(&n) else {
            return;
        };
        loop {
            while let Some(event) = talk.connection.poll() {
                talk.is_up |= matches!(event, Event::Connected);
                if matches!(event, Event::ConnectionLost { .. }) {
                    talk.land(&mut self.door);
                }
            }
            talk.listen();
            if talk.is_up && talk.has_spoken {
                talk.land(&mut self.door);
            }
            let mut bytes = Vec::new();
            while let Some(transmit) = talk.connection.poll_transmit(now, 1, &mut bytes) {
                self.out.push(Packet {
                    from: self.addr,
                    to: transmit.destination,
                    bytes: std::mem::take(&mut bytes),
                });
            }
            let mut is_quiet = true;
            while let Some(event) = talk.connection.poll_endpoint_events() {
                let reply = self.endpoint.handle_event(ConnectionHandle(n), event);
                if let Some(event) = reply {
                    talk.connection.handle_event(event);
                    is_quiet = false;
                }
            }
            if is_quiet {
                break;
            }
        }
        if talk.connection.is_drained() {
            talk.land(&mut self.door);
            self.talks.remove(&n);
        }
    }

    pub(super) fn in_flight(&self) -> usize {
        self.door.in_flight()
    }
}

impl Talk {
    fn new(connection: Connection, from: SocketAddr, since: Instant, in_flight: bool) -> Self {
        Self {
            connection,
            is_up: false,
            has_spoken: false,
            from,
            since,
            in_flight,
        }
    }

    fn land(&mut self, door: &mut Door) {
        if std::mem::take(&mut self.in_flight) {
            door.leave(self.from);
        }
    }

    fn is_late(&self, now: Instant) -> bool {
        let deadline = match self.is_up {
            false => HANDSHAKE_DEADLINE,
            true => HANDSHAKE_DEADLINE + HELLO_DEADLINE,
        };
        self.in_flight && now > self.since + deadline
    }

    /// A server echoes what the first stream says, and datagrams; other streams are not read.
    fn listen(&mut self) {
        if self.connection.side().is_client() {
            return;
        }
        while let Some(datagram) = self.connection.datagrams().recv() {
            let _ = self.connection.datagrams().send(datagram, true);
        }
        while self.connection.streams().accept(Dir::Bi).is_some() {}
        let heard = self.hear(StreamId::new(quinn_proto::Side::Client, Dir::Bi, 0));
        self.has_spoken |= !heard.is_empty();
        if !heard.is_empty() {
            let first = StreamId::new(quinn_proto::Side::Client, Dir::Bi, 0);
            let _ = self.connection.send_stream(first).write(&heard);
        }
    }

    /// What a stream says that has not been heard.
    pub(super) fn hear(&mut self, id: StreamId) -> Vec<u8> {
        let mut heard = Vec::new();
        let mut stream = self.connection.recv_stream(id);
        let Ok(mut chunks) = stream.read(true) else {
            return heard;
        };
        while let Ok(Some(chunk)) = chunks.next(4_096) {
            heard.extend_from_slice(&chunk.bytes);
        }
        let _ = chunks.finalize();
        heard
    }
}
