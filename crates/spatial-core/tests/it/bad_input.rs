//! Tables of bad input, one at a time at any place of a batch: the single and the batched call refuse the same, the batched
//! one names the first offender, and nothing has changed.

use spatial_core::{
    Anchor, BatchError, Cap, CellId, CoordError, Corridor, DVec3, DespawnBatchError, Ecef,
    EcefLanes, EcefLanesMut, EntityId, Feature, FeatureIndex, FileOptions, Geodetic, GeodeticLanes,
    GeodeticLanesMut, InvalidRadius, LatLngRect, MovingIndex, NoDirection, PairSearch, Planet,
    Polygon, Sense, SpawnBatchError, SpawnError, Table, WatcherId, Watches, WithinError,
    read_geojson,
};

use crate::world::{Random, World, ecef};

const NAN: f64 = f64::NAN;
const INF: f64 = f64::INFINITY;
const COUNT: usize = 9; // of a batch: longer than a vector, and not a multiple of one

/// A bad item at one place and another one at the last: whether the first is named.
fn at_every_place(mut check: impl FnMut(usize)) {
    (0..COUNT).for_each(&mut check);
}

#[test]
fn directions_that_are_none() {
    let bad = [[0.0; 3], [NAN, 1.0, 0.0], [1.0, INF, 0.0], [0.0, 1.0, -INF]];
    let feature = |name: &str| {
        let text = format!(
            r#"{{"type":"Feature","properties":{{"name":"{name}"}},"geometry":{{"type":"Polygon",
            "coordinates":[[[0,0],[10,0],[10,10],[0,0]]]}}}}"#
        );
        read_geojson(&text, &FileOptions::default()).unwrap()
    };
    let features: Vec<Feature> = feature("one");
    let features = FeatureIndex::new(features).unwrap();
    for bad in bad {
        let p = DVec3::from_array(bad);
        assert!(CellId::try_from_direction(p).is_err());
        assert!(features.first_containing(p).is_err());
        assert!(Cap::new(p, 1.0).is_err() && Cap::from_point(p).is_err());
        assert!(LatLngRect::from_point(p).is_err());
        let mut found = vec![7];
        assert!(features.containing(p, &mut found).is_err());
        assert_eq!(found, [7]);
        let mut near = Vec::new();
        assert!(features.nearest(p, 3, &mut near).is_err());
        assert_eq!(
            features.within(p, 1.0, &mut near),
            Err(WithinError::Direction)
        );
        at_every_place(|at| {
            let mut all = [DVec3::new(0.3, -0.4, 0.5); COUNT];
            (all[at], all[COUNT - 1]) = (p, p);
            let [x, y, z] = [0, 1, 2].map(|axis| all.map(|p| p[axis]));
            let mut leaves = [CellId::from_direction(DVec3::X); COUNT];
            let refused = CellId::from_directions(&x, &y, &z, &mut leaves);
            assert_eq!(refused.map_err(|refused| refused.index), Err(at));
            assert_eq!(leaves, [CellId::from_direction(DVec3::X); COUNT]);
            let mut found = vec![Some(5)];
            let refused = features.first_containing_each(&all, &mut found);
            assert_eq!(refused, Err(NoDirection { index: at }));
            assert_eq!(found, [Some(5)]);
        });
    }
    let mut near = Vec::new();
    for bad in [-1e-9, -INF, NAN] {
        let refused = features.within(DVec3::X, bad, &mut near);
        assert!(matches!(refused, Err(WithinError::Distance(_))), "{bad}");
    }
    features.within(DVec3::NEG_X, 1e9, &mut near).unwrap();
    assert_eq!(near.len(), 1, "beyond half the globe is everywhere");
    features.nearest(DVec3::X, 0, &mut near).unwrap();
    assert!(near.is_empty());
}

