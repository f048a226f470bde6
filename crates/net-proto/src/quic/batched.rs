//! A socket that sends the packets of many peers with one call of the system.
//!
//! quinn's own socket sends each packet as it is made. A tick makes one or two for every player, one connection after
//! another within one turn of the runtime; here they wait for each other, as many as a [`Batch`] holds, and leave together.
//! What is not full when everybody has had a turn leaves then, by a task of its own. Runs of packets to one peer are
//! one call already (GSO) and are not copied.
//!
//! Packets of thousands come one at a time, and to be woken for each costs more than to take it. So where they come faster than one in a
//! millisecond the socket is not watched, but looked at once in a millisecond: see [`Attention`].

use std::collections::BTreeMap;
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use quinn::udp::{EcnCodepoint, RecvMeta, Transmit, UdpSocketState};
use quinn::{AsyncUdpSocket, UdpPoller};
use socket2::SockRef;
use tokio::io::Interest;
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep, sleep};

use super::batch::{BYTES_MAX, Batch};

/// See the module.
#[derive(Debug)]
pub(super) struct BatchedSocket {
    io: UdpSocket,
    attention: Mutex<Attention>,
    state: UdpSocketState,
    addr: SocketAddr,
    sources: Mutex<Sources>,
    queue: Mutex<Queue>,
    asked: Arc<Notify>, // for a flush
}

/// Packets that wait for each other.
#[derive(Debug, Default)]
struct Queue {
    batch: Batch,
    is_asked: bool,
    /// The system took no run of packets.
    is_full: bool,
}

impl BatchedSocket {
    /// Must be called within a runtime, which then sends what does not fill a batch.
    ///
    /// # Errors
    /// Those of the system.
    pub(super) fn new(socket: UdpSocket) -> io::Result<Arc<Self>> {
        let state = UdpSocketState::new((&socket).into())?;
        let addr = socket.local_addr()?;
        set_ecn(&socket, addr)?;
        socket.set_nonblocking(true)?;
        let this = Arc::new(Self {
            attention: Mutex::new(Attention::watch(&socket)?),
            io: socket,
            state,
            addr,
            sources: Mutex::new(Sources::new(addr)),
            queue: Mutex::default(),
            asked: Arc::default(),
        });
        tokio::spawn(flush_when_asked(Arc::downgrade(&this), this.asked.clone()));
        Ok(this)
    }

    /// Whether a packet can wait with others: it is one, has the mark that all have, and the address that it is to
    /// come from is the one that the system gives it anyway.
    fn can_wait(&self, transmit: &Transmit<'_>) -> bool {
        let is_run = (transmit.segment_size).is_some_and(|size| size < transmit.contents.len());
        !is_run
            && transmit.ecn == Some(MARK)
            && transmit.contents.len() <= BYTES_MAX
            && (transmit.src_ip).is_none_or(|ip| lock(&self.sources).is(ip, transmit.destination))
    }

    /// Sends all that waits.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when the system's buffer is full: the rest still waits.
    fn flush(&self, queue: &mut Queue) -> io::Result<()> {
        queue.batch.flush(|batch, from| batch.send(&self.io, from))
    }

    /// What cannot wait with others: runs to one peer, packets without the mark that all others have.
    fn send_alone(&self, queue: &mut Queue, transmit: &Transmit<'_>) -> io::Result<()> {
        self.flush(queue)?;
        let sent = self.state.send((&self.io).into(), transmit);
        queue.is_full = is_blocked(&sent);
        sent
    }
}

/// How it is noticed that packets have come.
#[derive(Debug)]
enum Attention {
    /// The system tells: at once, and each time.
    Told {
        watched: tokio::net::UdpSocket,
        window: Window,
    },
    /// We look, once in [`LOOK_EVERY`].
    Looking {
        next: Pin<Box<Sleep>>,
        window: Window,
    },
}

/// What has been received in some milliseconds.
#[derive(Debug)]
struct Window {
    until: Instant,
    packets: usize,
    calls: usize,
}

impl Window {
    fn new(now: Instant) -> Self {
        Self {
            until: now + WINDOW,
            packets: 0,
            calls: 0,
        }
    }

    /// Counts a call that brought packets; the window, when it is over.
    fn count(&mut self, packets: usize) -> Option<Self> {
        self.packets += packets;
        self.calls += usize::from(packets > 0);
        let now = Instant::now();
        (now >= self.until).then(|| core::mem::replace(self, Self::new(now)))
    }
}

impl Attention {
    fn watch(io: &UdpSocket) -> io::Result<Self> {
        Ok(Self::Told {
            watched: tokio::net::UdpSocket::from_std(io.try_clone()?)?,
            window: Window::new(Instant::now()),
        })
    }

