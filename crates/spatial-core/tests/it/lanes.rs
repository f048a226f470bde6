//! Every batched conversion against its single twin: the same bits, the first offender named, nothing written before.

use std::f64::consts::FRAC_PI_2;

use spatial_core::{
    BatchError, CellId, CoordError, DQuat, DVec3, Ecef, EcefLanes, EcefLanesMut, EntityId, Frame,
    FrameChange, FrameError, FrameId, Frames, Geodetic, GeodeticLanes, GeodeticLanesMut,
    InvalidFaceIj, InvalidFaceUv, Planet, Pose, Position, PositionLanes, PositionLanesMut,
    Wgs84Ecef, direction_to_face_uv, direction_to_face_uv_lanes, face_uv_to_direction,
    face_uv_to_direction_lanes, ij_to_st, ij_to_st_lanes, st_to_ij, st_to_ij_lanes, st_to_uv,
    st_to_uv_lanes, uv_to_st, uv_to_st_lanes,
};

use crate::world::Random;

const EARTH: Planet = Planet::EARTH;
/// More than one chunk, and a remainder.
const COUNT: usize = 1_003;

/// Runs of neighbours that share frames, and strangers; a fifth at poles, antimeridian, cube edges and corners.
fn places(random: &mut Random, planet: Planet) -> Vec<Ecef> {
    let mut around = random.any_direction();
    let place = |_| {
        if random.below(3) == 0 {
            around = random.any_direction();
        }
        let height_m = match random.below(8) {
            0 => -32_700.0f64.min(planet.radius_m()),
            1 => 32_700.0,
            2 => -0.999 * planet.radius_m().min(32_000.0),
            _ => random.between(-12_000.0, 30_000.0).max(-planet.radius_m()),
        };
        let step = random.direction() * random.between(0.0, 3_000.0);
        let p = (around * planet.radius_m() + step).normalize() * (planet.radius_m() + height_m);
        Ecef::new(p.x, p.y, p.z).unwrap()
    };
    (0..COUNT).map(place).collect()
}

fn axes(places: &[Ecef]) -> [Vec<f64>; 3] {
    [0, 1, 2].map(|axis| places.iter().map(|p| p.to_array()[axis]).collect())
}

fn ecef_lanes([x_m, y_m, z_m]: &[Vec<f64>; 3]) -> EcefLanes<'_> {
    EcefLanes { x_m, y_m, z_m }
}

fn ecef_lanes_mut([x_m, y_m, z_m]: &mut [Vec<f64>; 3]) -> EcefLanesMut<'_> {
    EcefLanesMut { x_m, y_m, z_m }
}

fn geodetic_axes(at: &[Geodetic]) -> [Vec<f64>; 3] {
    let of: [fn(&Geodetic) -> f64; 3] = [|at| at.lat_rad(), |at| at.lon_rad(), |at| at.height_m()];
    of.map(|of| at.iter().map(of).collect())
}

fn geodetic_lanes([lat_rad, lon_rad, height_m]: &[Vec<f64>; 3]) -> GeodeticLanes<'_> {
    GeodeticLanes {
        lat_rad,
        lon_rad,
        height_m,
    }
}

fn geodetic_lanes_mut([lat_rad, lon_rad, height_m]: &mut [Vec<f64>; 3]) -> GeodeticLanesMut<'_> {
    GeodeticLanesMut {
        lat_rad,
        lon_rad,
        height_m,
    }
}

/// Positions as lanes of their own.
#[derive(Clone, PartialEq, Debug)]
struct Positions {
    frame: Vec<FrameId>,
    units: [Vec<i32>; 3],
}

impl Positions {
    fn new(positions: &[Position]) -> Self {
        Self {
            frame: positions.iter().map(|at| at.frame).collect(),
            units: [0, 1, 2].map(|axis| positions.iter().map(|at| at.xyz()[axis]).collect()),
        }
    }

