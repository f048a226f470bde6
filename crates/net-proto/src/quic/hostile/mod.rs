//! Hostile datagrams at an endpoint in our configuration: nothing panics, nothing grows beyond its cap, and who is
//! honest is answered at once.
//!
//! `BLUEMARBLE_HOSTILE` says how many (100,000 without it), `BLUEMARBLE_HOSTILE_SEED` which.

mod forge;
mod host;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use quinn_proto::{ClientConfig, Dir, StreamId};

use self::forge::{Lots, SpoiltTls};
use self::host::{Host, Packet};
use super::Identity;
use super::endpoint::{client_tls, server_tls};
use super::transport;

#[test]
fn hostile_datagrams_harm_nobody() {
    let number =
        |name, default| std::env::var(name).map_or(default, |text| text.parse::<u64>().unwrap());
    let count = number("BLUEMARBLE_HOSTILE", 100_000);
    let seed = number("BLUEMARBLE_HOSTILE_SEED", 1);
    let mut siege = Siege::new(seed);
    siege.greet();
    let before = resident_bytes();
    let (mut most, mut talks) = (0, 0);
    for n in 0..count {
        siege.attack();
        if n % 256 == 0 {
            siege.pass(Duration::from_millis(4));
            talks = talks.max(siege.server.talks.len());
            most = most.max(resident_bytes());
        }
        if n % 512 == 0 {
            siege.honest_word();
        }
        if n > 0 && n % 10_000_000 == 0 {
            println!(
                "{n} datagrams, {} connections, {} MB",
                siege.server.talks.len(),
                resident_bytes() >> 20
            );
        }
    }
    // Half-open ones are 2,000 at most; those that are up are the honest one's and the attacker's.
    assert!(talks <= 2_000 + EVIL + 64, "{talks} connections");
    assert!(
        most.saturating_sub(before) < 200 << 20,
        "grew by {} MB",
        (most - before) >> 20
    );
    assert!(
        siege.server.worst_answer < 3.0,
        "{}",
        siege.server.worst_answer
    );
    let verdicts = siege.server.verdicts;
    assert!(
        verdicts[0] > 0 && siege.broken > 0,
        "{verdicts:?}, {} broken",
        siege.broken
    );
    println!(
        "{count} hostile datagrams: {talks} connections at most, grew by {} MB, answers at most {:.2} times as long, \
         {verdicts:?} accepted, retried, ignored, refused, {} sessions broken by their own packets",
        most.saturating_sub(before) >> 20,
        siege.server.worst_answer,
        siege.broken,
    );
    // When it is over nothing is left but who is alive.
    for _ in 0..400 {
        siege.pass(Duration::from_millis(100));
        siege.honest_word();
    }
    assert!(
        siege.server.talks.len() <= 1 + EVIL,
        "{} are left",
        siege.server.talks.len()
    );
    assert_eq!(siege.server.in_flight(), 0);
}

/// A server, an honest client, and an attacker who sees what both send.
struct Siege {
    server: Host,
    honest: Host,
    evil: Host,
    lots: Lots,
    now: Instant,
    cert: [u8; 32],
    talk: usize,
    words: u32,
    /// Packets that somebody has sent to the server, the attacker's material.
    seen: Vec<Packet>,
    /// The attacker's packets that are under way.
    ready: Vec<Packet>,
    broken: u64,
}

impl Siege {
    #[expect(clippy::disallowed_methods, reason = "an Instant has no other source")]
    fn new(seed: u64) -> Self {
        let (now, identity) = (Instant::now(), Identity::self_signed().unwrap());
        let config = transport::server(server_tls(&identity).unwrap());
        let mut this = Self {
            server: Host::new(addr(1, 4433), Some(config), now),
            honest: Host::new(addr(2, 5000), None, now),
            evil: Host::new(addr(3, 6000), None, now),
            lots: Lots::new(seed),
            now,
            cert: identity.cert_sha256(),
            talk: 0,
            words: 0,
            seen: Vec::new(),
            ready: Vec::new(),
            broken: 0,
        };
        let config = this.client_config(None);
        this.talk = this.honest.connect(config, this.server.addr, now);
        this
    }

    fn client_config(&self, one_in: Option<(usize, usize)>) -> ClientConfig {
        let tls = Arc::new(client_tls(self.cert).unwrap());
        let mut config = match one_in {
            None => ClientConfig::new(tls),
            Some(one_in) => ClientConfig::new(Arc::new(SpoiltTls {
                tls,
                lots: self.lots.clone(),
                one_in,
            })),
        };
        config.transport_config(Arc::new(transport::client()));
        config
    }

