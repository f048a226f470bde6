//! What the machine can do just now: to compare runs, not libraries.

use std::hint::black_box;
use std::io;

use super::clock::{ns_each, race, runner};
use super::row::Measured;
use super::{Pace, Tell};

const COPY_BYTES: usize = 64 << 20;
const LOOPS: u64 = 10_000_000;

/// Bandwidth, arithmetic, and the time that a hypervisor gave to others meanwhile.
pub(crate) fn measure(pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
    let before = CpuTicks::read();
    let source = vec![1u8; pace.size.of(COPY_BYTES)];
    let mut target = vec![0u8; source.len()];
    let copy = || {
        target.copy_from_slice(black_box(&source));
        black_box(&target);
    };
    let loops = pace.size.of(LOOPS as usize) as u64;
    let arithmetic = || xorshift(loops);
    let times = race(pace.budget / 2, &mut [runner(copy), runner(arithmetic)]);
    let steal = before.zip(CpuTicks::read()).map(|(a, b)| a.steal_until(&b));
    let gigabytes = source.len() as f64 / 1e9 / times[0].as_secs_f64();
    tell(Measured::alone(
        "calibration: copy of 64 MiB",
        Some(gigabytes),
        "GB/s",
    ))?;
    let ns = ns_each(times[1], loops);
    tell(Measured::alone(
        "calibration: xorshift step",
        Some(ns),
        "ns",
    ))?;
    tell(Measured::alone("calibration: steal time", steal, "%"))
}

/// Steps that each wait for the one before.
fn xorshift(loops: u64) -> u64 {
    let mut state = black_box(88_172_645_463_325_252u64);
    for _ in 0..loops {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
    }
    state
}

/// What all CPUs have done since the start.
struct CpuTicks {
    all: u64,
    stolen: u64,
}

impl CpuTicks {
    /// `None` where the system does not say.
    fn read() -> Option<Self> {
        Self::parse(&std::fs::read_to_string("/proc/stat").ok()?)
    }

    /// The first line: `cpu user nice system idle iowait irq softirq steal guest guest_nice`; guests are in user.
    fn parse(stat: &str) -> Option<Self> {
        let fields = stat.lines().next()?.strip_prefix("cpu ")?;
        let ticks: Result<Vec<u64>, _> = fields.split_whitespace().map(str::parse).collect();
        let ticks = ticks.ok()?;
        Some(Self {
            all: ticks.iter().take(8).sum(),
            stolen: *ticks.get(7)?,
        })
    }

    /// Percent of the time until then.
    fn steal_until(&self, then: &Self) -> f64 {
        let all = then.all.saturating_sub(self.all).max(1);
        100.0 * then.stolen.saturating_sub(self.stolen) as f64 / all as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steal_is_the_eighth_field() {
        let at = |line: &str| CpuTicks::parse(line).unwrap();
        let before = at("cpu  10 0 10 70 0 0 0 10 5 0\ncpu0 1 2 3\n");
        let after = at("cpu  20 0 20 140 0 0 0 20 9 0\n");
        assert_eq!((before.all, before.stolen), (100, 10));
        assert_eq!(before.steal_until(&after), 10.0);
        assert!(CpuTicks::parse("intr 1 2").is_none());
    }
}
