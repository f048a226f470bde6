//! Sessions whose line is lost, and who may come back to them.
//!
//! ```text
//!            ┌──────── a secret a minute: the newest two are good
//! in ──line lost──► lingers ≤ resume_s ──────────────────────────► out
//!  ▲                   │ Return: hash known, then the proof       (also: kicked, closing)
//!  └── a new session ◄─┘ of the session's key, then the place
//! ```
//! Of a secret only its SHA-256 is kept, with its session: two for each place in the world, and the newest [`SPENT_MAX`] that are no good any
//! more, to say why. Nothing is kept of who returns before everything holds.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use net_proto::quic::Peer;
use net_proto::{Exported, RefuseCode, Resume, ResumeSecret, Return};

use super::cause::Cause;
use super::link::{Event, SessionId};
use super::login::Refusal;
use super::table::{Entered, Gate, Owner, Sessions, lock};
use crate::keys::random_bytes;

/// Secrets that are no good any more and remembered as such.
const SPENT_MAX: usize = 4_096;

/// The SHA-256 of a secret.
pub(super) type Hash = [u8; 32];

/// Who has proven to be whom a session belongs to.
pub(super) struct Returner {
    hash: Hash,
    /// Of the protocol that is spoken.
    pub(super) version: u16,
}

impl Gate {
    /// A new secret for a session, whose oldest is then worthless; none where it cannot be taken up again.
    pub(super) fn give_secret(&self, session: SessionId) -> Option<Resume> {
        let good_for_s = self.limits().resume_s;
        if good_for_s == 0 {
            return None;
        }
        let secret = random_bytes()
            .inspect_err(|error| tracing::error!(%error, "no secret to come back with"))
            .ok()?;
        let secret = ResumeSecret(secret);
        lock(&self.sessions)
            .give(session, secret.hash())
            .then_some(Resume { secret, good_for_s })
    }

    /// Whether somebody may come back. Changes nothing.
    pub(super) fn check_return(
        &self,
        again: &Return,
        exported: Option<Exported>,
    ) -> Result<Returner, Refusal> {
        if self.is_draining() {
            let text = self.limits().maintenance_text.clone();
            return Err(Refusal::new(RefuseCode::CLOSING, text));
        }
        let hash = again.secret.hash();
        let key = lock(&self.sessions).key_of(&hash)?;
        let holds = |exported| again.proof.holds_return(&key, &exported);
        match exported.is_some_and(holds) {
            true => Ok(Returner {
                hash,
                version: again.version,
            }),
            false => Err(Cause::ReturnProof.into()),
        }
    }

    /// Gives a connection a session in place of the one that it comes back to, which ends.
    pub(super) fn come_back(
        &self,
        line: (&Peer, usize),
        who: &Returner,
    ) -> Result<(Entered, SessionId), Refusal> {
        let mut sessions = lock(&self.sessions);
        let from = sessions.secrets.find(&who.hash)?;
        let Some(owner) = sessions.owner(from) else {
            return Err(Cause::ReturnOver.into());
        };
        sessions.secrets.spend(who.hash, Cause::ReturnUsed);
        sessions.replace(from);
        let entered = self.seat(&mut sessions, line, owner);
        // Should this line be lost before there is a secret, a new ticket still finds the avatar.
        if let Some(entry) = sessions.all.get_mut(&entered.session) {
            entry.lingers = true;
        }
        Ok((entered, from))
    }

    /// Keeps the place of a session whose line is lost, and tells the world; for how long. None where it cannot be taken up again.
    pub(super) async fn linger(&self, session: SessionId) -> Option<Duration> {
        let line = lock(&self.sessions).lose(session)?;
        drop(line);
        self.events.send(Event::Lose { session }).await.ok()?;
        Some(Duration::from_secs(u64::from(self.limits().resume_s)))
    }
}