    fn lanes(&self) -> PositionLanes<'_> {
        let (frame, [x, y, z]) = (&self.frame, &self.units);
        PositionLanes { frame, x, y, z }
    }

    fn lanes_mut(&mut self) -> PositionLanesMut<'_> {
        let (frame, [x, y, z]) = (&mut self.frame, &mut self.units);
        PositionLanesMut { frame, x, y, z }
    }
}

#[test]
fn positions_and_places_in_batches_are_those_of_single_calls() {
    let (seed, planets) = (331, [6_371_008.8, 10_000.0, 1e8]);
    let mut random = Random::new(seed);
    for planet in planets.map(|radius_m| Planet::new(radius_m).unwrap()) {
        let places = places(&mut random, planet);
        let want: Vec<_> = places
            .iter()
            .map(|p| planet.position(*p).unwrap())
            .collect();
        let frames_in_runs = want.windows(2).filter(|w| w[0].frame == w[1].frame).count();
        assert!((100..900).contains(&frames_in_runs), "{frames_in_runs}");
        let mut got = vec![Position::default(); COUNT];
        planet.position_batch(&places, &mut got).unwrap();
        assert_eq!(got, want, "seed {seed}, {planet:?}");
        let mut lanes = Positions::new(&vec![Position::default(); COUNT]);
        let lanes_in = axes(&places);
        planet
            .position_lanes(ecef_lanes(&lanes_in), lanes.lanes_mut())
            .unwrap();
        assert_eq!(lanes, Positions::new(&want));

        let there: Vec<_> = want.iter().map(|at| planet.place(*at).unwrap()).collect();
        let mut again = places.clone();
        planet.place_batch(&want, &mut again).unwrap();
        assert_eq!(again, there);
        let mut lanes_out = lanes_in.clone();
        planet
            .place_lanes(lanes.lanes(), ecef_lanes_mut(&mut lanes_out))
            .unwrap();
        assert_eq!(lanes_out, axes(&there));
    }
}

/// Exactly those heights are refused that the single call refuses: the batch looks at most of them more cheaply.
#[test]
fn a_batch_of_positions_refuses_what_the_single_call_refuses() {
    let (seed, mut random) = (332, Random::new(332));
    let mut refused = [0; 2];
    for n in 0..20_000 {
        let radius_m = [10_000.0, 40_000.0, 6_371_008.8, 1e8][n % 4];
        let planet = Planet::new(radius_m).unwrap();
        let height_m = match n % 3 {
            0 => random.between(-34_000.0, 34_000.0),
            1 => 32_768.0 + random.between(-2.0, 2.0),
            _ => -32_768.0 + random.between(-2.0, 2.0),
        };
        let p = random.any_direction() * (radius_m + height_m);
        let place = Ecef::new(p.x, p.y, p.z).unwrap();
        let want = planet.position(place);
        let mut got = [Position::default()];
        let answer = planet.position_batch(&[place], &mut got);
        refused[usize::from(want.is_err())] += 1;
        match want {
            Ok(want) => assert_eq!((answer, got), (Ok(()), [want]), "seed {seed}, {n}"),
            Err(error) => assert_eq!(
                (answer, got),
                (Err(BatchError { index: 0, error }), [Position::default()])
            ),
        }
    }
    assert!(refused.iter().all(|count| *count > 1_000), "{refused:?}");
}

