//! Where players are, and how their lines are.

use std::net::SocketAddr;
use std::sync::Mutex;

use net_proto::quic::simulated::{Link, Network};

use crate::lots::Lots;
use crate::plan::{PLAYERS, dark, fair, weather};

/// The server's address.
pub(crate) fn server_addr() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], 4_433))
}

/// All players' lines.
pub(crate) struct Lines {
    network: Network,
    all: Mutex<Vec<Line>>,
}

struct Line {
    link: Link,
    is_dark: bool,
    addr: SocketAddr,
    /// Addresses that the player has had.
    moves: u8,
}

impl Lines {
    pub(crate) fn new(network: Network, seed: u64) -> Self {
        let mut lots = Lots::of(seed, 2);
        let line = |n| Line {
            link: weather(&mut lots),
            is_dark: false,
            addr: addr(n, 0),
            moves: 0,
        };
        let all = Mutex::new((0..PLAYERS).map(line).collect());
        Self { network, all }
    }

    /// A new address for a player, on the same line.
    pub(crate) fn next(&self, n: usize) -> SocketAddr {
        let mut all = self.all.lock().unwrap();
        let line = &mut all[n];
        line.moves += 1;
        line.addr = addr(n, line.moves);
        line.lay(&self.network);
        line.addr
    }

    /// Cuts some lines, or mends them.
    pub(crate) fn darken(&self, whose: u32, is_dark: bool) {
        let mut all = self.all.lock().unwrap();
        for (n, line) in all.iter_mut().enumerate() {
            if whose >> n & 1 == 1 {
                line.is_dark = is_dark;
                line.lay(&self.network);
            }
        }
    }

    /// From now on all lines carry what is sent.
    pub(crate) fn calm(&self) {
        for line in self.all.lock().unwrap().iter_mut() {
            line.link = fair(&line.link);
            line.is_dark = false;
            line.lay(&self.network);
        }
    }
}

impl Line {
    fn lay(&self, network: &Network) {
        let link = match self.is_dark {
            true => dark(&self.link),
            false => self.link.clone(),
        };
        network.set_link(self.addr, link);
    }
}

fn addr(n: usize, moves: u8) -> SocketAddr {
    SocketAddr::from(([10, 1, n as u8, moves], 5_000))
}
