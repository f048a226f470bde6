//! Hits, ranges, arcs and sights against the oracle.

use sim_core::{Moment, PastSight, QueryError};
use spatial_core::{DVec3, EntityId, Frame, Planet, Ray};

use super::oracle;
use super::town::{Person, Town, place};

const TICKS: u64 = 150;

fn towns() -> Vec<Town> {
    let small = Planet::new(12_000.0).expect("a legal radius");
    let mut towns = vec![
        Town::new(Planet::EARTH, 900, 60.0),
        Town::new(Planet::EARTH, 900, 3_000.0),
        Town::new(small, 700, 150.0),
    ];
    for town in &mut towns {
        (0..TICKS).for_each(|tick| town.walk(tick));
    }
    towns
}

/// A moment the ring knows, everybody at it, and one of them.
fn draw(town: &mut Town) -> (Moment, Vec<Person>, Person) {
    let tick = TICKS - 64 + town.below(63);
    let fraction = (town.below(2) * town.below(65_536)) as u16;
    let moment = Moment { tick, fraction };
    let people = oracle::people(&town.history, moment);
    let one = people[town.below(people.len() as u64) as usize];
    (moment, people, one)
}

/// A way that starts near somebody: level, towards somebody else, or any.
fn aim(town: &mut Town, people: &[Person], one: &Person) -> (DVec3, DVec3) {
    let from = one.feet + one.feet.normalize() * town.between(-1.0, 2.5);
    let [east, north, up] = Frame::at(Planet::EARTH, place(from)).axes().units();
    let (a, b) = (town.between(-1.0, 1.0), town.between(-1.0, 1.0));
    let direction = match town.below(4) {
        0 => east * a + north * b + up * town.between(-1.0, 1.0),
        1 => up * a.signum(),
        2 => {
            let near = people.iter().filter(|p| (p.feet - from).length() < 300.0);
            let near: Vec<_> = near.collect();
            let other = near[town.below(near.len() as u64) as usize];
            oracle::eyes(other) - from + east * 0.3 * a + up * 0.3 * b
        }
        _ => east * a + north * b + up * 0.01,
    };
    (from, direction.normalize())
}

#[test]
fn hits_are_those_of_the_oracle() {
    let (mut checked, mut hits, mut long) = (0, 0, 0);
    for mut town in towns() {
        for _ in 0..4_000 {
            let (moment, people, one) = draw(&mut town);
            let (from, direction) = aim(&mut town, &people, &one);
            let reach_m = [3.0, 40.0, 200.0, 5_000.0][town.below(4) as usize];
            let radius_m = [0.0, 0.0, 0.2, 3.0][town.below(4) as usize];
            let except = [one.id];
            let limits = (reach_m, radius_m);
            let Some(want) = oracle::first(&people, (from, direction), limits, &except) else {
                continue;
            };
            let ray = Ray {
                from: place(from),
                direction: direction * 0.3, // of any length
                reach_m,
            };
            let past = town.ring.past(moment).expect("a known moment");
            assert_eq!(past.len(), people.len());
            let got = past.hit(&ray, radius_m, Some(one.id)).expect("a legal ray");
            let context = format!("{moment:?} {ray:?} {radius_m} {want:?} {got:?}");
            assert_eq!(
                got.map(|hit| hit.entity),
                want.map(|hit| hit.0),
                "{context}"
            );
            if let (Some(got), Some(want)) = (got, want) {
                assert!((got.distance_m - want.1).abs() < 1e-3, "{context}");
                hits += 1;
                long += u32::from(want.1 > 50.0);
            }
            checked += 1;
        }
    }
    assert!(
        checked > 11_000 && hits > 1_200 && long > 50,
        "{checked} {hits} {long}"
    );
}

#[test]
fn ranges_and_arcs_are_those_of_the_oracle() {
    let mut many = 0;
    for mut town in towns() {
        for _ in 0..1_500 {
            let (moment, people, one) = draw(&mut town);
            let (from, direction) = aim(&mut town, &people, &one);
            let radius_m = [0.0, 2.0, 12.0, 60.0, 900.0][town.below(5) as usize];
            let half_angle = town.between(0.0, core::f64::consts::PI);
            let past = town.ring.past(moment).expect("a known moment");
            let (mut range, mut arc) = (Vec::new(), Vec::new());
            let center = place(from);
            past.range(center, radius_m, &mut range)
                .expect("a legal radius");
            past.arc(center, (direction, half_angle), radius_m, &mut arc)
                .expect("a legal arc");
            let sorted = |a: &sim_core::PastHit, b: &sim_core::PastHit| {
                (a.distance_m, a.entity) < (b.distance_m, b.entity)
            };
            assert!(range.is_sorted_by(sorted) && arc.is_sorted_by(sorted));
            many += range.len();
            for person in &people {
                let distance = oracle::distance_m(person, from).max(0.0);
                let is_close = (distance - radius_m).abs() < 1e-3;
                let found = range.iter().find(|hit| hit.entity == person.id);
                assert!(
                    is_close || found.is_some() == (distance <= radius_m),
                    "{person:?}"
                );
                assert!(found.is_none_or(|hit| (hit.distance_m - distance).abs() < 1e-3));
                let to = oracle::nearest(person, from).1 - from;
                let cos = to.normalize().dot(direction).clamp(-1.0, 1.0);
                let angle = libm::acos(cos);
                let in_arc = arc.iter().any(|hit| hit.entity == person.id);
                if !is_close && to.length() > 0.1 && (angle - half_angle).abs() > 1e-2 {
                    assert_eq!(in_arc, distance <= radius_m && angle <= half_angle);
                }
            }
        }
    }
    assert!(many > 20_000, "{many}");
}

