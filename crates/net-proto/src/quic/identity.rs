//! Who a server is: a certificate and its key.

use core::fmt;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest as _, Sha256};

/// A server's certificate and key. Clients know it by the SHA-256 of the certificate, so its names and dates do not
/// matter and it may sign itself.
pub struct Identity {
    cert: CertificateDer<'static>,
    key: PrivatePkcs8KeyDer<'static>,
    pem: String, // of both
}

impl Identity {
    /// A new self-signed identity. Ed25519: a handshake costs a quarter less than with P-256.
    ///
    /// # Errors
    /// [`IdentityError::Generate`] when the system has no randomness.
    pub fn self_signed() -> Result<Self, IdentityError> {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).map_err(generate)?;
        Self::signed_by(&key)
    }

    /// The identity of an Ed25519 key: the same whenever it is made.
    #[cfg(feature = "simulated")]
    pub(super) fn of_key(key: &[u8; 32]) -> Result<Self, IdentityError> {
        let mut der = PKCS8_ED25519.to_vec();
        der.extend_from_slice(key);
        let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(der));
        let key = rcgen::KeyPair::from_der_and_sign_algo(&der, &rcgen::PKCS_ED25519);
        Self::signed_by(&key.map_err(generate)?)
    }

    fn signed_by(key: &rcgen::KeyPair) -> Result<Self, IdentityError> {
        let params = rcgen::CertificateParams::new([SERVER_NAME.into()]).map_err(generate)?;
        let cert = params.self_signed(key).map_err(generate)?;
        Ok(Self {
            cert: cert.der().clone(),
            key: PrivatePkcs8KeyDer::from(key.serialize_der()),
            pem: cert.pem() + &key.serialize_pem(),
        })
    }

    /// From PEM: one certificate (further ones are ignored) and one PKCS #8 key, in any order.
    ///
    /// # Errors
    /// [`IdentityError::Pem`] naming what is missing or broken.
    pub fn from_pem(pem: &str) -> Result<Self, IdentityError> {
        let cert = CertificateDer::from_pem_slice(pem.as_bytes())
            .map_err(|error| IdentityError::Pem("certificate", error.to_string()))?;
        let key = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes())
            .map_err(|error| IdentityError::Pem("PKCS #8 key", error.to_string()))?;
        Ok(Self {
            cert,
            key,
            pem: pem.into(),
        })
    }

    /// Certificate and key as PEM. The key is secret: the file that holds it must be readable by its owner only.
    pub fn to_pem(&self) -> &str {
        &self.pem
    }

    /// What clients know the server by.
    pub fn cert_sha256(&self) -> [u8; 32] {
        fingerprint(&self.cert)
    }

    pub(super) fn cert(&self) -> CertificateDer<'static> {
        self.cert.clone()
    }

    pub(super) fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(self.key.clone_key())
    }
}

fn generate(error: rcgen::Error) -> IdentityError {
    IdentityError::Generate(error.to_string())
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({:02x?}…)", &self.cert_sha256()[..4])
    }
}

/// Why there is no identity.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum IdentityError {
    /// It could not be made.
    #[error("cannot make a certificate: {0}")]
    Generate(String),
    /// A part of the PEM is missing or broken.
    #[error("{0} is missing or broken: {1}")]
    Pem(&'static str, String),
}

pub(super) fn fingerprint(cert: &CertificateDer<'_>) -> [u8; 32] {
    Sha256::digest(cert).into()
}

/// The name in every certificate and handshake: it is the fingerprint that counts.
pub(super) const SERVER_NAME: &str = "bluemarble";

/// What stands before the 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410).
#[cfg(feature = "simulated")]
const PKCS8_ED25519: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pem_round_trip() {
        let identity = Identity::self_signed().unwrap();
        let again = Identity::from_pem(identity.to_pem()).unwrap();
        assert_eq!(again.cert_sha256(), identity.cert_sha256());
        assert_eq!(again.to_pem(), identity.to_pem());
        assert_ne!(
            Identity::self_signed().unwrap().cert_sha256(),
            identity.cert_sha256()
        );
    }

    #[test]
    fn broken_pem_names_the_part() {
        let identity = Identity::self_signed().unwrap();
        let pem = identity.to_pem();
        let (cert, key) = pem.split_at(pem.find("-----BEGIN PRIVATE").unwrap());
        for (bad, part) in [
            ("", "certificate"),
            (key, "certificate"),
            (cert, "PKCS #8 key"),
        ] {
            match Identity::from_pem(bad) {
                Err(IdentityError::Pem(named, _)) => assert_eq!(named, part),
                other => panic!("{other:?}"),
            }
        }
    }
}
