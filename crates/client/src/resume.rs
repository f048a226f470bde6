//! What a client needs to take a session up again, and how long it tries.

use std::net::SocketAddr;
use std::time::Duration;

use net_proto::quic::{lone_client_endpoint, quinn};
use net_proto::{ClientMessage, Exported, HolderKey, Resume, Return, WorldId};
use tokio::time::{Instant, sleep, timeout_at};

use crate::connection::Connection;
use crate::error::ConnectError;

/// Takes a session up again whose line was lost: `Connection::resume_ticket` gives it, `Connection::resume` takes it. Good once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ResumeTicket {
    pub(crate) version: u16,
    pub(crate) world: WorldId,
    pub(crate) cert_sha256: [u8; 32],
    pub(crate) key: HolderKey,
    pub(crate) resume: Resume,
}

impl ResumeTicket {
    /// How long after the line was lost.
    pub fn good_for(&self) -> Duration {
        Duration::from_secs(u64::from(self.resume.good_for_s))
    }

    /// What is said in place of a hello.
    pub(crate) fn message(&self, exported: &Exported) -> ClientMessage {
        ClientMessage::Return(Return {
            version: self.version,
            world: self.world,
            secret: self.resume.secret,
            proof: self.key.prove_return(exported),
        })
    }
}

/// Tries, from one new address after the other, until the session is there again, the server refuses, or it is too late.
pub(crate) async fn take_up(
    addr: SocketAddr,
    ticket: &ResumeTicket,
) -> Option<(quinn::Endpoint, Connection)> {
    let due = Instant::now() + ticket.good_for();
    let mut pause = PAUSE_MIN;
    loop {
        match timeout_at(due, attempt(addr, ticket)).await.ok()? {
            Ok(taken_up) => return Some(taken_up),
            // Without a network there is not even a socket: that may pass.
            Err(ConnectError::Setup(_) | ConnectError::Timeout | ConnectError::Closed(_)) => {}
            Err(_) => return None,
        }
        timeout_at(due, sleep(pause)).await.ok()?;
        pause = PAUSE_MAX.min(pause * 2);
    }
}

async fn attempt(
    addr: SocketAddr,
    ticket: &ResumeTicket,
) -> Result<(quinn::Endpoint, Connection), ConnectError> {
    let endpoint = lone_client_endpoint(addr);
    let endpoint = endpoint.map_err(|error| ConnectError::Setup(error.to_string()))?;
    let connection = Connection::resume(&endpoint, addr, ticket).await?;
    Ok((endpoint, connection))
}

/// Between attempts, at first and at last.
const PAUSE_MIN: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(4);
