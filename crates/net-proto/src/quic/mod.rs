//! The protocol over QUIC: endpoints with limits of our own, identities, and the control stream.
//!
//! One control stream, opened by the client, carries framed messages both ways; inputs and snapshots are datagrams. A client that has no
//! ground opens a second one for it, and who has something to say to others one that goes one way.
//! Clients have quinn's endpoints and connections, servers a [`Host`] and its [`Peer`]s, which speak the same.
//! Everything here runs inside a tokio runtime; one `current_thread` runtime an endpoint serves best.

mod acks;
mod admission;
#[cfg(target_os = "linux")]
mod batch;
#[cfg(target_os = "linux")]
mod batched;
mod bulk;
mod chat;
mod control;
mod endpoint;
mod exporter;
#[cfg(target_os = "linux")]
mod fleet;
mod game_control;
mod halves;
mod host;
#[cfg(test)]
mod hostile;
mod identity;
#[cfg(all(test, feature = "simulated"))]
#[expect(clippy::unwrap_used, reason = "a failed expectation is a failed test")]
mod measured;
mod pin;
mod seat;
mod sieve;
#[cfg(feature = "simulated")]
pub mod simulated;
mod steering;
mod transport;

pub use admission::{Admission, Door};
pub use bulk::{BulkStream, BulkWriter, accept_bulk};
pub use chat::{ChatStreams, Talker, accept_chat, open_chat};
pub use control::{
    ControlReader, ControlWriter, FrameSender, HelloError, Opening, StreamError, accept_hello,
    accept_opening,
};
pub use endpoint::{
    ConnectError, HANDSHAKE_DEADLINE, HELLO_DEADLINE, STREAM_DEADLINE, Sockets, client_endpoint,
    connect, lone_client_endpoint, server_endpoint, server_endpoint_on,
};
pub use exporter::export;
#[cfg(target_os = "linux")]
pub use fleet::{Fleet, LineId, News};
pub use halves::{ReadHalf, WriteHalf};
pub use host::{Connecting, DatagramError, Host, Incoming, Peer, PeerReader, PeerWriter};
pub use identity::{Identity, IdentityError};
pub use quinn;
pub use seat::{ENDPOINTS_MAX, Seat, seats};