impl Sessions {
    /// Notes a secret of a session, and forgets all but the one before.
    fn give(&mut self, session: SessionId, hash: Hash) -> bool {
        let Some(entry) = self.all.get_mut(&session) else {
            return false;
        };
        if entry.key.is_none() || entry.line.is_none() {
            return false;
        }
        entry.lingers = true;
        self.secrets.add(&mut entry.hashes, hash, session);
        true
    }

    /// The key of the session that a secret belongs to.
    fn key_of(&self, hash: &Hash) -> Result<[u8; 32], Cause> {
        let session = self.secrets.find(hash)?;
        let owner = self.owner(session).and_then(|(_, _, key)| key);
        owner.ok_or(Cause::ReturnOver)
    }

    fn owner(&self, session: SessionId) -> Option<Owner> {
        let entry = self.all.get(&session)?;
        Some((entry.player, entry.name.clone(), entry.key))
    }
}

/// What sessions can be taken up again with.
#[derive(Default)]
pub(super) struct Secrets {
    good: BTreeMap<Hash, SessionId>,
    spent: BTreeMap<Hash, Cause>,
    oldest: VecDeque<Hash>, // of those that are spent
}

impl Secrets {
    fn find(&self, hash: &Hash) -> Result<SessionId, Cause> {
        let why = || self.spent.get(hash).copied();
        let found = self.good.get(hash).copied();
        found.ok_or_else(|| why().unwrap_or(Cause::ReturnUnknown))
    }

    /// Adds a session's newest, beside the one before; its oldest is worthless from now on.
    fn add(&mut self, hashes: &mut [Option<Hash>; 2], newest: Hash, session: SessionId) {
        let [before, oldest] = *hashes;
        *hashes = [Some(newest), before];
        if let Some(oldest) = oldest {
            self.spend(oldest, Cause::ReturnOver);
        }
        self.good.insert(newest, session);
    }

    /// Makes a secret worthless, if it is not already.
    pub(super) fn spend(&mut self, hash: Hash, why: Cause) {
        if self.good.remove(&hash).is_none() {
            return;
        }
        self.spent.insert(hash, why);
        self.oldest.push_back(hash);
        if self.oldest.len() > SPENT_MAX
            && let Some(forgotten) = self.oldest.pop_front()
        {
            self.spent.remove(&forgotten);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(n: u32) -> Hash {
        let mut hash = [7; 32];
        hash[..4].copy_from_slice(&n.to_le_bytes());
        hash
    }

    #[test]
    fn the_newest_two_are_good() {
        let (mut secrets, mut hashes) = (Secrets::default(), [None; 2]);
        for n in 0..5 {
            secrets.add(&mut hashes, hash(n), SessionId(9));
            let good = |n| secrets.find(&hash(n)) == Ok(SessionId(9));
            assert!(good(n) && (n == 0 || good(n - 1)));
            for old in 0..n.saturating_sub(1) {
                assert_eq!(secrets.find(&hash(old)), Err(Cause::ReturnOver));
            }
        }
        assert_eq!((secrets.good.len(), secrets.spent.len()), (2, 3));
    }

    #[test]
    fn what_is_remembered_is_bounded_and_said_why() {
        let mut secrets = Secrets::default();
        let find = |secrets: &Secrets, n| secrets.find(&hash(n));
        for n in 0..SPENT_MAX as u32 + 10 {
            secrets.good.insert(hash(n), SessionId(5));
            assert_eq!(find(&secrets, n), Ok(SessionId(5)));
            secrets.spend(hash(n), Cause::ReturnUsed);
            // What it was spent for first stays.
            secrets.spend(hash(n), Cause::ReturnOver);
            assert_eq!(find(&secrets, n), Err(Cause::ReturnUsed));
        }
        assert_eq!(find(&secrets, 9), Err(Cause::ReturnUnknown));
        assert_eq!(find(&secrets, 10), Err(Cause::ReturnUsed));
        assert_eq!(secrets.spent.len(), SPENT_MAX);
        assert!(secrets.good.is_empty());
    }
}
