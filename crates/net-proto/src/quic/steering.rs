//! Several endpoints on one port, and what comes to it from strangers.
//!
//! The system hands a packet to one of the sockets by a hash of its addresses: always the same, until a client's address
//! changes. So the ids that an endpoint gives its connections carry its number, which only we can read, and a packet
//! that came to another one is handed over, at most [`STRAYS_MAX`] at a time.
//!
//! ```text
//! id: 5 bytes of chance │ number ⊕ k₀ │ k₁ │ k₂        k = keyed hash of the 5 bytes
//! ```

use std::collections::VecDeque;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, ConnectionId, ConnectionIdGenerator, UdpPoller};
use quinn_proto::{InvalidCid, RandomConnectionIdGenerator};
use tokio::time::Instant;

use super::sieve::Sieve;

/// Endpoints that share a port.
#[derive(Debug)]
pub(super) struct Siblings {
    key: RandomState,
    strays: Box<[Mutex<Strays>]>, // one endpoint's each
}

/// Packets that came to another endpoint than their own.
#[derive(Debug, Default)]
struct Strays {
    packets: VecDeque<(RecvMeta, Vec<u8>)>,
    reader: Option<Waker>,
}

impl Siblings {
    pub(super) fn new(count: u8) -> Arc<Self> {
        Arc::new(Self {
            key: RandomState::new(),
            strays: (0..count).map(|_| Mutex::default()).collect(),
        })
    }

    /// What makes the connection ids of an endpoint.
    pub(super) fn ids(self: &Arc<Self>, number: u8) -> Box<dyn ConnectionIdGenerator> {
        Box::new(Ids {
            siblings: Arc::clone(self),
            number,
            chance: RandomConnectionIdGenerator::new(CHANCE_BYTES),
        })
    }

    /// A socket of an endpoint, which hands over what is not its own.
    pub(super) fn steer(
        self: &Arc<Self>,
        number: u8,
        socket: Arc<dyn AsyncUdpSocket>,
    ) -> Arc<dyn AsyncUdpSocket> {
        Arc::new(SteeredSocket {
            socket,
            siblings: Arc::clone(self),
            number,
            sieve: Sieve::new(),
        })
    }

    /// Whose a packet is, if it says so: that of a connection whose handshake is over.
    fn owner(&self, packet: &[u8]) -> Option<u8> {
        let (first, rest) = packet.split_first()?;
        let is_short = first & 0x80 == 0 && self.strays.len() > 1;
        is_short.then(|| self.number(rest.get(..ID_BYTES)?))?
    }

    /// Whether a packet is one of a handshake that names no id that we made: the first of a connection, if anything.
    fn is_strange(&self, packet: &[u8]) -> bool {
        let Some((head, rest)) = packet.split_at_checked(LONG_HEAD_BYTES) else {
            return false; // too short for anything: it is thrown away anyway
        };
        head[0] & 0x80 != 0
            && (rest.get(..usize::from(head[LONG_HEAD_BYTES - 1])))
                .and_then(|id| self.number(id))
                .is_none()
    }

    fn number(&self, id: &[u8]) -> Option<u8> {
        let (chance, rest) = id.split_at_checked(CHANCE_BYTES)?;
        let [k0, k1, k2] = self.mask(chance);
        let [number, c1, c2] = *rest else {
            return None;
        };
        let number = number ^ k0;
        let is_ours = [c1, c2] == [k1, k2] && usize::from(number) < self.strays.len();
        is_ours.then_some(number)
    }

    fn mask(&self, chance: &[u8]) -> [u8; 3] {
        let [k0, k1, k2, ..] = self.key.hash_one(chance).to_le_bytes();
        [k0, k1, k2]
    }

    fn strays(&self, number: u8) -> MutexGuard<'_, Strays> {
        let strays = &self.strays[usize::from(number)];
        strays.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What finds the queue full is lost, as in a full socket.
    fn hand_over(&self, number: u8, meta: &RecvMeta, packet: &[u8]) {
        let mut strays = self.strays(number);
        if strays.packets.len() >= STRAYS_MAX {
            return;
        }
        let (len, stride) = (packet.len(), packet.len());
        strays.packets.push_back((
            RecvMeta {
                len,
                stride,
                ..*meta
            },
            packet.to_vec(),
        ));
        if let Some(reader) = strays.reader.take() {
            reader.wake();
        }
    }
}

struct Ids {
    siblings: Arc<Siblings>,
    number: u8,
    chance: RandomConnectionIdGenerator,
}

impl ConnectionIdGenerator for Ids {
    fn generate_cid(&mut self) -> ConnectionId {
        let chance = self.chance.generate_cid();
        let [k0, k1, k2] = self.siblings.mask(&chance);
        ConnectionId::new(&[&chance[..], &[self.number ^ k0, k1, k2]].concat())
    }

