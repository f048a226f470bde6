//! What a GeoTIFF's tags say about where its samples lie (OGC 19-008r4, "GeoTIFF 1.1").
//!
//! ```text
//! raster space (I, J)      pixel is area:  the sample (column, row) is at (column + ½, row + ½)
//!                          pixel is point: at (column, row)
//! tie point and scale      X = X₀ + (I − I₀)·sx, Y = Y₀ − (J − J₀)·sy
//! transformation           X = m₀ I + m₁ J + m₃, Y = m₄ I + m₅ J + m₇
//! ```

use super::error::ReliefFault;
use super::georef::{Crs, Georef};

/// The tags as they stand; empty where absent.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct GeoTags {
    pub(super) scale: Vec<f64>,          // 33550 ModelPixelScale
    pub(super) tie_points: Vec<f64>,     // 33922 ModelTiepoint
    pub(super) transformation: Vec<f64>, // 34264 ModelTransformation
    pub(super) keys: Vec<u16>,           // 34735 GeoKeyDirectory
}

const MODEL_TYPE: u16 = 1024;
const RASTER_TYPE: u16 = 1025;
const GEOGRAPHIC_TYPE: u16 = 2048;
const ANGULAR_UNITS: u16 = 2054;
const PROJECTED_TYPE: u16 = 3072;
const LINEAR_UNITS: u16 = 3076;
const VERTICAL_UNITS: u16 = 4099;
const DEGREE: u16 = 9102;
const METRE: u16 = 9001;

impl GeoTags {
    /// The lattice of the samples; `epsg` is the system where the keys name none.
    pub(super) fn georef(&self, epsg: Option<u32>) -> Result<Georef, ReliefFault> {
        self.check_units()?;
        let crs = self.crs(epsg)?;
        let inset = match self.key(RASTER_TYPE) {
            None | Some(1) => 0.5,
            Some(2) => 0.0,
            Some(_) => {
                let advice = "want 1 (area) or 2 (point)";
                return Err(unsupported("GeoKey 1025", "an unknown raster type", advice));
            }
        };
        let (origin, step) = self.affine()?;
        let [[a, b], [c, d]] = step;
        let first = [origin[0] + inset * (a + c), origin[1] + inset * (b + d)];
        Georef::general(crs, first, step)
    }

    fn affine(&self) -> Result<([f64; 2], [[f64; 2]; 2]), ReliefFault> {
        if let [m0, m1, _, m3, m4, m5, _, m7, ..] = self.transformation[..] {
            return Ok(([m3, m7], [[m0, m4], [m1, m5]]));
        }
        if self.tie_points.len() > 6 {
            return Err(unsupported(
                "tag 33922",
                "ground control points instead of one tie point",
                "rectify it with `gdalwarp`",
            ));
        }
        match (&self.tie_points[..], &self.scale[..]) {
            ([i, j, _, x, y, _], [sx, sy, ..]) => {
                let origin = [x - i * sx, y + j * sy];
                Ok((origin, [[*sx, 0.0], [0.0, -sy]]))
            }
            _ => Err(unsupported(
                "tags 33550, 33922 and 34264",
                "no georeference",
                "want a GeoTIFF: set it with `gdal_edit.py -a_ullr west north east south -a_srs EPSG:4326`",
            )),
        }
    }

    fn crs(&self, epsg: Option<u32>) -> Result<Crs, ReliefFault> {
        let key = match self.key(MODEL_TYPE) {
            Some(1) => self.key(PROJECTED_TYPE),
            Some(2) => self.key(GEOGRAPHIC_TYPE),
            None => self.key(PROJECTED_TYPE).or(self.key(GEOGRAPHIC_TYPE)),
            Some(_) => {
                let advice = "convert it with `gdalwarp -t_srs EPSG:4326`";
                return Err(unsupported(
                    "GeoKey 1024",
                    "neither projected nor geographic",
                    advice,
                ));
            }
        };
        // 0 is undefined, 32767 defined by other keys.
        match key.filter(|key| ![0, 32_767].contains(key)) {
            Some(key) => Crs::of_epsg(u32::from(key)),
            None => match epsg {
                Some(epsg) => Crs::of_epsg(epsg),
                None => Err(unsupported(
                    "GeoKeys 2048 and 3072",
                    "a coordinate system without an EPSG code",
                    "state the code, or convert it with `gdalwarp -t_srs EPSG:4326`",
                )),
            },
        }
    }

