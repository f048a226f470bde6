//! What the fuzz targets do with their bytes.
//!
//! The first byte of an input says what the rest is. Where bytes are protected by a checksum or signature, some
//! values of it seal the rest first, so that what is behind is reached. `run` returns whether the bytes were
//! accepted: the tests see to it that every seed is.

pub mod cell;
pub mod client_tile;
pub mod columns;
pub mod geojson;
pub mod journal;
pub mod relief;
mod seal;
pub mod tile;
pub mod token;
pub mod validator;
pub mod wire;

/// A fuzz target.
pub struct Target {
    /// Its name, and that of the folder of its seeds.
    pub name: &'static str,
    /// Its body.
    pub run: fn(&[u8]) -> bool,
    /// What the real encoders write: name of the file and content.
    pub seeds: fn() -> Vec<(&'static str, Vec<u8>)>,
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target {
        name: "cell",
        run: cell::run,
        seeds: cell::seeds,
    },
    Target {
        name: "client_tile",
        run: client_tile::run,
        seeds: client_tile::seeds,
    },
    Target {
        name: "columns",
        run: columns::run,
        seeds: columns::seeds,
    },
    Target {
        name: "geojson",
        run: geojson::run,
        seeds: geojson::seeds,
    },
    Target {
        name: "geotiff",
        run: relief::geotiff,
        seeds: relief::geotiff_seeds,
    },
    Target {
        name: "grid",
        run: relief::grid,
        seeds: relief::grid_seeds,
    },
    Target {
        name: "hgt",
        run: relief::hgt,
        seeds: relief::hgt_seeds,
    },
    Target {
        name: "journal",
        run: journal::run,
        seeds: journal::seeds,
    },
    Target {
        name: "picture",
        run: relief::picture,
        seeds: relief::picture_seeds,
    },
    Target {
        name: "tile",
        run: tile::run,
        seeds: tile::seeds,
    },
    Target {
        name: "token",
        run: token::run,
        seeds: token::seeds,
    },
    Target {
        name: "validator",
        run: validator::run,
        seeds: validator::seeds,
    },
    Target {
        name: "wire",
        run: wire::run,
        seeds: wire::seeds,
    },
];

/// A seed: what the first byte says, and the rest.
fn seed(kind: u8, rest: &[u8]) -> Vec<u8> {
    [&[kind], rest].concat()
}

/// Chunks with their length before them, u16 little-endian; the last may be cut short.
fn chunks(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    core::iter::from_fn(move || {
        let (length, rest) = bytes.split_first_chunk()?;
        let length = usize::from(u16::from_le_bytes(*length)).min(rest.len());
        let (chunk, rest) = rest.split_at(length);
        bytes = rest;
        Some(chunk)
    })
}

/// The inverse of [`chunks`].
fn chunked<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut out = Vec::new();
    for part in parts {
        let length = u16::try_from(part.len()).expect("seeds are a few KB");
        out.extend(length.to_le_bytes());
        out.extend(part);
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::{fs, path::Path};

    use super::*;

    #[test]
    fn every_seed_is_accepted() {
        for target in TARGETS {
            for (name, bytes) in (target.seeds)() {
                assert!((target.run)(&bytes), "{}/{name}", target.name);
            }
        }
    }

    #[test]
    fn committed_seeds_are_what_the_encoders_write_now() {
        for target in TARGETS {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("seeds")
                .join(target.name);
            let committed: BTreeMap<String, Vec<u8>> = fs::read_dir(folder)
                .unwrap()
                .map(|entry| entry.unwrap())
                .map(|e| {
                    (
                        e.file_name().into_string().unwrap(),
                        fs::read(e.path()).unwrap(),
                    )
                })
                .collect();
            let now: BTreeMap<String, Vec<u8>> = (target.seeds)()
                .into_iter()
                .map(|(name, bytes)| (name.to_owned(), bytes))
                .collect();
            assert!(
                committed == now,
                "{}: run `cargo run --manifest-path fuzz/Cargo.toml --example seeds`",
                target.name
            );
        }
    }

    /// What nightly does better, everywhere: cuts and flips of every seed.
    #[test]
    fn nothing_panics_on_cut_or_flipped_seeds() {
        for target in TARGETS {
            for (_, bytes) in (target.seeds)() {
                let stride = bytes.len().div_ceil(400);
                for at in (0..bytes.len()).step_by(stride) {
                    (target.run)(&bytes[..at]);
                    let mut flipped = bytes.clone();
                    flipped[at] ^= 1 << (at / stride % 8);
                    (target.run)(&flipped);
                }
            }
        }
    }
}