#[test]
fn latitudes_and_longitudes_out_of_range() {
    let planet = Planet::EARTH;
    let bad = [
        [90.000_001, 0.0],
        [-91.0, 10.0],
        [NAN, 0.0],
        [INF, 0.0],
        [0.0, NAN],
        [10.0, -INF],
        [10.0, 540.1],
        [-10.0, -541.0],
    ];
    for [lat, lon] in bad {
        let single = Geodetic::from_degrees(lat, lon, 0.0).unwrap_err();
        assert!(same(CellId::from_degrees(lat, lon).unwrap_err(), single));
        let [lat_rad, lon_rad] = [lat.to_radians(), lon.to_radians()];
        let single_rad = Geodetic::from_radians(lat_rad, lon_rad, 0.0).unwrap_err();
        at_every_place(|at| {
            let place = |good: f64, bad: f64| {
                let mut all = [good; COUNT];
                (all[at], all[COUNT - 1]) = (bad, bad);
                all
            };
            let (lats, lons) = (place(45.0, lat), place(170.0, lon));
            let mut leaves = [CellId::from_direction(DVec3::X); COUNT];
            let refused = CellId::from_degrees_lanes(&lats, &lons, &mut leaves).unwrap_err();
            assert!(refused.index == at && same(refused.error, single));
            let (lats, lons) = (place(0.5, lat_rad), place(3.0, lon_rad));
            let refused = CellId::from_radians_lanes(&lats, &lons, &mut leaves).unwrap_err();
            assert!(refused.index == at && same(refused.error, single_rad));
            assert_eq!(leaves, [CellId::from_direction(DVec3::X); COUNT]);
            let places = GeodeticLanes {
                lat_rad: &lats,
                lon_rad: &lons,
                height_m: &[0.0; COUNT],
            };
            let mut out = [[4.0; COUNT]; 3];
            let [x_m, y_m, z_m] = &mut out;
            let refused = planet.ecef_lanes(places, EcefLanesMut { x_m, y_m, z_m });
            let refused = refused.unwrap_err();
            assert!(refused.index == at && same(refused.error, single_rad));
            assert_eq!(out, [[4.0; COUNT]; 3]);
        });
    }
}

/// Equal, or both about a NaN.
fn same(a: CoordError, b: CoordError) -> bool {
    format!("{a:?}") == format!("{b:?}")
}

#[test]
fn places_out_of_space() {
    for bad in [[NAN, 0.0, 0.0], [0.0, INF, 0.0], [0.0, 0.0, -1e12]] {
        let single = Ecef::new(bad[0], bad[1], bad[2]).unwrap_err();
        at_every_place(|at| {
            let lanes = [0, 1, 2].map(|axis| {
                let mut all = [6e6; COUNT];
                (all[at], all[COUNT - 1]) = (bad[axis], bad[axis]);
                all
            });
            let [x_m, y_m, z_m] = [&lanes[0], &lanes[1], &lanes[2]];
            let mut out = [[4.0; COUNT]; 3];
            let [lat_rad, lon_rad, height_m] = &mut out;
            let to = GeodeticLanesMut {
                lat_rad,
                lon_rad,
                height_m,
            };
            let places = EcefLanes { x_m, y_m, z_m };
            let refused = Planet::EARTH.geodetic_lanes(places, to).unwrap_err();
            assert!(refused.index == at && same(refused.error, single));
            assert_eq!(out, [[4.0; COUNT]; 3]);
        });
    }
}

#[test]
fn ids_and_tokens_of_no_cell() {
    // No face, no bit that ends the position, one at an odd place.
    for bad in [0, u64::MAX, 6 << 61 | 1, 7 << 61, 1 << 63 | 2, 0x2] {
        assert!(CellId::new(bad).is_err(), "{bad:x}");
        at_every_place(|at| {
            let mut all = [CellId::from_direction(DVec3::Z).to_u64(); COUNT];
            (all[at], all[COUNT - 1]) = (bad, bad);
            let refused = CellId::slice_from_u64s(&all).unwrap_err();
            assert_eq!(refused.index, at);
        });
        let token = format!("{bad:016x}");
        assert!(CellId::from_token(&token).is_err(), "{token}");
    }
    let none = ["", "X", "0", "g", " 1", "1 ", "+1", "-1", "0x1", "1_", "é"];
    for token in none {
        assert!(CellId::from_token(token).is_err(), "{token:?}");
    }
    assert!(CellId::from_token("00000000000000001").is_err());
}

