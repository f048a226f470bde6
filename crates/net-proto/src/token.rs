//! Tokens: who may enter which world, for how long, signed by the issuer.
//!
//! ```text
//! offset  bytes
//!      0      1  version, 1 or 2
//!      1      8  world id
//!      9      8  player id
//!     17      8  not before, seconds since 1970
//!     25      8  expires,    seconds since 1970
//!     33     24  name, UTF-8, padded with zeros
//!     57     16  nonce
//!                      version 2:                                 version 1:
//!     73     32  the client's Ed25519 public key      73     64  signature
//!    105     16  audience                            137         end
//!    121     64  signature
//!    185         end
//! ```
//! The signature is Ed25519's of "bluemarble token 2" (or 1) followed by all bytes before it. Version 1 is that of the
//! protocol's version 2: whoever has such a token can use it.
//!
//! Integers are little-endian. The layout is fixed: there is nothing to parse before the signature holds.

use core::fmt;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

use crate::holder::{Audience, Holder};
use crate::ids::{PlayerId, WorldId};
use crate::text::is_printable;

/// A signed token, not yet verified.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Box<[u8]>);

impl Token {
    /// The longest one's length.
    pub const BYTES_MAX: usize = signed_bytes(VERSION) + 64;

    /// From bytes that may be a token: only length and version are checked.
    ///
    /// # Errors
    /// [`TokenError::Length`], [`TokenError::Version`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TokenError> {
        match bytes.first() {
            None => Err(TokenError::Length(0)),
            Some(&version @ (VERSION_UNBOUND | VERSION)) => {
                if bytes.len() == signed_bytes(version) + 64 {
                    Ok(Self(bytes.into()))
                } else {
                    Err(TokenError::Length(bytes.len()))
                }
            }
            Some(&other) => Err(TokenError::Version(other)),
        }
    }

    /// The bytes, as they travel.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether it is bound to a key: whether it is of version 2.
    pub fn is_bound(&self) -> bool {
        self.0[0] == VERSION
    }

    /// The world it claims to be for. Nothing is verified: for a client, which holds no issuer's key.
    pub fn world(&self) -> WorldId {
        WorldId(self.u64_at(1))
    }

    fn signed(&self) -> &[u8] {
        &self.0[..self.0.len() - 64]
    }

    fn signature(&self) -> [u8; 64] {
        let mut signature = [0; 64];
        signature.copy_from_slice(&self.0[self.0.len() - 64..]);
        signature
    }

    fn u64_at(&self, offset: usize) -> u64 {
        let mut field = [0; 8];
        field.copy_from_slice(&self.0[offset..offset + 8]);
        u64::from_le_bytes(field)
    }
}

impl fmt::Debug for Token {
    /// A token is a secret: it never reaches a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({}, …)", self.world())
    }
}

/// What a token says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claims {
    /// The only world it opens.
    pub world: WorldId,
    /// Who enters.
    pub player: PlayerId,
    /// First second at which it holds, since 1970.
    pub not_before_s: u64,
    /// First second at which it holds no more, since 1970; at most [`Claims::lifetime_max_s`] after `not_before_s`.
    pub expires_s: u64,
    /// The player's name.
    pub name: PlayerName,
    /// Makes the token unique; from a good random source.
    pub nonce: [u8; 16],
    /// Who may show it and to whom; without, the token is of version 1 and whoever has it may.
    pub holder: Option<Holder>,
}

impl Claims {
    /// Longest lifetime of a token that is bound to a key, seconds.
    pub const LIFETIME_MAX_S: u64 = 60;
    /// Longest lifetime of one that is not, seconds.
    pub const LIFETIME_UNBOUND_MAX_S: u64 = 3_600;

    /// Longest lifetime of such a token, seconds: a stolen one is soon worthless.
    pub fn lifetime_max_s(&self) -> u64 {
        match self.holder {
            Some(_) => Self::LIFETIME_MAX_S,
            None => Self::LIFETIME_UNBOUND_MAX_S,
        }
    }