    fn look() -> Self {
        Self::Looking {
            next: Box::pin(sleep(Duration::ZERO)),
            window: Window::new(Instant::now()),
        }
    }

    /// Receives by the call, or has the task woken when it should try again.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        io: &UdpSocket,
        mut receive: impl FnMut() -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Told { watched, window } => loop {
                ready!(watched.poll_recv_ready(cx))?;
                let received = watched.try_io(Interest::READABLE, &mut receive);
                if is_blocked(&received) {
                    continue;
                }
                let over = window.count(*received.as_ref().unwrap_or(&0));
                if over.is_some_and(|over| over.calls >= BUSY_CALLS) {
                    *self = Self::look();
                }
                return Poll::Ready(received);
            },
            Self::Looking { next, window } => {
                ready!(next.as_mut().poll(cx));
                let received = receive();
                let over = window.count(*received.as_ref().unwrap_or(&0));
                if over.is_some_and(|over| over.packets < BUSY_CALLS / 2)
                    && let Ok(watched) = Self::watch(io)
                {
                    *self = watched;
                    cx.waker().wake_by_ref();
                    return match is_blocked(&received) {
                        true => Poll::Pending,
                        false => Poll::Ready(received),
                    };
                }
                if !is_blocked(&received) {
                    return Poll::Ready(received);
                }
                next.as_mut().reset(Instant::now() + LOOK_EVERY);
                ready!(next.as_mut().poll(cx));
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}

/// Whether there was nothing to receive, or no room to send.
fn is_blocked<T>(done: &io::Result<T>) -> bool {
    (done.as_ref()).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

/// Which of our addresses the system sends from.
///
/// `sendmmsg` as we have it cannot say so packet by packet. A socket that is bound to one address has no choice; one
/// that is bound to all must answer from the address that was asked, which on a machine with several may be another
/// than the one of the route back.
#[derive(Debug)]
struct Sources {
    bound: IpAddr,
    probe: Option<UdpSocket>,
    known: BTreeMap<IpAddr, Source>,
}

#[derive(Clone, Copy, Debug)]
struct Source {
    ip: Option<IpAddr>,
    left: u16, // packets, until the system is asked again
}

impl Sources {
    fn new(addr: SocketAddr) -> Self {
        let probe =
            (addr.ip().is_unspecified()).then(|| UdpSocket::bind(SocketAddr::new(addr.ip(), 0)));
        Self {
            bound: addr.ip(),
            probe: probe.and_then(Result::ok),
            known: BTreeMap::new(),
        }
    }

    fn is(&mut self, ip: IpAddr, to: SocketAddr) -> bool {
        let Some(probe) = &self.probe else {
            return ip == self.bound;
        };
        if self.known.len() >= SOURCES_MAX {
            self.known.clear();
        }
        let source = self
            .known
            .entry(to.ip())
            .or_insert(Source { ip: None, left: 0 });
        if source.left == 0 {
            let asked = probe.connect(to).and_then(|()| probe.local_addr());
            source.ip = asked.ok().map(|addr| addr.ip());
            source.left = SOURCE_PACKETS;
        }
        source.left -= 1;
        source.ip.map(|ip| ip.to_canonical()) == Some(ip.to_canonical())
    }
}

impl Drop for BatchedSocket {
    fn drop(&mut self) {
        let mut queue = std::mem::take(&mut *lock(&self.queue));
        let _ = self.flush(&mut queue); // farewells; what does not go now is lost, as packets are
        self.asked.notify_one();
    }
}

impl AsyncUdpSocket for BatchedSocket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(Room {
            socket: self,
            next: Box::pin(sleep(Duration::ZERO)),
        })
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        let mut queue = lock(&self.queue);
        if !self.can_wait(transmit) {
            return self.send_alone(&mut queue, transmit);
        }
        if !queue.batch.has_room(transmit.contents.len()) {
            self.flush(&mut queue)?;
        }
        queue.batch.push(transmit.destination, transmit.contents);
        if !queue.is_asked {
            queue.is_asked = true;
            self.asked.notify_one();
        }
        Ok(())
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let receive = || self.state.recv((&self.io).into(), bufs, meta);
        lock(&self.attention).poll(cx, &self.io, receive)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.addr)
    }

    fn may_fragment(&self) -> bool {
        self.state.may_fragment()
    }

    fn max_transmit_segments(&self) -> usize {
        self.state.max_gso_segments()
    }

    fn max_receive_segments(&self) -> usize {
        self.state.gro_segments()
    }
}

/// Waits for room in the queue: the system's buffer is full for some packets' time, if ever.
#[derive(Debug)]
struct Room {
    socket: Arc<BatchedSocket>,
    next: Pin<Box<Sleep>>,
}

