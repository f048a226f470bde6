//! How a globe is laid flat, and which part of the map is shown.

use clap::ValueEnum;
use spatial_core::{
    Ellipsoid, Equirectangular, Hemisphere, LambertAzimuthal, Mollweide, Orthographic, Planet,
    PolarStereographic, Projection, ProjectionError, Utm, WebMercator,
};

/// Degrees from the middle that a map reaches, at most: of those that have no end of their own.
const REACH_DEG: (f64, f64) = (0.001, 180.0);
/// Of the zones of UTM, which are long and narrow.
const UTM_REACH_DEG: f64 = 4.0;

#[derive(Debug, clap::Args)]
pub(super) struct FrameArgs {
    /// How the globe is laid flat
    #[arg(long, value_enum, default_value_t = Kind::Equirectangular)]
    projection: Kind,
    /// The place in the middle, degrees; of equirectangular and mollweide the longitude counts
    #[arg(long, num_args = 2, value_names = ["LAT", "LON"], allow_negative_numbers = true)]
    center: Option<Vec<f64>>,
    /// How far an azimuthal map or one of UTM reaches from its middle upwards and sideways, degrees
    #[arg(long, value_name = "DEGREES")]
    reach: Option<f64>,
    /// Zone of UTM, 1 to 60; without it that of the middle
    #[arg(long, value_name = "ZONE")]
    zone: Option<u8>,
    /// Which pole is in the middle of polar-stereographic, and where UTM's northings start
    #[arg(long, value_enum)]
    hemisphere: Option<Half>,
}

/// The projections.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Kind {
    /// Longitude across, latitude down, both to scale
    Equirectangular,
    /// The web's map, to 85° of latitude
    WebMercator,
    /// The whole globe in an ellipse, areas true
    Mollweide,
    /// The globe seen from far away
    Orthographic,
    /// Areas true around a place, up to the whole globe
    LambertAzimuthal,
    /// Angles true around a pole
    PolarStereographic,
    /// A part of a zone of the Universal Transverse Mercator grid
    Utm,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Half {
    North,
    South,
}

/// A part of a map.
pub(super) struct Frame {
    pub(super) projection: Box<dyn Projection + Sync>,
    pub(super) corner_m: (f64, f64), // upper left
    pub(super) width_m: f64,
    height_m: f64,
    /// Whether every point of it is a place.
    pub(super) is_filled: bool,
}

impl Frame {
    /// Rows of a picture with so many columns, of square pixels; at least one.
    pub(super) fn rows(&self, columns: u32) -> u32 {
        ((f64::from(columns) * self.height_m / self.width_m).round() as u32).max(1)
    }

    fn around(
        projection: impl Projection + Sync + 'static,
        (x_m, y_m): (f64, f64),
        half_m: (f64, f64),
    ) -> Self {
        Self {
            projection: Box::new(projection),
            corner_m: (x_m - half_m.0, y_m + half_m.1),
            width_m: 2.0 * half_m.0,
            height_m: 2.0 * half_m.1,
            is_filled: false,
        }
    }
}

impl FrameArgs {
    /// The part of the map that is asked for.
    ///
    /// # Errors
    /// What makes no sense together, in words.
    pub(super) fn frame(&self, planet: Planet) -> Result<Frame, String> {
        self.check()?;
        self.make(planet).map_err(|e| e.to_string())
    }

    /// Refuses what would not be looked at.
    fn check(&self) -> Result<(), String> {
        use Kind::{LambertAzimuthal, Orthographic, PolarStereographic, Utm, WebMercator};
        let refuse = |option: &str| Err(format!("--{option} says nothing of this projection"));
        let kind = self.projection;
        if self.center.iter().flatten().any(|deg| !deg.is_finite()) {
            return Err("--center: want a latitude and a longitude in degrees".to_owned());
        }
        if self.zone.is_some() && kind != Utm {
            return refuse("zone");
        }
        if self.hemisphere.is_some() && ![PolarStereographic, Utm].contains(&kind) {
            return refuse("hemisphere");
        }
        if self.center.is_some() && kind == WebMercator {
            return refuse("center");
        }
        let has_reach = [LambertAzimuthal, Orthographic, PolarStereographic, Utm].contains(&kind);
        match self.reach {
            Some(_) if !has_reach => refuse("reach"),
            Some(deg) if !(REACH_DEG.0..=REACH_DEG.1).contains(&deg) => Err(format!(
                "--reach {deg}: want {} to {} degrees",
                REACH_DEG.0, REACH_DEG.1
            )),
            _ => Ok(()),
        }
    }

