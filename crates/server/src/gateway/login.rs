//! From a connection to a player: hello and token.

use std::sync::Arc;

use net_proto::quic::{
    ControlReader, ControlWriter, HELLO_DEADLINE, HelloError, Opening, Peer, accept_opening,
};
use net_proto::{
    Claims, Exported, Hello, PROTOCOL_VERSION, PROTOCOL_VERSION_OLDEST, PlayerId, PlayerName,
    RefuseCode, ShortText, TokenError, WireError, clean,
};

use super::auth::Login;
use super::cause::Cause;
use super::lobby::Lobby;
use super::resume::Returner;
use super::table::{Gate, NoEntry};
use crate::clock::now_s;
use crate::host::UsedToken;

/// Why somebody may not come in: for programs, for people, and for the counters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Refusal {
    pub(super) code: RefuseCode,
    pub(super) text: String,
    pub(super) cause: Option<Cause>,
}

impl Refusal {
    /// The text is cut and cleaned: parts of it may be a peer's, or a team's, and it ends in logs.
    pub(super) fn new(code: RefuseCode, text: impl AsRef<str>) -> Self {
        Self {
            code,
            text: for_log(text.as_ref()),
            cause: None,
        }
    }

    fn counted(cause: Cause, text: impl AsRef<str>) -> Self {
        Self {
            cause: Some(cause),
            ..Self::new(cause.code(), text)
        }
    }
}

/// What somebody else says, for a line of the log: short, and nothing in it is a line's end or moves a cursor.
pub(super) fn for_log(text: &str) -> String {
    ShortText::lossy(text).as_str().to_owned()
}

/// A login that failed; without a writer the peer opened no stream to answer on.
pub(super) struct Failed {
    /// Of the world that it wanted to, if that is here.
    pub(super) gate: Option<Arc<Gate>>,
    pub(super) refusal: Refusal,
    pub(super) writer: Option<ControlWriter>,
}

/// Who may come in.
pub(super) enum Admitted {
    /// With a token.
    Comer(Comer),
    /// Back to its session.
    Returner(Returner),
}

impl Admitted {
    /// Of the protocol that is spoken.
    pub(super) fn version(&self) -> u16 {
        match self {
            Self::Comer(comer) => comer.version,
            Self::Returner(who) => who.version,
        }
    }
}

/// Whose token holds.
pub(super) struct Comer {
    pub(super) claims: Claims,
    /// Of the protocol that is spoken.
    pub(super) version: u16,
    /// When the token was checked.
    pub(super) now_s: u64,
}

/// Reads the first message, finds the world's gate, and checks the token or secret, which is not used yet.
pub(super) async fn login(
    lobby: &Lobby,
    connection: &Peer,
    trace: u64,
) -> Result<(Arc<Gate>, Admitted, (ControlReader, ControlWriter)), Failed> {
    let (opening, reader, writer) = accept_opening(connection, HELLO_DEADLINE)
        .await
        .map_err(failed_hello)?;
    let world = match &opening {
        Opening::Hello(hello) => hello.world,
        Opening::Return(again) => again.world,
    };
    let gate = match lobby.gate(world) {
        Ok(gate) => Arc::clone(gate),
        Err(refusal) => {
            return Err(Failed {
                gate: None,
                refusal,
                writer: Some(writer),
            });
        }
    };
    let exported = connection.export();
    let admitted = match opening {
        Opening::Hello(hello) => match come(&gate, &hello, exported) {
            Ok(comer) => vouch(&gate, comer, trace).await,
            Err(refusal) => Err(refusal),
        },
        Opening::Return(again) => gate.check_return(&again, exported).map(Admitted::Returner),
    };
    match admitted {
        Ok(admitted) => Ok((gate, admitted, (reader, writer))),
        Err(refusal) => Err(Failed {
            gate: Some(gate),
            refusal,
            writer: Some(writer),
        }),
    }
}

fn come(gate: &Gate, hello: &Hello, exported: Option<Exported>) -> Result<Comer, Refusal> {
    let now_s = now_s();
    let claims = check(gate, hello, exported, now_s)?;
    if let Some(refusal) = gate.shut(claims.player, now_s) {
        return Err(refusal);
    }
    Ok(Comer {
        claims: Claims {
            name: cleaned(claims.player, &claims.name),
            ..claims
        },
        version: hello.version,
        now_s,
    })
}

/// A name as others see it. One of which nothing is left is the player's number.
fn cleaned(player: PlayerId, name: &PlayerName) -> PlayerName {
    let number = || PlayerName::new(&player.to_string());
    let clean = PlayerName::new(&clean(name.as_str())).or_else(|_| number());
    clean.unwrap_or_else(|_| name.clone())
}

