//! Whom to let in while handshakes pile up.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use super::host::{Connecting, Incoming};

/// What became of a client that knocked.
#[derive(Debug)]
pub enum Admission {
    /// Its handshake goes on; give it up after [`super::HANDSHAKE_DEADLINE`], and tell [`Door::leave`] when it has
    /// logged in or failed to.
    Accepted(Connecting),
    /// It was told to prove its address first, and will come again.
    Retried,
    /// It was not answered; an honest client knocks again within a second.
    Ignored,
    /// It was sent away.
    Refused,
}

/// Lets clients in, so that neither a crowd nor a single address can keep the others out.
///
/// | in flight: accepted, not yet logged in | |
/// | --- | --- |
/// | above 64 | an address must be proven before it costs a handshake (300 µs; the proof costs 11 µs, and a spoofed address cannot bring it) |
/// | above 64, of one prefix (/24, /48) above 500 | the prefix is ignored |
/// | above 2,000 (28 KB each, 56 MB in all) | refused |
///
/// Beyond 500 handshakes a second (15 % of a core), or 125 of one prefix, after bursts of 500 and 250, clients are
/// ignored: they repeat their first packet, which spreads a crowd over the following seconds. Pure but for
/// [`Door::admit`]; holds at most 4,096 prefixes, 56 B each.
#[derive(Debug)]
pub struct Door {
    in_flight: usize,
    rate: Bucket,
    prefixes: BTreeMap<u64, Share>,
}

impl Door {
    /// An open door.
    pub fn new(now: Instant) -> Self {
        Self {
            in_flight: 0,
            rate: Bucket::full(&ALL, now),
            prefixes: BTreeMap::new(),
        }
    }

    /// Decides about a client.
    pub fn admit(&mut self, incoming: Incoming, now: Instant) -> Admission {
        let from = incoming.remote_address();
        match self.decide(from, incoming.remote_address_validated(), now) {
            Verdict::Accept => match incoming.accept() {
                Ok(connecting) => Admission::Accepted(connecting),
                Err(_) => {
                    self.leave(from);
                    Admission::Refused
                }
            },
            Verdict::Retry => match incoming.retry() {
                true => Admission::Retried,
                false => Admission::Refused,
            },
            Verdict::Ignore => {
                incoming.ignore();
                Admission::Ignored
            }
            Verdict::Refuse => {
                incoming.refuse();
                Admission::Refused
            }
        }
    }

    /// A client that was accepted from this address is not in flight any more.
    pub fn leave(&mut self, from: SocketAddr) {
        if let Some(share) = self.prefixes.get_mut(&prefix(from)) {
            self.in_flight = self.in_flight.saturating_sub(1);
            share.in_flight = share.in_flight.saturating_sub(1);
        }
    }

