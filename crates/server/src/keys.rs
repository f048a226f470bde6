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

use net_proto::TokenKey;
use net_proto::quic::Identity;

const SEED_BYTES: usize = 32;
/// A certificate and a key are about 1 KB.
const PEM_BYTES_MAX: u64 = 64 << 10;

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
        if !exists(&identity)? {
            let made = Identity::self_signed().map_err(|e| unusable(&identity, e))?;
            create(&identity, made.to_pem().as_bytes())?;
        }
        Self::open(dir)
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
    /// The content is no key.
    #[error("{}: {why}; restore the file, or remove it to have a new one made", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}
