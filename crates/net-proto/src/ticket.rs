//! Tickets: a token and the fingerprint of the server that takes it, as one line of text.

use core::fmt;
use core::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;

use crate::token::{Token, TokenError};

/// Everything that a client needs besides the address: `bm1.<token>.<SHA-256 of the certificate>`, both base64url
/// without padding. Whoever holds it can enter in the player's place, for as long as the token holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ticket {
    /// Shown to the server.
    pub token: Token,
    /// SHA-256 of the server certificate's DER: the only certificate that the client accepts.
    pub cert_sha256: [u8; 32],
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = BASE64.encode(self.token.as_bytes());
        write!(f, "{PREFIX}.{token}.{}", BASE64.encode(self.cert_sha256))
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
        if prefix != PREFIX || parts.next().is_some() {
            return Err(TicketError::Shape);
        }
        let token = BASE64
            .decode(token)
            .map_err(|_| TicketError::Base64("token"))?;
        let cert = BASE64
            .decode(cert)
            .map_err(|_| TicketError::Base64("fingerprint"))?;
        Ok(Self {
            token: Token::from_bytes(&token)?,
            cert_sha256: cert.try_into().map_err(|_| TicketError::Fingerprint)?,
        })
    }
}

/// Why a text is no ticket.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TicketError {
    /// Not three parts, the first being `bm1`.
    #[error("a ticket looks like {PREFIX}.<token>.<fingerprint>")]
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
}

const PREFIX: &str = "bm1";
/// Longer than any ticket, so that nothing large is decoded.
const TEXT_BYTES_MAX: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket() -> Ticket {
        let mut token = [3; Token::BYTES];
        token[0] = 1;
        Ticket {
            token: Token::from_bytes(&token).unwrap(),
            cert_sha256: [0xfe; 32],
        }
    }

    #[test]
    fn text_round_trip() {
        let text = ticket().to_string();
        assert!(
            text.starts_with("bm1.AQMD") && !text.contains('='),
            "{text}"
        );
        assert_eq!(text.parse(), Ok(ticket()));
    }

    #[test]
    fn nonsense_is_refused() {
        let good = ticket().to_string();
        let long = "x".repeat(5_000);
        for bad in [
            "",
            "bm1",
            "bm1.a.b.c",
            "bm2.a.b",
            "bm1..",
            &good[..good.len() - 2],
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
