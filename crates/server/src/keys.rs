//! The server's secrets: made at the first start, kept in the data directory, mode 0600.
//!
//! ```text
//! token.key    32 bytes: seed of the Ed25519 key that signs tokens
//! server.pem   certificate and key of the QUIC endpoint
//! ```

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use net_proto::quic::Identity;
use net_proto::{TokenKey, TokenVerifier};

use crate::config::{Config, Environment};

const SEED_BYTES: usize = 32;
/// A certificate and a key are about 1 KB.
const PEM_BYTES_MAX: u64 = 64 << 10;

/// What a server takes tickets by.
pub(crate) struct TicketKeys {
    pub(crate) verifier: TokenVerifier,
    /// Signs tickets for servers that sessions are sent to; none where another service has the key.
    pub(crate) signer: Option<TokenKey>,
}

impl TicketKeys {
    /// The key that a server was given; without, its own, in development.
    pub(crate) fn of(config: &Config) -> Result<Option<Self>, KeysError> {
        if let Some(public) = config.token_public_key {
            let verifier =
                TokenVerifier::from_public(public).map_err(|_| weak("token_public_key"))?;
            let signer = None;
            return Ok(Some(Self { verifier, signer }));
        }
        let (what, seed) = match (
            std::env::var("BLUEMARBLE_TOKEN_KEY"),
            &config.token_key_file,
        ) {
            (Ok(text), None) => ("BLUEMARBLE_TOKEN_KEY".to_owned(), bytes_of_hex(text.trim())),
            (_, Some(path)) => {
                let bytes = read(path)?;
                let text = std::str::from_utf8(&bytes).ok();
                let raw = || bytes.as_slice().try_into().ok();
                let seed = text.and_then(|text| bytes_of_hex(text.trim())).or_else(raw);
                (path.display().to_string(), seed)
            }
            (Err(_), None) => return Ok(None),
        };
        let Some(seed) = seed else {
            return Err(KeysError::Given {
                what,
                why: "must be 32 bytes, or 64 hexadecimal digits",
            });
        };
        if config.environment == Environment::Production && is_made_up(&seed) {
            return Err(weak(&what));
        }
        let key = TokenKey::from_seed(seed).map_err(|_| weak(&what))?;
        Ok(Some(Self {
            verifier: key.verifier(),
            signer: Some(key),
        }))
    }
}

fn weak(what: &str) -> KeysError {
    KeysError::Given {
        what: what.into(),
        why: "empty, an example's, or made up: take 32 bytes from /dev/urandom",
    }
}

/// Whether nobody has drawn this by lot: of 32 random bytes fewer than 20 different ones come once in 10¹⁰ times, text or steps
/// of one size never.
fn is_made_up(seed: &[u8; SEED_BYTES]) -> bool {
    let different: std::collections::BTreeSet<u8> = seed.iter().copied().collect();
    let step = seed[1].wrapping_sub(seed[0]);
    let is_row = seed.windows(2).all(|w| w[1].wrapping_sub(w[0]) == step);
    different.len() < 20 || is_row || seed.is_ascii()
}

/// What 64 hexadecimal digits say.
pub(crate) fn bytes_of_hex(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> = text
        .chars()
        .map(|c| c.to_digit(16).map(|d| d as u8))
        .collect::<Option<_>>()?;
    let pairs = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]);
    let is_whole = digits.len() == 64;
    pairs
        .collect::<Vec<_>>()
        .try_into()
        .ok()
        .filter(|_| is_whole)
}

/// The token key and the endpoint's identity.
pub(crate) struct Keys {
    pub(crate) token: TokenKey,
    pub(crate) identity: Identity,
}

impl Keys {
    /// Reads both from a directory; makes those that are absent.
    pub(crate) fn open_or_create(dir: &Path) -> Result<Self, KeysError> {
        let (token, identity) = (dir.join("token.key"), dir.join("server.pem"));
        if !exists(&token)? {
            create(
                &token,
                &random_bytes::<SEED_BYTES>().map_err(io_at(&token))?,
            )?;
        }
        make_identity(&identity)?;
        Self::open(dir)
    }

    /// Whose tickets a server takes, and what it shows its clients. It makes itself a key for tickets only where it was given none.
    pub(crate) fn of_server(config: &Config) -> Result<(TicketKeys, Identity), KeysError> {
        let dir = &config.data_dir;
        if let Some(tickets) = TicketKeys::of(config)? {
            let identity = dir.join("server.pem");
            make_identity(&identity)?;
            return Ok((tickets, read_identity(&identity)?));
        }
        let keys = Self::open_or_create(dir)?;
        let tickets = TicketKeys {
            verifier: keys.token.verifier(),
            signer: Some(keys.token),
        };
        Ok((tickets, keys.identity))
    }

