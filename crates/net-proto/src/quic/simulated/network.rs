//! The network that all sockets of a simulation share.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use quinn::udp::{EcnCodepoint, Transmit};
#[cfg(test)]
use quinn::{AsyncUdpSocket, ServerConfig};
use quinn::{Endpoint, EndpointConfig, TokioRuntime};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::link::Link;
use super::socket::Socket;
use crate::quic::endpoint::{endpoint_config, server_tls};
use crate::quic::host::Host;
use crate::quic::identity::Identity;
use crate::quic::steering::Siblings;
use crate::quic::transport;

/// A network in memory. Clones are the same network.
#[derive(Clone, Debug)]
pub struct Network {
    shared: Arc<Shared>,
}

/// What has been sent, as numbers that differ as soon as two runs do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Trace {
    /// Of each packet: when it was sent (µs), whence, whither, how long it is, and how many of it arrive.
    pub hash: u64,
    /// Packets that were sent.
    pub packets: u64,
    /// Packets that were lost, by lot, in blackouts, or for want of room.
    pub lost: u64,
    /// Packets that arrived twice.
    pub repeated: u64,
}

impl Network {
    /// A network whose links are all alike until [`Network::set_link`].
    ///
    /// Must be called within the runtime of [`super::run`].
    pub fn new(seed: u64, link: Link) -> Self {
        let state = State {
            lots: seed,
            link,
            links: BTreeMap::new(),
            free: BTreeMap::new(),
            on_the_way: BinaryHeap::new(),
            sent: 0,
            places: BTreeMap::new(),
            opened: 0,
            trace: Trace::default(),
            endpoints: 0,
        };
        let shared = Arc::new(Shared {
            seed,
            began: Instant::now(),
            state: Mutex::new(state),
            sooner: Notify::new(),
        });
        tokio::spawn(deliver(Arc::clone(&shared)));
        Self { shared }
    }

    /// How packets from and to an address travel from now on.
    pub fn set_link(&self, addr: SocketAddr, link: Link) {
        self.shared.lock().links.insert(addr, link);
    }

    /// What has been sent up to now.
    pub fn trace(&self) -> Trace {
        self.shared.lock().trace
    }

    /// As [`crate::quic::server_endpoint`].
    ///
    /// # Errors
    /// When the address is taken.
    pub fn server_endpoint(&self, addr: SocketAddr, identity: &Identity) -> io::Result<Host> {
        let mut endpoints = self.server_endpoints(addr, identity, 1)?;
        Ok(endpoints.pop().expect("one was asked for"))
    }

    /// So many endpoints at one address, as [`crate::quic::seats`] makes them.
    ///
    /// # Errors
    /// When the address is taken.
    pub fn server_endpoints(
        &self,
        addr: SocketAddr,
        identity: &Identity,
        count: u8,
    ) -> io::Result<Vec<Host>> {
        let siblings = Siblings::new(count);
        let sockets = Socket::share(&self.shared, addr, count)?;
        let open = |(number, socket)| {
            let mut config = endpoint_config()?;
            let ids = Arc::clone(&siblings);
            config.cid_generator(move || ids.ids(number));
            let server = transport::server(server_tls(identity)?);
            let socket = siblings.steer(number, Arc::new(socket));
            Ok(Host::new(self.seeded(config), server, socket))
        };
        (0..count).zip(sockets).map(open).collect()
    }

    /// An endpoint with limits of a test's choice.
    #[cfg(test)]
    pub(in crate::quic) fn server_endpoint_of(
        &self,
        addr: SocketAddr,
        config: ServerConfig,
    ) -> io::Result<Host> {
        let socket = Arc::new(Socket::open(&self.shared, addr)?);
        Ok(Host::new(self.seeded(endpoint_config()?), config, socket))
    }

    /// A server's endpoint whose socket a test has its hands on.
    #[cfg(test)]
    pub(in crate::quic) fn server_endpoint_through(
        &self,
        addr: SocketAddr,
        identity: &Identity,
        wrap: impl FnOnce(Arc<dyn AsyncUdpSocket>) -> Arc<dyn AsyncUdpSocket>,
    ) -> io::Result<Host> {
        let socket = wrap(Arc::new(Socket::open(&self.shared, addr)?));
        let server = transport::server(server_tls(identity)?);
        Ok(Host::new(self.seeded(endpoint_config()?), server, socket))
    }

    /// As [`crate::quic::client_endpoint`].
    ///
    /// # Errors
    /// When the address is taken.
    pub fn client_endpoint(&self, addr: SocketAddr) -> io::Result<Endpoint> {
        let socket = Arc::new(Socket::open(&self.shared, addr)?);
        let config = self.seeded(endpoint_config()?);
        Endpoint::new_with_abstract_socket(config, None, socket, Arc::new(TokioRuntime))
    }