/// What a query of a bad radius leaves as it was: index, outputs, watchers.
#[test]
fn radii_that_are_none() {
    let mut random = Random::new(9_901);
    let world = World::of_count(1_000, &mut random);
    let mut index = MovingIndex::new();
    index.rebuild(&world.ids, &world.places);
    let view = index.view(&world.ids, &world.places);
    let order = view.rows().to_vec();
    let center = world.places[0];
    let (mut rows, mut hits, mut pairs) = (vec![5], Vec::new(), Vec::new());
    view.nearest(center, 4, &mut hits);
    let nearest = hits.clone();
    let mut search = PairSearch::new();
    for bad in [-1.0, -f64::MIN_POSITIVE, -INF, NAN] {
        let is_it = |refused: InvalidRadius| refused.0.to_bits() == bad.to_bits();
        let nobody = |_: usize, _: &[u32]| panic!("called in spite of the error");
        let refusals = [
            view.rows_within(center, bad, &mut rows),
            view.rows_within_each(&world.places, bad, &mut rows, nobody),
            view.radius(center, bad, &mut hits),
            view.for_each_within(center, bad, |_| panic!("called in spite of the error")),
            search.pairs(view, bad, &mut pairs),
            search.for_each(view, bad, |_| panic!("called in spite of the error")),
        ];
        assert!(
            refusals
                .into_iter()
                .all(|refused| is_it(refused.unwrap_err()))
        );
        assert_eq!(
            (rows.as_slice(), &hits, pairs.len()),
            (&[5][..], &nearest, 0)
        );
        assert!(Corridor::new(vec![center], bad).is_err());
        assert!(Corridor::ray(center, DVec3::X, 1.0, bad).is_err());
        assert!(Sense::around(bad, 1.0).is_err() && Sense::around(1.0, bad).is_err());
        assert!(Cap::on_planet(world.planet, DVec3::X, bad).is_err());
    }
    // Beyond half the globe is everywhere, and none of them nobody.
    for radius_m in [1e12, f64::MAX, INF] {
        view.rows_within(center, radius_m, &mut rows).unwrap();
        assert_eq!(rows, order);
        view.radius(center, radius_m, &mut hits).unwrap();
        assert_eq!(hits.len(), order.len());
        let corridor = Corridor::new(vec![center], radius_m).unwrap();
        view.corridor(&corridor, &mut hits);
        assert_eq!(hits.len(), order.len());
    }
    view.nearest(center, 0, &mut hits);
    assert!(hits.is_empty());
    view.assert_well_formed();
    assert_eq!(view.rows(), order);
}

#[test]
fn handles_of_watchers_that_are_gone() {
    let mut watches = Watches::new();
    let sense = Sense::around(1.0, 2.0).unwrap();
    let at = Anchor::At(ecef(DVec3::X));
    let gone = watches.watch(WatcherId(1), at, sense);
    watches.remove(gone).unwrap();
    let here = watches.watch(WatcherId(2), at, sense); // in its place
    assert!(watches.remove(gone).is_err() && watches.members(gone).is_err());
    assert!(watches.move_to(gone, at).is_err() && watches.set_sense(gone, sense).is_err());
    watches.assert_well_formed();
    assert_eq!(
        (watches.len(), watches.members(here).unwrap().count()),
        (1, 0)
    );
}