    fn make(&self, planet: Planet) -> Result<Frame, ProjectionError> {
        use core::f64::consts::{PI, SQRT_2};
        let (radius_m, sphere) = (planet.radius_m(), Ellipsoid::sphere(planet));
        let (lat, lon) = self.middle(0.0);
        let square = |half_m: f64| (half_m, half_m);
        let reach = |most_deg: f64| self.reach.unwrap_or(most_deg).min(most_deg).to_radians();
        Ok(match self.projection {
            Kind::Equirectangular => {
                let map = Equirectangular::new(planet, lon, 0.0)?;
                let half_m = (PI * radius_m, PI / 2.0 * radius_m);
                Frame {
                    is_filled: true,
                    ..Frame::around(map, (0.0, 0.0), half_m)
                }
            }
            Kind::WebMercator => Frame {
                is_filled: true,
                ..Frame::around(WebMercator, (0.0, 0.0), square(WebMercator::TURN_M / 2.0))
            },
            Kind::Mollweide => {
                let half_m = SQRT_2 * radius_m;
                let map = Mollweide::new(planet, lon)?;
                Frame::around(map, (0.0, 0.0), (2.0 * half_m, half_m))
            }
            Kind::Orthographic => {
                let half_m = radius_m * reach(90.0).sin();
                Frame::around(
                    Orthographic::new(sphere, lat, lon)?,
                    (0.0, 0.0),
                    square(half_m),
                )
            }
            Kind::LambertAzimuthal => {
                let half_m = 2.0 * radius_m * (reach(180.0) / 2.0).sin();
                let map = LambertAzimuthal::new(sphere, lat, lon)?;
                Frame::around(map, (0.0, 0.0), square(half_m))
            }
            Kind::PolarStereographic => {
                let half_m = 2.0 * radius_m * (reach(90.0) / 2.0).tan();
                let map = PolarStereographic::with_scale(sphere, self.hemisphere(lat), lon, 1.0)?;
                Frame::around(map, (0.0, 0.0), square(half_m))
            }
            Kind::Utm => self.utm()?,
        })
    }

    fn utm(&self) -> Result<Frame, ProjectionError> {
        let (mut lat, mut lon) = self.middle(45.0);
        if self.center.is_none() {
            if let Some(zone) = self.zone {
                lon = 6.0 * f64::from(zone) - 183.0;
            }
            if self.hemisphere(lat) == Hemisphere::South {
                lat = -lat;
            }
        }
        let map = match self.zone {
            Some(zone) => Utm::new(zone, self.hemisphere(lat))?,
            None => Utm::new(Utm::of(lat, lon)?.zone(), self.hemisphere(lat))?,
        };
        // Its metres are those of WGS84, whatever the planet's size.
        let radius_m = Ellipsoid::WGS84.semi_major_m();
        let half_m = radius_m * self.reach.unwrap_or(UTM_REACH_DEG).to_radians();
        Ok(Frame::around(map, map.forward(lat, lon)?, (half_m, half_m)))
    }

    /// Latitude and longitude in the middle.
    fn middle(&self, lat_deg: f64) -> (f64, f64) {
        match self.center.as_deref() {
            Some([lat, lon]) => (*lat, *lon),
            _ => (lat_deg, 0.0),
        }
    }

    fn hemisphere(&self, lat_deg: f64) -> Hemisphere {
        match self.hemisphere {
            Some(Half::South) => Hemisphere::South,
            None if lat_deg < 0.0 => Hemisphere::South,
            _ => Hemisphere::North,
        }
    }
}
