//! Endpoints, and the limits that they put on a peer.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{
    AsyncUdpSocket, ClientConfig, Connection, Endpoint, EndpointConfig, Runtime, TokioRuntime,
};
use quinn_proto::RandomConnectionIdGenerator;
use rustls::crypto::{CryptoProvider, ring};
use socket2::{Domain, Protocol, Socket, Type};

use super::acks::Patient;
use super::host::Host;
use super::identity::{Identity, SERVER_NAME};
use super::pin::PinnedCert;
use super::seat::seats;
use super::transport;
use crate::limits::ALPN;

/// A handshake that takes longer is given up, by either side.
pub const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(3);
/// A client that has not said hello so long after the handshake is sent away.
pub const HELLO_DEADLINE: Duration = Duration::from_secs(2);
/// A peer that does not take a control message within this time is given up.
pub const STREAM_DEADLINE: Duration = Duration::from_secs(5);

/// A host that accepts clients at an address.
///
/// Must be called within a tokio runtime, which then drives it.
///
/// # Errors
/// An error that names the address when it cannot be bound (in use, not ours, not allowed), or says that the
/// identity's key does not fit its certificate.
pub fn server_endpoint(addr: SocketAddr, identity: &Identity) -> io::Result<Host> {
    server_endpoint_on(addr, identity, Sockets::default())
}

/// As [`server_endpoint`], over sockets of a kind.
///
/// # Errors
/// Those of [`server_endpoint`].
pub fn server_endpoint_on(
    addr: SocketAddr,
    identity: &Identity,
    sockets: Sockets,
) -> io::Result<Host> {
    let mut seats = seats(addr, 1)?;
    let seat = seats.pop().expect("there is one seat at least");
    seat.open(identity, sockets)
}

/// How packets get to the system.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Sockets {
    /// Those of many peers together, where the system can do that (Linux); one by one elsewhere.
    #[default]
    Batched,
    /// One by one, as quinn does.
    Stock,
}

impl Sockets {
    pub(super) fn wrap(self, socket: UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        #[cfg(target_os = "linux")]
        if self == Self::Batched {
            return Ok(super::batched::BatchedSocket::new(socket)?);
        }
        TokioRuntime.wrap_udp_socket(socket)
    }
}

/// An endpoint that can reach peers of the same address family as `peer`, from any port. Many connections can, and
/// should, share it.
///
/// Must be called within a tokio runtime, which then drives it.
///
/// # Errors
/// When the system has no socket to give.
pub fn client_endpoint(peer: SocketAddr) -> io::Result<Endpoint> {
    endpoint(any_port(peer), endpoint_config()?)
}

/// As [`client_endpoint`], for one connection to a server at a time: its address alone says whose a packet is, so each
/// that the server sends is 8 bytes shorter. A second connection to the same server would be mistaken for the first.
///
/// # Errors
/// When the system has no socket to give.
pub fn lone_client_endpoint(peer: SocketAddr) -> io::Result<Endpoint> {
    let mut config = endpoint_config()?;
    config.cid_generator(|| Box::new(RandomConnectionIdGenerator::new(0)));
    endpoint(any_port(peer), config)
}

fn any_port(peer: SocketAddr) -> SocketAddr {
    if peer.is_ipv6() {
        SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0))
    } else {
        SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))
    }
}

/// Connects to the server whose certificate has the fingerprint `cert_sha256`.
///
/// # Errors
/// [`ConnectError`]; after [`HANDSHAKE_DEADLINE`] without an answer, [`ConnectError::Timeout`].
pub async fn connect(
    endpoint: &Endpoint,
    addr: SocketAddr,
    cert_sha256: [u8; 32],
) -> Result<Connection, ConnectError> {
    let connecting = endpoint
        .connect_with(client_config(cert_sha256)?, addr, SERVER_NAME)
        .map_err(|error| ConnectError::Setup(error.to_string()))?;
    match tokio::time::timeout(HANDSHAKE_DEADLINE, connecting).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(ConnectError::Timeout),
    }
}

