//! Packets that are sent with one call of the system.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::os::fd::AsFd;

use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendFlags, SocketAddrAny, sendmmsg};

/// Packets in the order in which they are to leave, at most [`PACKETS_MAX`] of [`BYTES_MAX`].
#[derive(Debug, Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    packets: Vec<Packet>,
}

#[derive(Debug)]
struct Packet {
    to: SocketAddrAny,
    start: usize,
    end: usize,
}

impl Batch {
    /// Whether a packet of so many bytes fits.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        self.packets.len() < PACKETS_MAX && self.bytes.len() + bytes <= BYTES_MAX
    }

    pub(super) fn push(&mut self, to: SocketAddr, contents: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(contents);
        self.packets.push(Packet {
            to: to.into(),
            start,
            end: self.bytes.len(),
        });
    }

    /// Sends all, by what sends those from a number on and says how many went: [`Batch::send`], when a socket is ready.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when the system's buffer is full: the rest still waits.
    pub(super) fn flush(
        &mut self,
        send: impl Fn(&Self, usize) -> io::Result<usize>,
    ) -> io::Result<()> {
        let mut sent = 0;
        while sent < self.packets.len() {
            match send(self, sent) {
                Ok(count) => sent += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.packets.drain(..sent);
                    return Err(error);
                }
                // The packet cannot be sent (no route, too long for it): it is lost, as packets are.
                Err(_) => sent += 1,
            }
        }
        self.packets.clear();
        self.bytes.clear();
        Ok(())
    }

    /// Sends packets from the one with the number `from` on; how many went.
    ///
    /// # Errors
    /// That of the system for the first of them.
    pub(super) fn send(&self, socket: impl AsFd, from: usize) -> io::Result<usize> {
        let packets = &self.packets[from..];
        let payloads: Vec<_> = (packets.iter())
            .map(|packet| [IoSlice::new(&self.bytes[packet.start..packet.end])])
            .collect();
        let mut controls: Vec<_> = (packets.iter())
            .map(|_| SendAncillaryBuffer::default())
            .collect();
        let mut headers: Vec<_> = (packets.iter().zip(&payloads).zip(&mut controls))
            .map(|((packet, payload), control)| {
                MMsgHdr::new_with_addr(&packet.to, payload, control)
            })
            .collect();
        Ok(sendmmsg(socket, &mut headers, SendFlags::empty())?)
    }
}

pub(super) const PACKETS_MAX: usize = 64;
pub(super) const BYTES_MAX: usize = 96 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_has_two_bounds() {
        let to = "192.0.2.1:9".parse().unwrap();
        let mut batch = Batch::default();
        while batch.has_room(40) {
            batch.push(to, &[1; 40]);
        }
        assert_eq!(batch.packets.len(), PACKETS_MAX);
        let mut batch = Batch::default();
        while batch.has_room(BYTES_MAX / 3) {
            batch.push(to, &[1; BYTES_MAX / 3]);
        }
        assert_eq!((batch.packets.len(), batch.bytes.len()), (3, BYTES_MAX));
    }

    #[test]
    fn what_does_not_go_waits_and_what_cannot_go_is_lost() {
        let to = "192.0.2.1:9".parse().unwrap();
        let mut batch = Batch::default();
        for n in 0..5 {
            batch.push(to, &[n; 10]);
        }
        let full = batch.flush(|_, from| match from {
            0 => Ok(2),
            2 => Err(io::ErrorKind::PermissionDenied.into()),
            _ => Err(io::ErrorKind::WouldBlock.into()),
        });
        assert_eq!(full.unwrap_err().kind(), io::ErrorKind::WouldBlock);
        let left: Vec<_> = batch.packets.iter().map(|p| batch.bytes[p.start]).collect();
        assert_eq!(left, [3, 4]);
        batch
            .flush(|batch, from| Ok(batch.packets.len() - from))
            .unwrap();
        assert!(batch.packets.is_empty() && batch.bytes.is_empty());
    }
}