/// Asks the account service about who may come in, if there is one.
async fn vouch(gate: &Gate, comer: Comer, trace: u64) -> Result<Admitted, Refusal> {
    if let Some(auth) = &gate.auth {
        let login = Login {
            player: comer.claims.player,
            name: comer.claims.name.clone(),
            world: gate.world,
            trace,
        };
        auth.ask(login, gate.limits().auth).await?;
        // It may have taken a while.
        if let Some(refusal) = gate.shut(comer.claims.player, comer.now_s) {
            return Err(refusal);
        }
    }
    Ok(Admitted::Comer(comer))
}

fn failed_hello(error: HelloError) -> Failed {
    let (refusal, writer) = match error {
        HelloError::Wire(wire, writer) => (of_wire(&wire), Some(writer)),
        HelloError::Slow(writer) => {
            let refusal = Refusal::new(RefuseCode::SLOW, "no hello arrived in time");
            (refusal, writer)
        }
        HelloError::Closed(why) => (Refusal::new(RefuseCode::MALFORMED, why), None),
    };
    Failed {
        gate: None,
        refusal,
        writer,
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
        WireError::Field("token") => Refusal::counted(
            Cause::TokenMalformed,
            "the hello holds no token: ask for a ticket",
        ),
        WireError::Field("proof") => Refusal::counted(
            Cause::ProofMissing,
            "nothing in the hello proves that the token is yours: update",
        ),
        other => Refusal::new(RefuseCode::MALFORMED, format!("not a hello: {other}")),
    }
}

/// Nothing is kept of who does not pass: neither a place nor a used token.
fn check(
    gate: &Gate,
    hello: &Hello,
    exported: Option<Exported>,
    now_s: u64,
) -> Result<Claims, Refusal> {
    let here = (gate.world, gate.audience);
    let claims = gate
        .verifier
        .verify(hello.token.as_bytes(), here, now_s)
        .map_err(of_token)?;
    prove(gate, hello, &claims, exported)?;
    Ok(claims)
}

fn of_token(error: TokenError) -> Refusal {
    let cause = match error {
        TokenError::Length(_) | TokenError::Version(_) | TokenError::Name => Cause::TokenMalformed,
        TokenError::Signature => Cause::TokenForged,
        TokenError::Lifetime(_) => Cause::TokenLifetime,
        TokenError::NotYet(_) => Cause::TokenNotYet,
        TokenError::Expired(_) => Cause::TokenExpired,
        TokenError::Audience => Cause::TokenAudience,
        TokenError::World(_) => Cause::TokenWorld,
    };
    Refusal::counted(cause, format!("{error}: ask for a new ticket"))
}

/// Whether the token is shown by whom it was given to. One without a key opens for the previous version alone, where
/// that is allowed: otherwise it would be a way around the proof.
fn prove(
    gate: &Gate,
    hello: &Hello,
    claims: &Claims,
    exported: Option<Exported>,
) -> Result<(), Refusal> {
    match (&claims.holder, &hello.proof) {
        (Some(holder), Some(proof)) => {
            let holds = |exported| proof.holds(&holder.key, &exported);
            match exported.is_some_and(holds) {
                true => Ok(()),
                false => Err(Refusal::counted(
                    Cause::ProofWrong,
                    "the signature is not that of the token's key for this connection",
                )),
            }
        }
        (Some(_), None) => Err(Refusal::counted(
            Cause::ProofMissing,
            "nothing in the hello proves that the token is yours: update",
        )),
        (None, None) if gate.limits().previous_version => Ok(()),
        (None, _) => Err(Refusal::counted(
            Cause::TokenUnbound,
            "the token is bound to no key, which is not enough here: ask for a new ticket",
        )),
    }
}

impl From<NoEntry> for Refusal {
    fn from(why: NoEntry) -> Self {
        match why {
            NoEntry::Full => Self::new(RefuseCode::FULL, "the world is full: try again later"),
            NoEntry::Storage => Self::counted(
                Cause::StorageFull,
                "the server's disk is full: try again later",
            ),
            NoEntry::Used => Self::counted(
                Cause::TokenUsed,
                "this ticket was used before: ask for a new one",
            ),
            NoEntry::Busy => Self::counted(
                Cause::TokensFull,
                "too many tickets are in use: try again later",
            ),
        }
    }
}

impl From<Cause> for Refusal {
    fn from(cause: Cause) -> Self {
        let why = match cause {
            Cause::ReturnUsed => "somebody came back with this already",
            Cause::ReturnOver => "the session is over, or you have a newer secret",
            Cause::ReturnProof => {
                "the signature is not that of the session's key for this connection"
            }
            _ => "there is no such session",
        };
        Self::counted(cause, format!("{why}: get a new ticket"))
    }
}

/// What must be remembered of a token.
pub(super) fn used(claims: &Claims) -> UsedToken {
    UsedToken {
        nonce: claims.nonce,
        expires_s: claims.expires_s,
    }
}
