//! What a session begins with, whoever carries it.

use net_proto::{
    ClientMessage, Exported, Hello, HolderKey, PROTOCOL_VERSION, PROTOCOL_VERSION_OLDEST,
    ServerMessage, Ticket, WireError,
};

use crate::core::ClientCore;
use crate::error::{ConnectError, SessionError};
use crate::resume::ResumeTicket;

/// What a client shows first. For programs that carry connections of their own; a `Connection` does all this by itself.
#[derive(Clone, Copy, Debug)]
pub enum Opening<'a> {
    /// It comes.
    Ticket(&'a Ticket),
    /// It comes back.
    Again(&'a ResumeTicket),
}

impl Opening<'_> {
    /// The fingerprint of the server's certificate.
    pub fn cert_sha256(&self) -> [u8; 32] {
        match self {
            Self::Ticket(ticket) => ticket.cert_sha256,
            Self::Again(ticket) => ticket.cert_sha256,
        }
    }

    pub(crate) fn key(&self) -> Option<HolderKey> {
        match self {
            Self::Ticket(ticket) => ticket.key.clone(),
            Self::Again(ticket) => Some(ticket.key.clone()),
        }
    }

    /// The first message of the control stream, and the version of the protocol that is spoken; with what the connection exports for proofs.
    ///
    /// # Errors
    /// [`ConnectError::Setup`] when the ticket lacks its key.
    pub fn message(&self, exported: &Exported) -> Result<(ClientMessage, u16), ConnectError> {
        match self {
            Self::Ticket(ticket) => {
                let hello = hello(exported, ticket)?;
                let version = hello.version;
                Ok((ClientMessage::Hello(hello), version))
            }
            Self::Again(ticket) => Ok((ticket.message(exported), ticket.version)),
        }
    }

    /// What the session can be taken up again with, should its line be lost.
    pub fn resume_ticket(&self, core: &ClientCore, version: u16) -> Option<ResumeTicket> {
        Some(ResumeTicket {
            version,
            world: core.welcome().world,
            cert_sha256: self.cert_sha256(),
            key: self.key()?,
            resume: core.resume()?,
        })
    }
}

/// What shows the ticket. One without a key is of the previous version, which is then spoken.
fn hello(exported: &Exported, ticket: &Ticket) -> Result<Hello, ConnectError> {
    let proof = match &ticket.key {
        Some(key) => Some(key.prove(exported)),
        None if ticket.token.is_bound() => return Err(setup("the ticket's key is missing")),
        None => None,
    };
    let version = match proof {
        Some(_) => PROTOCOL_VERSION,
        None => PROTOCOL_VERSION_OLDEST,
    };
    Ok(Hello {
        version,
        world: ticket.token.world(),
        token: ticket.token.clone(),
        proof,
    })
}

pub(crate) fn setup(why: &str) -> ConnectError {
    ConnectError::Setup(why.into())
}

/// The session that a server's first frames begin, the last of which is a welcome.
///
/// # Errors
/// [`ConnectError`]: the server refuses, or breaks the protocol.
pub fn welcomed(frames: &[Vec<u8>], version: u16) -> Result<ClientCore, ConnectError> {
    let mut columns = None;
    for frame in frames {
        match ServerMessage::decode(frame)? {
            ServerMessage::Columns(told) if columns.is_none() => columns = Some(told),
            ServerMessage::Welcome(welcome) => {
                let columns = columns.unwrap_or_default();
                return Ok(ClientCore::new(welcome)?.with_columns(columns, version));
            }
            ServerMessage::Refuse(refuse) => return Err(SessionError::Refused(refuse).into()),
            _ => return Err(WireError::Unexpected("this message before a welcome").into()),
        }
    }
    Err(ConnectError::Closed("no answer to hello".into()))
}
