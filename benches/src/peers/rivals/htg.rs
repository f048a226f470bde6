//! The crate htg: heights out of .hgt files.

use std::path::Path;

use htg::SrtmService;

pub(crate) const NAME: &str = "htg 0.4.0";

/// Heights of a folder of files, each of which is read when it is first met.
pub(crate) struct Files(SrtmService);

impl Files {
    pub(crate) fn open(folder: &Path) -> Self {
        Self(SrtmService::new(folder, 4))
    }

    /// Bilinear, metres.
    pub(crate) fn height_m(&self, [lat_deg, lon_deg]: [f64; 2]) -> f64 {
        let found = self.0.get_elevation_interpolated(lat_deg, lon_deg);
        found.ok().flatten().unwrap_or(f64::NAN)
    }

    /// The same of many.
    pub(crate) fn heights_m(&self, degrees: &[(f64, f64)]) -> Vec<f64> {
        self.0.get_elevations_batch_interpolated(degrees, f64::NAN)
    }
}
