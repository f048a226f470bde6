//! From a connection to a player: hello and token.

use net_proto::quic::{ControlReader, ControlWriter, HELLO_DEADLINE, HelloError, accept_hello};
use net_proto::{Claims, Hello, PROTOCOL_VERSION, PROTOCOL_VERSION_OLDEST, RefuseCode, WireError};
use quinn::Connection;

use super::table::{Gate, NoEntry};
use crate::clock::now_s;
use crate::host::UsedToken;

/// Why somebody may not come in: for programs, and for people.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Refusal {
    pub(super) code: RefuseCode,
    pub(super) text: String,
}

impl Refusal {
    pub(super) fn new(code: RefuseCode, text: impl Into<String>) -> Self {
        Self {
            code,
            text: text.into(),
        }
    }
}

/// A login that failed; without a writer the peer opened no stream to answer on.
pub(super) struct Failed {
    pub(super) refusal: Refusal,
    pub(super) writer: Option<ControlWriter>,
}

/// Reads the hello and checks the token, which is not used yet. Gives what it claims, and the version of the protocol that is spoken.
pub(super) async fn login(
    gate: &Gate,
    connection: &Connection,
) -> Result<(Claims, u16, (ControlReader, ControlWriter)), Failed> {
    let (hello, reader, writer) = accept_hello(connection, HELLO_DEADLINE)
        .await
        .map_err(failed_hello)?;
    match check(gate, &hello, now_s()) {
        Ok(claims) => Ok((claims, hello.version, (reader, writer))),
        Err(refusal) => Err(Failed {
            refusal,
            writer: Some(writer),
        }),
    }
}

fn failed_hello(error: HelloError) -> Failed {
    match error {
        HelloError::Wire(wire, writer) => Failed {
            refusal: of_wire(&wire),
            writer: Some(writer),
        },
        HelloError::Slow(writer) => Failed {
            refusal: Refusal::new(RefuseCode::SLOW, "no hello arrived in time"),
            writer,
        },
        HelloError::Closed(why) => Failed {
            refusal: Refusal::new(RefuseCode::MALFORMED, why),
            writer: None,
        },
    }
}

fn of_wire(error: &WireError) -> Refusal {
    match error {
        WireError::Version(theirs) => Refusal::new(
            RefuseCode::VERSION,
            format!(
                "this server speaks protocol versions {PROTOCOL_VERSION_OLDEST} to {PROTOCOL_VERSION}, you speak {theirs}: update"
            ),
        ),
        WireError::Field("token") => Refusal::new(
            RefuseCode::TOKEN,
            "the hello holds no token: ask for a ticket",
        ),
        other => Refusal::new(RefuseCode::MALFORMED, format!("not a hello: {other}")),
    }
}

fn check(gate: &Gate, hello: &Hello, now_s: u64) -> Result<Claims, Refusal> {
    if hello.world != gate.world {
        let text = format!("this is world {}, not world {}", gate.world, hello.world);
        return Err(Refusal::new(RefuseCode::WORLD, text));
    }
    gate.verifier
        .verify(hello.token.as_bytes(), gate.world, now_s)
        .map_err(|e| Refusal::new(RefuseCode::TOKEN, format!("{e}: ask for a new ticket")))
}

impl From<NoEntry> for Refusal {
    fn from(why: NoEntry) -> Self {
        let (code, text) = match why {
            NoEntry::Full => (RefuseCode::FULL, "the world is full: try again later"),
            NoEntry::Used => (
                RefuseCode::TOKEN,
                "this ticket was used before: ask for a new one",
            ),
            NoEntry::Busy => (
                RefuseCode::FULL,
                "too many tickets are in use: try again later",
            ),
        };
        Self::new(code, text)
    }
}

/// What must be remembered of a token.
pub(super) fn used(claims: &Claims) -> UsedToken {
    UsedToken {
        nonce: claims.nonce,
        expires_s: claims.expires_s,
    }
}