    fn greet(&mut self) {
        for _ in 0..20 {
            self.exchange();
            self.pass(Duration::from_millis(10));
        }
        assert!(self.honest.talks[&self.talk].is_up);
        let opened = self
            .honest
            .talks
            .get_mut(&self.talk)
            .unwrap()
            .connection
            .streams()
            .open(Dir::Bi);
        assert_eq!(opened, Some(control()));
        self.honest_word();
    }

    /// Carries packets between the honest client and the server until both are silent. What goes to the attacker goes to it.
    fn exchange(&mut self) {
        loop {
            let to_server = std::mem::take(&mut self.honest.out);
            let from_server = std::mem::take(&mut self.server.out);
            if to_server.is_empty() && from_server.is_empty() {
                return;
            }
            for packet in to_server {
                self.server.receive(&packet, self.now);
                self.see(packet);
            }
            for packet in from_server {
                if packet.to == self.honest.addr {
                    self.honest.receive(&packet, self.now);
                } else if packet.to == self.evil.addr {
                    self.evil.receive(&packet, self.now);
                }
            }
            self.collect();
        }
    }

    /// What the attacker's connections want to send.
    fn collect(&mut self) {
        self.ready.append(&mut self.evil.out);
        let excess = self.ready.len().saturating_sub(SEEN_MAX);
        self.ready.drain(..excess);
    }

    fn see(&mut self, packet: Packet) {
        if self.seen.len() < SEEN_MAX {
            self.seen.push(packet);
        } else {
            let n = self.lots.below(SEEN_MAX);
            self.seen[n] = packet;
        }
    }

    /// The honest client says a word on its stream and in a datagram, and is answered without delay.
    fn honest_word(&mut self) {
        self.words += 1;
        let word = self.words.to_le_bytes();
        self.exchange();
        let talk = self
            .honest
            .talks
            .get_mut(&self.talk)
            .expect("it has not been thrown out");
        assert_eq!(talk.connection.send_stream(control()).write(&word), Ok(4));
        talk.connection
            .datagrams()
            .send(Bytes::copy_from_slice(&word), true)
            .unwrap();
        self.honest.drive(self.talk, self.now);
        self.exchange();
        let talk = self
            .honest
            .talks
            .get_mut(&self.talk)
            .expect("it has not been thrown out");
        assert_eq!(talk.hear(control()), word, "word {}", self.words);
        assert_eq!(
            talk.connection.datagrams().recv().as_deref(),
            Some(&word[..])
        );
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.server.pass(self.now);
        self.honest.pass(self.now);
        self.evil.pass(self.now);
        self.exchange();
        self.collect();
    }

    /// One hostile datagram.
    fn attack(&mut self) {
        let packet = match self.lots.below(1_000) {
            0..3 => return self.knock(),
            3..200 => match self.ready.is_empty() {
                true => return self.plot(),
                false => self.ready.swap_remove(self.lots.below(self.ready.len())),
            },
            200..600 => self.spoilt(),
            600..750 => self.replayed(),
            750..850 => self.long(),
            _ => self.noise(),
        };
        self.server.receive(&packet, self.now);
        // Answers are read in the next exchange; a flood of them is not kept.
        if self.server.out.len() > SEEN_MAX {
            self.exchange();
        }
        if packet.from == self.evil.addr {
            self.see(packet);
        }
    }

    /// A client that never was, or never comes again.
    fn knock(&mut self) {
        let config = self.client_config(Some((2, 2)));
        let mut ghost = Host::new(self.anybody(), None, self.now);
        ghost.connect(config, self.server.addr, self.now);
        for packet in ghost.out {
            self.server.receive(&packet, self.now);
            self.see(packet);
        }
    }

