//! Whom to let in while handshakes pile up.

use quinn::{Connecting, Incoming};

/// What became of a client that knocked.
#[derive(Debug)]
pub enum Admission {
    /// Its handshake goes on; give it up after [`super::HANDSHAKE_DEADLINE`].
    Accepted(Connecting),
    /// It was told to prove its address first, and will come again.
    Retried,
    /// It was sent away.
    Refused,
}

/// Decides about a client, given how many handshakes are in flight (accepted, no hello yet).
///
/// Above 64 an address must be proven before it costs a handshake (300 µs; the proof costs 11 µs, and a
/// spoofed address cannot bring it); above 2,000 nobody enters.
pub fn admit(incoming: Incoming, in_flight: usize) -> Admission {
    if in_flight > REFUSE_ABOVE {
        incoming.refuse();
        return Admission::Refused;
    }
    if in_flight > RETRY_ABOVE && !incoming.remote_address_validated() {
        return match incoming.retry() {
            Ok(()) => Admission::Retried,
            Err(_) => Admission::Refused,
        };
    }
    match incoming.accept() {
        Ok(connecting) => Admission::Accepted(connecting),
        Err(_) => Admission::Refused,
    }
}

const RETRY_ABOVE: usize = 64;
/// A half-open connection holds 28 KB: 56 MB in all.
const REFUSE_ABOVE: usize = 2_000;
