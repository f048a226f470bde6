//! Conversions between the kinds of coordinates, single and batched.

use std::f64::consts::{FRAC_PI_2, PI};

use spatial_core::{
    BatchError, CoordError, Ecef, EcefLanes, EcefLanesMut, Frame, Geodetic, GeodeticLanes,
    GeodeticLanesMut, Planet, Position, UNITS_PER_M,
};

use crate::world::Random;

/// Points of the tests that have a full size; `scripts/test-full.sh` asks for more.
pub(crate) fn points(cheap: u64) -> u64 {
    match std::env::var("COORDS_POINTS") {
        Ok(text) => text.parse().expect("COORDS_POINTS is a number"),
        Err(_) => cheap,
    }
}

/// A fifth at poles, antimeridian, cube edges and corners; heights −12 to +100 km, some at the ends.
fn any_place(random: &mut Random, planet: Planet) -> Ecef {
    let height_m = match random.below(8) {
        0 => -12_000.0,
        1 => 100_000.0,
        2 => 0.0,
        _ => random.between(-12_000.0, 100_000.0),
    };
    let p = random.any_direction() * (planet.radius_m() + height_m);
    Ecef::new(p.x, p.y, p.z).unwrap()
}

#[test]
fn ecef_to_geodetic_and_back_is_within_4_nm_an_axis() {
    let (seed, earth) = (301, Planet::EARTH);
    let mut random = Random::new(seed);
    let mut worst = 0.0f64;
    for n in 0..points(100_000) {
        let place = any_place(&mut random, earth);
        let at = earth.geodetic(place);
        let again =
            Geodetic::from_radians(at.lat_rad(), at.lon_rad(), at.height_m()).expect("it is one");
        assert_eq!(again, at);
        let off = (earth.ecef(again).to_vec() - place.to_vec())
            .abs()
            .max_element();
        assert!(off <= 4e-9, "seed {seed}, point {n}: {off} m at {at:?}");
        worst = worst.max(off);
    }
    // An error of nothing would mean that nothing was compared.
    assert!(worst > 0.5e-9, "{worst}");
}

/// Columns of Cartesian coordinates that the angles of special places must give.
#[test]
fn special_places_are_where_they_should_be() {
    let earth = Planet::EARTH;
    let r = earth.radius_m();
    for (lat, lon, want) in [
        (0.0, 0.0, [r, 0.0, 0.0]),
        (0.0, 90.0, [0.0, r, 0.0]),
        (0.0, -180.0, [-r, 0.0, 0.0]),
        (0.0, 270.0, [0.0, -r, 0.0]),
        (90.0, 123.0, [0.0, 0.0, r]),
        (-90.0, -77.0, [0.0, 0.0, -r]),
    ] {
        let place = earth.ecef(Geodetic::from_degrees(lat, lon, 0.0).unwrap());
        let want = Ecef::new(want[0], want[1], want[2]).unwrap();
        assert!(place.distance_m(want) < 2e-9, "{lat} {lon}");
    }
    let pole = earth.geodetic(Ecef::new(0.0, 0.0, -r - 5.0).unwrap());
    assert_eq!((pole.lat_rad(), pole.lon_rad()), (-FRAC_PI_2, 0.0));
    assert_eq!(pole.height_m(), 5.0);
    let antimeridian = earth.geodetic(Ecef::new(-r, -0.0, 0.0).unwrap());
    assert_eq!(antimeridian.lon_rad(), -PI);
    let centre = earth.geodetic(Ecef::new(0.0, 0.0, 0.0).unwrap());
    assert_eq!((centre.lat_rad(), centre.lon_rad()), (0.0, 0.0));
    assert_eq!(centre.height_m(), -r);
    assert_eq!(earth.ecef(centre).to_array(), [0.0; 3]);
}

#[test]
fn batches_answer_as_singles_do() {
    let (seed, planet) = (302, Planet::EARTH);
    let mut random = Random::new(seed);
    let places: Vec<Ecef> = (0..1_003).map(|_| any_place(&mut random, planet)).collect();
    let want: Vec<Geodetic> = places.iter().map(|place| planet.geodetic(*place)).collect();
    let mut at = vec![want[0]; places.len()];
    planet.geodetic_batch(&places, &mut at);
    assert_eq!(at, want);

    let mut there = vec![places[0]; places.len()];
    planet.ecef_batch(&at, &mut there);
    let there_want: Vec<Ecef> = want.iter().map(|at| planet.ecef(*at)).collect();
    assert_eq!(there, there_want);

    let axis = |k: usize| -> Vec<f64> { places.iter().map(|p| p.to_array()[k]).collect() };
    let ([x, y, z], mut lat, mut lon, mut height) = (
        [0, 1, 2].map(axis),
        vec![0.0; 1_003],
        vec![0.0; 1_003],
        vec![0.0; 1_003],
    );
    let lanes = EcefLanes {
        x_m: &x,
        y_m: &y,
        z_m: &z,
    };
    let out = GeodeticLanesMut {
        lat_rad: &mut lat,
        lon_rad: &mut lon,
        height_m: &mut height,
    };
    planet.geodetic_lanes(lanes, out).unwrap();
    for (n, at) in want.iter().enumerate() {
        assert_eq!(
            [lat[n], lon[n], height[n]],
            [at.lat_rad(), at.lon_rad(), at.height_m()]
        );
    }
    let (mut x, mut y, mut z) = (x, y, z);
    let lanes = GeodeticLanes {
        lat_rad: &lat,
        lon_rad: &lon,
        height_m: &height,
    };
    let out = EcefLanesMut {
        x_m: &mut x,
        y_m: &mut y,
        z_m: &mut z,
    };
    planet.ecef_lanes(lanes, out).unwrap();
    for (n, place) in there_want.iter().enumerate() {
        assert_eq!([x[n], y[n], z[n]], place.to_array());
    }
}

