//! Who is in a part of the globe: boxes, caps, polygons, and corridors along a path.
//!
//! kiddo and rstar know of balls alone: they are asked for the one around the region, and our predicate, which they have
//! none of, sorts out who is in. The C++ library scans the points in a covering of the region, for caps it has a query of its own.

use std::io;

use spatial_core::{Cap, Corridor, DVec3, Ecef, Hit, LatLngRect, Planet, Polygon, Region};

use super::super::contest::Contest;
use super::super::rivals::{Found, PointIndex, s2_cpp};
use super::super::row::{Measured, Unit};
use super::super::{Pace, Tell};
use super::scene::{Scene, Spread};
use crate::places::on_datum;
use crate::radius::{Indexed, Order};
use crate::seeded::Seeded;

const QUERIES: usize = 1_000;
const EARTH: Planet = Planet::EARTH;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Shape {
    Box,
    Cap,
    Polygon,
    Corridor,
}

impl Shape {
    const ALL: [Self; 4] = [Self::Box, Self::Cap, Self::Polygon, Self::Corridor];

    fn name(self) -> &'static str {
        match self {
            Self::Box => "box",
            Self::Cap => "cap",
            Self::Polygon => "polygon",
            Self::Corridor => "corridor",
        }
    }
}

pub(crate) fn race(pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
    for spread in [Spread::Even, Spread::Towns] {
        let case = |shape: Shape| format!("{}: {}", shape.name(), spread.name());
        let wanted: Vec<_> = Shape::ALL
            .into_iter()
            .filter(|shape| pace.wants(&case(*shape)))
            .collect();
        if wanted.is_empty() {
            continue;
        }
        let mut scene = Scene::new(pace, spread);
        let index = scene
            .as_ref()
            .map(|scene| Indexed::new(scene.places.clone()));
        for shape in wanted {
            tell(match scene.as_mut().zip(index.as_ref()) {
                Some((scene, index)) => {
                    let asked = asked(pace, scene, shape);
                    race_one(pace, &case(shape), (scene, index), &asked)
                }
                None => Measured::without_towns(case(shape), Unit::Ns),
            })?;
        }
    }
    Ok(())
}

/// A question, and a ball that holds all answers.
struct Asked {
    what: What,
    center: Ecef,
    reach_m: f64,
}

enum What {
    Box(LatLngRect),
    Cap(Cap),
    Polygon(Box<Polygon>),
    Corridor(Corridor),
}

/// Around entities: about 60 of them on the even globe, more in towns.
fn asked(pace: &Pace, scene: &Scene, shape: Shape) -> Vec<Asked> {
    let half_rad = match scene.spread {
        Spread::Towns => 10_000.0 / EARTH.radius_m(),
        Spread::Even | Spread::Crowd => 0.016,
    };
    let mut seeded = Seeded(22);
    let queries = scene.queries(pace, Order::Random);
    let count = pace.size.of(QUERIES).min(queries.len());
    let queries = queries.into_iter().take(count);
    queries
        .map(|place| Asked::new(shape, place, half_rad, &mut seeded))
        .collect()
}

