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

/// A client tile: bytes 23..27 are the low half of the checksum of all others.
pub(crate) fn client_tile(bytes: &mut [u8]) {
    if bytes.len() >= 27 {
        let sum = checksum_around(bytes, 23..27);
        bytes[23..27].copy_from_slice(&sum[..4]);
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
    let tables = manifest_end.next_multiple_of(8);
    for (n, span) in tiles(bytes, tables, head).into_iter().enumerate() {
        if let Some(encoded) = bytes.get_mut(span) {
            tile(encoded);
            // Of what is no whole tile the table says nothing.
            let low_half: [u8; 4] = encoded
                .get(24..28)
                .map_or([0; 4], |s| [s[0], s[1], s[2], s[3]]);
            let at = tables + 8 * ((head - tables) / 22) + 4 * n;
            bytes[at..at + 4].copy_from_slice(&low_half);
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

/// A base's table of tiles: bytes 16..24 are the checksum of all others.
pub(crate) fn table(bytes: &mut [u8]) {
    if bytes.len() >= 24 {
        let sum = checksum_around(bytes, 16..24);
        bytes[16..24].copy_from_slice(&sum);
    }
}

/// Where the tiles of a pack of version 2 are by their lengths: the first behind the header, each at a multiple of 64.
fn tiles(bytes: &[u8], tables: usize, head: usize) -> Vec<Range<usize>> {
    let Some(tables) = bytes.get(tables..head) else {
        return Vec::new();
    };
    let count = tables.len() / 22;
    let mut end = head;
    let span = |n: usize| {
        let start = end.next_multiple_of(64);
        end = start.saturating_add(u32_at(tables, 18 * count + 4 * n) as usize);
        start..end
    };
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