#[test]
fn lanes_name_the_first_offender_and_change_nothing() {
    let earth = Planet::EARTH;
    for (index, lat, lon, height, error) in [
        (3, 1.6, 0.0, 0.0, CoordError::Latitude(1.6f64.to_degrees())),
        (
            0,
            0.0,
            -10.0,
            0.0,
            CoordError::Longitude((-10.0f64).to_degrees()),
        ),
        (4, 0.0, 0.0, 1e10, CoordError::Height(1e10)),
    ] {
        let (mut lats, mut lons, mut heights) = ([0.1; 5], [0.2; 5], [0.3; 5]);
        // The last one is refused too, and is not the first.
        (lats[4], lats[index], lons[index], heights[index]) = (-2.0, lat, lon, height);
        if index == 4 {
            lats[4] = lat;
        }
        let (mut x, mut y, mut z) = ([7.0; 5], [8.0; 5], [9.0; 5]);
        let lanes = GeodeticLanes {
            lat_rad: &lats,
            lon_rad: &lons,
            height_m: &heights,
        };
        let out = EcefLanesMut {
            x_m: &mut x,
            y_m: &mut y,
            z_m: &mut z,
        };
        assert_eq!(
            earth.ecef_lanes(lanes, out),
            Err(BatchError { index, error })
        );
        assert_eq!((x, y, z), ([7.0; 5], [8.0; 5], [9.0; 5]));
    }
    let (mut lat, mut lon, mut height) = ([7.0; 3], [8.0; 3], [9.0; 3]);
    let lanes = EcefLanes {
        x_m: &[1.0; 3],
        y_m: &[1.0, f64::INFINITY, f64::NAN],
        z_m: &[1.0; 3],
    };
    let out = GeodeticLanesMut {
        lat_rad: &mut lat,
        lon_rad: &mut lon,
        height_m: &mut height,
    };
    let error = CoordError::Ecef([1.0, f64::INFINITY, 1.0]);
    assert_eq!(
        earth.geodetic_lanes(lanes, out),
        Err(BatchError { index: 1, error })
    );
    assert_eq!((lat, lon, height), ([7.0; 3], [8.0; 3], [9.0; 3]));
}

#[test]
fn frame_batches_answer_as_singles_do_and_refuse_the_first_stranger() {
    let (seed, earth) = (303, Planet::EARTH);
    let mut random = Random::new(seed);
    let home = earth.ecef(Geodetic::from_degrees(45.0, 180.0, 0.0).unwrap());
    let axes = *Frame::at(earth, home).axes();
    let grid = |random: &mut Random| Position {
        frame: axes.id(),
        x: random.next() as i32,
        y: random.next() as i32,
        z: random.next() as i32,
    };
    let positions: Vec<Position> = (0..999).map(|_| grid(&mut random)).collect();
    let mut places = vec![home; 999];
    axes.to_ecef_batch(&positions, &mut places).unwrap();
    for (at, place) in positions.iter().zip(&places) {
        assert_eq!(*place, axes.to_ecef(*at));
    }
    let mut again = vec![Position::default(); 999];
    axes.to_position_batch(&places, &mut again).unwrap();
    assert_eq!(again, positions);

    let mut strange = positions.clone();
    strange[700].frame = Frame::at(earth, Ecef::new(1.0, 0.0, 0.0).unwrap()).id();
    strange[900].frame = strange[700].frame;
    let error = CoordError::Frame(strange[700].frame.0);
    let before = places.clone();
    let refused = axes.to_ecef_batch(&strange, &mut places);
    assert_eq!(
        (refused, &places),
        (Err(BatchError { index: 700, error }), &before)
    );

    let up = axes.units()[2] * (40_000.0 + 1.0 / UNITS_PER_M) + home.to_vec();
    places[5] = Ecef::new(up.x, up.y, up.z).unwrap();
    let error = CoordError::OutOfFrame;
    let refused = axes.to_position_batch(&places, &mut again);
    assert_eq!(
        (refused, &again),
        (Err(BatchError { index: 5, error }), &positions)
    );
}