    /// The attacker's sessions do something that their packets can be spoilt of; new ones replace those that broke.
    fn plot(&mut self) {
        let gone = |talk: &host::Talk| talk.connection.is_closed();
        let closed: Vec<_> = (self.evil.talks.iter())
            .filter(|(_, t)| gone(t))
            .map(|(n, _)| *n)
            .collect();
        for n in closed {
            self.evil.talks.remove(&n);
            self.broken += 1;
        }
        if self.evil.talks.len() < EVIL {
            let config = self.client_config(Some((1_000_000, 3)));
            self.evil.connect(config, self.server.addr, self.now);
        }
        let nth = self.lots.below(self.evil.talks.len());
        let Some(n) = self.evil.talks.keys().copied().nth(nth) else {
            return;
        };
        let (lots, now) = (self.lots.clone(), self.now);
        if let Some(talk) = self.evil.talks.get_mut(&n) {
            let bytes = lots.bytes(lots.below(900));
            let connection = &mut talk.connection;
            let _ = connection.datagrams().send(bytes.clone().into(), true);
            let dir = [Dir::Bi, Dir::Uni][lots.below(2)];
            let opened = connection.streams().open(dir);
            let id = opened.unwrap_or(StreamId::new(
                quinn_proto::Side::Client,
                dir,
                lots.below(4) as u64,
            ));
            let _ = connection.send_stream(id).write(&bytes);
            match lots.below(40) {
                0 => drop(connection.send_stream(id).reset(7u32.into())),
                1 => drop(connection.send_stream(id).finish()),
                2 => connection.local_address_changed(),
                3 => connection.ping(),
                4 => connection.force_key_update(),
                5 => connection.close(now, 3u32.into(), Bytes::new()),
                _ => {}
            }
        }
        self.evil.drive(n, now);
        self.collect();
    }

    fn seen_one(&mut self) -> Packet {
        let packet = &self.seen[self.lots.below(self.seen.len())];
        Packet {
            from: packet.from,
            to: packet.to,
            bytes: packet.bytes.clone(),
        }
    }

    /// A real packet, changed, cut, or grown, from where it came or from elsewhere.
    fn spoilt(&mut self) -> Packet {
        let mut packet = self.seen_one();
        match self.lots.below(8) {
            0 => packet.bytes.truncate(self.lots.below(packet.bytes.len())),
            1 => packet.bytes.extend(self.lots.bytes(self.lots.below(300))),
            2 => {
                let other = self.seen_one();
                let at = self.lots.below(packet.bytes.len().min(other.bytes.len()));
                packet.bytes.truncate(at);
                packet.bytes.extend_from_slice(&other.bytes[at..]);
            }
            3 => {
                let head = packet.bytes.len().min(30);
                self.lots.spoil(&mut packet.bytes[..head]);
            }
            _ => self.lots.spoil(&mut packet.bytes),
        }
        packet.bytes.truncate(LONGEST);
        self.perhaps_from_elsewhere(packet)
    }

    fn replayed(&mut self) -> Packet {
        let packet = self.seen_one();
        self.perhaps_from_elsewhere(packet)
    }

    fn perhaps_from_elsewhere(&mut self, mut packet: Packet) -> Packet {
        if self.lots.below(3) == 0 {
            packet.from = self.anybody();
        }
        packet
    }

    /// A long header of some version, with ids and lengths of any size.
    fn long(&mut self) -> Packet {
        let lots = &self.lots;
        let mut bytes = vec![0xc0 | lots.below(0x40) as u8];
        let version = [
            0,
            1,
            0x6b33_43cf,
            0x0a0a_0a0a,
            0xff00_001d,
            lots.next() as u32,
        ][lots.below(6)];
        bytes.extend(version.to_be_bytes());
        for _ in 0..2 {
            let len = [0, 4, 8, 20, 21, 255][lots.below(6)];
            bytes.push(len as u8);
            bytes.extend(lots.bytes(len));
        }
        bytes.extend(lots.bytes(lots.below(LONGEST)));
        bytes.resize([bytes.len(), 1_200][lots.below(2)].min(LONGEST), 0);
        self.anonymous(bytes)
    }

    fn noise(&mut self) -> Packet {
        let len = [self.lots.below(64), self.lots.below(LONGEST + 1)][self.lots.below(2)];
        let bytes = self.lots.bytes(len.max(1));
        self.anonymous(bytes)
    }

    fn anonymous(&mut self, bytes: Vec<u8>) -> Packet {
        Packet {
            from: self.anybody(),
            to: self.server.addr,
            bytes,
        }
    }

    fn anybody(&self) -> SocketAddr {
        let [a, b, c, port, ..] = self.lots.next().to_le_bytes();
        SocketAddr::from(([10, a, b, c], 1_024 + u16::from(port)))
    }
}

/// The first stream that a client opens.
fn control() -> StreamId {
    StreamId::new(quinn_proto::Side::Client, Dir::Bi, 0)
}

fn addr(host: u8, port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, host], port))
}

/// What the process has in memory; 0 where the system does not say.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm
        .split(' ')
        .nth(1)
        .and_then(|text| text.parse::<u64>().ok());
    pages.unwrap_or(0) * 4_096
}

/// Sessions that the attacker keeps.
const EVIL: usize = 16;
const SEEN_MAX: usize = 4_096;
const LONGEST: usize = 1_472;
