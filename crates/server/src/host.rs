//! What the server keeps beside the world: the next entity id and the tokens that were used.
//!
//! ```text
//! checkpoint section   version u8 · next entity u64 · count u32 · count × (nonce 16 B · expires u64)
//! login frame          nonce 16 B · expires u64
//! ```

use spatial_core::EntityId;

const VERSION: u8 = 1;
const LOGIN_BYTES: usize = 24;

/// A token's nonce, and the second since 1970 at which the token is worthless anyway.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct UsedToken {
    pub(crate) nonce: [u8; 16],
    pub(crate) expires_s: u64,
}

impl UsedToken {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.nonce);
        out.extend(self.expires_s.to_le_bytes());
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; LOGIN_BYTES] = bytes.try_into().ok()?;
        let (nonce, expires) = bytes.split_first_chunk()?;
        Some(Self {
            nonce: *nonce,
            expires_s: u64::from_le_bytes(expires.try_into().ok()?),
        })
    }
}

/// The server's own durable state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Host {
    /// Ids below were handed out; none is ever handed out twice.
    next_entity: u64,
    /// Tokens that may still be valid, in order of use.
    pub(crate) used: Vec<UsedToken>,
}

impl Default for Host {
    fn default() -> Self {
        Self {
            next_entity: 1,
            used: Vec::new(),
        }
    }
}

impl Host {
    /// A new entity's name.
    pub(crate) fn lease(&mut self) -> EntityId {
        let id = EntityId(self.next_entity);
        self.next_entity += 1;
        id
    }

    /// Notes a name that a journal record handed out.
    pub(crate) fn saw(&mut self, entity: EntityId) {
        self.next_entity = self.next_entity.max(entity.0.saturating_add(1));
    }

    /// Forgets tokens that have expired.
    pub(crate) fn forget(&mut self, now_s: u64) {
        self.used.retain(|token| token.expires_s > now_s);
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        out.extend(self.next_entity.to_le_bytes());
        out.extend((self.used.len() as u32).to_le_bytes());
        self.used.iter().for_each(|token| token.encode(&mut out));
        out
    }

    /// The section of a checkpoint; `None` when it is not one.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (&version, rest) = bytes.split_first()?;
        let (next, rest) = rest.split_first_chunk()?;
        let (count, rest) = rest.split_first_chunk()?;
        let chunks = rest.chunks_exact(LOGIN_BYTES);
        let whole = chunks.remainder().is_empty();
        let used: Vec<_> = chunks.filter_map(UsedToken::decode).collect();
        let legal =
            version == VERSION && whole && used.len() == u32::from_le_bytes(*count) as usize;
        legal.then(|| Self {
            next_entity: u64::from_le_bytes(*next),
            used,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_comes_back_and_nothing_else() {
        let mut host = Host::default();
        assert_eq!(host.lease(), EntityId(1));
        host.saw(EntityId(40));
        assert_eq!(host.lease(), EntityId(41));
        for n in 0..3 {
            host.used.push(UsedToken {
                nonce: [n; 16],
                expires_s: 100 + u64::from(n),
            });
        }
        let bytes = host.encode();
        assert_eq!(Host::decode(&bytes), Some(host.clone()));
        for cut in 0..bytes.len() {
            assert_eq!(Host::decode(&bytes[..cut]), None);
        }
        host.forget(101);
        assert_eq!(host.used.len(), 1);
    }
}
