//! A line of a bot's own, which it can cut: from then on nothing passes, no farewell either.

use std::fmt;
use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, Endpoint, EndpointConfig, Runtime, TokioRuntime, UdpPoller};

/// An endpoint for one connection.
pub(super) struct Line {
    pub(super) endpoint: Endpoint,
    is_cut: Arc<AtomicBool>,
}

impl Line {
    /// From any port, to a server.
    pub(super) fn open(peer: SocketAddr) -> io::Result<Self> {
        let any = if peer.is_ipv6() {
            "[::]:0"
        } else {
            "0.0.0.0:0"
        };
        let socket = TokioRuntime.wrap_udp_socket(UdpSocket::bind(any)?)?;
        let is_cut = Arc::new(AtomicBool::new(false));
        let socket = Arc::new(Cuttable {
            socket,
            is_cut: Arc::clone(&is_cut),
        });
        let config = EndpointConfig::default();
        let runtime = Arc::new(TokioRuntime);
        let endpoint = Endpoint::new_with_abstract_socket(config, None, socket, runtime)?;
        Ok(Self { endpoint, is_cut })
    }

    pub(super) fn cut(&self) {
        self.is_cut.store(true, Ordering::Relaxed);
    }
}

#[derive(Debug)]
struct Cuttable {
    socket: Arc<dyn AsyncUdpSocket>,
    is_cut: Arc<AtomicBool>,
}

impl Cuttable {
    fn is_cut(&self) -> bool {
        self.is_cut.load(Ordering::Relaxed)
    }
}

impl AsyncUdpSocket for Cuttable {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Arc::clone(&self.socket).create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        match self.is_cut() {
            true => Ok(()),
            false => self.socket.try_send(transmit),
        }
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        loop {
            let came = self.socket.poll_recv(cx, bufs, meta);
            if !(self.is_cut() && matches!(came, Poll::Ready(Ok(_)))) {
                return came;
            }
        }
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

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").finish_non_exhaustive()
    }
}