    /// Reads both from the directory of a server that has been started before.
    pub(crate) fn open(dir: &Path) -> Result<Self, KeysError> {
        let (token, identity) = (dir.join("token.key"), dir.join("server.pem"));
        let seed: [u8; SEED_BYTES] = read(&token)?
            .try_into()
            .map_err(|_| unusable(&token, "must hold exactly 32 bytes"))?;
        Ok(Self {
            token: TokenKey::from_seed(seed).map_err(|e| unusable(&token, e))?,
            identity: read_identity(&identity)?,
        })
    }
}

fn make_identity(path: &Path) -> Result<(), KeysError> {
    if !exists(path)? {
        let made = Identity::self_signed().map_err(|e| unusable(path, e))?;
        create(path, made.to_pem().as_bytes())?;
    }
    Ok(())
}

fn read_identity(path: &Path) -> Result<Identity, KeysError> {
    let pem = String::from_utf8(read(path)?).map_err(|_| unusable(path, "not a PEM text"))?;
    Identity::from_pem(&pem).map_err(|e| unusable(path, e))
}

/// Random bytes from the operating system.
pub(crate) fn random_bytes<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn exists(path: &Path) -> Result<bool, KeysError> {
    path.try_exists().map_err(io_at(path))
}

fn read(path: &Path) -> Result<Vec<u8>, KeysError> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|f| f.take(PEM_BYTES_MAX).read_to_end(&mut bytes))
        .map_err(io_at(path))?;
    Ok(bytes)
}

/// Appears complete or not at all, and never readable to others.
fn create(path: &Path, bytes: &[u8]) -> Result<(), KeysError> {
    let tmp = path.with_extension("tmp");
    let write = || {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&tmp)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&tmp, path)?;
        // A ticket may be issued at once: the key must not be another after a power cut.
        File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    write().map_err(io_at(path))
}

fn io_at(path: &Path) -> impl FnOnce(io::Error) -> KeysError {
    let path = path.to_owned();
    move |source| KeysError::Io { path, source }
}

fn unusable(path: &Path, why: impl ToString) -> KeysError {
    KeysError::Unusable {
        path: path.to_owned(),
        why: why.to_string(),
    }
}

/// Why a key file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeysError {
    /// The system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// What was given as a key is none, or none that is secret.
    #[error("{what}: {why}")]
    Given {
        /// The file, key or variable.
        what: String,
        /// What is wrong.
        why: &'static str,
    },
    /// The system gives no random bytes.
    #[error("no random bytes: {0}")]
    Random(io::Error),
    /// The content is no key.
    #[error("{}: {why}; restore the file, or remove it to have a new one made", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(text: &[u8], environment: Environment) -> Result<Option<TicketKeys>, KeysError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token.key");
        std::fs::write(&path, text).unwrap();
        TicketKeys::of(&Config {
            token_key_file: Some(path),
            environment,
            ..Config::default()
        })
    }

    #[test]
    fn a_key_is_raw_or_in_digits_and_never_made_up_in_production() {
        let seed = random_bytes::<SEED_BYTES>().unwrap();
        let hex: String = seed.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(bytes_of_hex(&hex), Some(seed));
        let public = |keys: TicketKeys| keys.signer.unwrap().public();
        let [raw, digits] = [&seed[..], format!("{hex}\n").as_bytes()]
            .map(|text| public(given(text, Environment::Production).unwrap().unwrap()));
        assert_eq!(raw, digits);
        let rows: Vec<u8> = (0..32).collect();
        for made_up in [
            &[0; 32][..],
            &[7; 32],
            b"change me change me change me ok",
            &rows,
        ] {
            assert!(
                matches!(
                    given(made_up, Environment::Production),
                    Err(KeysError::Given { .. })
                ),
                "{made_up:?}"
            );
        }
        for wrong in [&b""[..], &[1; 31], &hex.as_bytes()[1..], &[0; 32]] {
            assert!(given(wrong, Environment::Development).is_err(), "{wrong:?}");
        }
        assert!(given(&rows, Environment::Development).unwrap().is_some());
        assert!(TicketKeys::of(&Config::default()).unwrap().is_none());
    }

    #[test]
    fn a_public_half_signs_nothing() {
        let public = TokenKey::from_seed([0, 1, 2, 3].repeat(8).try_into().unwrap())
            .unwrap()
            .public();
        let config = |key| Config {
            token_public_key: Some(key),
            ..Config::default()
        };
        assert!(
            TicketKeys::of(&config(public))
                .unwrap()
                .unwrap()
                .signer
                .is_none()
        );
        assert!(
            TicketKeys::of(&config([0; 32])).is_err(),
            "it verifies anything"
        );
    }
}
