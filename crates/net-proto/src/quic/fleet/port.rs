//! A socket of a fleet.

use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};

use quinn::udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSocketState};
use quinn_proto::EcnCodepoint;

use crate::quic::batch::Batch;
use crate::quic::batched::{MARK, set_ecn};
use crate::quic::endpoint::bound;
use crate::quic::transport::UDP_PAYLOAD_MAX;

pub(super) struct Port {
    socket: UdpSocket,
    state: UdpSocketState,
    addr: SocketAddr,
    batch: Batch,
    /// Packets are there, for all that is known.
    pub(super) is_ready: bool,
    /// The system takes no more for now.
    pub(super) is_blocked: bool,
    /// How often it did not.
    pub(super) blocked: u64,
    /// Packets that were sent, those that were lost for want of room among them, and received.
    pub(super) sent: u64,
    pub(super) received: u64,
}

impl Port {
    pub(super) fn bind(addr: SocketAddr) -> io::Result<Self> {
        let socket = bound(addr, false)?;
        let state = UdpSocketState::new((&socket).into())?;
        let addr = socket.local_addr()?;
        set_ecn(&socket, addr)?;
        Ok(Self {
            socket,
            state,
            addr,
            batch: Batch::default(),
            is_ready: true,
            is_blocked: false,
            blocked: 0,
            sent: 0,
            received: 0,
        })
    }

    pub(super) fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(super) fn may_fragment(&self) -> bool {
        self.state.may_fragment()
    }

    /// Queues a packet. One for which there is no room, while the system takes no more, is lost, as packets are.
    pub(super) fn send(&mut self, transmit: &quinn_proto::Transmit, contents: &[u8]) {
        self.sent += 1;
        let is_marked = transmit.ecn.map(|ecn| ecn as u8) == Some(MARK as u8);
        if !self.batch.has_room(contents.len()) || !is_marked {
            let _ = self.flush();
        }
        if !self.batch.has_room(contents.len()) {
            return;
        }
        if is_marked {
            return self.batch.push(transmit.destination, contents);
        }
        let alone = Transmit {
            destination: transmit.destination,
            ecn: None,
            contents,
            segment_size: None,
            src_ip: None,
        };
        let _ = self.state.send((&self.socket).into(), &alone);
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        let socket = &self.socket;
        let flushed = self.batch.flush(|batch, from| batch.send(socket, from));
        self.is_blocked = match flushed {
            Ok(()) => false,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => true,
            Err(error) => return Err(error),
        };
        self.blocked += u64::from(self.is_blocked);
        Ok(())
    }

    /// Receives packets; false when there are none.
    pub(super) fn receive(&self, arrivals: &mut Arrivals) -> io::Result<bool> {
        let Arrivals {
            bytes,
            stride,
            metas,
            count,
        } = arrivals;
        let mut slices = bytes.chunks_exact_mut(*stride).map(IoSliceMut::new);
        let mut slices: [_; BATCH_SIZE] =
            core::array::from_fn(|_| slices.next().expect("there is a slice for each"));
        match (self.state).recv((&self.socket).into(), &mut slices, metas) {
            Ok(received) => *count = received,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => *count = 0,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => *count = 0,
            // An answer of the network to a packet before: that one is lost.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => *count = 0,
            Err(error) => {
                *count = 0;
                return Err(error);
            }
        }
        Ok(*count > 0)
    }
}

impl AsFd for Port {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Packets that have been received with one call.
#[derive(Default)]
pub(super) struct Arrivals {
    bytes: Vec<u8>,
    stride: usize, // bytes of a slice
    metas: [RecvMeta; BATCH_SIZE],
    count: usize,
}

impl Arrivals {
    /// Room for what a port may receive at once: runs of packets, where the system joins them.
    pub(super) fn of(port: &Port) -> Self {
        let stride = usize::from(UDP_PAYLOAD_MAX) * port.state.gro_segments();
        Self {
            bytes: vec![0; stride * BATCH_SIZE],
            stride,
            ..Self::default()
        }
    }

    /// Every packet with its sender.
    pub(super) fn each(&self, mut take: impl FnMut(SocketAddr, Option<EcnCodepoint>, &[u8])) {
        let slices = self.bytes.chunks_exact(self.stride);
        for (meta, slice) in self.metas.iter().zip(slices).take(self.count) {
            let ecn = meta.ecn.and_then(|ecn| EcnCodepoint::from_bits(ecn as u8));
            for packet in slice[..meta.len].chunks(meta.stride.max(1)) {
                take(meta.addr, ecn, packet);
            }
        }
    }
}
