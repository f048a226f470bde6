//! A socket on the simulated network.

use std::fmt;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, UdpPoller};

use super::network::{Inbox, Shared, State};

/// Never full when sending; loses what finds its buffer full when receiving.
pub(super) struct Socket {
    shared: Arc<Shared>,
    addr: SocketAddr,
    place: u64,
    number: usize,
}

impl Socket {
    pub(super) fn open(shared: &Arc<Shared>, addr: SocketAddr) -> io::Result<Self> {
        let mut sockets = Self::share(shared, addr, 1)?;
        Ok(sockets.pop().expect("one was asked for"))
    }

    /// So many at one address.
    pub(super) fn share(
        shared: &Arc<Shared>,
        addr: SocketAddr,
        count: u8,
    ) -> io::Result<Vec<Self>> {
        let place = shared.lock().take_place(addr, count).ok_or_else(|| {
            let text = format!("{addr} is taken in the simulated network");
            io::Error::new(io::ErrorKind::AddrInUse, text)
        })?;
        let socket = |number| Self {
            shared: Arc::clone(shared),
            addr,
            place,
            number,
        };
        Ok((0..usize::from(count)).map(socket).collect())
    }

    /// Its inbox; none once a socket that shares the address has been dropped, or the address was unplugged.
    fn inbox<'a>(&self, state: &'a mut State) -> Option<&'a mut Inbox> {
        state.inboxes(self.addr, self.place)?.get_mut(self.number)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.shared.lock().leave_place(self.addr, self.place);
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Socket({})", self.addr)
    }
}

impl AsyncUdpSocket for Socket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(AlwaysWritable)
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        self.shared.send((self.addr, self.place), transmit);
        Ok(())
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let mut state = self.shared.lock();
        let Some(inbox) = self.inbox(&mut state) else {
            return Poll::Pending; // only when all of them are being dropped
        };
        let mut count = 0;
        for (buf, meta) in bufs.iter_mut().zip(meta) {
            let Some(packet) = inbox.packets.pop_front() else {
                break;
            };
            let len = packet.bytes.len().min(buf.len());
            buf[..len].copy_from_slice(&packet.bytes[..len]);
            *meta = RecvMeta {
                addr: packet.from,
                len,
                stride: len,
                ecn: packet.ecn,
                dst_ip: Some(self.addr.ip()),
            };
            count += 1;
        }
        if count > 0 {
            return Poll::Ready(Ok(count));
        }
        inbox.reader = Some(cx.waker().clone());
        Poll::Pending
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.addr)
    }

    fn max_transmit_segments(&self) -> usize {
        10
    }

    fn may_fragment(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct AlwaysWritable;

impl UdpPoller for AlwaysWritable {
    fn poll_writable(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
