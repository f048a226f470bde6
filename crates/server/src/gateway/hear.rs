//! What a session's client does: its datagrams of inputs.

use std::sync::Arc;

use net_proto::{InputDatagram, RefuseCode};
use quinn::Connection;
use tokio::time::Instant;

use super::counts::Class;
use super::link::SessionId;
use super::login::Refusal;
use super::table::Gate;

/// Datagrams that are no inputs, before the session ends.
const BAD_DATAGRAMS_MAX: u32 = 20;

/// Passes on what comes until the connection ends, or its client is to be sent away: why.
pub(super) async fn listen(
    gate: Arc<Gate>,
    session: SessionId,
    connection: Connection,
) -> Option<Refusal> {
    let mut budget = Budget::new(f64::from(gate.tick_rate_hz) * 2.0);
    let mut bad = 0;
    while let Ok(bytes) = connection.read_datagram().await {
        if !budget.spend() {
            gate.counters.limit(Class::Input);
            if budget.is_exhausted() {
                return Some(Refusal::new(RefuseCode::FLOOD, "too many datagrams"));
            }
            continue;
        }
        match InputDatagram::decode(&bytes) {
            Ok(datagram) => gate.input(session, datagram),
            Err(error) => {
                gate.counters.bad_datagram();
                bad += 1;
                if bad > BAD_DATAGRAMS_MAX {
                    let text = format!("not an input datagram: {error}");
                    return Some(Refusal::new(RefuseCode::MALFORMED, text));
                }
            }
        }
    }
    None
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
