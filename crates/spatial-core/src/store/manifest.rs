//! What a planet is: a short JSON text that says it and vouches for itself.
//!
//! ```text
//! {
//!   "checksum": "0123456789abcdef",     xxh3-64, hexadecimal, of everything that follows this line's comma
//!   "format": 2,
//!   …
//! }
//! ```
//! The same bytes are `manifest.json` of a planet's folder and the first part of a pack.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::planet::Planet;
use crate::terrain::{InvalidLattice, LatticeSpec};

/// The format that is written; 1 is read as well, and lacks [`MissingTile::Coarser`].
const FORMAT: u32 = 2;
const FORMAT_OLDEST: u32 = 1;
const PREFIX: &str = "{\n  \"checksum\": \"";
const INFIX: &str = "\",\n";
const DIGITS: usize = 16;
/// Longer manifests are refused before they are read.
pub(crate) const BYTES_MAX: usize = 64 << 10;

/// What a planet is: its size, the lattice of its terrain, where the data came from.
#[derive(Clone, PartialEq, Debug)]
pub struct Manifest {
    format: u32, // FORMAT_OLDEST to FORMAT
    planet: Planet,
    lattice: LatticeSpec,
    missing: MissingTile,
    tiles: u64,
    sources: String,
    licence: String,
}

/// What it means that a tile is absent. There is room for more, such as one that is generated.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum MissingTile {
    /// Reading it is an error.
    Error,
    /// The ground is known no finer there: the nearest ancestor's samples answer. Every tile's parent is there, and
    /// all six faces' tiles are.
    Coarser,
}

impl Manifest {
    /// The manifest of a planet that holds every tile of its lattice.
    ///
    /// `sources` says where the data came from and `licence` what may be done with it, both in free text.
    pub fn new(planet: Planet, lattice: LatticeSpec, sources: &str, licence: &str) -> Self {
        Self {
            format: FORMAT,
            planet,
            lattice,
            missing: MissingTile::Error,
            tiles: lattice.tile_count(),
            sources: sources.to_owned(),
            licence: licence.to_owned(),
        }
    }

    /// The same planet with another number of stored tiles.
    pub fn with_tiles(mut self, tiles: u64) -> Self {
        self.tiles = tiles;
        self
    }

    /// The same planet, of which a missing tile means something else.
    pub fn with_missing(mut self, missing: MissingTile) -> Self {
        self.missing = missing;
        self.upgraded()
    }

    /// The same planet in the newest format.
    pub fn upgraded(mut self) -> Self {
        self.format = FORMAT;
        self
    }

    /// The format: that of everything the manifest stands for.
    pub fn format(&self) -> u32 {
        self.format
    }

    /// The planet's size.
    pub fn planet(&self) -> Planet {
        self.planet
    }

    /// The lattice of its terrain.
    pub fn lattice(&self) -> &LatticeSpec {
        &self.lattice
    }

    /// What a missing tile means.
    pub fn missing(&self) -> MissingTile {
        self.missing
    }

    /// How many tiles are stored.
    pub fn tiles(&self) -> u64 {
        self.tiles
    }

    /// Where the data came from.
    pub fn sources(&self) -> &str {
        &self.sources
    }

    /// What may be done with it.
    pub fn licence(&self) -> &str {
        &self.licence
    }

    /// The text, with its checksum.
    ///
    /// # Errors
    /// [`ManifestError::Length`] when the free texts are too long.
    pub fn encode(&self) -> Result<Vec<u8>, ManifestError> {
        let fields =
            serde_json::to_string_pretty(&Fields::of(self)).map_err(ManifestError::Json)?;
        let body = format!("{}\n", fields.trim_start_matches("{\n"));
        let checksum = xxh3_64(body.as_bytes());
        let text = format!("{PREFIX}{checksum:016x}{INFIX}{body}").into_bytes();
        if text.len() > BYTES_MAX {
            return Err(ManifestError::Length);
        }
        Ok(text)
    }