    fn version(&self) -> u8 {
        match self.holder {
            Some(_) => VERSION,
            None => VERSION_UNBOUND,
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = vec![0; signed_bytes(self.version())];
        out[0] = self.version();
        out[1..9].copy_from_slice(&self.world.0.to_le_bytes());
        out[9..17].copy_from_slice(&self.player.0.to_le_bytes());
        out[17..25].copy_from_slice(&self.not_before_s.to_le_bytes());
        out[25..33].copy_from_slice(&self.expires_s.to_le_bytes());
        out[33..33 + self.name.0.len()].copy_from_slice(self.name.0.as_bytes());
        out[57..73].copy_from_slice(&self.nonce);
        if let Some(holder) = &self.holder {
            out[73..105].copy_from_slice(&holder.key);
            out[105..121].copy_from_slice(&holder.audience.0);
        }
        out
    }

    /// What a token with a good signature says.
    fn decode(token: &Token) -> Result<Self, TokenError> {
        let mut nonce = [0; 16];
        nonce.copy_from_slice(&token.0[57..73]);
        let holder = token.is_bound().then(|| {
            let (mut key, mut audience) = ([0; 32], [0; 16]);
            key.copy_from_slice(&token.0[73..105]);
            audience.copy_from_slice(&token.0[105..121]);
            let audience = Audience(audience);
            Holder { key, audience }
        });
        Ok(Self {
            world: token.world(),
            player: PlayerId(token.u64_at(9)),
            not_before_s: token.u64_at(17),
            expires_s: token.u64_at(25),
            name: PlayerName::from_padded(&token.0[33..57])?,
            nonce,
            holder,
        })
    }

    fn check(&self, (world, audience): (WorldId, Audience), now_s: u64) -> Result<(), TokenError> {
        let max_s = self.lifetime_max_s();
        match self.expires_s.checked_sub(self.not_before_s) {
            Some(life_s) if (1..=max_s).contains(&life_s) => {}
            _ => return Err(TokenError::Lifetime(max_s)),
        }
        if self
            .holder
            .is_some_and(|holder| holder.audience != audience)
        {
            return Err(TokenError::Audience);
        }
        if now_s < self.not_before_s {
            return Err(TokenError::NotYet(self.not_before_s - now_s));
        }
        if now_s >= self.expires_s {
            return Err(TokenError::Expired(now_s - self.expires_s));
        }
        if self.world != world {
            return Err(TokenError::World(self.world));
        }
        Ok(())
    }
}

/// A player's name: 1 to 24 bytes of UTF-8 without control or direction-changing characters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlayerName(String);

impl PlayerName {
    /// Longest name, bytes.
    pub const BYTES_MAX: usize = 24;

