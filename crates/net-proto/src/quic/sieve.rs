//! What strangers send, before any of it is decrypted.
//!
//! The first packet of a connection costs a server 10 µs before anybody can decide about it: keys are derived from it, and its header is
//! decrypted with them. Fifty thousand a second, from addresses that may be invented, would take half a core from those who play. So what belongs to nothing
//! that is known here has a rate, and what exceeds it is dropped for the price of reading it: [`ALL`], and of one prefix (/24, /48) [`ONE`], whose counts a
//! thousand prefixes share by a hash with a key. An honest client repeats its first packet; from its second on, and from a proof of its address on, it names an id that we made,
//! and is no stranger.

use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::admission::{Bucket, Rate, prefix};

/// Counts strangers' packets.
pub(super) struct Sieve {
    key: RandomState,
    counts: Mutex<Option<Counts>>, // once there was a packet, and so a time
}

struct Counts {
    all: Bucket,
    of_prefixes: Vec<Bucket>,
}

impl Sieve {
    pub(super) fn new() -> Self {
        Self {
            key: RandomState::new(),
            counts: Mutex::default(),
        }
    }

    /// Whether a stranger's packet is looked at.
    pub(super) fn passes(&self, from: SocketAddr, now: Instant) -> bool {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = counts.get_or_insert_with(|| Counts {
            all: Bucket::full(&ALL, now),
            of_prefixes: (0..PREFIXES).map(|_| Bucket::full(&ONE, now)).collect(),
        });
        let hash = self.key.hash_one(prefix(from)).to_le_bytes();
        let place = usize::from(u16::from_le_bytes([hash[0], hash[1]])) % PREFIXES;
        // The prefix pays first: what it may not have must not cost the others.
        counts.of_prefixes[place].take(&ONE, now) && counts.all.take(&ALL, now)
    }
}

const PREFIXES: usize = 1_024;
/// Four times what the door lets in: who must prove an address comes twice, and who waits repeats itself.
const ALL: Rate = Rate {
    per_s: 2_000.0,
    burst: 2_000.0,
};
const ONE: Rate = Rate {
    per_s: 500.0,
    burst: 1_000.0,
};

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use super::*;

    #[expect(clippy::disallowed_methods, reason = "an Instant has no other source")]
    fn any_moment() -> Instant {
        Instant::now()
    }

    fn from(net: u16) -> SocketAddr {
        let [a, b] = net.to_be_bytes();
        SocketAddr::from((Ipv4Addr::new(10, a, b, 1), 7))
    }

    /// How many of ten seconds of packets pass, `per_ms` of them every millisecond, each from the next of so many networks.
    fn passed(sieve: &Sieve, start: Instant, (per_ms, nets): (u16, u16)) -> usize {
        let mut count = 0;
        for n in 0..10_000 * u64::from(per_ms) {
            let now = start + Duration::from_micros(n * 1_000 / u64::from(per_ms));
            let net = u16::try_from(n % u64::from(nets)).unwrap();
            count += usize::from(sieve.passes(from(net), now));
        }
        count
    }

    #[test]
    fn strangers_have_a_rate() {
        let (sieve, start) = (Sieve::new(), any_moment());
        let count = passed(&sieve, start, (50, 60_000));
        assert!((21_900..=22_100).contains(&count), "{count}");
    }

    #[test]
    fn one_prefix_leaves_room_for_the_others() {
        let (sieve, start) = (Sieve::new(), any_moment());
        let count = passed(&sieve, start, (50, 1));
        assert!((5_900..=6_100).contains(&count), "{count}");
        // Of a hundred others hardly one shares its count.
        let now = start + Duration::from_secs(10);
        let others = (1..101).filter(|net| sieve.passes(from(*net), now));
        assert!(others.count() > 95);
    }

    #[test]
    fn logins_of_a_crowd_are_no_flood() {
        let (sieve, start) = (Sieve::new(), any_moment());
        assert_eq!(passed(&sieve, start, (1, 4)), 10_000);
    }
}