    /// Reads the text back.
    ///
    /// # Errors
    /// [`ManifestError`] for anything but what [`Manifest::encode`] writes.
    pub fn decode(text: &[u8]) -> Result<Self, ManifestError> {
        if text.len() > BYTES_MAX {
            return Err(ManifestError::Length);
        }
        let body = checked_body(text)?;
        let object = [b"{\n", body].concat();
        let Version { format } = serde_json::from_slice(&object).map_err(ManifestError::Json)?;
        if !(FORMAT_OLDEST..=FORMAT).contains(&format) {
            return Err(ManifestError::Version(format));
        }
        let fields: Fields = serde_json::from_slice(&object).map_err(ManifestError::Json)?;
        let manifest = fields.check()?;
        if manifest.encode()? != text {
            return Err(ManifestError::Spelling);
        }
        Ok(manifest)
    }
}

/// What follows the checksum, if the checksum is right.
fn checked_body(text: &[u8]) -> Result<&[u8], ManifestError> {
    let rest = text
        .strip_prefix(PREFIX.as_bytes())
        .ok_or(ManifestError::Checksum)?;
    let (digits, rest) = rest
        .split_at_checked(DIGITS)
        .ok_or(ManifestError::Checksum)?;
    let body = rest
        .strip_prefix(INFIX.as_bytes())
        .ok_or(ManifestError::Checksum)?;
    if digits == format!("{:016x}", xxh3_64(body)).as_bytes() {
        Ok(body)
    } else {
        Err(ManifestError::Checksum)
    }
}

#[derive(Deserialize)]
struct Version {
    format: u32,
}

/// The fields as they are written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    format: u32,
    radius_m: f64,
    levels: u8,
    intervals: u16,
    offset_m: f64,
    quantum_m: f64,
    missing: MissingTile,
    tiles: u64,
    sources: String,
    licence: String,
}

impl Fields {
    fn of(manifest: &Manifest) -> Self {
        Self {
            format: manifest.format,
            radius_m: manifest.planet.radius_m(),
            levels: manifest.lattice.levels(),
            intervals: manifest.lattice.intervals(),
            offset_m: manifest.lattice.offset_m(),
            quantum_m: manifest.lattice.quantum_m(),
            missing: manifest.missing,
            tiles: manifest.tiles,
            sources: manifest.sources.clone(),
            licence: manifest.licence.clone(),
        }
    }

    fn check(self) -> Result<Manifest, ManifestError> {
        let lattice = LatticeSpec::new(self.levels, self.intervals, self.offset_m, self.quantum_m)?;
        if self.tiles > lattice.tile_count() {
            return Err(ManifestError::Tiles(self.tiles));
        }
        if self.format < FORMAT && self.missing != MissingTile::Error {
            return Err(ManifestError::Missing(self.format));
        }
        Ok(Manifest {
            format: self.format,
            planet: Planet::new(self.radius_m).map_err(|_| ManifestError::Radius(self.radius_m))?,
            lattice,
            missing: self.missing,
            tiles: self.tiles,
            sources: self.sources,
            licence: self.licence,
        })
    }
}