    fn validate(&self, id: &ConnectionId) -> Result<(), InvalidCid> {
        let number = self.siblings.number(id);
        number.map(|_| ()).ok_or(InvalidCid)
    }

    fn cid_len(&self) -> usize {
        ID_BYTES
    }

    fn cid_lifetime(&self) -> Option<Duration> {
        None
    }
}

struct SteeredSocket {
    socket: Arc<dyn AsyncUdpSocket>,
    siblings: Arc<Siblings>,
    number: u8,
    sieve: Sieve,
}

/// What becomes of a packet.
enum Fate {
    Ours,
    Another(u8),
    Lost,
}

impl SteeredSocket {
    fn fate(&self, packet: &[u8], meta: &RecvMeta) -> Fate {
        match self.siblings.owner(packet) {
            Some(other) if other != self.number => Fate::Another(other),
            _ if !self.siblings.is_strange(packet) => Fate::Ours,
            _ if self.sieve.passes(meta.addr, Instant::now().into_std()) => Fate::Ours,
            _ => Fate::Lost,
        }
    }

    /// Fills the buffers with what others have handed over.
    fn take(&self, cx: &Context<'_>, bufs: &mut [IoSliceMut<'_>], meta: &mut [RecvMeta]) -> usize {
        if self.siblings.strays.len() < 2 {
            return 0;
        }
        let mut strays = self.siblings.strays(self.number);
        let mut count = 0;
        for (buf, meta) in bufs.iter_mut().zip(meta) {
            let Some((about, packet)) = strays.packets.pop_front() else {
                break;
            };
            // Every buffer is as long as any packet that is received.
            let len = packet.len().min(buf.len());
            buf[..len].copy_from_slice(&packet[..len]);
            *meta = RecvMeta { len, ..about };
            count += 1;
        }
        if count == 0 {
            strays.reader = Some(cx.waker().clone());
        }
        count
    }

    /// Hands over what is not ours, loses what is too much; how many buffers are left.
    fn sort_out(&self, bufs: &mut [IoSliceMut<'_>], meta: &mut [RecvMeta], count: usize) -> usize {
        let mut kept = 0;
        for n in 0..count {
            let len = self.sort_out_of(&mut bufs[n], &meta[n]);
            if len == 0 && meta[n].len > 0 {
                continue;
            }
            if kept < n {
                let (to, from) = bufs.split_at_mut(n);
                to[kept][..len].copy_from_slice(&from[0][..len]);
            }
            meta[kept] = RecvMeta { len, ..meta[n] };
            kept += 1;
        }
        kept
    }

    /// The same among the packets of one peer that one buffer holds; how many bytes are left.
    fn sort_out_of(&self, buf: &mut [u8], meta: &RecvMeta) -> usize {
        let stride = meta.stride.max(1);
        let (mut kept, mut start) = (0, 0);
        while start < meta.len {
            let end = meta.len.min(start + stride);
            match self.fate(&buf[start..end], meta) {
                Fate::Another(other) => self.siblings.hand_over(other, meta, &buf[start..end]),
                Fate::Lost => {}
                Fate::Ours => {
                    if kept < start {
                        buf.copy_within(start..end, kept);
                    }
                    kept += end - start;
                }
            }
            start = end;
        }
        kept
    }
}

impl AsyncUdpSocket for SteeredSocket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Arc::clone(&self.socket).create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        self.socket.try_send(transmit)
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        for _ in 0..CALLS_AT_ONCE {
            let taken = self.take(cx, bufs, meta);
            if taken > 0 {
                return Poll::Ready(Ok(taken));
            }
            let count = ready!(self.socket.poll_recv(cx, bufs, meta))?;
            let kept = self.sort_out(bufs, meta, count);
            if kept > 0 {
                return Poll::Ready(Ok(kept));
            }
        }
        // Who throws away without end has nothing left for the others.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        self.socket.max_transmit_segments()
    }

    fn max_receive_segments(&self) -> usize {
        self.socket.max_receive_segments()
    }

    fn may_fragment(&self) -> bool {
        self.socket.may_fragment()
    }
}

impl fmt::Debug for SteeredSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SteeredSocket({}, {:?})", self.number, self.socket)
    }
}

