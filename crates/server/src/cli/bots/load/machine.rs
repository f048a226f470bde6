//! What the bots themselves cost: this thread's time, and packets that their sockets had no room for.

use std::fmt::Write;
use std::net::SocketAddr;
use std::time::Duration;

/// The time that a thread has been running, its own and that of the system for it.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct CpuTime {
    pub(super) user: Duration,
    pub(super) system: Duration,
}

/// The kernel's unit of processor time in /proc, everywhere that Linux runs.
const TICK: Duration = Duration::from_millis(10);

impl CpuTime {
    /// That of the thread that asks; zero where the system does not say.
    pub(super) fn now() -> Self {
        let stat = std::fs::read_to_string("/proc/thread-self/stat");
        stat.ok()
            .and_then(|stat| Self::parse(&stat))
            .unwrap_or_default()
    }

    fn parse(stat: &str) -> Option<Self> {
        // The name, in parentheses, may hold anything.
        let (_, rest) = stat.rsplit_once(')')?;
        let mut fields = rest.split_ascii_whitespace().skip(11);
        let mut next = || Some(TICK * fields.next()?.parse::<u32>().ok()?);
        Some(Self {
            user: next()?,
            system: next()?,
        })
    }

    pub(super) fn since(self, before: Self) -> Self {
        Self {
            user: self.user.saturating_sub(before.user),
            system: self.system.saturating_sub(before.system),
        }
    }

    pub(super) fn total(self) -> Duration {
        self.user + self.system
    }
}

/// Packets that sockets bound to these addresses have had no room for; zero where the system does not say.
pub(super) fn socket_drops(addrs: &[SocketAddr]) -> u64 {
    let read = |file| std::fs::read_to_string(file).unwrap_or_default();
    let table = read("/proc/net/udp") + &read("/proc/net/udp6");
    let names: Vec<String> = addrs.iter().map(|addr| local_name(*addr)).collect();
    drops_of(&table, &names)
}

fn drops_of(table: &str, names: &[String]) -> u64 {
    let mut drops = 0;
    for line in table.lines() {
        let mut fields = line.split_ascii_whitespace();
        let (local, dropped) = (fields.nth(1), fields.next_back());
        if local.is_some_and(|local| names.iter().any(|name| name == local)) {
            drops += dropped.and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
        }
    }
    drops
}

/// An address as the table of sockets writes it: words in the machine's byte order, hexadecimal.
fn local_name(addr: SocketAddr) -> String {
    let mut name = String::new();
    let mut word = |bytes: [u8; 4]| {
        let _ = write!(name, "{:08X}", u32::from_ne_bytes(bytes)); // a string takes everything
    };
    match addr {
        SocketAddr::V4(addr) => word(addr.ip().octets()),
        SocketAddr::V6(addr) => {
            let octets = addr.ip().octets();
            for bytes in octets.as_chunks().0 {
                word(*bytes);
            }
        }
    }
    format!("{name}:{:04X}", addr.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_behind_any_name() {
        let stat = "12 (a) b (c)) R 1 2 3 4 5 6 7 8 9 10 250 75 0 0";
        let expected = CpuTime {
            user: TICK * 250,
            system: TICK * 75,
        };
        assert_eq!(CpuTime::parse(stat), Some(expected));
        assert_eq!(CpuTime::parse("12 (a) R 1"), None);
    }

    #[test]
    fn drops_are_those_of_ones_own_sockets() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
            10: 0105017F:1151 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 7\n\
            11: 0105017F:1152 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 30";
        let ours = "127.1.5.1:4433".parse().unwrap();
        if cfg!(target_endian = "little") {
            assert_eq!(local_name(ours), "0105017F:1151");
            assert_eq!(drops_of(table, &[local_name(ours)]), 7);
        }
        assert_eq!(drops_of(table, &[]), 0);
    }
}
