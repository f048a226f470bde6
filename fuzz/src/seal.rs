//! Makes checksums right again, wherever the bytes are long enough to have them.

use core::ops::Range;

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// An encoded tile: bytes 24..32 are the checksum of all others.
pub(crate) fn tile(bytes: &mut [u8]) {
    if bytes.len() >= 32 {
        let sum = checksum_around(bytes, 24..32);
        bytes[24..32].copy_from_slice(&sum);
    }
}

/// A manifest: 16 hexadecimal digits in the second line are the checksum of what follows it.
pub(crate) fn manifest(bytes: &mut [u8]) {
    const DIGITS: Range<usize> = 17..33; // {⏎  "checksum": "
    const BODY: usize = 36; // ",⏎
    if bytes.len() >= BODY {
        let digits = format!("{:016x}", xxh3_64(&bytes[BODY..]));
        bytes[DIGITS].copy_from_slice(digits.as_bytes());
    }
}

/// A pack: its length, its manifest, its tiles, and last its header.
pub(crate) fn pack(bytes: &mut [u8]) {
    if bytes.len() < 48 {
        return;
    }
    let length = bytes.len() as u64;
    bytes[32..40].copy_from_slice(&length.to_le_bytes());
    let manifest_end = 48 + u32_at(bytes, 12) as usize;
    if let Some(text) = bytes.get_mut(48..manifest_end) {
        manifest(text);
    }
    let head = usize::try_from(u64_at(bytes, 24)).unwrap_or(usize::MAX);
    if !(48..=bytes.len()).contains(&head) {
        return;
    }
    for span in tiles(bytes, manifest_end.next_multiple_of(8), head) {
        if let Some(encoded) = bytes.get_mut(span) {
            tile(encoded);
        }
    }
    let sum = checksum_around(&bytes[..head], 40..48);
    bytes[40..48].copy_from_slice(&sum);
}

/// A world's checkpoint: bytes 8..16 are the checksum of what follows.
pub(crate) fn checkpoint(bytes: &mut [u8]) {
    if bytes.len() >= 16 {
        let sum = xxh3_64(&bytes[16..]);
        bytes[8..16].copy_from_slice(&sum.to_le_bytes());
    }
}

/// Where a pack says that its tiles are.
fn tiles(bytes: &[u8], tables: usize, head: usize) -> Vec<Range<usize>> {
    let Some(tables) = bytes.get(tables..head) else {
        return Vec::new();
    };
    let count = tables.len() / 24;
    let word = |n: usize| usize::try_from(u64_at(tables, 8 * n)).unwrap_or(usize::MAX);
    let span = |n: usize| word(count + n)..word(count + n).saturating_add(word(2 * count + n));
    (0..count).map(span).collect()
}

fn checksum_around(bytes: &[u8], hole: Range<usize>) -> [u8; 8] {
    let mut hash = Xxh3::new();
    hash.update(&bytes[..hole.start]);
    hash.update(&bytes[hole.end..]);
    hash.digest().to_le_bytes()
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(word)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}