#[test]
fn the_first_offender_among_positions_is_named_and_nothing_written() {
    let mut random = Random::new(333);
    let good = places(&mut random, EARTH);
    let blank = vec![Position::default(); COUNT];
    let mut bad = good.clone();
    bad[700] = Ecef::new(0.0, 0.0, EARTH.radius_m() + 33_000.0).unwrap();
    bad[900] = Ecef::new(0.0, 0.0, 0.0).unwrap();
    let error = CoordError::OutOfFrame;
    let (mut out, mut lanes) = (blank.clone(), Positions::new(&blank));
    let want = Err(BatchError { index: 700, error });
    assert_eq!(EARTH.position_batch(&bad, &mut out), want);
    let mut lanes_in = axes(&bad);
    assert_eq!(
        EARTH.position_lanes(ecef_lanes(&lanes_in), lanes.lanes_mut()),
        want
    );
    lanes_in[1][3] = f64::NAN;
    let refused = EARTH.position_lanes(ecef_lanes(&lanes_in), lanes.lanes_mut());
    let refused = refused.unwrap_err();
    assert!(matches!(
        refused,
        BatchError {
            index: 3,
            error: CoordError::Ecef(_)
        }
    ));
    assert_eq!((out, lanes), (blank.clone(), Positions::new(&blank)));

    let mut positions = blank;
    EARTH.position_batch(&good, &mut positions).unwrap();
    for (index, frame) in [
        (1_002, FrameId(0)),
        (500, FrameId(7 << 61 | 5)),
        (0, FrameId(1)),
    ] {
        positions[index].frame = frame;
        let error = CoordError::Frame(frame.0);
        let mut out = good.clone();
        let want = Err(BatchError { index, error });
        assert_eq!(EARTH.place_batch(&positions, &mut out), want);
        let mut lanes_out = axes(&good);
        let lanes = Positions::new(&positions);
        let refused = EARTH.place_lanes(lanes.lanes(), ecef_lanes_mut(&mut lanes_out));
        assert_eq!((refused, lanes_out), (want, axes(&good)));
        assert_eq!(out, good);
    }
}

#[test]
fn lanes_of_carriers_and_of_one_frame_are_those_of_single_calls() {
    let (seed, mut random) = (334, Random::new(334));
    let mut frames = Frames::new(EARTH);
    let ships = [3, 8].map(EntityId);
    for ship in ships {
        let at = EARTH.geodetic(places(&mut random, EARTH)[0]);
        let pose = Pose::level(EARTH, at, 0.4).unwrap();
        let tilted = pose.rotation() * DQuat::from_xyzw(0.1, 0.0, 0.0, 0.99f64.sqrt());
        let pose = Pose::new(pose.at(), tilted).unwrap();
        frames.set_carrier(ship, pose).unwrap();
    }
    let ground = places(&mut random, EARTH);
    let mut positions = vec![Position::default(); COUNT];
    EARTH.position_batch(&ground, &mut positions).unwrap();
    for n in (0..COUNT).filter(|n| n / 7 % 3 == 0) {
        positions[n].frame = FrameId::of_carrier(ships[n % 2]).unwrap();
    }
    let want: Vec<_> = positions
        .iter()
        .map(|at| frames.place(*at).unwrap())
        .collect();
    let mut lanes = Positions::new(&positions);
    let mut out = axes(&ground);
    frames
        .place_lanes(lanes.lanes(), ecef_lanes_mut(&mut out))
        .unwrap();
    assert_eq!(out, axes(&want), "seed {seed}");

    lanes.frame[11] = FrameId::of_carrier(EntityId(4)).unwrap();
    let before = out.clone();
    let refused = frames.place_lanes(lanes.lanes(), ecef_lanes_mut(&mut out));
    let error = FrameError::NoCarrier(EntityId(4));
    assert_eq!(
        (refused, &out),
        (Err(BatchError { index: 11, error }), &before)
    );

    let axes_of_ship = *frames.carrier(ships[0]).unwrap().axes();
    let [x, y, z] = &lanes.units;
    axes_of_ship.to_ecef_lanes([x, y, z], ecef_lanes_mut(&mut out));
    let mut again = [(); 3].map(|()| vec![7; COUNT]);
    let [a, b, c] = &mut again;
    axes_of_ship
        .to_position_lanes(ecef_lanes(&out), [a, b, c])
        .unwrap();
    assert_eq!(&again, &lanes.units);
    for (n, at) in positions.iter().enumerate() {
        let at = Position {
            frame: axes_of_ship.id(),
            ..*at
        };
        assert_eq!(
            [out[0][n], out[1][n], out[2][n]],
            axes_of_ship.to_ecef(at).to_array()
        );
    }
    (out[0][600], out[2][800]) = (1e9, f64::NAN);
    let [a, b, c] = &mut again;
    let refused = axes_of_ship.to_position_lanes(ecef_lanes(&out), [a, b, c]);
    let error = CoordError::OutOfFrame;
    assert_eq!(refused, Err(BatchError { index: 600, error }));
    assert_eq!(&again, &lanes.units);
}