/// Why there is no connection.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address or the endpoint cannot be used.
    #[error("cannot connect: {0}")]
    Setup(String),
    /// Nobody answered.
    #[error("no answer within {} s: is the address right, and the server running?", HANDSHAKE_DEADLINE.as_secs())]
    Timeout,
    /// The server's certificate is not the one that the ticket names.
    #[error("server's certificate is not the one that the ticket names: get a new ticket")]
    Certificate,
    /// The server speaks something else.
    #[error("server does not speak {}", String::from_utf8_lossy(ALPN))]
    Protocol,
    /// The handshake failed.
    #[error("handshake failed: {0}")]
    Handshake(quinn::ConnectionError),
}

impl From<quinn::ConnectionError> for ConnectError {
    fn from(error: quinn::ConnectionError) -> Self {
        use quinn::ConnectionError as Quic;
        match &error {
            Quic::TimedOut => Self::Timeout,
            // TLS alerts travel as 0x100 + alert: 120 is no_application_protocol; our verifier answers 49.
            Quic::TransportError(e) if u64::from(e.code) == 0x131 => Self::Certificate,
            Quic::ConnectionClosed(e) if u64::from(e.error_code) == 0x178 => Self::Protocol,
            _ => Self::Handshake(error),
        }
    }
}

pub(super) fn client_config(cert_sha256: [u8; 32]) -> Result<ClientConfig, ConnectError> {
    let mut config = ClientConfig::new(Arc::new(Patient(Arc::new(client_tls(cert_sha256)?))));
    config.transport_config(Arc::new(transport::client()));
    Ok(config)
}

pub(super) fn client_tls(cert_sha256: [u8; 32]) -> Result<QuicClientConfig, ConnectError> {
    let setup = |error: &dyn std::error::Error| ConnectError::Setup(error.to_string());
    let provider = provider();
    let pin = PinnedCert {
        sha256: cert_sha256,
        provider: provider.clone(),
    };
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| setup(&error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(pin))
        .with_no_client_auth();
    tls.alpn_protocols = vec![ALPN.to_vec()];
    tls.enable_early_data = false;
    tls.resumption = rustls::client::Resumption::disabled();
    QuicClientConfig::try_from(tls).map_err(|error| setup(&error))
}

/// Without tickets for later connections: there is no resumption, and a replayed command would be a duplicated one.
pub(super) fn server_tls(identity: &Identity) -> io::Result<QuicServerConfig> {
    let mut tls = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(vec![identity.cert()], identity.key())
        .map_err(io::Error::other)?;
    tls.alpn_protocols = vec![ALPN.to_vec()];
    tls.max_early_data_size = 0;
    tls.send_tls13_tickets = 0;
    tls.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    QuicServerConfig::try_from(tls).map_err(io::Error::other)
}

pub(super) fn endpoint_config() -> io::Result<EndpointConfig> {
    let mut config = EndpointConfig::default();
    config
        .max_udp_payload_size(transport::UDP_PAYLOAD_MAX)
        .map_err(io::Error::other)?;
    Ok(config)
}

fn endpoint(addr: SocketAddr, config: EndpointConfig) -> io::Result<Endpoint> {
    Endpoint::new(config, None, bound(addr, false)?, Arc::new(TokioRuntime))
}

/// A socket, with which others may share the address, or an error that names it.
pub(super) fn bound(addr: SocketAddr, is_shared: bool) -> io::Result<UdpSocket> {
    socket(addr, is_shared).map_err(|error| {
        let advice = match error.kind() {
            io::ErrorKind::AddrInUse => ": another program listens there",
            io::ErrorKind::AddrNotAvailable => ": this machine does not have the address",
            _ => "",
        };
        io::Error::new(
            error.kind(),
            format!("cannot bind UDP {addr}: {error}{advice}"),
        )
    })
}

/// A socket that holds the burst of a tick: the system's default buffers lose half of 500 packets.
fn socket(addr: SocketAddr, is_shared: bool) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(addr), Type::DGRAM, Some(Protocol::UDP))?;
    // The system may grant less, or refuse: then it is slower, not wrong.
    let _ = socket.set_recv_buffer_size(SOCKET_BYTES);
    let _ = socket.set_send_buffer_size(SOCKET_BYTES);
    #[cfg(target_os = "linux")]
    socket.set_reuse_port(is_shared)?;
    debug_assert!(cfg!(target_os = "linux") || !is_shared);
    socket.bind(&addr.into())?;
    Ok(socket.into())
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

const SOCKET_BYTES: usize = 8 << 20;
