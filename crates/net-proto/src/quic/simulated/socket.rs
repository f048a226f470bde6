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
        let inboxes = &mut shared.lock().inboxes;
        if inboxes.contains_key(&addr) {
            return Err(io::Error::new(
                io::ErrorKind::AddrInUse,
                format!("{addr} is taken in the simulated network"),
            ));
        }
        inboxes.insert(addr, (0..count).map(|_| Inbox::default()).collect());
        let socket = |number| Self {
            shared: Arc::clone(shared),
            addr,
            number,
        };
        Ok((0..usize::from(count)).map(socket).collect())
    }

    /// Its inbox; none once a socket that shares the address has been dropped.
    fn inbox<'a>(&self, state: &'a mut State) -> Option<&'a mut Inbox> {
        state.inboxes.get_mut(&self.addr)?.get_mut(self.number)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.shared.lock().inboxes.remove(&self.addr);
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
        self.shared.send(self.addr, transmit);
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