    /// Moves an endpoint to another address, as when a client's network changes. Its peers find out.
    ///
    /// # Errors
    /// When the address is taken.
    pub fn rebind(&self, endpoint: &Endpoint, addr: SocketAddr) -> io::Result<()> {
        endpoint.rebind_abstract(Arc::new(Socket::open(&self.shared, addr)?))
    }

    /// Cuts an address off for good, as when the power goes: whoever has it sends nothing any more and hears nothing, without being told, and
    /// the address is free.
    pub fn unplug(&self, addr: SocketAddr) {
        self.shared.lock().places.remove(&addr);
    }

    /// With randomness of the network's seed, other for every endpoint.
    fn seeded(&self, mut config: EndpointConfig) -> EndpointConfig {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.shared.seed.to_le_bytes());
        seed[8..16].copy_from_slice(&self.shared.next_endpoint().to_le_bytes());
        config.rng_seed(Some(seed)).grease_quic_bit(false);
        config
    }
}

/// A packet that has arrived.
#[derive(Debug)]
pub(super) struct Packet {
    pub(super) from: SocketAddr,
    pub(super) ecn: Option<EcnCodepoint>,
    pub(super) bytes: Vec<u8>,
}

#[derive(Debug, Default)]
pub(super) struct Inbox {
    pub(super) packets: VecDeque<Packet>,
    pub(super) reader: Option<Waker>,
}

/// What sockets that share an address have in common.
#[derive(Debug)]
struct Place {
    number: u64, // another one when the address is taken again
    inboxes: Vec<Inbox>,
}

#[derive(Debug)]
pub(super) struct Shared {
    seed: u64,
    began: Instant,
    state: Mutex<State>,
    sooner: Notify, // a packet is due before all others
}

#[derive(Debug)]
pub(super) struct State {
    lots: u64,
    link: Link,
    links: BTreeMap<SocketAddr, Link>,
    free: BTreeMap<(SocketAddr, SocketAddr), Instant>,
    on_the_way: BinaryHeap<Reverse<(Instant, u64, Parcel)>>,
    sent: u64,
    places: BTreeMap<SocketAddr, Place>,
    opened: u64,
    trace: Trace,
    endpoints: u64,
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_endpoint(&self) -> u64 {
        let mut state = self.lock();
        state.endpoints += 1;
        state.endpoints
    }

    /// Sends all datagrams of a transmit, unless the place has been unplugged.
    pub(super) fn send(&self, (from, place): (SocketAddr, u64), transmit: &Transmit<'_>) {
        let mut state = self.lock();
        if state.inboxes(from, place).is_none() {
            return;
        }
        let soonest = state.soonest();
        let segment = transmit.segment_size.unwrap_or(transmit.contents.len());
        for bytes in transmit.contents.chunks(segment.max(1)) {
            state.post(
                Instant::now(),
                self.began,
                Parcel {
                    from,
                    to: transmit.destination,
                    ecn: transmit.ecn.map(|ecn| ecn as u8),
                    bytes: bytes.to_vec(),
                },
            );
        }
        if state.soonest() != soonest {
            self.sooner.notify_one();
        }
    }
}

/// A packet that has not arrived yet.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Parcel {
    from: SocketAddr,
    to: SocketAddr,
    ecn: Option<u8>,
    bytes: Vec<u8>,
}

impl State {
    /// Takes an address for so many sockets: the number of their place. None when it is taken.
    pub(super) fn take_place(&mut self, addr: SocketAddr, sockets: u8) -> Option<u64> {
        if self.places.contains_key(&addr) {
            return None;
        }
        self.opened += 1;
        let place = Place {
            number: self.opened,
            inboxes: (0..sockets).map(|_| Inbox::default()).collect(),
        };
        self.places.insert(addr, place);
        Some(self.opened)
    }

    /// Frees an address, if it is still that place's.
    pub(super) fn leave_place(&mut self, addr: SocketAddr, number: u64) {
        if self.inboxes(addr, number).is_some() {
            self.places.remove(&addr);
        }
    }

    /// A place's inboxes; none once a socket of it has been dropped, or it was unplugged.
    pub(super) fn inboxes(&mut self, addr: SocketAddr, number: u64) -> Option<&mut Vec<Inbox>> {
        let place = self.places.get_mut(&addr);
        let place = place.filter(|place| place.number == number);
        place.map(|place| &mut place.inboxes)
    }

    fn soonest(&self) -> Option<Instant> {
        self.on_the_way.peek().map(|Reverse((due, ..))| *due)
    }