    fn check_units(&self) -> Result<(), ReliefFault> {
        for (key, unit, name) in [
            (ANGULAR_UNITS, DEGREE, "angles in no degrees"),
            (LINEAR_UNITS, METRE, "coordinates in no metres"),
            (VERTICAL_UNITS, METRE, "heights in no metres"),
        ] {
            if let Some(code) = self.key(key).filter(|code| *code != unit) {
                return Err(unsupported(
                    &format!("GeoKey {key}"),
                    &format!("{name} but in EPSG unit {code}"),
                    "convert it with `gdalwarp -t_srs EPSG:4326`, heights with `gdal_calc.py`",
                ));
            }
        }
        Ok(())
    }

    /// The value of a key that stands in the directory itself.
    fn key(&self, key: u16) -> Option<u16> {
        let entries = self.keys.get(4..)?.chunks_exact(4);
        let mut entries = entries.filter(|entry| entry[0] == key && entry[1] == 0);
        entries.next().map(|entry| entry[3])
    }
}

pub(super) fn unsupported(place: &str, what: &str, advice: &'static str) -> ReliefFault {
    ReliefFault::Unsupported {
        place: place.into(),
        what: what.into(),
        advice,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(keys: &[[u16; 2]]) -> GeoTags {
        let header = [1, 1, 0, keys.len() as u16];
        let entries = keys.iter().flat_map(|[key, value]| [*key, 0, 1, *value]);
        GeoTags {
            scale: vec![0.5, 0.25, 0.0],
            tie_points: vec![0.0, 0.0, 0.0, 10.0, 50.0, 0.0],
            transformation: Vec::new(),
            keys: header.into_iter().chain(entries).collect(),
        }
    }

    #[test]
    fn areas_and_points() {
        let at = |keys: &[[u16; 2]]| tags(keys).georef(None).unwrap().place([0.0, 0.0]);
        let area = at(&[[1024, 2], [1025, 1], [2048, 4326]]);
        assert_eq!(area, [10.25, 49.875]);
        assert_eq!(at(&[[2048, 4258]]), area);
        assert_eq!(at(&[[1025, 2], [2048, 4326]]), [10.0, 50.0]);
    }

    #[test]
    fn a_transformation_is_the_same() {
        let mut turned = tags(&[[2048, 4326]]);
        turned.transformation = vec![
            0.5, 0.0, 0.0, 10.0, 0.0, -0.25, 0.0, 50.0, 0.0, 0.0, 0.0, 0.0,
        ];
        assert_eq!(turned.georef(None), tags(&[[2048, 4326]]).georef(None));
        turned.transformation[1] = 0.1;
        let georef = turned.georef(None).unwrap();
        assert!(!georef.is_aligned());
        let step = georef.place([0.0, 1.0])[0] - georef.place([0.0, 0.0])[0];
        assert!((step - 0.1).abs() < 1e-12, "{step}");
    }

    #[test]
    fn what_is_not_read_is_named() {
        for (keys, words) in [
            (&[[1024, 1], [3072, 2056]][..], "EPSG:2056"),
            (&[[1024, 1], [3072, 32_767]], "without an EPSG code"),
            (&[[1024, 3], [2048, 4326]], "GeoKey 1024"),
            (&[[2048, 4326], [2054, 9101]], "GeoKey 2054"),
            (&[[2048, 4326], [4099, 9003]], "heights in no metres"),
            (&[[1025, 7], [2048, 4326]], "raster type"),
            (&[], "without an EPSG code"),
        ] {
            let error = tags(keys).georef(None).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
        assert!(tags(&[]).georef(Some(32_632)).is_ok());
        let mut points = tags(&[[2048, 4326]]);
        points.tie_points.extend([0.0; 6]);
        assert!(
            points
                .georef(None)
                .unwrap_err()
                .to_string()
                .contains("gdalwarp")
        );
        assert!(GeoTags::default().georef(Some(4326)).is_err());
    }
}
