//! Why there is no session, or none any more.

use net_proto::quic::quinn::ConnectionError;
use net_proto::quic::{self, StreamError};
use net_proto::{Queued, Refuse, RefuseCode, ShortText, WireError};

/// Why no session began.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ConnectError {
    /// No socket, thread or connection.
    #[error("{0}")]
    Setup(String),
    /// Nobody answered in time.
    #[error("no answer in time: is the address right, and the server running?")]
    Timeout,
    /// The server is not the one that the ticket names.
    #[error("server's certificate is not the one that the ticket names: get a new ticket")]
    Certificate,
    /// The server speaks another version of the protocol, as it says.
    #[error("server speaks another version of the protocol: {0}")]
    Version(ShortText),
    /// The server does not let us in.
    #[error("refused: {}: {}", .0.code, .0.text)]
    Refused(Refuse),
    /// The world is full, and nobody wanted to wait.
    #[error("the world is full: place {} in its queue", .0.place)]
    Queued(Queued),
    /// The server said something that is not legal.
    #[error("server broke the protocol: {0}")]
    Wire(#[from] WireError),
    /// The connection ended before the session began.
    #[error("connection closed: {0}")]
    Closed(String),
}

impl From<quic::ConnectError> for ConnectError {
    fn from(error: quic::ConnectError) -> Self {
        match error {
            quic::ConnectError::Timeout => Self::Timeout,
            quic::ConnectError::Certificate => Self::Certificate,
            quic::ConnectError::Protocol => Self::Version(ShortText::lossy("none of ours")),
            quic::ConnectError::Handshake(error) => SessionError::from(error).into(),
            quic::ConnectError::Setup(error) => Self::Setup(error),
        }
    }
}

impl From<SessionError> for ConnectError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Refused(refuse) if refuse.code == RefuseCode::VERSION => {
                Self::Version(refuse.text)
            }
            SessionError::Refused(refuse) => Self::Refused(refuse),
            SessionError::Wire(error) => Self::Wire(error),
            SessionError::Timeout => Self::Timeout,
            SessionError::Closed(reason) => Self::Closed(reason),
        }
    }
}

/// Why a session ended.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SessionError {
    /// The server sent us away.
    #[error("sent away: {}: {}", .0.code, .0.text)]
    Refused(Refuse),
    /// The server said something that is not legal.
    #[error("server broke the protocol: {0}")]
    Wire(#[from] WireError),
    /// The server has been silent for too long.
    #[error("server is silent")]
    Timeout,
    /// The connection ended.
    #[error("connection closed: {0}")]
    Closed(String),
}

impl From<ConnectionError> for SessionError {
    fn from(error: ConnectionError) -> Self {
        match &error {
            ConnectionError::TimedOut => Self::Timeout,
            ConnectionError::ApplicationClosed(close) => {
                // A server closes with the code of its refusal, in case that itself was lost.
                match u16::try_from(close.error_code.into_inner()) {
                    Ok(code @ 1..) => Self::Refused(Refuse {
                        code: RefuseCode(code),
                        text: ShortText::lossy(&String::from_utf8_lossy(&close.reason)),
                    }),
                    _ => Self::Closed("by the server".into()),
                }
            }
            _ => Self::Closed(error.to_string()),
        }
    }
}

impl From<StreamError> for SessionError {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::Wire(error) => Self::Wire(error),
            StreamError::Closed(reason) => Self::Closed(reason),
            StreamError::Timeout => Self::Timeout,
        }
    }
}
