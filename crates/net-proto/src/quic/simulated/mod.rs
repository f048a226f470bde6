//! Real endpoints on a network in memory, in virtual time: one seed, one trace (feature `simulated`, for tests).
//!
//! [`run`] is a runtime of one thread whose clock stands still and leaps to the next timer when everybody waits, so a
//! minute of silence costs nothing. A [`Network`] loses, repeats, delays and reorders packets as its [`Link`]s and its
//! seed say, and folds all of them into a [`Trace`]: equal traces are equal runs, in any process. That needs randomness
//! from the seed, Ed25519 (other signatures vary in length) and [`identity`]; keys differ from run to run, lengths and
//! times do not. The quinn under it is the one that serves real sockets, with the limits that those have.
//!
//! ```
//! use std::time::Duration;
//! use net_proto::quic::simulated::{Link, Network, identity, run};
//! use net_proto::quic::{connect, quinn};
//!
//! let link = Link { loss: 0.1, latency: Duration::from_millis(20)..Duration::from_millis(60), ..Link::default() };
//! let trace = run(async move {
//!     let (network, identity) = (Network::new(7, link), identity(7));
//!     let server = network.server_endpoint("10.0.0.1:4433".parse()?, &identity)?;
//!     let client = network.client_endpoint("10.0.1.1:1".parse()?)?;
//!     let (client, server) = tokio::join!(
//!         connect(&client, "10.0.0.1:4433".parse()?, identity.cert_sha256()),
//!         async { server.accept().await.expect("somebody connects").await },
//!     );
//!     let (client, server) = (client?, server?);
//!     client.send_datagram(b"hello".to_vec().into())?;
//!     // An hour in which nobody is away for ten seconds.
//!     tokio::time::sleep(Duration::from_secs(3_600)).await;
//!     server.close(0u32.into(), b"enough");
//!     Ok::<_, Box<dyn std::error::Error>>(network.trace())
//! })?;
//! assert!(trace.packets > 1_200);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod link;
mod network;
mod socket;

use tokio::runtime::Builder;

use super::identity::Identity;

pub use link::Link;
pub use network::{Network, Trace};

/// Runs a future to its end on a runtime of one thread in virtual time.
///
/// # Panics
/// When the system gives no runtime; as the future does.
pub fn run<F: Future>(future: F) -> F::Output {
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    runtime
        .expect("a runtime without sockets needs nothing of the system")
        .block_on(future)
}

/// A server's identity whose certificate has the same length in every process. Its key is no secret.
///
/// # Panics
/// Never: every seed is a key.
pub fn identity(seed: u64) -> Identity {
    let mut key = [0x5a; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    Identity::of_key(&key).expect("every 32 bytes are an Ed25519 key")
}