#[test]
fn entities_and_handles_that_are_none() {
    let mut table = Table::new();
    let ids: Vec<EntityId> = (1..=20).map(EntityId).collect();
    table.spawn_batch(&ids).unwrap();
    let gone = table.handle_of(EntityId(5)).unwrap();
    table.despawn(EntityId(5)).unwrap();
    table.spawn(EntityId(99)).unwrap(); // in its place
    assert!(table.row_of(gone).is_err());
    let saved = |table: &Table| {
        let mut bytes = Vec::new();
        table.save(&mut bytes);
        bytes
    };
    let before = saved(&table);
    at_every_place(|at| {
        let mut new: Vec<EntityId> = (200..200 + COUNT as u64).map(EntityId).collect();
        for bad in [EntityId(0), EntityId(99), new[0]] {
            if at == 0 && bad == EntityId(200) {
                continue; // the first of twins is a good one
            }
            (new[at], new[COUNT - 1]) = (bad, bad);
            let SpawnBatchError { index, cause } = table.spawn_batch(&new).unwrap_err();
            assert_eq!(index, at, "{cause}");
            let single: Result<_, SpawnError> = match bad {
                EntityId(200) => Err(cause), // of itself it is a good one
                bad => table.spawn(bad).map(|_| ()),
            };
            assert_eq!(single, Err(cause));
        }
        let mut old: Vec<EntityId> = (6..6 + COUNT as u64).map(EntityId).collect();
        (old[at], old[COUNT - 1]) = (EntityId(5), EntityId(0));
        let first = match at {
            8 => EntityId(0),
            _ => EntityId(5),
        };
        let refused = table.despawn_batch(&old).unwrap_err();
        let unknown = matches!(refused, DespawnBatchError::Unknown { index, id } if index == at && id == first);
        assert!(unknown, "{refused}");
        assert!(table.despawn(first).is_err());
        table.assert_well_formed();
        assert_eq!(saved(&table), before);
    });
}

#[test]
fn rings_that_cross_themselves_and_geojson_of_another_type() {
    let at = |lat, lon| Geodetic::from_degrees(lat, lon, 0.0).unwrap().direction();
    let bow = vec![
        at(0.0, 179.0),
        at(10.0, -170.0),
        at(10.0, 179.0),
        at(0.0, -170.0),
    ];
    let good = vec![at(20.0, 0.0), at(20.0, 10.0), at(30.0, 5.0)];
    let alone = core::slice::from_ref(&bow);
    assert!(Polygon::new(alone).is_err() && Polygon::directed(alone).is_err());
    let refused = Polygon::new(&[good.clone(), bow]).unwrap_err();
    assert!(
        format!("{refused}").starts_with("ring 1 crosses itself"),
        "{refused}"
    );
    assert!(Polygon::new(&[good]).is_ok());
    let geometry = |kind: &str, coordinates: &str| {
        format!(r#"{{"type":"{kind}","coordinates":{coordinates}}}"#)
    };
    let wrong = [
        geometry("Polygon", "[0,0]"),
        geometry("Polygon", "[[[0,0],[10,10],[10,0],[0,10],[0,0]]]"),
        geometry("Point", "[[0,0]]"),
        geometry("Point", "[0,91]"),
        geometry("Point", "[0]"),
        geometry("LineString", "[[0,0],\"x\"]"),
        geometry("Sphere", "[0,0]"),
        r#"{"type":"Topology"}"#.to_owned(),
        r#"{"type":"Feature","geometry":7}"#.to_owned(),
        r#"{"type":"FeatureCollection","features":{}}"#.to_owned(),
        "[]".to_owned(),
        "null".to_owned(),
        "7".to_owned(),
        String::new(),
    ];
    for text in wrong {
        let read = read_geojson(&text, &FileOptions::default());
        assert!(read.is_err(), "{text}: {read:?}");
    }
}

#[test]
fn errors_of_batches_say_which_item() {
    let error = CoordError::Ecef([NAN; 3]);
    let text = format!("{}", BatchError { index: 3, error });
    assert!(text.starts_with("item 3: "), "{text}");
}
