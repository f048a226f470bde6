//! Places for endpoints at one address.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;

use super::endpoint::{Sockets, bound, endpoint_config, server_tls};
use super::host::Host;
use super::identity::Identity;
use super::steering::Siblings;
use super::transport;

/// At most so many endpoints share a port.
pub const ENDPOINTS_MAX: u8 = 64;

/// A place for one of the endpoints that share a port; see [`seats`].
#[derive(Debug)]
pub struct Seat {
    socket: UdpSocket,
    number: u8,
    siblings: Arc<Siblings>,
}

/// Binds an address for so many endpoints, 1 to [`ENDPOINTS_MAX`], each to be opened in a runtime and a thread of its own.
/// The system spreads clients over them; who changes address stays with the endpoint that knows it. Where the system
/// cannot do that (it is Linux that can) there is one.
///
/// # Errors
/// An error that names the address when it cannot be bound: in use, not ours, not allowed.
pub fn seats(addr: SocketAddr, count: u8) -> io::Result<Vec<Seat>> {
    let count = match cfg!(target_os = "linux") {
        true => count.clamp(1, ENDPOINTS_MAX),
        false => 1,
    };
    // Alone first: sharers would not notice another program that shares.
    let alone = bound(addr, false)?;
    let siblings = Siblings::new(count);
    let sockets = match count {
        1 => vec![alone],
        _ => shared(alone, count)?,
    };
    let seat = |(number, socket)| Seat {
        socket,
        number,
        siblings: Arc::clone(&siblings),
    };
    Ok((0..count).zip(sockets).map(seat).collect())
}

fn shared(alone: UdpSocket, count: u8) -> io::Result<Vec<UdpSocket>> {
    let addr = alone.local_addr()?;
    drop(alone);
    (0..count).map(|_| bound(addr, true)).collect()
}

impl Seat {
    /// Which of the endpoints this is, from 0 on.
    pub fn number(&self) -> u8 {
        self.number
    }

    /// Where it listens.
    ///
    /// # Errors
    /// That of the system.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Opens the endpoint.
    ///
    /// Must be called within a tokio runtime, which then drives it.
    ///
    /// # Errors
    /// That of the system, or that the identity's key does not fit its certificate.
    pub fn open(self, identity: &Identity, sockets: Sockets) -> io::Result<Host> {
        let Self {
            socket,
            number,
            siblings,
        } = self;
        let server = transport::server(server_tls(identity)?);
        let mut config = endpoint_config()?;
        let ids = Arc::clone(&siblings);
        config.cid_generator(move || ids.ids(number));
        let socket = siblings.steer(number, sockets.wrap(socket)?);
        Ok(Host::new(config, server, socket))
    }
}