#[test]
fn sight_is_blocked_by_players_as_they_were_and_by_terrain_as_it_is() {
    let (mut clear, mut blocked) = (0, 0);
    for mut town in towns() {
        for _ in 0..1_500 {
            let (moment, people, one) = draw(&mut town);
            let near = |p: &&Person| p.id != one.id && (p.feet - one.feet).length() < 200.0;
            let Some(target) = people.iter().filter(near).nth(town.below(9) as usize) else {
                continue;
            };
            let (from, to) = (oracle::eyes(&one), oracle::eyes(target));
            let reach_m = (to - from).length();
            let way = (from, (to - from) / reach_m);
            let through = [one.id, target.id];
            let Some(want) = oracle::first(&people, way, (reach_m, 0.0), &through) else {
                continue;
            };
            let past = town.ring.past(moment).expect("a known moment");
            let see = |is_clear: bool| {
                let mut asked = false;
                let terrain = |a: spatial_core::Ecef, b: spatial_core::Ecef| {
                    asked = true;
                    assert!(
                        (a.to_vec() - from).length() < 1e-3 && (b.to_vec() - to).length() < 1e-3
                    );
                    is_clear
                };
                let seen = past.sight(place(from), target.id, Some(one.id), terrain);
                (seen.expect("a target that was there"), asked)
            };
            match want {
                None => {
                    assert_eq!(see(true), (PastSight::Clear, true));
                    assert_eq!(see(false), (PastSight::Terrain, true));
                    clear += 1;
                }
                Some((id, _)) => {
                    let (seen, asked) = see(true);
                    assert!(matches!(seen, PastSight::Player(hit) if hit.entity == id) && !asked);
                    blocked += 1;
                }
            }
        }
    }
    assert!(clear > 1_000 && blocked > 50, "{clear} {blocked}");
}

#[test]
fn players_are_where_they_were() {
    for mut town in towns() {
        for _ in 0..2_000 {
            let (moment, _, one) = draw(&mut town);
            let past = town.ring.past(moment).expect("a known moment");
            let feet = past.place(one.id).expect("a player who was there").to_vec();
            assert!((feet - one.feet).length() < 2.0 / 65_536.0, "{moment:?}");
            let row = past.player(one.id).expect("a player who was there");
            assert_eq!((row.entity, row.kind), (one.id, one.kind));
            let planet = town.frames.planet();
            assert_eq!(planet.place(row.position), Ok(place(feet)));
        }
        // All turn by 300 a tick, but for those who came.
        let row = town.rows()[0];
        let moment = Moment {
            tick: TICKS - 2,
            fraction: 0x8000,
        };
        let past = town.ring.past(moment).expect("a known moment");
        let turned = past.player(row.entity).expect("there").heading;
        assert!(row.heading.wrapping_sub(turned).abs_diff(150) <= 1 || row.heading == turned);
    }
}

#[test]
fn nonsense_is_refused() {
    let mut town = Town::new(Planet::EARTH, 20, 30.0);
    town.walk(0);
    let past = town.ring.past(Moment::at(0)).expect("a known moment");
    let from = place(town.history[0][0].feet);
    let ray = |direction, reach_m| Ray {
        from,
        direction,
        reach_m,
    };
    for direction in [
        DVec3::ZERO,
        DVec3::NAN,
        DVec3::INFINITY,
        DVec3::X * f64::INFINITY,
    ] {
        let refused = past.hit(&ray(direction, 1.0), 0.0, None);
        assert!(
            matches!(refused, Err(QueryError::Direction(_))),
            "{direction}"
        );
    }
    for metres in [-1.0, f64::NAN] {
        let refused = Err(QueryError::Length(metres)).map_err(|e| e.to_string());
        let text = |error: QueryError| error.to_string();
        assert_eq!(
            past.hit(&ray(DVec3::X, metres), 0.0, None).map_err(text),
            refused
        );
        assert_eq!(
            past.hit(&ray(DVec3::X, 1.0), metres, None).map_err(text),
            refused
        );
        let mut found = Vec::new();
        let refused = refused.map(|_| ());
        assert_eq!(past.range(from, metres, &mut found).map_err(text), refused);
    }
    for angle in [-0.1, 3.2, f64::NAN] {
        let refused = past.arc(from, (DVec3::X, angle), 1.0, &mut Vec::new());
        assert!(matches!(refused, Err(QueryError::Angle(_))), "{angle}");
    }
    let nobody = EntityId(999_999);
    let absent = past.sight(from, nobody, None, |_, _| true);
    assert_eq!(absent, Err(QueryError::Absent(nobody)));
    // As far as it takes, and from where no direction is up.
    let far = past.hit(&ray(DVec3::X, f64::INFINITY), 0.0, Some(nobody));
    assert!(far.is_ok());
    let center = Ray {
        from: place(DVec3::ZERO),
        direction: town.history[0][3].feet,
        reach_m: 1e9,
    };
    assert!(past.hit(&center, 0.0, None).is_ok_and(|hit| hit.is_some()));
}
