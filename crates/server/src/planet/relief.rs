//! A grid of heights of a whole planet: the source of an import.
//!
//! ```text
//! H rows from latitude −90° to 90°, W = 2·(H − 1) columns from longitude 0° eastwards, step 180°/(H − 1);
//! row-major i16, little-endian, metres; optionally compressed with zstd
//! ```

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail};
use spatial_core::{DVec3, Ecef, Planet};

/// Rows that a grid may have: down to a step of half an arc-minute.
const ROWS_MAX: usize = 21_601;

/// Heights on a grid of latitude and longitude.
pub(super) struct Relief {
    rows: usize,       // ≥ 2
    columns: usize,    // 2·(rows − 1)
    heights: Vec<i16>, // rows · columns
}

impl Relief {
    /// Reads a grid; a name that ends in `.zst` is decompressed.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let named = || path.display().to_string();
        let file = File::open(path).with_context(named)?;
        let bytes = if path.extension().is_some_and(|e| e == "zst") {
            let decoder = zstd::Decoder::new(file).with_context(named)?;
            read_bounded(decoder).with_context(named)?
        } else {
            read_bounded(file).with_context(named)?
        };
        Self::from_bytes(&bytes).with_context(named)
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let count = bytes.len() / 2;
        let rows = rows_of(count);
        if !bytes.len().is_multiple_of(2) || rows < 2 || 2 * rows * (rows - 1) != count {
            bail!(
                "{} bytes are no grid of i16 with 2·(rows − 1) columns: truncated, or not such a grid",
                bytes.len()
            );
        }
        let heights = bytes
            .chunks_exact(2)
            .map(|b| i16::from_le_bytes([b[0], b[1]]));
        Ok(Self {
            rows,
            columns: 2 * (rows - 1),
            heights: heights.collect(),
        })
    }

    /// Rows of the grid.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Columns of the grid.
    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// The bilinear height in a direction of length one, metres. The poles take longitude 0.
    pub(super) fn height_m(&self, direction: DVec3) -> Result<f64> {
        let [x, y, z] = direction.to_array();
        let at = Planet::EARTH.geodetic(Ecef::new(x, y, z)?);
        Ok(self.height_at(at.lat_deg(), at.lon_deg()))
    }

    /// The bilinear height at a latitude within ±90° and a longitude within ±360°.
    pub(super) fn height_at(&self, lat_deg: f64, lon_deg: f64) -> f64 {
        let (row, fy) = split(self.row_of(lat_deg), self.rows - 2);
        let (column, fx) = split(self.column_of(lon_deg), self.columns - 1);
        let east = (column + 1) % self.columns;
        let at = |row: usize, column: usize| f64::from(self.heights[row * self.columns + column]);
        let low = at(row, column) * (1.0 - fx) + at(row, east) * fx;
        let high = at(row + 1, column) * (1.0 - fx) + at(row + 1, east) * fx;
        low * (1.0 - fy) + high * fy
    }

    fn row_of(&self, lat_deg: f64) -> f64 {
        (lat_deg + 90.0) * (self.rows - 1) as f64 / 180.0
    }

    fn column_of(&self, lon_deg: f64) -> f64 {
        let lon_deg = if lon_deg < 0.0 {
            lon_deg + 360.0
        } else {
            lon_deg
        };
        lon_deg * (self.rows - 1) as f64 / 180.0
    }
}

/// x as the number of an interval, at most `last`, and how far into it x lies, 0 to 1.
fn split(x: f64, last: usize) -> (usize, f64) {
    let whole = x.floor().clamp(0.0, last as f64);
    (whole as usize, (x - whole).clamp(0.0, 1.0))
}

/// The only H for which 2·H·(H − 1) can be this number of heights.
fn rows_of(count: usize) -> usize {
    (0.5 + (0.25 + count as f64 / 2.0).sqrt()).round() as usize
}

fn read_bounded(source: impl Read) -> Result<Vec<u8>> {
    let bytes_max = 4 * ROWS_MAX * (ROWS_MAX - 1);
    let mut bytes = Vec::new();
    source.take(bytes_max as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > bytes_max {
        bail!("larger than a grid of {ROWS_MAX} rows");
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 5 rows, 8 columns, step 45°: height = 1000·row + 10·column.
    fn small() -> Relief {
        let heights = (0..40i16).flat_map(|k| (1_000 * (k / 8) + 10 * (k % 8)).to_le_bytes());
        Relief::from_bytes(&heights.collect::<Vec<u8>>()).unwrap()
    }

    #[test]
    fn grid_points_middles_and_the_seam() {
        let relief = small();
        assert_eq!(relief.height_at(-90.0, 0.0), 0.0);
        assert_eq!(relief.height_at(0.0, 90.0), 2_020.0);
        assert_eq!(relief.height_at(22.5, 67.5), 2_515.0);
        assert_eq!(relief.height_at(90.0, -45.0), 4_070.0);
        // Between the last column and the first.
        assert_eq!(relief.height_at(0.0, -22.5), 2_035.0);
        assert_eq!(relief.height_at(0.0, 360.0), relief.height_at(0.0, 0.0));
        assert_eq!(relief.height_at(0.0, 180.0), relief.height_at(0.0, -180.0));
    }

    #[test]
    fn directions_of_poles_and_axes() {
        let relief = small();
        for (direction, want) in [
            (DVec3::Z, 4_000.0),
            (DVec3::NEG_Z, 0.0),
            (DVec3::X, 2_000.0),
            (DVec3::NEG_X, 2_040.0),
        ] {
            assert_eq!(relief.height_m(direction).unwrap(), want, "{direction}");
        }
    }

    #[test]
    fn other_sizes_are_refused() {
        for bytes in [0, 1, 2, 79, 81, 82, 4_320 * 2_161 * 2 - 2] {
            assert!(Relief::from_bytes(&vec![0; bytes]).is_err(), "{bytes}");
        }
    }
}