impl Asked {
    fn new(shape: Shape, center: Ecef, half_rad: f64, seeded: &mut Seeded) -> Self {
        let half_m = half_rad * EARTH.radius_m();
        let up = center.to_vec().normalize();
        match shape {
            Shape::Box => {
                let at = EARTH.geodetic(center);
                let half_deg = half_rad.to_degrees();
                let lat = [at.lat_deg() - half_deg, at.lat_deg() + half_deg];
                let lng = [at.lon_deg() - half_deg, at.lon_deg() + half_deg];
                let rect = LatLngRect::from_degrees(lat.map(|lat| lat.clamp(-90.0, 90.0)), lng);
                Self {
                    what: What::Box(rect.expect("a legal box")),
                    center,
                    reach_m: 1.5 * half_m, // more than half the diagonal
                }
            }
            Shape::Cap => Self {
                what: What::Cap(Cap::new(up, half_rad).expect("a legal cap")),
                center,
                reach_m: half_m,
            },
            Shape::Polygon => Self {
                what: What::Polygon(Box::new(star(up, half_rad, seeded))),
                center,
                reach_m: 1.31 * half_m,
            },
            Shape::Corridor => {
                let ahead = up.cross(seeded.direction()).normalize();
                let to = on_datum(up + ahead * (2.0 * half_rad));
                let middle = (center.to_vec() + to.to_vec()) / 2.0;
                let [x, y, z] = middle.to_array();
                let radius_m = half_m / 2.0;
                Self {
                    center: Ecef::new(x, y, z).expect("a place on the Earth is legal"),
                    reach_m: center.distance_m(to) / 2.0 + radius_m + 1.0,
                    what: What::Corridor(
                        Corridor::new(vec![center, to], radius_m).expect("a legal radius"),
                    ),
                }
            }
        }
    }

    /// Answers into one of the buffers: how many.
    fn answer(&self, index: &Indexed, rows: &mut Vec<u32>, hits: &mut Vec<Hit>) -> u64 {
        let view = index.view();
        match &self.what {
            What::Box(region) => view.region_rows(region, rows),
            What::Cap(region) => view.region_rows(region, rows),
            What::Polygon(region) => view.region_rows(&**region, rows),
            What::Corridor(corridor) => {
                view.corridor(corridor, hits);
                rows.clear();
                rows.extend(hits.iter().map(|hit| hit.row));
            }
        }
        rows.len() as u64
    }

    /// What a peer's ball is sorted by.
    fn holds(&self, place: Ecef) -> bool {
        match &self.what {
            What::Box(region) => region.contains_point(place.to_vec()),
            What::Cap(region) => region.contains_point(place.to_vec()),
            What::Polygon(region) => region.contains_point(place.to_vec()),
            What::Corridor(corridor) => {
                let [a, b] = [0, 1].map(|n| corridor.points()[n].to_vec());
                let (along, p) = (b - a, place.to_vec());
                let t = ((p - a).dot(along) / along.length_squared()).clamp(0.0, 1.0);
                (p - (a + along * t)).length_squared() <= corridor.radius_m().powi(2)
            }
        }
    }
}

/// A ring of twenty corners around a direction.
fn star(center: DVec3, half_rad: f64, seeded: &mut Seeded) -> Polygon {
    let east = center.any_orthonormal_vector();
    let north = center.cross(east);
    let ring = (0..20).map(|n| {
        let (sin, cos) = libm::sincos(f64::from(n) * core::f64::consts::TAU / 20.0);
        let far = half_rad * (1.0 + 0.3 * seeded.signed());
        (center + (east * cos + north * sin) * far).normalize()
    });
    Polygon::new(&[ring.collect()]).expect("a star is simple")
}

fn race_one(
    pace: &Pace,
    case: &str,
    (scene, index): (&mut Scene, &Indexed),
    asked: &[Asked],
) -> Measured {
    let (mut rows, mut hits) = (Vec::new(), Vec::new());
    let answers: Vec<Vec<u32>> = asked
        .iter()
        .map(|one| {
            one.answer(index, &mut rows, &mut hits);
            rows.sort_unstable();
            rows.clone()
        })
        .collect();
    let cpp = cpp_of(&scene.points, asked, &answers);
    let places = &scene.places.clone();
    let mut contest = Contest::new(case, Unit::Ns, asked.len(), move || -> u64 {
        let each = asked.iter();
        each.map(|one| one.answer(index, &mut rows, &mut hits))
            .sum()
    });
    for rival in scene
        .rivals()
        .iter_mut()
        .filter(|rival| rival.name() != s2_cpp::NAME)
    {
        let (mut near, mut found) = (Vec::new(), Vec::new());
        let agree = asked.iter().zip(&answers).all(|(one, ours)| {
            in_ball(rival.as_mut(), one, places, &mut near, &mut found);
            found.sort_unstable();
            found == *ours
        });
        let name = format!("{}: ball, then our test", rival.name());
        contest = contest.against(name, Some(agree), move || -> u64 {
            asked
                .iter()
                .map(|one| in_ball(rival.as_mut(), one, places, &mut near, &mut found))
                .sum()
        });
    }
    match cpp {
        Some((agree, run)) => contest.against(s2_cpp::NAME, agree, run),
        None => contest.without(s2_cpp::NAME),
    }
    .run(pace)
}