    fn post(&mut self, now: Instant, began: Instant, parcel: Parcel) {
        let (from, to, bytes) = (parcel.from, parcel.to, parcel.bytes.len());
        let since = now.duration_since(began);
        // Every packet draws the same number of lots, so that one more loss does not shift all that follow.
        let [lost, twice, late] = [self.lot(), self.lot(), self.lot()];
        let [first, second] = [self.lot(), self.lot()];
        let link = self.links.get(&to).or_else(|| self.links.get(&from));
        let link = link.unwrap_or(&self.link);
        let free = self.free.entry((from, to)).or_insert(now);
        let departure = link.departure(now, *free, bytes);
        *free = departure.unwrap_or(*free);
        let copies = match departure {
            None => 0,
            Some(_) if lost < link.loss || link.is_dark(since) => 0,
            Some(_) if self.on_the_way.len() >= ON_THE_WAY_MAX => 0,
            Some(_) => 1 + usize::from(twice < link.duplication),
        };
        let span = link.latency.end.saturating_sub(link.latency.start);
        let late_by = if late < link.late {
            link.late_by
        } else {
            Duration::ZERO
        };
        let takes = |lot: f64| link.latency.start + span.mul_f64(lot) + late_by;
        for lot in [first, second].into_iter().take(copies) {
            let due = departure.unwrap_or(now) + takes(lot);
            self.sent += 1;
            self.on_the_way
                .push(Reverse((due, self.sent, parcel.clone())));
        }
        self.note(since, from, to, bytes, copies as u64);
    }

    fn note(
        &mut self,
        since: Duration,
        from: SocketAddr,
        to: SocketAddr,
        bytes: usize,
        copies: u64,
    ) {
        let us = u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
        for word in [us, word(from), word(to), bytes as u64, copies] {
            self.trace.hash = mix(self.trace.hash ^ word);
        }
        self.trace.packets += 1;
        self.trace.lost += u64::from(copies == 0);
        self.trace.repeated += u64::from(copies == 2);
    }

    /// The next lot, 0 to below 1.
    fn lot(&mut self) -> f64 {
        self.lots = self.lots.wrapping_add(0x9e37_79b9_7f4a_7c15);
        (mix(self.lots) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Hands over what is due.
    fn hand_over(&mut self, now: Instant) {
        while self.soonest().is_some_and(|due| due <= now) {
            let Some(Reverse((_, _, parcel))) = self.on_the_way.pop() else {
                return;
            };
            let place = self.places.get_mut(&parcel.to);
            let Some(inbox) = place.and_then(|place| chosen(&mut place.inboxes, &parcel)) else {
                continue; // nobody is there, as it happens
            };
            if inbox.packets.len() < INBOX_MAX {
                inbox.packets.push_back(Packet {
                    from: parcel.from,
                    ecn: parcel.ecn.and_then(EcnCodepoint::from_bits),
                    bytes: parcel.bytes,
                });
            }
            if let Some(reader) = inbox.reader.take() {
                reader.wake();
            }
        }
    }
}

/// Delivers for as long as the runtime lives.
async fn deliver(shared: Arc<Shared>) {
    loop {
        let soonest = {
            let mut state = shared.lock();
            state.hand_over(Instant::now());
            state.soonest()
        };
        match soonest {
            None => shared.sooner.notified().await,
            Some(due) => tokio::select! {
                biased;
                () = sleep_until(due) => {}
                () = shared.sooner.notified() => {}
            },
        }
    }
}

/// Of sockets that share an address the one that a system would choose: by a hash of both addresses.
fn chosen<'a>(sharers: &'a mut [Inbox], parcel: &Parcel) -> Option<&'a mut Inbox> {
    let count = sharers.len().max(1) as u64;
    let hash = mix(word(parcel.from) ^ mix(word(parcel.to)));
    sharers.get_mut(usize::try_from(hash % count).ok()?)
}

/// An address as a number.
fn word(addr: SocketAddr) -> u64 {
    let ip = match addr.ip() {
        IpAddr::V4(ip) => u64::from(ip.to_bits()),
        IpAddr::V6(ip) => (ip.segments().iter()).fold(0, |sum, part| mix(sum ^ u64::from(*part))),
    };
    mix(ip) ^ u64::from(addr.port())
}

/// The finisher of SplitMix64.
fn mix(mut x: u64) -> u64 {
    x = (x.wrapping_add(1) ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Packets in one socket's buffer: 8 MiB of them are never more. What comes beyond is lost, as in a real one.
const INBOX_MAX: usize = 8_192;
/// Packets on their way in all.
const ON_THE_WAY_MAX: usize = 1 << 18;
