//! What the server keeps beside the world: the entity ids that are taken and the tokens that were used.
//!
//! ```text
//! checkpoint section   version u8 · ids taken below u64 · count u32 · count × (nonce 16 B · expires u64)
//! login frame          nonce 16 B · expires u64
//! lease frame          ids taken below u64
//! ```
//!
//! Others may see an entity before its spawn is on the disk. So that no crash hands its id out again, ids are taken
//! in blocks: none of a block is handed out before the frame that takes the block is durable, and a recovered world
//! goes on behind the last block taken.

use spatial_core::EntityId;

const VERSION: u8 = 1;
const LOGIN_BYTES: usize = 24;
/// Ids taken at once; the next block is asked for when half of one is left: a second of the fastest arrivals.
const LEASE_IDS: u64 = 1 << 16;

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
    /// Ids below were handed out or are given up; none is ever handed out twice.
    next_entity: u64,
    /// Ids below are durably taken. At least `next_entity`.
    taken: u64,
    /// The tick whose frames take the next block, and that block's end.
    asked: Option<(u64, u64)>,
    /// Tokens that may still be valid, in order of use.
    pub(crate) used: Vec<UsedToken>,
}

impl Default for Host {
    fn default() -> Self {
        Self {
            next_entity: 1,
            // The first checkpoint says so, and nothing happens before it.
            taken: 1 + LEASE_IDS,
            asked: None,
            used: Vec::new(),
        }
    }
}

impl Host {
    /// A new entity's name; `None` until more are durably taken.
    pub(crate) fn lease(&mut self) -> Option<EntityId> {
        if self.next_entity >= self.taken {
            return None;
        }
        let id = EntityId(self.next_entity);
        self.next_entity += 1;
        Some(id)
    }

    /// Whether [`Host::lease`] has a name to give.
    pub(crate) fn can_lease(&self) -> bool {
        self.next_entity < self.taken
    }

    /// The lease frame that a tick's frames must carry, when few names are left.
    pub(crate) fn ask(&mut self, tick: u64) -> Option<Vec<u8>> {
        if self.asked.is_some() || self.taken - self.next_entity > LEASE_IDS / 2 {
            return None;
        }
        let end = self.taken.saturating_add(LEASE_IDS);
        // Of tick 0 the durable tick says nothing: it is 0 from the start.
        self.asked = Some((tick.max(1), end));
        Some(end.to_le_bytes().to_vec())
    }

    /// Notes how far the journal is durable: a block that was asked for by then may be used.
    pub(crate) fn note_durable(&mut self, tick: u64) {
        if let Some((_, end)) = self.asked.take_if(|(asked, _)| *asked <= tick) {
            self.taken = end;
        }
    }

    /// Takes in a lease frame of the journal; `None` when it is not one.
    pub(crate) fn saw_lease(&mut self, payload: &[u8]) -> Option<()> {
        self.give_up(u64::from_le_bytes(payload.try_into().ok()?));
        Some(())
    }

    /// Notes a name that a journal record handed out.
    pub(crate) fn saw(&mut self, entity: EntityId) {
        self.give_up(entity.0.saturating_add(1));
    }

    fn give_up(&mut self, below: u64) {
        self.next_entity = self.next_entity.max(below);
        self.taken = self.taken.max(self.next_entity);
    }

    /// Nothing will be handed out any more: what is left of the blocks can be used after the next start.
    pub(crate) fn rest(&mut self) {
        (self.taken, self.asked) = (self.next_entity, None);
    }

    /// Forgets tokens that have expired.
    pub(crate) fn forget(&mut self, now_s: u64) {
        self.used.retain(|token| token.expires_s > now_s);
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        let taken = self.asked.map_or(self.taken, |(_, end)| end);
        out.extend(taken.to_le_bytes());
        out.extend((self.used.len() as u32).to_le_bytes());
        self.used.iter().for_each(|token| token.encode(&mut out));
        out
    }

    /// The section of a checkpoint; `None` when it is not one.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (&version, rest) = bytes.split_first()?;
        let (taken, rest) = rest.split_first_chunk()?;
        let (count, rest) = rest.split_first_chunk()?;
        let chunks = rest.chunks_exact(LOGIN_BYTES);
        let whole = chunks.remainder().is_empty();
        let used: Vec<_> = chunks.filter_map(UsedToken::decode).collect();
        let legal =
            version == VERSION && whole && used.len() == u32::from_le_bytes(*count) as usize;
        let taken = u64::from_le_bytes(*taken);
        legal.then_some(Self {
            next_entity: taken,
            taken,
            asked: None,
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
        assert_eq!(host.lease(), Some(EntityId(1)));
        host.saw(EntityId(40));
        assert_eq!(host.lease(), Some(EntityId(41)));
        host.rest();
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

    #[test]
    fn a_name_is_durably_taken_before_it_is_handed_out() {
        let mut host = Host::default();
        // What a crash leaves: the last checkpoint and the lease frames that are durable.
        let mut left = Host::decode(&host.encode()).unwrap();
        let mut asked: Option<Vec<u8>> = None;
        for tick in 0..400 {
            if tick % 7 == 0 {
                if let Some(frame) = asked.take() {
                    left.saw_lease(&frame).unwrap();
                    assert_eq!(left.encode(), host.encode());
                }
                host.note_durable(tick);
            }
            for id in (0..1_000).filter_map(|_| host.lease()) {
                assert!(!left.can_lease() && id.0 < left.next_entity);
            }
            if let Some(frame) = host.ask(tick) {
                assert!(host.ask(tick).is_none() && left.clone().saw_lease(&frame[1..]).is_none());
                asked = Some(frame);
            }
        }
        assert_eq!(host.next_entity, 400_001, "the blocks came in time");
        while host.lease().is_some() {}
        assert!(!host.can_lease());
        assert_eq!(left.lease(), None);
        assert!(left.ask(0).is_some());
        left.note_durable(0);
        assert_eq!(left.lease(), None);
        left.note_durable(1);
        assert!(left.lease().is_some());
    }
}