/// A peer's answer: how many.
fn in_ball(
    rival: &mut dyn PointIndex,
    asked: &Asked,
    places: &[Ecef],
    near: &mut Vec<Found>,
    found: &mut Vec<u32>,
) -> u64 {
    rival.within(asked.center.to_array(), asked.reach_m, near);
    found.clear();
    let rows = near.iter().map(|(row, _)| *row);
    found.extend(rows.filter(|row| asked.holds(places[*row as usize])));
    found.len() as u64
}

type Run<'a> = Box<dyn FnMut() -> u64 + 'a>;

/// The C++ library: whether it agrees, and how it is run; `None` where it is not installed.
fn cpp_of<'a>(
    points: &[[f64; 3]],
    asked: &'a [Asked],
    answers: &[Vec<u32>],
) -> Option<(Option<bool>, Run<'a>)> {
    if !s2_cpp::IS_INSTALLED {
        return None;
    }
    let mut index = s2_cpp::Points::build(points);
    let mut regions = s2_cpp::Regions::new();
    for one in asked {
        match &one.what {
            What::Box(rect) => regions.add_rect(rect.lat_rad(), rect.lng_rad()),
            What::Polygon(polygon) => {
                let ring = polygon.rings().next().expect("it has one");
                regions.add_ring(ring);
            }
            What::Cap(_) | What::Corridor(_) => {}
        }
    }
    let mut found = Vec::new();
    match &asked.first()?.what {
        What::Box(_) | What::Polygon(_) => {
            let agree = answers.iter().enumerate().all(|(n, ours)| {
                index.in_region(&regions, n, &mut found);
                found.sort_unstable();
                found == *ours
            });
            let run: Run<'_> = Box::new(move || index.in_regions_each(&regions));
            Some((Some(agree), run))
        }
        // A cap's rim is a chord's length away.
        What::Cap(_) => {
            let centers: Vec<_> = asked.iter().map(|one| one.center.to_array()).collect();
            let centers = index.native(&centers);
            let radius_m = chord_m(asked.first()?.reach_m);
            let mut near = Vec::new();
            let agree = centers.iter().zip(answers).all(|(center, ours)| {
                index.within(*center, radius_m, &mut near);
                found.clear();
                found.extend(near.iter().map(|(row, _)| *row));
                found.sort_unstable();
                found == *ours
            });
            let run: Run<'_> =
                Box::new(move || index.within_each(&centers, radius_m, &mut Vec::new()));
            Some((Some(agree), run))
        }
        // Its distance is that from the arc on the ground, ours that from the straight line: not the same everywhere.
        What::Corridor(corridor) => {
            let radius_m = chord_m(corridor.radius_m());
            let arcs: Vec<_> = asked.iter().filter_map(arc).collect();
            let run: Run<'_> = Box::new(move || index.along_each(&arcs, radius_m));
            Some((None, run))
        }
    }
}

fn chord_m(arc_m: f64) -> f64 {
    2.0 * EARTH.radius_m() * libm::sin(arc_m / EARTH.radius_m() / 2.0)
}

fn arc(asked: &Asked) -> Option<[[f64; 3]; 2]> {
    match &asked.what {
        What::Corridor(corridor) => {
            let unit = |n: usize| corridor.points()[n].to_vec().normalize().to_array();
            Some([0, 1].map(unit))
        }
        _ => None,
    }
}
