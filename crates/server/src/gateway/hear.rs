//! What a session's client does: its datagrams of inputs.

use std::sync::Arc;

use bytes::Bytes;
use net_proto::quic::Peer;
use net_proto::{InputDatagram, RefuseCode};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::counts::Class;
use super::link::SessionId;
use super::login::Refusal;
use super::table::Gate;

/// Datagrams that are no inputs, before the session ends.
const BAD_DATAGRAMS_MAX: u32 = 20;

/// Passes on what comes until the connection ends. If its client is to be sent away: why.
pub(super) fn listen(
    gate: Arc<Gate>,
    session: SessionId,
    connection: &Peer,
) -> oneshot::Receiver<Refusal> {
    let (refuse, refused) = oneshot::channel();
    let mut hearing = Hearing {
        budget: Budget::new(f64::from(gate.tick_rate_hz) * 2.0),
        gate,
        session,
        bad: 0,
    };
    let mut refuse = Some(refuse);
    connection.listen(move |datagram| {
        if refuse.is_some()
            && let Err(refusal) = hearing.hear(&datagram)
            && let Some(refuse) = refuse.take()
        {
            let _ = refuse.send(refusal); // a session that is over hears nothing
        }
    });
    refused
}

/// What a session's client may send.
struct Hearing {
    gate: Arc<Gate>,
    session: SessionId,
    budget: Budget,
    bad: u32,
}

impl Hearing {
    fn hear(&mut self, datagram: &Bytes) -> Result<(), Refusal> {
        if !self.budget.spend() {
            self.gate.counters.limit(Class::Input);
            return match self.budget.is_exhausted() {
                true => Err(Refusal::new(RefuseCode::FLOOD, "too many datagrams")),
                false => Ok(()),
            };
        }
        match InputDatagram::decode(datagram) {
            Ok(inputs) => self.gate.input(self.session, inputs),
            Err(error) => {
                self.gate.counters.bad_datagram();
                self.bad += 1;
                if self.bad > BAD_DATAGRAMS_MAX {
                    let text = format!("not an input datagram: {error}");
                    return Err(Refusal::new(RefuseCode::MALFORMED, text));
                }
            }
        }
        Ok(())
    }
}

/// Datagrams a session may send: a steady rate and a burst of two seconds. What exceeds it is dropped; a session that
/// keeps exceeding it ends.
struct Budget {
    per_s: f64,
    left: f64,
    dropped: f64,
    last: Instant,
}

impl Budget {
    fn new(per_s: f64) -> Self {
        Self {
            per_s,
            left: 2.0 * per_s,
            dropped: 0.0,
            last: Instant::now(),
        }
    }

    fn spend(&mut self) -> bool {
        let now = Instant::now();
        let gained = (now - self.last).as_secs_f64() * self.per_s;
        self.last = now;
        self.left = (self.left + gained).min(2.0 * self.per_s);
        self.dropped = (self.dropped - gained).max(0.0);
        let may = self.left >= 1.0;
        if may {
            self.left -= 1.0;
        } else {
            self.dropped += 1.0;
        }
        may
    }

    fn is_exhausted(&self) -> bool {
        self.dropped > 4.0 * self.per_s
    }
}