#[test]
fn a_step_between_frames_takes_batches_too() {
    let mut random = Random::new(335);
    let here = Frame::at(EARTH, places(&mut random, EARTH)[0]);
    let [east, ..] = here.axes().units();
    let there = here.axes().origin().to_vec() + east * 2_000.0;
    let there = Frame::at(EARTH, Ecef::new(there.x, there.y, there.z).unwrap());
    let step = FrameChange::new(here.axes(), there.axes());
    let mut axis = || random.between(-1e8, 1e8) as i32;
    let at = |_| Position {
        frame: here.id(),
        x: axis(),
        y: axis(),
        z: axis(),
    };
    let mut positions: Vec<_> = (0..COUNT).map(at).collect();
    let want: Vec<_> = positions
        .iter()
        .map(|at| step.position(*at).unwrap())
        .collect();
    let mut got = positions.clone();
    step.position_batch(&positions, &mut got).unwrap();
    assert_eq!(got, want);
    (positions[9].x, positions[12].frame) = (i32::MIN, there.id());
    let refused = step.position_batch(&positions, &mut got).unwrap_err();
    assert_eq!((refused.index, got), (9, want));
}

#[test]
fn wgs84_in_batches_is_that_of_single_calls() {
    let places = places(&mut Random::new(336), EARTH);
    let want: Vec<_> = places
        .iter()
        .map(|p| Wgs84Ecef::from_planet(EARTH, *p))
        .collect();
    let mut got = vec![want[0]; COUNT];
    Wgs84Ecef::from_planet_batch(EARTH, &places, &mut got);
    assert_eq!(got, want);
    let at: Vec<_> = want.iter().map(|p| p.to_geodetic()).collect();
    let mut at_got = vec![at[0]; COUNT];
    Wgs84Ecef::to_geodetic_batch(&want, &mut at_got);
    assert_eq!(at_got, at);
    let want: Vec<_> = at.iter().map(|at| Wgs84Ecef::from_geodetic(*at)).collect();
    Wgs84Ecef::from_geodetic_batch(&at, &mut got);
    assert_eq!(got, want);
    let mut home = places;
    Wgs84Ecef::to_planet_batch(&want, EARTH, &mut home);
    let home_want: Vec<_> = want.iter().map(|p| p.to_planet(EARTH)).collect();
    assert_eq!(home, home_want);
}

#[test]
fn wgs84_in_lanes_is_that_of_single_calls() {
    let mut random = Random::new(339);
    let at = |_| EARTH.geodetic(places(&mut random, EARTH)[0]);
    let at: Vec<Geodetic> = (0..100).map(at).collect();
    let mut angles = geodetic_axes(&at);
    let mut axes = [(); 3].map(|()| vec![7.0; at.len()]);
    Wgs84Ecef::from_geodetic_lanes(geodetic_lanes(&angles), ecef_lanes_mut(&mut axes)).unwrap();
    let places: Vec<_> = at.iter().map(|at| Wgs84Ecef::from_geodetic(*at)).collect();
    for (n, place) in places.iter().enumerate() {
        assert_eq!([axes[0][n], axes[1][n], axes[2][n]], place.to_array());
    }
    let mut out = [(); 3].map(|()| vec![7.0; at.len()]);
    Wgs84Ecef::to_geodetic_lanes(ecef_lanes(&axes), geodetic_lanes_mut(&mut out)).unwrap();
    let again: Vec<_> = places.iter().map(|place| place.to_geodetic()).collect();
    assert_eq!(out, geodetic_axes(&again));

    let before = out.clone();
    (axes[1][5], axes[0][6]) = (f64::NAN, 1e11);
    let refused = Wgs84Ecef::to_geodetic_lanes(ecef_lanes(&axes), geodetic_lanes_mut(&mut out));
    let refused = refused.unwrap_err();
    assert_eq!(refused.index, 5);
    assert!(matches!(refused.error, CoordError::Ecef(_)));
    assert_eq!(out, before);
    (angles[0][77], angles[0][78]) = (1.001 * FRAC_PI_2, f64::NAN);
    let refused = Wgs84Ecef::from_geodetic_lanes(geodetic_lanes(&angles), ecef_lanes_mut(&mut out));
    let refused = refused.unwrap_err();
    assert_eq!(refused.index, 77);
    assert!(matches!(refused.error, CoordError::Latitude(_)));
    assert_eq!(out, before);
}

