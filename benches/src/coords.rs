//! Conversions of coordinates.

use spatial_core::{
    Axes, Ecef, EcefLanesMut, Frame, Geodetic, GeodeticLanes, Hemisphere, Planet, Position,
    Projection, Utm, Wgs84Ecef,
};

use crate::case::{Case, Size, hash_of};
use crate::seeded::Seeded;

/// As many as stay in the L2 cache with their results.
const COUNT: usize = 10_000;

const EARTH: Planet = Planet::EARTH;

fn places(size: Size) -> Vec<Ecef> {
    let mut seeded = Seeded(41);
    (0..size.of(COUNT))
        .map(|_| {
            let p = seeded.direction() * (EARTH.radius_m() + 10_000.0 * seeded.signed());
            Ecef::new(p.x, p.y, p.z).expect("it is near the surface")
        })
        .collect()
}

fn bits(place: Ecef) -> [u64; 3] {
    place.to_array().map(f64::to_bits)
}

fn geodetic_bits(at: Geodetic) -> [u64; 3] {
    [at.lat_rad(), at.lon_rad(), at.height_m()].map(f64::to_bits)
}

/// What goes in, what comes out, how, and what is hashed of it.
pub(crate) struct Batch<I, O> {
    input: Vec<I>,
    output: Vec<O>,
    convert: fn(&[I], &mut Vec<O>),
    bits: fn(&O) -> u64,
}

impl<I, O> Case for Batch<I, O> {
    fn operations(&self) -> u64 {
        self.input.len() as u64
    }

    fn run(&mut self) {
        (self.convert)(&self.input, &mut self.output);
    }

    fn hash(&self) -> u64 {
        hash_of(self.output.iter().map(self.bits))
    }
}

/// Latitudes, longitudes and heights to planet-centred coordinates.
pub(crate) fn geodetic_to_ecef(size: Size) -> Batch<Geodetic, Ecef> {
    let input: Vec<Geodetic> = places(size).iter().map(|p| EARTH.geodetic(*p)).collect();
    Batch {
        output: places(size),
        input,
        convert: |input, output| EARTH.ecef_batch(input, output),
        bits: |place| hash_of(bits(*place)),
    }
}

/// Planet-centred coordinates to latitudes, longitudes and heights.
pub(crate) fn ecef_to_geodetic(size: Size) -> Batch<Ecef, Geodetic> {
    let input = places(size);
    Batch {
        output: input.iter().map(|p| EARTH.geodetic(*p)).collect(),
        input,
        convert: |input, output| EARTH.geodetic_batch(input, output),
        bits: |at| hash_of(geodetic_bits(*at)),
    }
}

/// The same on the ellipsoid of WGS84.
pub(crate) fn wgs84_to_geodetic(size: Size) -> Batch<Wgs84Ecef, Geodetic> {
    let input: Vec<Wgs84Ecef> = places(size)
        .iter()
        .map(|p| Wgs84Ecef::from_planet(EARTH, *p))
        .collect();
    Batch {
        output: input.iter().map(|p| p.to_geodetic()).collect(),
        input,
        convert: |input, output| {
            for (p, at) in input.iter().zip(output) {
                *at = p.to_geodetic();
            }
        },
        bits: |at| hash_of(geodetic_bits(*at)),
    }
}

fn home() -> Axes {
    let at = Geodetic::from_degrees(45.0, 180.0, 0.0).expect("a place");
    *Frame::at(EARTH, EARTH.ecef(at)).axes()
}

fn positions(size: Size) -> Vec<Position> {
    let (mut seeded, frame) = (Seeded(42), home().id());
    let mut axis = || (seeded.bits() >> 32) as u32 as i32 >> 4;
    (0..size.of(COUNT))
        .map(|_| Position {
            frame,
            x: axis(),
            y: axis(),
            z: axis(),
        })
        .collect()
}

/// Grid positions of one frame to planet-centred coordinates.
pub(crate) fn position_to_ecef(size: Size) -> Batch<Position, Ecef> {
    Batch {
        input: positions(size),
        output: places(size),
        convert: |input, output| {
            home()
                .to_ecef_batch(input, output)
                .expect("all are at home");
        },
        bits: |place| hash_of(bits(*place)),
    }
}

/// Planet-centred coordinates to grid positions of one frame.
pub(crate) fn ecef_to_position(size: Size) -> Batch<Ecef, Position> {
    let output = positions(size);
    Batch {
        input: output.iter().map(|at| home().to_ecef(*at)).collect(),
        output,
        convert: |input, output| {
            home()
                .to_position_batch(input, output)
                .expect("all are near");
        },
        bits: |at| hash_of(at.xyz().map(|units| u64::from(units as u32))),
    }
}

/// Latitudes and longitudes to one zone of UTM.
pub(crate) fn utm(size: Size) -> Batch<(f64, f64), (f64, f64)> {
    let mut seeded = Seeded(43);
    Batch {
        input: (0..size.of(COUNT))
            .map(|_| (40.0 + 40.0 * seeded.signed(), 9.0 + 3.0 * seeded.signed()))
            .collect(),
        output: Vec::new(),
        convert: |input, output| {
            let map = Utm::new(32, Hemisphere::North).expect("a zone");
            output.clear();
            map.forward_batch(input, output).expect("all are within");
        },
        bits: |(x, y)| hash_of([x.to_bits(), y.to_bits()]),
    }
}

/// Lanes of latitudes, longitudes and heights to lanes of planet-centred coordinates.
pub(crate) struct Lanes {
    geodetic: [Vec<f64>; 3],
    ecef: [Vec<f64>; 3],
}

impl Lanes {
    pub(crate) fn new(size: Size) -> Self {
        let at: Vec<Geodetic> = places(size).iter().map(|p| EARTH.geodetic(*p)).collect();
        let lane = |value: fn(&Geodetic) -> f64| at.iter().map(value).collect::<Vec<f64>>();
        Self {
            geodetic: [
                lane(|at| at.lat_rad()),
                lane(|at| at.lon_rad()),
                lane(|at| at.height_m()),
            ],
            ecef: [(); 3].map(|()| vec![0.0; at.len()]),
        }
    }
}

impl Case for Lanes {
    fn operations(&self) -> u64 {
        self.geodetic[0].len() as u64
    }

    fn run(&mut self) {
        let [lat_rad, lon_rad, height_m] = &self.geodetic;
        let [x_m, y_m, z_m] = &mut self.ecef;
        let lanes = GeodeticLanes {
            lat_rad,
            lon_rad,
            height_m,
        };
        let out = EcefLanesMut { x_m, y_m, z_m };
        EARTH.ecef_lanes(lanes, out).expect("all are legal");
    }

    fn hash(&self) -> u64 {
        hash_of(self.ecef.iter().flatten().map(|v| v.to_bits()))
    }
}
