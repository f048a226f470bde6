//! The source grid, read and interpolated independently of the importer.

use std::path::PathBuf;

use spatial_core::DVec3;

const ROWS: usize = 2_161;
const COLUMNS: usize = 4_320;
const FILE: &str = "relief/etopo5_4320x2161_i16le.raw.zst";

pub(crate) struct Source {
    heights: Vec<i16>,
}

impl Source {
    /// The grid, or `None` (and a note) when this machine does not have it.
    pub(crate) fn open() -> Option<Self> {
        let Some(file) = Self::file() else {
            println!("skipped: no {FILE} in $BLUEMARBLE_DATA or ../shared/data");
            return None;
        };
        let bytes = zstd::decode_all(std::fs::File::open(file).expect("the file opens"))
            .expect("the source decompresses");
        assert_eq!(bytes.len(), 2 * ROWS * COLUMNS);
        let heights = bytes
            .chunks_exact(2)
            .map(|b| i16::from_le_bytes([b[0], b[1]]));
        Some(Self {
            heights: heights.collect(),
        })
    }

    pub(crate) fn file() -> Option<PathBuf> {
        let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data");
        let data = std::env::var_os("BLUEMARBLE_DATA").map_or(PathBuf::from(beside), PathBuf::from);
        Some(data.join(FILE)).filter(|file| file.exists())
    }

    /// Bilinear height in degrees.
    pub(crate) fn at_degrees(&self, lat: f64, lon: f64) -> f64 {
        let y = (lat + 90.0) * 12.0;
        let x = lon.rem_euclid(360.0) * 12.0;
        let (row, column) = ((y as usize).min(ROWS - 2), x as usize % COLUMNS);
        let (fy, fx) = (y - row as f64, x - x.floor());
        let at = |r: usize, c: usize| f64::from(self.heights[r * COLUMNS + c % COLUMNS]);
        at(row, column) * (1.0 - fx) * (1.0 - fy)
            + at(row, column + 1) * fx * (1.0 - fy)
            + at(row + 1, column) * (1.0 - fx) * fy
            + at(row + 1, column + 1) * fx * fy
    }

    pub(crate) fn at(&self, d: DVec3) -> f64 {
        let lat = d.z.atan2((d.x * d.x + d.y * d.y).sqrt()).to_degrees();
        self.at_degrees(lat, d.y.atan2(d.x).to_degrees())
    }
}

#[test]
fn the_sources_own_value_near_everest() {
    let Some(source) = Source::open() else { return };
    let height = source.at_degrees(27.95, 86.95);
    assert!((height - 5_802.8).abs() < 0.05, "{height}");
}