/// Why a manifest is refused.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Its checksum is absent or wrong.
    #[error(
        "not a planet manifest, or damaged or edited: its checksum is wrong; import the planet again"
    )]
    Checksum,
    /// It was written by another version of the program.
    #[error(
        "manifest format {0} is not one of {FORMAT_OLDEST} to {FORMAT}: made by another version of the program; use that one or import again"
    )]
    Version(u32),
    /// It is too long.
    #[error("manifest is longer than {BYTES_MAX} bytes")]
    Length,
    /// It is not the JSON it should be.
    #[error("manifest: {0}")]
    Json(serde_json::Error),
    /// It says the same otherwise than this program writes it.
    #[error("manifest is not spelled as this program spells it; import the planet again")]
    Spelling,
    /// The lattice is not legal.
    #[error("manifest: {0}")]
    Lattice(#[from] InvalidLattice),
    /// The radius is not legal.
    #[error("manifest: radius_m {0} is not that of a planet")]
    Radius(f64),
    /// What a missing tile means cannot be said in the manifest's format.
    #[error("manifest: format {0} knows no other \"missing\" than \"error\"")]
    Missing(u32),
    /// More tiles than the lattice has.
    #[error("manifest: {0} tiles are more than the lattice has")]
    Tiles(u64),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn manifest() -> Manifest {
        let lattice = LatticeSpec::new(4, 128, -0.1, 0.3).unwrap();
        Manifest::new(Planet::EARTH, lattice, "a \"survey\"\n", "public domain")
    }

    fn sealed(body: &str) -> Vec<u8> {
        format!("{PREFIX}{:016x}{INFIX}{body}", xxh3_64(body.as_bytes())).into_bytes()
    }

    #[test]
    fn round_trip_of_valid_json() {
        let text = manifest().encode().unwrap();
        assert_eq!(Manifest::decode(&text).unwrap(), manifest());
        let json: serde_json::Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(json["radius_m"], 6_371_008.8);
        assert_eq!(json["missing"], "error");
    }

    #[test]
    fn every_flip_and_every_cut_is_refused() {
        let text = manifest().encode().unwrap();
        for at in 0..text.len() {
            let mut bad = text.clone();
            bad[at] ^= 1 << (at % 7);
            assert!(Manifest::decode(&bad).is_err(), "byte {at}");
            assert!(Manifest::decode(&text[..at]).is_err(), "cut {at}");
        }
    }

    #[test]
    fn other_formats_and_unknown_fields_are_refused() {
        let text = String::from_utf8(manifest().encode().unwrap()).unwrap();
        let body = text.split_once(INFIX).unwrap().1;
        let refused = |from: &str, to: &str| {
            assert!(body.contains(from));
            Manifest::decode(&sealed(&body.replace(from, to))).unwrap_err()
        };
        let newer = refused("\"format\": 2", "\"format\": 3, \"new\": 0");
        assert!(matches!(newer, ManifestError::Version(3)), "{newer}");
        assert!(newer.to_string().contains("another version of the program"));
        let later = refused("\"missing\": \"error\"", "\"missing\": \"generate\"");
        assert!(later.to_string().contains("generate"), "{later}");
        let unknown = refused("\"levels\"", "\"depth\"");
        assert!(unknown.to_string().contains("depth"), "{unknown}");
        assert!(
            refused("\"levels\": 4", "\"levels\": 40")
                .to_string()
                .contains("40")
        );
        assert!(refused("6371008.8", "1.0").to_string().contains("radius_m"));
        assert!(
            refused("\"tiles\": 510", "\"tiles\": 511")
                .to_string()
                .contains("511")
        );
        assert!(Manifest::decode(&sealed(body)).is_ok());
    }

    /// The same values spelled otherwise, under a right checksum: one planet has one manifest.
    #[test]
    fn another_spelling_is_refused() {
        let text = String::from_utf8(manifest().encode().unwrap()).unwrap();
        let body = text.split_once(INFIX).unwrap().1;
        for (from, to) in [
            ("\"levels\": 4", "\"levels\":4"),
            ("6371008.8", "6371008.80"),
            ("6371008.8", "6.3710088e6"),
            ("public domain", "public dom\\u0061in"),
            ("}\n", "}"),
        ] {
            let other = body.replace(from, to);
            assert_ne!(other, body, "{from}");
            let error = Manifest::decode(&sealed(&other)).unwrap_err();
            assert!(matches!(error, ManifestError::Spelling), "{to}: {error}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

        /// Every legal number is read back bit for bit.
        #[test]
        fn numbers_round_trip(
            radius_m in Planet::RADIUS_M,
            offset_m in -LatticeSpec::OFFSET_MAX_M..=LatticeSpec::OFFSET_MAX_M,
            tiny_m in -1e-3..1e-3,
            quantum_m in LatticeSpec::QUANTUM_M,
        ) {
            for offset_m in [offset_m, tiny_m * tiny_m * tiny_m] {
                let lattice = LatticeSpec::new(3, 16, offset_m, quantum_m).unwrap();
                let planet = Planet::new(radius_m).unwrap();
                let written = Manifest::new(planet, lattice, "s", "l");
                let read = Manifest::decode(&written.encode().unwrap()).unwrap();
                let bits = |m: &Manifest| {
                    let (p, l) = (m.planet().radius_m(), m.lattice());
                    [p, l.offset_m(), l.quantum_m()].map(f64::to_bits)
                };
                prop_assert_eq!(bits(&read), bits(&written));
            }
        }
    }
}