    /// Clients that were accepted and have neither logged in nor failed to.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub(super) fn decide(&mut self, from: SocketAddr, is_validated: bool, now: Instant) -> Verdict {
        let is_crowded = self.in_flight > CROWDED_ABOVE;
        if self.in_flight > REFUSE_ABOVE {
            return Verdict::Refuse;
        }
        if is_crowded && !is_validated {
            return Verdict::Retry;
        }
        self.make_room();
        let share = self.prefixes.entry(prefix(from)).or_insert_with(|| Share {
            in_flight: 0,
            rate: Bucket::full(&ONE, now),
        });
        let has_share = !is_crowded || share.in_flight <= SHARE_ABOVE;
        // The prefix pays first: what it may not have must not cost the others.
        if !has_share || !share.rate.take(&ONE, now) || !self.rate.take(&ALL, now) {
            return Verdict::Ignore;
        }
        share.in_flight += 1;
        self.in_flight += 1;
        Verdict::Accept
    }

    /// At the bound, forgets prefixes that have nobody in flight: at most half of them do.
    fn make_room(&mut self) {
        if self.prefixes.len() >= PREFIXES_MAX {
            self.prefixes.retain(|_, share| share.in_flight > 0);
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    Accept,
    Retry,
    Ignore,
    Refuse,
}

/// What one prefix has of the door.
#[derive(Debug)]
struct Share {
    in_flight: usize,
    rate: Bucket,
}

/// So many at once, and so many a second.
pub(super) struct Rate {
    pub(super) per_s: f64,
    pub(super) burst: f64,
}

#[derive(Debug)]
pub(super) struct Bucket {
    left: f64,
    last: Instant,
}

impl Bucket {
    pub(super) fn full(rate: &Rate, now: Instant) -> Self {
        Self {
            left: rate.burst,
            last: now,
        }
    }

    pub(super) fn take(&mut self, rate: &Rate, now: Instant) -> bool {
        let gained = now.saturating_duration_since(self.last).as_secs_f64() * rate.per_s;
        self.last = now;
        self.left = (self.left + gained).min(rate.burst);
        let may = self.left >= 1.0;
        if may {
            self.left -= 1.0;
        }
        may
    }
}

/// What one customer of a network provider has: a /24 of IPv4, a /48 of IPv6.
pub(super) fn prefix(addr: SocketAddr) -> u64 {
    match addr.ip().to_canonical() {
        IpAddr::V4(ip) => u64::from(ip.to_bits() >> 8),
        IpAddr::V6(ip) => {
            let [a, b, c, ..] = ip.segments();
            IPV6 | u64::from(a) << 32 | u64::from(b) << 16 | u64::from(c)
        }
    }
}

const IPV6: u64 = 1 << 48;
const CROWDED_ABOVE: usize = 64;
const REFUSE_ABOVE: usize = 2_000;
const SHARE_ABOVE: usize = REFUSE_ABOVE / 4;
const PREFIXES_MAX: usize = 4_096;
const ALL: Rate = Rate {
    per_s: 500.0,
    burst: 500.0,
};
const ONE: Rate = Rate {
    per_s: 125.0,
    burst: 250.0,
};

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[expect(
        clippy::disallowed_methods,
        reason = "an Instant has no other source; tests only add to it"
    )]
    fn any_moment() -> Instant {
        Instant::now()
    }

    fn addr(text: &str) -> SocketAddr {
        SocketAddr::new(text.parse().unwrap(), 1)
    }

    /// How many of `count` are accepted from one address, their address proven.
    fn accepted(door: &mut Door, from: SocketAddr, count: usize, now: Instant) -> usize {
        let verdicts = (0..count).map(|_| door.decide(from, true, now));
        verdicts.filter(|v| *v == Verdict::Accept).count()
    }

    #[test]
    fn one_address_leaves_room_for_the_others() {
        let start = any_moment();
        let mut door = Door::new(start);
        // 10,000 a second for ten seconds, which never say hello and are never given up.
        for ms in 0..10_000 {
            let now = start + Duration::from_millis(ms);
            accepted(&mut door, addr("192.0.2.1"), 10, now);
        }
        assert_eq!(door.in_flight(), SHARE_ABOVE + 1);
        let now = start + Duration::from_secs(10);
        assert_eq!(accepted(&mut door, addr("192.0.2.77"), 9, now), 0);
        assert_eq!(accepted(&mut door, addr("192.0.3.1"), 9, now), 9);
        assert_eq!(accepted(&mut door, addr("2001:db8::1"), 9, now), 9);
    }

    #[test]
    fn handshakes_have_a_rate() {
        let start = any_moment();
        let mut door = Door::new(start);
        let mut total = 0;
        for ms in 0..4_000 {
            let now = start + Duration::from_millis(ms);
            for net in 0..10 {
                let from = addr(&format!("10.0.{net}.1"));
                let count = accepted(&mut door, from, 2, now);
                (0..count).for_each(|_| door.leave(from));
                total += count;
            }
        }
        assert!((2_400..=2_500).contains(&total), "{total}");
        assert_eq!(door.in_flight(), 0);
    }

    #[test]
    fn two_hundred_from_one_address_are_no_flood() {
        let now = any_moment();
        let mut door = Door::new(now);
        assert_eq!(accepted(&mut door, addr("127.0.0.1"), 200, now), 200);
        let mapped = addr("::ffff:127.0.0.9");
        assert_eq!(accepted(&mut door, mapped, 200, now), 50);
    }

    #[test]
    fn a_crowd_must_prove_its_addresses_and_ends_at_the_cap() {
        let start = any_moment();
        let mut door = Door::new(start);
        let unproven = (0..100).map(|n| door.decide(addr(&format!("10.1.{n}.1")), false, start));
        let retried = unproven.filter(|v| *v == Verdict::Retry).count();
        assert_eq!((retried, door.in_flight()), (35, CROWDED_ABOVE + 1));
        for n in 0..10_000u32 {
            let now = start + Duration::from_millis(10 * u64::from(n));
            let from = addr(&format!("10.{}.{}.1", 2 + n / 250, n % 250));
            let verdict = door.decide(from, true, now);
            let is_full = door.in_flight() > REFUSE_ABOVE;
            assert!(matches!(verdict, Verdict::Accept | Verdict::Refuse));
            assert!(is_full || verdict == Verdict::Accept);
        }
        assert_eq!(door.in_flight(), REFUSE_ABOVE + 1);
    }

    #[test]
    fn the_table_is_bounded() {
        let start = any_moment();
        let mut door = Door::new(start);
        for n in 0..20_000u32 {
            let now = start + Duration::from_millis(10 * u64::from(n));
            let from = addr(&format!(
                "{}.{}.{}.1",
                1 + n / 62_500,
                n / 250 % 250,
                n % 250
            ));
            assert_eq!(door.decide(from, true, now), Verdict::Accept);
            door.leave(from);
            assert!(door.prefixes.len() <= PREFIXES_MAX);
        }
    }
}