    /// Checks a name.
    ///
    /// # Errors
    /// [`NameError`] when it is empty, too long, or holds characters that must not be printed.
    pub fn new(name: &str) -> Result<Self, NameError> {
        let legal = (1..=Self::BYTES_MAX).contains(&name.len()) && name.chars().all(is_printable);
        if legal {
            Ok(Self(name.into()))
        } else {
            Err(NameError)
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn from_padded(bytes: &[u8]) -> Result<Self, TokenError> {
        let length = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
        let (name, padding) = bytes.split_at(length);
        let name = core::str::from_utf8(name).map_err(|_| TokenError::Name)?;
        match Self::new(name) {
            Ok(name) if padding.iter().all(|&b| b == 0) => Ok(name),
            _ => Err(TokenError::Name),
        }
    }
}

impl fmt::Display for PlayerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A name that no player may have.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a name has 1 to 24 bytes of UTF-8 and no control or direction-changing characters")]
pub struct NameError;

/// The issuer's secret key.
#[derive(Clone)]
pub struct TokenKey(SigningKey);

impl TokenKey {
    /// From 32 secret random bytes.
    ///
    /// # Errors
    /// [`KeyError`] when all are equal: a key that somebody forgot to fill in.
    pub fn from_seed(seed: [u8; 32]) -> Result<Self, KeyError> {
        if seed.iter().all(|&b| b == seed[0]) {
            return Err(KeyError);
        }
        Ok(Self(SigningKey::from_bytes(&seed)))
    }

    /// The public half, for whoever verifies.
    pub fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// The verifier of this key's tokens.
    pub fn verifier(&self) -> TokenVerifier {
        TokenVerifier(self.0.verifying_key())
    }

    /// Signs claims, whatever they say. About 20 µs.
    pub fn sign(&self, claims: &Claims) -> Token {
        let mut bytes = claims.encode();
        let signature = self.0.sign(&signed_message(&bytes));
        bytes.extend_from_slice(&signature.to_bytes());
        Token(bytes.into())
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenKey(…)")
    }
}

/// Verifies tokens of one issuer.
#[derive(Clone, Debug)]
pub struct TokenVerifier(VerifyingKey);

impl TokenVerifier {
    /// From the issuer's public key.
    ///
    /// # Errors
    /// [`KeyError`] when the bytes are no key, or one that verifies anything.
    pub fn from_public(public: [u8; 32]) -> Result<Self, KeyError> {
        match VerifyingKey::from_bytes(&public) {
            Ok(key) if !key.is_weak() => Ok(Self(key)),
            _ => Err(KeyError),
        }
    }

    /// What a token says, if it holds for this world and audience at `now_s` (seconds since 1970). About 50 µs.
    ///
    /// That it is used once only is the caller's to see to: `nonce` names it. So is that its holder shows it: see
    /// [`crate::Proof`].
    ///
    /// # Errors
    /// Each [`TokenError`]; the signature is checked before anything that it covers.
    pub fn verify(
        &self,
        token: &[u8],
        here: (WorldId, Audience),
        now_s: u64,
    ) -> Result<Claims, TokenError> {
        let token = Token::from_bytes(token)?;
        let signature = Signature::from_bytes(&token.signature());
        self.0
            .verify_strict(&signed_message(token.signed()), &signature)
            .map_err(|_| TokenError::Signature)?;
        let claims = Claims::decode(&token)?;
        claims.check(here, now_s)?;
        Ok(claims)
    }
}

/// Why a token was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TokenError {
    /// Not as long as a token.
    #[error("token has {0} bytes, which none of its version has")]
    Length(usize),
    /// Another layout.
    #[error("token has version {0}, this program reads {VERSION_UNBOUND} and {VERSION}")]
    Version(u8),
    /// Not signed by the issuer that this server trusts.
    #[error("token is not signed by the issuer that this server trusts")]
    Signature,
    /// The name is illegal.
    #[error("name in the token is illegal")]
    Name,
    /// It lives too long, or ends before it begins.
    #[error("token's lifetime is not within 1 to {0} s")]
    Lifetime(u64),
    /// It begins to hold in so many seconds.
    #[error("token is not valid for another {0} s: compare the clocks")]
    NotYet(u64),
    /// It ended so many seconds ago.
    #[error("token expired {0} s ago: get a new one")]
    Expired(u64),
    /// It is for another server.
    #[error("token is for another server")]
    Audience,
    /// It is for another world.
    #[error("token is for world {0}")]
    World(WorldId),
}

/// A key that is none: all bytes equal, or not a point of the curve that can sign.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("key is empty, a placeholder, or not an Ed25519 key")]
pub struct KeyError;

const VERSION: u8 = 2;
/// Of tokens that are bound to no key.
const VERSION_UNBOUND: u8 = 1;
/// They keep a signature made for anything else from being one of a token.
const DOMAIN: &[u8; 18] = b"bluemarble token 2";
const DOMAIN_UNBOUND: &[u8; 18] = b"bluemarble token 1";

/// How much of a token is signed.
const fn signed_bytes(version: u8) -> usize {
    if version == VERSION { 121 } else { 73 }
}

fn signed_message(body: &[u8]) -> Vec<u8> {
    let domain = match body.first() {
        Some(&VERSION) => DOMAIN,
        _ => DOMAIN_UNBOUND,
    };
    [domain, body].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WORLD: WorldId = WorldId(7);
    const HERE: (WorldId, Audience) = (WORLD, Audience([4; 16]));

    fn key() -> TokenKey {
        TokenKey::from_seed(core::array::from_fn(|i| i as u8 + 1)).unwrap()
    }

    fn claims() -> Claims {
        Claims {
            world: WORLD,
            player: PlayerId(u64::MAX),
            not_before_s: 1_000,
            expires_s: 1_060,
            name: PlayerName::new("Ada Løvelace").unwrap(),
            nonce: [9; 16],
            holder: Some(Holder {
                key: [3; 32],
                audience: HERE.1,
            }),
        }
    }

    fn unbound() -> Claims {
        Claims {
            holder: None,
            ..claims()
        }
    }

    #[test]
    fn a_good_token_holds_in_its_time_world_and_audience() {
        for claims in [claims(), unbound()] {
            let token = key().sign(&claims);
            let verify = |here, now_s| key().verifier().verify(token.as_bytes(), here, now_s);
            assert_eq!(verify(HERE, 1_000), Ok(claims.clone()));
            assert_eq!(verify(HERE, 1_059), Ok(claims.clone()));
            assert_eq!(verify(HERE, 999), Err(TokenError::NotYet(1)));
            assert_eq!(verify(HERE, 1_060), Err(TokenError::Expired(0)));
            let elsewhere = (WorldId(8), HERE.1);
            assert_eq!(verify(elsewhere, 1_000), Err(TokenError::World(WORLD)));
            let other = verify((WORLD, Audience([5; 16])), 1_000);
            match claims.holder {
                Some(_) => assert_eq!(other, Err(TokenError::Audience)),
                None => assert_eq!(other, Ok(claims)),
            }
        }
    }

    #[test]
    fn lifetimes_are_bounded() {
        let verdict = |claims: Claims, not_before_s, expires_s| {
            let token = key().sign(&Claims {
                not_before_s,
                expires_s,
                ..claims
            });
            key().verifier().verify(token.as_bytes(), HERE, 1_000)
        };
        for (from, to) in [(1_000, 1_000), (1_000, 999), (0, u64::MAX), (1_000, 1_061)] {
            let long = verdict(claims(), from, to);
            assert_eq!(long, Err(TokenError::Lifetime(60)));
        }
        let long = verdict(unbound(), 1_000, 4_601);
        assert_eq!(long, Err(TokenError::Lifetime(3_600)));
        assert!(verdict(unbound(), 1_000, 4_600).is_ok());
    }

    #[test]
    fn another_issuer_is_refused() {
        let other = TokenKey::from_seed(core::array::from_fn(|i| i as u8 + 2)).unwrap();
        let verdict = key()
            .verifier()
            .verify(other.sign(&claims()).as_bytes(), HERE, 1_000);
        assert_eq!(verdict, Err(TokenError::Signature));
    }

    #[test]
    fn illegal_names_are_refused_even_when_signed() {
        for bad in ["", "a\nb", "\u{202e}evil", "a\0b"] {
            assert_eq!(PlayerName::new(bad), Err(NameError), "{bad:?}");
            let token = key().sign(&Claims {
                name: PlayerName(bad.into()),
                ..claims()
            });
            let verdict = key().verifier().verify(token.as_bytes(), HERE, 1_000);
            assert_eq!(verdict, Err(TokenError::Name), "{bad:?}");
        }
        assert!(PlayerName::new(&"x".repeat(24)).is_ok());
        assert!(PlayerName::new(&"x".repeat(25)).is_err());
    }

    #[test]
    fn placeholder_keys_are_refused() {
        assert!(TokenKey::from_seed([0; 32]).is_err());
        assert!(TokenKey::from_seed([0xff; 32]).is_err());
        assert!(TokenVerifier::from_public([0; 32]).is_err());
        let public = key().public();
        let verifier = TokenVerifier::from_public(public).unwrap();
        assert!(
            verifier
                .verify(key().sign(&claims()).as_bytes(), HERE, 1_000)
                .is_ok()
        );
    }

    proptest! {
        #[test]
        fn any_changed_bit_is_noticed(bit in 0..Token::BYTES_MAX * 8) {
            let mut bytes = key().sign(&claims()).as_bytes().to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let expected = match bytes[0] {
                2 => TokenError::Signature,
                1 => TokenError::Length(bytes.len()),
                other => TokenError::Version(other),
            };
            prop_assert_eq!(key().verifier().verify(&bytes, HERE, 1_000), Err(expected));
        }

        #[test]
        fn any_length_is_answered(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            prop_assert!(key().verifier().verify(&bytes, HERE, 1_000).is_err());
        }
    }
}
