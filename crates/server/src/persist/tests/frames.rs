//! Frames against bytes that nobody wrote as frames.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::frame::{Frames, PAYLOAD_BYTES_MAX};
use super::*;
use crate::lots::Lots;

const CHAIN: u64 = 7;
/// Bytes around a payload: head and hash.
const AROUND: usize = 13 + 8;

/// A row of frames of every kind, with payloads of all lengths up to some.
fn row(lots: &mut Lots) -> Vec<u8> {
    let (mut bytes, mut chain) = (Vec::new(), CHAIN);
    for tick in 0..1 + lots.bits() % 6 {
        let kinds = [FrameKind::Entry, FrameKind::Login, FrameKind::Lease];
        let payload: Vec<u8> = (0..lots.bits() % 20).map(|_| lots.bits() as u8).collect();
        let frame = Frame {
            kind: kinds[(lots.bits() % 3) as usize],
            tick,
            payload: &payload,
        };
        chain = frame.encode(chain, &mut bytes).unwrap();
    }
    bytes
}

/// Seals what has been changed, frame by frame, as far as lengths lead: behind a wrong hash nothing is looked at.
fn seal(bytes: &mut [u8]) {
    let (mut chain, mut at) = (CHAIN, 0);
    while let Some(head) = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>()) {
        let end = at + AROUND - 8 + u32::from_le_bytes(*head) as usize;
        if end + 8 > bytes.len() {
            break;
        }
        chain = xxh3_64_with_seed(&bytes[at..end], chain);
        bytes[end..end + 8].copy_from_slice(&chain.to_le_bytes());
        at = end + 8;
    }
}

/// Reads as far as it goes: how many frames, and what is wrong with what follows.
fn read(bytes: &[u8]) -> (usize, Option<&'static str>) {
    let mut frames = Frames::new(bytes, 0, CHAIN, 0);
    let (mut count, mut before, mut tick) = (0, 0, 0);
    while let Some(next) = frames.next() {
        match next {
            Ok(frame) => {
                assert_eq!(frames.offset(), before + AROUND + frame.payload.len());
                assert!(frame.tick >= tick && frame.payload.len() <= PAYLOAD_BYTES_MAX);
                (count, before, tick) = (count + 1, frames.offset(), frame.tick);
            }
            Err(bad) => {
                assert_eq!(bad.offset, before);
                return (count, Some(bad.what));
            }
        }
    }
    assert_eq!(before, bytes.len());
    (count, None)
}

#[test]
fn hostile_bytes_are_named_wherever_they_are() {
    let mut said = std::collections::BTreeMap::<_, u32>::new();
    for seed in 0..30_000 {
        let mut lots = Lots::new(seed);
        let mut bytes = row(&mut lots);
        let (whole, _) = read(&bytes);
        for _ in 0..1 + lots.bits() % 3 {
            let at = lots.bits() as usize % bytes.len();
            match lots.bits() % 4 {
                0 => bytes.truncate(at.max(1)),
                1 => bytes[at] = lots.bits() as u8,
                2 => bytes[at] ^= 1 << (lots.bits() % 8),
                _ => bytes.insert(at, lots.bits() as u8),
            }
        }
        if lots.bits().is_multiple_of(2) {
            seal(&mut bytes);
        }
        let (count, what) = read(&bytes);
        assert!(count <= whole + 1, "seed {seed}");
        *said.entry(what).or_default() += 1;
    }
    // Every reason that there is has been met, and so have rows that are sound again.
    assert_eq!(said.len(), 7, "{said:?}");
}
