//! Grids of real relief: the SRTM tiles of the data folder, 1,201² each.

use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::DeflateDecoder;

/// Samples along a grid.
pub(crate) const SIDE: usize = 1_201;
const COUNT: usize = SIDE * SIDE;
const FILES: [&str; 5] = [
    "N00E010.hgt",
    "N00E011.hgt.zip",
    "N44W072.hgt",
    "S33W071.tif",
    "S36E149.tif",
];

/// A grid and its name.
pub(crate) struct Relief {
    pub(crate) name: &'static str,
    pub(crate) samples: Vec<i16>,
}

/// All five; `None` when one is not there. `BLUEMARBLE_DATA` names the folder that holds srtm3/, see scripts/env.sh.
pub(crate) fn all() -> Option<Vec<Relief>> {
    let folder = std::env::var_os("BLUEMARBLE_DATA").filter(|value| !value.is_empty())?;
    let folder = PathBuf::from(folder).join("srtm3");
    FILES.iter().map(|file| read(&folder, file)).collect()
}

fn read(folder: &Path, file: &'static str) -> Option<Relief> {
    let bytes = std::fs::read(folder.join(file)).ok()?;
    let samples = match file.rsplit('.').next()? {
        "hgt" => big_endian(&bytes),
        "zip" => big_endian(&first_of_zip(&bytes)?),
        _ => strips_of_tiff(&bytes)?,
    };
    let name = file.split('.').next()?;
    (samples.len() == COUNT).then_some(Relief { name, samples })
}

fn big_endian(bytes: &[u8]) -> Vec<i16> {
    let pairs = bytes.chunks_exact(2);
    pairs.map(|b| i16::from_be_bytes([b[0], b[1]])).collect()
}

/// The first file of an archive, deflated.
fn first_of_zip(bytes: &[u8]) -> Option<Vec<u8>> {
    let length = |at: usize| {
        Some(usize::from(u16::from_le_bytes([
            *bytes.get(at)?,
            *bytes.get(at + 1)?,
        ])))
    };
    let start = 30 + length(26)? + length(28)?;
    let mut out = Vec::new();
    DeflateDecoder::new(bytes.get(start..)?)
        .take(2 * COUNT as u64)
        .read_to_end(&mut out)
        .ok()?;
    Some(out)
}

/// Little-endian, uncompressed, 16 bits: what these files are.
fn strips_of_tiff(bytes: &[u8]) -> Option<Vec<i16>> {
    let u16_at = |at: usize| {
        Some(usize::from(u16::from_le_bytes(
            bytes.get(at..at + 2)?.try_into().ok()?,
        )))
    };
    let u32_at =
        |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize);
    let directory = u32_at(4)?;
    // A tag's numbers, of 2 or 4 bytes, in place or elsewhere.
    let numbers = |tag: usize| -> Option<Vec<usize>> {
        let entry = (0..u16_at(directory)?)
            .map(|k| directory + 2 + 12 * k)
            .find(|at| u16_at(*at) == Some(tag))?;
        let (size, count) = (
            if u16_at(entry + 2)? == 3 { 2 } else { 4 },
            u32_at(entry + 4)?,
        );
        let at = if size * count <= 4 {
            entry + 8
        } else {
            u32_at(entry + 8)?
        };
        let number = |k: usize| {
            if size == 2 {
                u16_at(at + 2 * k)
            } else {
                u32_at(at + 4 * k)
            }
        };
        (0..count).map(number).collect()
    };
    let mut samples = Vec::with_capacity(COUNT);
    for (offset, length) in numbers(273)?.into_iter().zip(numbers(279)?) {
        let strip = bytes.get(offset..offset.checked_add(length)?)?;
        samples.extend(
            strip
                .chunks_exact(2)
                .map(|b| i16::from_le_bytes([b[0], b[1]])),
        );
    }
    Some(samples)
}
