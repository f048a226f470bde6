//! Tickets: a token and the fingerprint of the server that takes it, as one line of text.

use core::fmt;
use core::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;

use crate::holder::HolderKey;
use crate::token::{KeyError, Token, TokenError};

/// Everything that a client needs besides the address: `bm2.<token>.<SHA-256 of the certificate>.<seed of the client's
/// key>`, each base64url without padding; `bm1.<token>.<SHA-256>` with a token of version 1. Whoever holds it can enter
/// in the player's place, for as long as the token holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ticket {
    /// Shown to the server.
    pub token: Token,
    /// SHA-256 of the server certificate's DER: the only certificate that the client accepts.
    pub cert_sha256: [u8; 32],
    /// The client's key, whose public half is in the token; none for a token of version 1.
    pub key: Option<HolderKey>,
}

/// The line, secret key and all: never for a log.
impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = BASE64.encode(self.token.as_bytes());
        let cert = BASE64.encode(self.cert_sha256);
        match &self.key {
            Some(key) => write!(f, "{PREFIX}.{token}.{cert}.{}", BASE64.encode(key.seed())),
            None => write!(f, "{PREFIX_UNBOUND}.{token}.{cert}"),
        }
    }
}

impl FromStr for Ticket {
    type Err = TicketError;

    fn from_str(text: &str) -> Result<Self, TicketError> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(TicketError::Shape);
        }
        let mut parts = text.split('.');
        let mut part = || parts.next().ok_or(TicketError::Shape);
        let (prefix, token, cert) = (part()?, part()?, part()?);
        let seed = match (prefix, parts.next(), parts.next()) {
            (PREFIX, Some(seed), None) => Some(seed),
            (PREFIX_UNBOUND, None, None) => None,
            _ => return Err(TicketError::Shape),
        };
        let token = BASE64
            .decode(token)
            .map_err(|_| TicketError::Base64("token"))?;
        let cert = BASE64
            .decode(cert)
            .map_err(|_| TicketError::Base64("fingerprint"))?;
        let token = Token::from_bytes(&token)?;
        if token.is_bound() != seed.is_some() {
            return Err(TicketError::Shape);
        }
        Ok(Self {
            token,
            cert_sha256: cert.try_into().map_err(|_| TicketError::Fingerprint)?,
            key: seed.map(key_of).transpose()?,
        })
    }
}

fn key_of(text: &str) -> Result<HolderKey, TicketError> {
    let seed = BASE64.decode(text);
    let seed = seed.map_err(|_| TicketError::Base64("key"))?;
    let seed = seed.try_into().map_err(|_| TicketError::Key(KeyError))?;
    Ok(HolderKey::from_seed(seed)?)
}

/// Why a text is no ticket.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TicketError {
    /// Not the parts of a ticket of its version.
    #[error("a ticket looks like {PREFIX}.<token>.<fingerprint>.<key>")]
    Shape,
    /// A part is not base64url.
    #[error("{0} of the ticket is not base64url without padding")]
    Base64(&'static str),
    /// The fingerprint is not 32 bytes long.
    #[error("fingerprint in the ticket is not 32 bytes long")]
    Fingerprint,
    /// The token is none.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The key is none.
    #[error(transparent)]
    Key(#[from] KeyError),
}

const PREFIX: &str = "bm2";
/// Of tickets with a token that is bound to no key.
const PREFIX_UNBOUND: &str = "bm1";
/// Longer than any ticket, so that nothing large is decoded.
const TEXT_BYTES_MAX: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket() -> Ticket {
        let mut token = [3; Token::BYTES_MAX];
        token[0] = 2;
        Ticket {
            token: Token::from_bytes(&token).unwrap(),
            cert_sha256: [0xfe; 32],
            key: Some(HolderKey::from_seed(*b"the client's key, 32 bytes of it").unwrap()),
        }
    }

    fn unbound() -> Ticket {
        let mut token = [3; 137];
        token[0] = 1;
        Ticket {
            token: Token::from_bytes(&token).unwrap(),
            key: None,
            ..ticket()
        }
    }

    #[test]
    fn text_round_trip() {
        for (ticket, prefix) in [(ticket(), "bm2.AgMD"), (unbound(), "bm1.AQMD")] {
            let text = ticket.to_string();
            assert!(text.starts_with(prefix) && !text.contains('='), "{text}");
            assert_eq!(text.parse(), Ok(ticket));
        }
    }

    #[test]
    fn debug_shows_neither_token_nor_key() {
        let (ticket, text) = (ticket(), format!("{:?}", ticket()));
        let line = ticket.to_string();
        for part in line.split('.').skip(3) {
            assert!(!text.contains(part), "{text}");
        }
        assert!(
            text.contains("HolderKey(…)") && text.contains("Token(w"),
            "{text}"
        );
    }

    #[test]
    fn nonsense_is_refused() {
        let good = ticket().to_string();
        let (mixed, bare) = (good.replace("bm2", "bm1"), unbound().to_string());
        let long = "x".repeat(5_000);
        for bad in [
            "",
            "bm1",
            "bm1.a.b.c",
            "bm2.a.b",
            "bm1..",
            &good[..good.len() - 2],
            &bare[..bare.len() - 2],
            &bare.replace("bm1", "bm2"),
            &mixed,
            &long,
        ] {
            assert!(bad.parse::<Ticket>().is_err(), "{bad}");
        }
        assert_eq!(
            "bm1.!.b".parse::<Ticket>(),
            Err(TicketError::Base64("token"))
        );
    }
}
