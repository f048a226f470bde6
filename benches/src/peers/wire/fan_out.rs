//! Fan-out over real sockets, with quinn's own socket beside ours.

use std::io;

use net_proto::quic::Sockets;

use super::super::row::{Measured, Rival};
use super::super::{Pace, Tell};
use crate::Size;
use crate::fan_out::{Cost, FanOut, fan_out};

/// At the rate that is promised, and at that of a lively game, where each tick costs an answer of half the peers.
const CASES: [(&str, u32); 2] = [
    (
        "quic: fan-out datagrams of 400 B to 1,000 peers, a second a core",
        120,
    ),
    ("quic: the same, 60 to each peer", 60),
];

const STOCK: &str = "quinn 0.11.12, its own socket";

pub(crate) fn race(pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
    for (case, rate_hz) in CASES {
        if pace.wants(case) {
            tell(measure(case, rate_hz, pace.size).map_err(io::Error::other)?)?;
        }
    }
    Ok(())
}

fn measure(case: &str, rate_hz: u32, size: Size) -> anyhow::Result<Measured> {
    let options = FanOut {
        peers: size.of(1_000),
        bytes: 400,
        rate_hz,
        ticks: match size {
            Size::Tiny => 20,
            Size::Full => 4 * rate_hz,
        },
    };
    let stock = fan_out(options, Sockets::Stock)?;
    let ours = fan_out(options, Sockets::Batched)?;
    Ok(Measured {
        case: case.to_owned(),
        ours: Some(ours.rate()),
        unit: "/s",
        rivals: vec![Rival {
            name: STOCK.to_owned(),
            figure: Some(stock.rate()),
            agree: Some(has_arrived(&stock) && has_arrived(&ours)),
        }],
    })
}

/// Peers share the machine with whatever else runs, and lose what they do not take in time.
fn has_arrived(cost: &Cost) -> bool {
    cost.sent > 0 && cost.received * 2 > cost.sent
}
