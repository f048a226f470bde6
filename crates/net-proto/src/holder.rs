//! Who may use a token, and where: the client's key, proof that it is at hand, and the audience.
//!
//! A token of version 2 names a public key. Whoever shows the token signs 32 bytes that only the two ends of this one
//! TLS session know (RFC 8446, 7.5): what was overheard, stolen or recorded elsewhere proves nothing here.

use core::fmt;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

use crate::token::KeyError;

/// Bytes that both ends of a TLS session compute and nobody else.
pub type Exported = [u8; 32];

/// What a token is bound to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Holder {
    /// The client's Ed25519 public key.
    pub key: [u8; 32],
    /// The server, or the servers, that may take the token.
    pub audience: Audience,
}

/// Names the server, or the fleet of servers, that a token is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Audience(pub [u8; 16]);

impl Audience {
    /// That of one server: the first 16 bytes of its certificate's SHA-256.
    pub fn of_certificate(cert_sha256: [u8; 32]) -> Self {
        let mut first = [0; 16];
        first.copy_from_slice(&cert_sha256[..16]);
        Self(first)
    }

    /// From 32 hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        let number = u128::from_str_radix(text, 16).ok()?;
        let is_plain = text.len() == 32 && !text.starts_with('+');
        is_plain.then(|| Self(number.to_be_bytes()))
    }
}

impl fmt::Display for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

/// A client's secret key. It is wiped from memory when it is dropped and never reaches a log.
#[derive(Clone, PartialEq, Eq)]
pub struct HolderKey(Box<SigningKey>);

impl HolderKey {
    /// From 32 secret random bytes.
    ///
    /// # Errors
    /// [`KeyError`] when all are equal: a key that somebody forgot to fill in.
    pub fn from_seed(seed: [u8; 32]) -> Result<Self, KeyError> {
        if seed.iter().all(|&b| b == seed[0]) {
            return Err(KeyError);
        }
        Ok(Self(Box::new(SigningKey::from_bytes(&seed))))
    }

    /// The public half: what the issuer signs into a token.
    pub fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// Proves to the other end of a TLS session that this key is at hand. About 20 µs.
    pub fn prove(&self, exported: &Exported) -> Proof {
        Proof(self.0.sign(&message(DOMAIN, exported)).to_bytes())
    }

    /// As [`HolderKey::prove`], for who comes back to a session: neither proof is one of the other.
    pub fn prove_return(&self, exported: &Exported) -> Proof {
        Proof(self.0.sign(&message(RETURN_DOMAIN, exported)).to_bytes())
    }

    /// The secret, for a ticket's line.
    pub(crate) fn seed(&self) -> [u8; 32] {
        self.0.to_bytes()
    }
}

impl fmt::Debug for HolderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HolderKey(…)")
    }
}

/// A signature that proves possession of a key within one TLS session.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Proof(pub [u8; 64]);

impl Proof {
    /// Whether it was made by the key's holder in the session that exports these bytes. About 50 µs.
    pub fn holds(&self, key: &[u8; 32], exported: &Exported) -> bool {
        self.signs(key, &message(DOMAIN, exported))
    }

    /// As [`Proof::holds`], of who comes back to a session.
    pub fn holds_return(&self, key: &[u8; 32], exported: &Exported) -> bool {
        self.signs(key, &message(RETURN_DOMAIN, exported))
    }

    fn signs(&self, key: &[u8; 32], message: &[u8]) -> bool {
        let signature = Signature::from_bytes(&self.0);
        VerifyingKey::from_bytes(key)
            .is_ok_and(|key| key.verify_strict(message, &signature).is_ok())
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proof({:02x?}…)", &self.0[..4])
    }
}

/// They keep a signature made for anything else from being a proof, and one proof from being the other.
const DOMAIN: &[u8; 18] = b"bluemarble enter 1";
const RETURN_DOMAIN: &[u8; 18] = b"bluemarble again 1";

fn message(domain: &[u8; 18], exported: &Exported) -> [u8; 50] {
    let mut message = [0; 50];
    message[..18].copy_from_slice(domain);
    message[18..].copy_from_slice(exported);
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u8) -> HolderKey {
        HolderKey::from_seed(core::array::from_fn(|i| i as u8 + n)).unwrap()
    }

    #[test]
    fn a_proof_holds_for_its_key_and_session_alone() {
        let proof = key(1).prove(&[5; 32]);
        let public = key(1).public();
        assert!(proof.holds(&public, &[5; 32]));
        assert!(!proof.holds(&public, &[6; 32]));
        assert!(!proof.holds(&key(2).public(), &[5; 32]));
        // Who comes in does not prove to come back, nor the other way round.
        let again = key(1).prove_return(&[5; 32]);
        assert!(again.holds_return(&public, &[5; 32]) && !again.holds(&public, &[5; 32]));
        assert!(!proof.holds_return(&public, &[5; 32]));
        // A key of small order "verifies" anything where that is not looked for.
        let mut weak = [0; 32];
        weak[0] = 1;
        assert!(!Proof([0; 64]).holds(&weak, &[5; 32]));
        assert!(HolderKey::from_seed([9; 32]).is_err());
    }

    #[test]
    fn secrets_are_not_shown() {
        assert_eq!(format!("{:?}", key(1)), "HolderKey(…)");
    }

    #[test]
    fn audiences_are_32_digits() {
        let text = "00112233445566778899aabbccddeeff";
        let audience = Audience::from_hex(text).unwrap();
        assert_eq!((audience.0[1], audience.to_string()), (0x11, text.into()));
        for bad in ["", "00", "+0112233445566778899aabbccddeeff", "zz"] {
            assert_eq!(Audience::from_hex(bad), None, "{bad}");
        }
    }
}