/// Of packets of handshakes: a byte of flags, the version, and the length of the id that follows.
const LONG_HEAD_BYTES: usize = 6;
const CHANCE_BYTES: usize = 5;
const ID_BYTES: usize = CHANCE_BYTES + 3;
/// Calls of the system that bring nothing of ours before others have a turn.
const CALLS_AT_ONCE: usize = 8;
/// Packets that wait for one endpoint, 1.5 MB of them.
const STRAYS_MAX: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(siblings: &Arc<Siblings>, number: u8, byte: u8) -> Vec<u8> {
        let id = siblings.ids(number).generate_cid();
        [&[0x40][..], &id, &[byte; 30]].concat()
    }

    #[test]
    fn an_id_tells_its_endpoint_to_those_who_made_it_alone() {
        let (siblings, others) = (Siblings::new(5), Siblings::new(5));
        let mut misread = 0;
        for n in 0..1_000 {
            let mut ids = siblings.ids(n as u8 % 5);
            let id = ids.generate_cid();
            assert_eq!(id.len(), ids.cid_len());
            assert_eq!(siblings.number(&id), Some(n as u8 % 5));
            assert!(ids.validate(&id).is_ok());
            misread += usize::from(others.number(&id).is_some());
        }
        assert!(misread <= 1, "{misread}");
        assert_eq!(siblings.number(&[]), None);
        assert_eq!(siblings.owner(&[0x40, 1, 2]), None);
        assert_eq!(siblings.owner(&[]), None);
        let mut long = packet(&siblings, 3, 0);
        assert_eq!(siblings.owner(&long), Some(3));
        long[0] |= 0x80;
        assert_eq!(siblings.owner(&long), None);
    }

    #[derive(Debug)]
    struct Nobody;

    impl AsyncUdpSocket for Nobody {
        fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
            unreachable!("nothing is sent")
        }
        fn try_send(&self, _: &Transmit<'_>) -> io::Result<()> {
            unreachable!("nothing is sent")
        }
        fn poll_recv(
            &self,
            _: &mut Context<'_>,
            _: &mut [IoSliceMut<'_>],
            _: &mut [RecvMeta],
        ) -> Poll<io::Result<usize>> {
            Poll::Pending
        }
        fn local_addr(&self) -> io::Result<SocketAddr> {
            unreachable!("nobody asks")
        }
    }

    fn steered(siblings: &Arc<Siblings>, number: u8) -> SteeredSocket {
        SteeredSocket {
            socket: Arc::new(Nobody),
            siblings: Arc::clone(siblings),
            number,
            sieve: Sieve::new(),
        }
    }

    /// Packets of two endpoints in all mixtures, some of them in one buffer.
    #[test]
    fn everybody_gets_exactly_what_is_theirs() {
        let siblings = Siblings::new(2);
        let (zero, one) = (steered(&siblings, 0), steered(&siblings, 1));
        for mixture in 0..64u8 {
            let owner = |n: u8| mixture >> n & 1;
            let mut buffers: Vec<Vec<u8>> = (0..3)
                .map(|n| {
                    [0, 1]
                        .map(|m| packet(&siblings, owner(2 * n + m), 2 * n + m))
                        .concat()
                })
                .collect();
            // The last packet of a buffer may be shorter.
            buffers.iter_mut().for_each(|buffer| buffer.truncate(70));
            let mut meta = metas(&buffers);
            let mut bufs: Vec<_> = buffers.iter_mut().map(|b| IoSliceMut::new(b)).collect();
            let kept = zero.sort_out(&mut bufs, &mut meta, 3);
            let mut mine = Vec::new();
            for (buf, meta) in bufs.iter().zip(&meta).take(kept) {
                mine.extend(
                    buf[..meta.len]
                        .chunks(meta.stride)
                        .map(|packet| (packet[20], packet.len())),
                );
            }
            let len = |n: u8| if n.is_multiple_of(2) { 39 } else { 31 };
            let expected = |who| {
                (0..6)
                    .filter(move |n| owner(*n) == who)
                    .map(move |n| (n, len(n)))
            };
            assert_eq!(mine, expected(0).collect::<Vec<_>>(), "{mixture:b}");
            let mut room = [[0; 100]; 8];
            let mut bufs: Vec<_> = room.iter_mut().map(|b| IoSliceMut::new(b)).collect();
            let mut meta = [RecvMeta::default(); 8];
            let mut cx = Context::from_waker(Waker::noop());
            let count = match one.poll_recv(&mut cx, &mut bufs, &mut meta) {
                Poll::Ready(count) => count.unwrap(),
                Poll::Pending => 0,
            };
            let theirs: Vec<_> = (0..count).map(|n| (bufs[n][20], meta[n].len)).collect();
            assert_eq!(theirs, expected(1).collect::<Vec<_>>(), "{mixture:b}");
        }
    }

    fn metas(buffers: &[Vec<u8>]) -> Vec<RecvMeta> {
        let meta = |buffer: &Vec<u8>| RecvMeta {
            len: buffer.len(),
            stride: 39,
            ..RecvMeta::default()
        };
        buffers.iter().map(meta).collect()
    }

    #[test]
    fn a_queue_of_strays_has_a_bound() {
        let siblings = Siblings::new(2);
        let stray = packet(&siblings, 1, 0);
        for _ in 0..2 * STRAYS_MAX {
            siblings.hand_over(1, &RecvMeta::default(), &stray);
        }
        assert_eq!(siblings.strays(1).packets.len(), STRAYS_MAX);
    }
}
