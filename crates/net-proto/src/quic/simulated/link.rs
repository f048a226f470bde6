//! What happens to packets on their way.

use core::ops::Range;
use std::time::Duration;

use tokio::time::Instant;

/// How packets travel between two addresses. The default is a perfect line without delay.
#[derive(Clone, PartialEq, Debug)]
pub struct Link {
    /// How many of one packet are lost, 0 to 1.
    pub loss: f64,
    /// How many of one packet arrive twice, 0 to 1.
    pub duplication: f64,
    /// How long a packet takes: anything in the range, equally likely. A wide one reorders.
    pub latency: Range<Duration>,
    /// How many of one packet take longer by [`Link::late_by`], 0 to 1: they are overtaken.
    pub late: f64,
    /// How much longer those take.
    pub late_by: Duration,
    /// When nothing arrives that is sent, since the network began.
    pub blackouts: Vec<Range<Duration>>,
    /// What a second carries, each way; packets wait for each other. None: anything.
    pub bytes_per_s: Option<u64>,
    /// What may wait for that; a packet that would be more is lost.
    pub queue_bytes: u64,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            loss: 0.0,
            duplication: 0.0,
            latency: Duration::ZERO..Duration::ZERO,
            late: 0.0,
            late_by: Duration::ZERO,
            blackouts: Vec::new(),
            bytes_per_s: None,
            queue_bytes: 64 << 10,
        }
    }
}

impl Link {
    /// Whether a packet that is sent so long after the network began is lost whatever the seed says.
    pub(super) fn is_dark(&self, since: Duration) -> bool {
        self.blackouts.iter().any(|dark| dark.contains(&since))
    }

    /// When the last byte of a packet has left, given when its predecessor's had; None when there is no room to wait.
    pub(super) fn departure(&self, now: Instant, free: Instant, bytes: usize) -> Option<Instant> {
        let Some(rate) = self.bytes_per_s else {
            return Some(now);
        };
        let starts = free.max(now);
        let waiting = starts.duration_since(now).as_secs_f64() * rate as f64;
        if waiting > self.queue_bytes as f64 {
            return None;
        }
        let takes = (bytes + HEADERS_BYTES) as f64 / rate as f64;
        Some(starts + Duration::from_secs_f64(takes))
    }
}

/// IPv4 and UDP.
const HEADERS_BYTES: usize = 28;