#[test]
fn steps_between_direction_and_cell_in_batches_are_those_of_single_calls() {
    let (seed, mut random) = (337, Random::new(337));
    let directions: Vec<DVec3> = (0..COUNT).map(|_| random.any_direction()).collect();
    let [x, y, z] = [0, 1, 2].map(|n| directions.iter().map(|p| p[n]).collect::<Vec<f64>>());
    let (mut face, mut u, mut v) = (vec![9; COUNT], vec![7.0; COUNT], vec![7.0; COUNT]);
    direction_to_face_uv_lanes([&x, &y, &z], &mut face, [&mut u, &mut v]).unwrap();
    let (mut s, mut t) = (vec![7.0; COUNT], vec![7.0; COUNT]);
    uv_to_st_lanes(&u, &mut s);
    uv_to_st_lanes(&v, &mut t);
    let (mut i, mut j) = (vec![7; COUNT], vec![7; COUNT]);
    st_to_ij_lanes(&s, &mut i);
    st_to_ij_lanes(&t, &mut j);
    for (n, p) in directions.iter().enumerate() {
        assert_eq!(
            (face[n], u[n], v[n]),
            direction_to_face_uv(*p),
            "seed {seed}"
        );
        assert_eq!([s[n], t[n]], [uv_to_st(u[n]), uv_to_st(v[n])]);
        assert_eq!([i[n], j[n]], [st_to_ij(s[n]), st_to_ij(t[n])]);
    }
    for level in [30, 17, 0] {
        let mut cells = vec![CellId::begin(3); COUNT];
        CellId::from_face_ij_lanes(&face, [&i, &j], level, &mut cells).unwrap();
        for (cell, p) in cells.iter().zip(&directions) {
            assert_eq!(*cell, CellId::from_direction(*p).parent(level));
        }
        let (mut faces, mut is, mut js) = (vec![9; COUNT], vec![7; COUNT], vec![7; COUNT]);
        CellId::to_face_ij_lanes(&cells, &mut faces, [&mut is, &mut js]);
        for (n, cell) in cells.iter().enumerate() {
            assert_eq!((faces[n], is[n], js[n]), cell.to_face_ij());
        }
    }
    let (mut s_back, mut u_back) = (vec![7.0; COUNT], vec![7.0; COUNT]);
    ij_to_st_lanes(&i, &mut s_back);
    st_to_uv_lanes(&s_back, &mut u_back);
    let mut back = [(); 3].map(|()| vec![7.0; COUNT]);
    let [a, b, c] = &mut back;
    face_uv_to_direction_lanes(&face, [&u_back, &v], [a, b, c]).unwrap();
    for n in 0..COUNT {
        assert_eq!((s_back[n], st_to_ij(s_back[n])), (ij_to_st(i[n]), i[n]));
        assert_eq!(u_back[n], st_to_uv(s_back[n]));
        let p = face_uv_to_direction(face[n], u_back[n], v[n]);
        assert_eq!([back[0][n], back[1][n], back[2][n]], p.to_array());
        assert!(p.normalize().distance(directions[n]) < 4e-9, "{n}");
    }
    assert_eq!(ij_to_st(1 << 30), 1.0);
}

