//! Tickets, signed with a server's own key: for development, for tests, and for whoever embeds a server that is its own issuer.

use std::path::Path;

use net_proto::{Audience, Claims, Holder, HolderKey, PlayerId, PlayerName, Ticket, WorldId};

use crate::clock::now_s;
use crate::keys::{Keys, KeysError, random_bytes};

/// A clock that is a little behind ours must still find the token of the previous version valid.
const CLOCK_SLACK_S: u64 = 30;

/// Signs tickets with the keys of a server's data directory.
///
/// ```no_run
/// use bluemarble_server::Issuer;
/// use net_proto::{PlayerId, PlayerName, WorldId};
///
/// let issuer = Issuer::open("world-1".as_ref(), WorldId(1), None)?;
/// let ticket = issuer.ticket(PlayerId(7), PlayerName::new("Ann")?, 60)?;
/// println!("{ticket}"); // a client connects with it
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Issuer {
    keys: Keys,
    world: WorldId,
    audience: Audience,
    cert_sha256: [u8; 32],
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issuer")
            .field("world", &self.world)
            .finish_non_exhaustive()
    }
}

impl Issuer {
    /// Reads the keys of a data directory, which a server makes there at its first start; where the key that signs is kept elsewhere (key
    /// `token_key_file`), that one signs, not this. Tickets are for the server of these keys where no
    /// audience is given (key `audience` of its configuration).
    ///
    /// # Errors
    /// [`KeysError`], naming the file.
    pub fn open(
        data_dir: &Path,
        world: WorldId,
        audience: Option<Audience>,
    ) -> Result<Self, KeysError> {
        let keys = Keys::open(data_dir)?;
        let cert_sha256 = keys.identity.cert_sha256();
        Ok(Self {
            audience: audience.unwrap_or_else(|| Audience::of_certificate(cert_sha256)),
            cert_sha256,
            keys,
            world,
        })
    }

    /// A ticket with a new client's key, good for so many seconds, at most [`Claims::LIFETIME_MAX_S`]. In production a client makes its key itself,
    /// and only the public half comes to whoever issues tickets.
    ///
    /// # Errors
    /// [`KeysError::Random`].
    pub fn ticket(
        &self,
        player: PlayerId,
        name: PlayerName,
        ttl_s: u64,
    ) -> Result<Ticket, KeysError> {
        let key = HolderKey::from_seed(random_bytes().map_err(KeysError::Random)?);
        // Even bytes are as likely as to win every lottery of a year.
        let key = key.map_err(|e| KeysError::Random(std::io::Error::other(e.to_string())))?;
        let expires_s = now_s() + ttl_s;
        let token = self.keys.token.sign(&Claims {
            world: self.world,
            player,
            not_before_s: expires_s.saturating_sub(Claims::LIFETIME_MAX_S),
            expires_s,
            name,
            nonce: random_bytes().map_err(KeysError::Random)?,
            holder: Some(Holder {
                key: key.public(),
                audience: self.audience,
            }),
        });
        Ok(Ticket {
            token,
            cert_sha256: self.cert_sha256,
            key: Some(key),
        })
    }

    /// One for a client of the protocol's previous version, bound to no key.
    ///
    /// # Errors
    /// [`KeysError::Random`].
    pub fn unbound_ticket(
        &self,
        player: PlayerId,
        name: PlayerName,
        ttl_s: u64,
    ) -> Result<Ticket, KeysError> {
        let now = now_s();
        let token = self.keys.token.sign(&Claims {
            world: self.world,
            player,
            not_before_s: now.saturating_sub(CLOCK_SLACK_S),
            expires_s: now + ttl_s,
            name,
            nonce: random_bytes().map_err(KeysError::Random)?,
            holder: None,
        });
        Ok(Ticket {
            token,
            cert_sha256: self.cert_sha256,
            key: None,
        })
    }
}
