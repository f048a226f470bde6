//! Our codecs against PNG and zstd on whole grids of real relief: bytes a sample, and time to decode one.

use std::io;

use spatial_core::{Codec, HotGrid, decode_grid, encode_grid};

use super::super::contest::Contest;
use super::super::row::{Measured, Rival, Unit};
use super::super::{Pace, Tell};
use super::rivals::{PEERS, Peer};
use crate::case::Size;
use crate::relief::{self, Relief, SIDE};
use crate::seeded::Seeded;

/// Why there is nothing to measure.
const WHY: &str = "there is no SRTM, see BLUEMARBLE_DATA";
/// Samples read at random.
const READS: usize = 100_000;

/// A codec as rows name it.
const OURS: [(Codec, &str); 3] = [
    (Codec::Hot, "hot"),
    (Codec::Wire, "wire"),
    (Codec::Archive, "archive"),
];

pub(crate) fn race(pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
    let cases = || {
        OURS.iter()
            .flat_map(|(_, name)| [size_case(name), decode_case(name)])
    };
    if !cases()
        .chain([SAMPLE.to_owned()])
        .any(|case| pace.wants(&case))
    {
        return Ok(());
    }
    let Some(mut grids) = relief::all() else {
        return cases()
            .chain([SAMPLE.to_owned()])
            .try_for_each(|case| tell(Measured::skipped(case, Unit::Ns, WHY)));
    };
    if pace.size == Size::Tiny {
        grids.truncate(1);
    }
    let peers: Vec<Vec<Vec<u8>>> = PEERS
        .iter()
        .map(|peer| {
            grids
                .iter()
                .map(|grid| (peer.encode)(&grid.samples))
                .collect()
        })
        .collect();
    for (codec, name) in OURS {
        let encode =
            |grid: &Relief| encode_grid(codec, SIDE, &grid.samples).expect("a side of 8 n + 1");
        let payloads: Vec<_> = grids.iter().map(encode).collect();
        sizes(pace, name, &grids, (&payloads, &peers), tell)?;
        if pace.wants(&decode_case(name)) {
            tell(decoding(pace, (codec, name), &grids, (&payloads, &peers)))?;
        }
        if codec == Codec::Hot && pace.wants(SAMPLE) {
            tell(reading(pace, &grids, &payloads))?;
        }
    }
    Ok(())
}

fn size_case(name: &str) -> String {
    format!("codec {name}: bytes a sample, mean of five SRTM tiles")
}

fn decode_case(name: &str) -> String {
    format!("codec {name}: decode, a sample")
}

const SAMPLE: &str = "codec hot: one sample where it lies, at random in a tile";

/// A row for each grid, and one for their mean.
fn sizes(
    pace: &Pace,
    name: &str,
    grids: &[Relief],
    (ours, peers): (&[Vec<u8>], &[Vec<Vec<u8>>]),
    tell: Tell<'_>,
) -> io::Result<()> {
    let each = |payload: &Vec<u8>| payload.len() as f64 / (SIDE * SIDE) as f64;
    let row = |case: String, of: &dyn Fn(&[Vec<u8>]) -> f64| Measured {
        case,
        ours: Some(of(ours)),
        unit: "B",
        rivals: PEERS
            .iter()
            .zip(peers)
            .map(|(peer, payloads)| Rival {
                name: peer.name.to_owned(),
                figure: Some(of(payloads)),
                agree: None,
            })
            .collect(),
    };
    for (k, grid) in grids.iter().enumerate() {
        let case = format!("codec {name}: bytes a sample, {}", grid.name);
        if pace.wants(&case) {
            tell(row(case, &|payloads| each(&payloads[k])))?;
        }
    }
    if pace.wants(&size_case(name)) {
        let mean =
            |payloads: &[Vec<u8>]| payloads.iter().map(each).sum::<f64>() / payloads.len() as f64;
        tell(row(size_case(name), &mean))?;
    }
    Ok(())
}

/// All grids, to samples.
fn decoding(
    pace: &Pace,
    (codec, name): (Codec, &str),
    grids: &[Relief],
    (ours, peers): (&[Vec<u8>], &[Vec<Vec<u8>>]),
) -> Measured {
    let decode = move |payload: &Vec<u8>| decode_grid(codec, SIDE, payload).expect("just encoded");
    for (grid, payload) in grids.iter().zip(ours) {
        assert!(decode(payload) == grid.samples, "lossless");
    }
    let run = move || {
        ours.iter()
            .map(|payload| decode(payload).len())
            .sum::<usize>()
    };
    let mut contest = Contest::new(decode_case(name), Unit::Ns, grids.len() * SIDE * SIDE, run);
    for (Peer { name, decode, .. }, payloads) in PEERS.iter().zip(peers) {
        let agree = grids
            .iter()
            .zip(payloads)
            .all(|(grid, payload)| decode(payload) == grid.samples);
        let run = move || {
            payloads
                .iter()
                .map(|payload| decode(payload).len())
                .sum::<usize>()
        };
        contest = contest.against(*name, Some(agree), run);
    }
    contest.run(pace)
}

/// Samples of one grid after another, in random order; nobody else has them without decoding.
fn reading(pace: &Pace, grids: &[Relief], payloads: &[Vec<u8>]) -> Measured {
    let mut seeded = Seeded(11);
    let mut below = |count: usize| ((seeded.signed() + 1.0) / 2.0 * count as f64) as usize % count;
    let mut places: Vec<_> = (0..pace.size.of(READS))
        .map(|_| (below(grids.len()), below(SIDE), below(SIDE)))
        .collect();
    places.sort_by_key(|(grid, ..)| *grid);
    let views: Vec<_> = payloads
        .iter()
        .map(|p| HotGrid::new(SIDE, p).expect("just encoded"))
        .collect();
    let agree = places.iter().all(|(grid, i, j)| {
        views[*grid].sample(*i, *j) == Some(grids[*grid].samples[j * SIDE + i])
    });
    let count = places.len();
    let run = move || {
        places
            .iter()
            .map(|(grid, i, j)| i64::from(views[*grid].sample(*i, *j).unwrap_or(0)))
            .sum::<i64>()
    };
    Contest::new(SAMPLE, Unit::Ns, count, run)
        .checked_by("the grids themselves", agree)
        .run(pace)
}