impl UdpPoller for Room {
    fn poll_writable(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let mut queue = lock(&this.socket.queue);
        loop {
            let is_full = core::mem::take(&mut queue.is_full);
            let has_room = queue.batch.has_room(PACKET_BYTES_MAX);
            if !is_full && (has_room || this.socket.flush(&mut queue).is_ok()) {
                return Poll::Ready(Ok(()));
            }
            this.next.as_mut().reset(Instant::now() + LOOK_EVERY);
            ready!(this.next.as_mut().poll(cx));
        }
    }
}

/// Sends what waits when everybody who could send has had a turn, and when the system has room again.
async fn flush_when_asked(socket: Weak<BatchedSocket>, asked: Arc<Notify>) {
    loop {
        asked.notified().await;
        let Some(socket) = socket.upgrade() else {
            return;
        };
        while {
            let mut queue = lock(&socket.queue);
            queue.is_asked = false;
            socket.flush(&mut queue).is_err()
        } {
            sleep(LOOK_EVERY).await;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Every packet of a connection says that routers may mark it instead of dropping it. Set once for the socket, it need
/// not be said for each; those that are not to have it are sent one by one.
pub(super) fn set_ecn(socket: &UdpSocket, addr: SocketAddr) -> io::Result<()> {
    let socket = SockRef::from(socket);
    if addr.is_ipv6() {
        socket.set_tclass_v6(MARK as u32)?;
        let _ = socket.set_tos_v4(MARK as u32); // for those of IPv4, where the socket has both
        return Ok(());
    }
    socket.set_tos_v4(MARK as u32)
}

pub(super) const MARK: EcnCodepoint = EcnCodepoint::Ect0;
const PACKET_BYTES_MAX: usize = 1_500;
/// Peers whose route back is remembered, and for how many packets.
const SOURCES_MAX: usize = 16_384;
const SOURCE_PACKETS: u16 = 4_096;
/// How often a socket is looked at that is not watched.
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// It is not watched where so many calls in so long would bring packets, and is again where less than half as many packets come.
const WINDOW: Duration = Duration::from_millis(32);
const BUSY_CALLS: usize = 32;

#[cfg(test)]
mod tests {
    use quinn::udp::BATCH_SIZE;

    use super::*;

    /// Sends so many packets of another socket, some every millisecond, and counts what comes.
    async fn pass(server: &BatchedSocket, (packets, per_ms): (usize, usize)) -> usize {
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        let (mut sent, mut received) = (0, 0);
        let mut bytes = vec![0; 1_500 * BATCH_SIZE];
        while received < packets {
            for _ in 0..per_ms.min(packets - sent) {
                client.send_to(&[7; 40], server.addr).unwrap();
                sent += 1;
            }
            let mut slices = bytes.chunks_exact_mut(1_500).map(IoSliceMut::new);
            let mut slices: [_; BATCH_SIZE] = core::array::from_fn(|_| slices.next().unwrap());
            let mut metas = [RecvMeta::default(); BATCH_SIZE];
            let receive = std::future::poll_fn(|cx| server.poll_recv(cx, &mut slices, &mut metas));
            let wait = Duration::from_millis(1);
            if let Ok(count) = tokio::time::timeout(wait, receive).await {
                let lens = metas.iter().take(count.unwrap());
                received += lens.map(|meta| meta.len / 40).sum::<usize>();
            }
        }
        received
    }

    #[test]
    fn a_socket_is_looked_at_while_many_packets_come_and_watched_otherwise() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(async {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            let server = BatchedSocket::new(socket).unwrap();
            let is_looking = || matches!(*lock(&server.attention), Attention::Looking { .. });
            assert_eq!(pass(&server, (20, 1)).await, 20);
            assert!(!is_looking());
            assert_eq!(pass(&server, (40_000, 20)).await, 40_000);
            assert!(is_looking());
            // The window that the crowd ended in, and one with a packet.
            for _ in 0..2 {
                sleep(2 * WINDOW).await;
                assert_eq!(pass(&server, (1, 1)).await, 1);
            }
            assert!(!is_looking());
            assert_eq!(pass(&server, (5, 1)).await, 5);
        });
    }

    #[test]
    fn a_source_is_the_systems_own_choice() {
        let to = "127.0.0.1:9".parse().unwrap();
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let mut bound = Sources::new("127.0.0.2:1".parse().unwrap());
        assert!(bound.is(ip("127.0.0.2"), to) && !bound.is(ip("127.0.0.1"), to));
        let mut any = Sources::new("0.0.0.0:1".parse().unwrap());
        assert!(any.is(ip("127.0.0.1"), to) && !any.is(ip("127.0.0.2"), to));
        for n in 0..2 * SOURCES_MAX {
            any.is(
                ip("127.0.0.1"),
                SocketAddr::from(([10, 0, (n >> 8) as u8, n as u8], 9)),
            );
            assert!(any.known.len() <= SOURCES_MAX);
        }
    }
}
