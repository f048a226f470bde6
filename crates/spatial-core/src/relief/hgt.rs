//! SRTM's `.hgt`: a square of one degree, plain or zipped.
//!
//! ```text
//! 1,201² or 3,601² i16, big-endian, metres; first row north; edges are shared with the neighbours; −32,768 (and −32,767) is void
//! name: N44W072… is the south-west corner
//! ```

use std::io::Read;

use super::bytes::Bytes;
use super::error::ReliefFault;
use super::georef::{Crs, Georef};
use super::raster::{Raster, Shape};
use super::raw::{RawRaster, Sample, samples};

const SIDES: [u32; 2] = [1_201, 3_601];

/// Opens a plain tile.
pub(super) fn open(name: &str, bytes: Bytes) -> Result<(Box<dyn Raster>, Georef), ReliefFault> {
    let side = side_of(bytes.len()?)?;
    let place = georef(name, side)?;
    let raster = RawRaster::new(bytes, 0, [side, side], sample(), false)?;
    Ok((Box::new(raster), place))
}

/// Opens a zipped tile: the one entry of the archive that is called `.hgt`.
pub(super) fn open_zip(name: &str, bytes: Bytes) -> Result<(Box<dyn Raster>, Georef), ReliefFault> {
    let mut archive = archive(&bytes)?;
    let name_of = |n: usize| Some(archive.name_for_index(n)?.ok()?.into_owned());
    let is_hgt = |entry: &str| entry.to_ascii_lowercase().ends_with(".hgt");
    let (entry, inner) = (0..archive.len())
        .filter_map(|n| Some((n, name_of(n)?)))
        .find(|(_, entry)| is_hgt(entry))
        .ok_or(ReliefFault::Name(
            "an entry that is called .hgt in the archive",
        ))?;
    let claimed = archive.by_index(entry).map_err(|e| damaged(&e))?.size();
    let side = side_of(claimed)?;
    let place = georef(&inner, side).or_else(|_| georef(name, side))?;
    let shape = Shape::new([side, side], [side, side])?;
    let raster = Zipped {
        bytes,
        entry,
        shape,
    };
    Ok((Box::new(raster), place))
}

struct Zipped {
    bytes: Bytes,
    entry: usize,
    shape: Shape, // one chunk: what is deflated can only be read as a whole
}

impl Raster for Zipped {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn decode(&self, _: u32) -> Result<Vec<f32>, ReliefFault> {
        let mut archive = archive(&self.bytes)?;
        let file = archive.by_index(self.entry).map_err(|e| damaged(&e))?;
        let side = u64::from(self.shape.width);
        let want = 2 * side * side;
        let mut bytes = Vec::with_capacity(want as usize);
        let inflated = file.take(want + 1).read_to_end(&mut bytes);
        inflated.map_err(|e| damaged(&e))?;
        if bytes.len() as u64 != want {
            let message = format!("{} bytes or more instead of {want}", bytes.len());
            return Err(damaged(&message));
        }
        Ok(samples(&bytes, &sample()))
    }
}

fn archive(
    bytes: &Bytes,
) -> Result<zip::ZipArchive<std::io::BufReader<super::bytes::ByteReader>>, ReliefFault> {
    zip::ZipArchive::new(std::io::BufReader::new(bytes.reader())).map_err(|e| damaged(&e))
}

fn damaged(message: &dyn std::fmt::Display) -> ReliefFault {
    ReliefFault::damaged("zip archive", message)
}

fn sample() -> Sample {
    Sample {
        voids: [Some(-32_768.0), Some(-32_767.0)],
        ..Sample::i16_be()
    }
}

fn side_of(bytes: u64) -> Result<u32, ReliefFault> {
    let mut sides = SIDES.into_iter();
    let side = sides.find(|side| 2 * u64::from(*side) * u64::from(*side) == bytes);
    side.ok_or(ReliefFault::Length {
        bytes,
        want: "a .hgt of 1,201² samples has 2,884,802 and one of 3,601² has 25,934,402".into(),
    })
}

fn georef(path: &str, side: u32) -> Result<Georef, ReliefFault> {
    const WANT: &str = "the south-west corner in front, as in N44W072.hgt";
    let [south, west] = corner(path).ok_or(ReliefFault::Name(WANT))?;
    let per = f64::from(side - 1);
    Georef::aligned(Crs::Degrees, [west, south + 1.0], [per, -per])
}

/// South and west of a name like `N44W072.SRTMGL1.hgt`, degrees.
fn corner(path: &str) -> Option<[f64; 2]> {
    let name = path.rsplit(['/', '\\']).next()?;
    let number = |range: core::ops::Range<usize>| {
        let digits = name.get(range)?;
        let is_number = digits.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| digits.parse::<f64>().ok())?
    };
    let sign = |at: usize, plus: &str, minus: &str| {
        let letter = name.get(at..at + 1)?.to_ascii_uppercase();
        match letter {
            l if l == plus => Some(1.0),
            l if l == minus => Some(-1.0),
            _ => None,
        }
    };
    let south = sign(0, "N", "S")? * number(1..3)?;
    let west = sign(3, "E", "W")? * number(4..7)?;
    let is_name = !name
        .get(7..8)
        .is_some_and(|next| next.bytes().all(|b| b.is_ascii_digit()));
    let is_place = (-90.0..=89.0).contains(&south) && (-180.0..=179.0).contains(&west);
    (is_name && is_place).then_some([south, west])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_corners() {
        for (name, want) in [
            ("N44W072.hgt", Some([44.0, -72.0])),
            ("dir/s33w071.SRTMGL1.hgt.zip", Some([-33.0, -71.0])),
            ("N00E179.hgt", Some([0.0, 179.0])),
            ("S90W180.hgt", Some([-90.0, -180.0])),
            ("N90E000.hgt", None),
            ("N00E180.hgt", None),
            ("N44W0721.hgt", None),
            ("N4xW072.hgt", None),
            ("Ñ44W072.hgt", None),
            ("N+4W072.hgt", None),
            ("N44", None),
            ("", None),
        ] {
            assert_eq!(corner(name), want, "{name}");
        }
    }
}