#[test]
fn nonsense_between_direction_and_cell_is_named() {
    let (mut face, good) = ([9; 4], [0.5; 4]);
    let (mut u, mut v) = ([7.0; 4], [8.0; 4]);
    let x = [1.0, 0.5, f64::INFINITY, f64::NAN];
    let refused = direction_to_face_uv_lanes([&good, &x, &good], &mut face, [&mut u, &mut v]);
    assert_eq!(refused.unwrap_err().index, 2);
    assert_eq!((face, u, v), ([9; 4], [7.0; 4], [8.0; 4]));

    let [mut a, mut b, mut c] = [[7.0; 4]; 3];
    for (index, face, bad) in [(0, 6, 0.5), (3, 2, f64::NAN), (1, 5, f64::INFINITY)] {
        let (mut faces, mut v) = ([2; 4], good);
        (faces[index], v[index]) = (face, bad);
        let refused = face_uv_to_direction_lanes(&faces, [&good, &v], [&mut a, &mut b, &mut c]);
        let refused = refused.unwrap_err();
        assert_eq!(refused.index, index);
        assert!(matches!(refused.error, InvalidFaceUv(f, 0.5, _) if f == face));
        assert_eq!([a, b, c], [[7.0; 4]; 3]);
    }

    let mut cells = [CellId::begin(3); 4];
    for bad in [(6, 1, 1), (0, 1 << 30, 1), (5, 1, u32::MAX)] {
        let (mut faces, mut i, mut j) = ([1; 4], [2; 4], [3; 4]);
        (faces[2], i[2], j[2]) = bad;
        let error = InvalidFaceIj(bad.0, bad.1, bad.2);
        let refused = CellId::from_face_ij_lanes(&faces, [&i, &j], 30, &mut cells);
        assert_eq!(refused, Err(BatchError { index: 2, error }));
        assert_eq!(CellId::try_from_face_ij(bad.0, bad.1, bad.2, 7), Err(error));
        assert_eq!(cells, [CellId::begin(3); 4]);
    }
    assert_eq!(direction_to_face_uv(DVec3::ZERO).0, 2);
    assert!(uv_to_st(f64::NAN).is_nan() && st_to_uv(f64::NAN).is_nan());
    assert_eq!([st_to_ij(f64::NAN), st_to_ij(7.0)], [0, (1 << 30) - 1]);
}

#[test]
fn leaves_of_latitudes_and_longitudes_single_and_batched() {
    let (seed, mut random) = (338, Random::new(338));
    let at = |_| EARTH.geodetic(places(&mut random, EARTH)[0]);
    let at: Vec<Geodetic> = (0..200).map(at).collect();
    let degrees = |of: fn(&Geodetic) -> f64| -> Vec<f64> { at.iter().map(of).collect() };
    let (lat, lon) = (
        degrees(|at| at.lat_deg()),
        degrees(|at| at.lon_deg() + 360.0),
    );
    let lon: Vec<_> = lon
        .iter()
        .map(|l| if *l > 400.0 { *l - 720.0 } else { *l })
        .collect();
    let mut leaves = vec![CellId::begin(0); at.len()];
    CellId::from_degrees_lanes(&lat, &lon, &mut leaves).unwrap();
    for (n, leaf) in leaves.iter().enumerate() {
        assert_eq!(
            CellId::from_degrees(lat[n], lon[n]),
            Ok(*leaf),
            "seed {seed}"
        );
        let place = Geodetic::from_degrees(lat[n], lon[n], 0.0).unwrap();
        assert_eq!(place.leaf(), CellId::from_direction(place.direction()));
        assert_eq!(place.leaf(), *leaf);
    }
    let (lat, lon) = (degrees(|at| at.lat_rad()), degrees(|at| at.lon_rad()));
    CellId::from_radians_lanes(&lat, &lon, &mut leaves).unwrap();
    for (n, leaf) in leaves.iter().enumerate() {
        assert_eq!(CellId::from_radians(lat[n], lon[n]), Ok(*leaf));
        assert_eq!(at[n].leaf(), *leaf);
    }
    assert_eq!(
        CellId::from_degrees(-90.5, 0.0),
        Err(CoordError::Latitude(-90.5))
    );
    assert_eq!(
        CellId::from_degrees(0.0, 541.0),
        Err(CoordError::Longitude(541.0))
    );
    assert!(CellId::from_degrees(f64::NAN, 0.0).is_err());
    assert!(CellId::from_radians(1.6, 0.0).is_err());
    assert!(CellId::from_radians(0.0, f64::NEG_INFINITY).is_err());
}
