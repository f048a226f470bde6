//! Other questions to the moving index: boxes, caps, cells, polygons, corridors.

use std::hint::black_box;

use spatial_core::{
    Cap, CellId, Corridor, DVec3, Ecef, EntityId, Hit, IndexView, LatLngRect, MovingIndex, Planet,
    Polygon,
};

use crate::case::{Case, Size, mix};
use crate::places::{in_cell_order, on_datum, uniform};
use crate::radius::ids_of;
use crate::seeded::Seeded;

const QUERIES: usize = 1_000;

/// Which question, each about 200 km wide, so of about 60 of a million.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Shape {
    Box,
    Cap,
    Cell,
    Polygon,
    Corridor,
}

/// A thousand questions of a shape to a million entities.
pub(crate) struct Queries {
    ids: Vec<EntityId>,
    places: Vec<Ecef>,
    index: MovingIndex,
    asked: Vec<Asked>,
    rows: Vec<u32>,
    hits: Vec<Hit>,
}

enum Asked {
    Box(LatLngRect),
    Cap(Cap),
    Cell(CellId),
    Polygon(Box<Polygon>),
    Corridor(Corridor),
}

impl Queries {
    pub(crate) fn of_a_million(size: Size, shape: Shape) -> Self {
        let places = in_cell_order(uniform(size.of(1_000_000)));
        let ids = ids_of(&places);
        let mut index = MovingIndex::new();
        index.rebuild(&ids, &places);
        let mut seeded = Seeded(22);
        let asked = (0..size.of(QUERIES)).map(|_| Asked::new(shape, &mut seeded));
        Self {
            asked: asked.collect(),
            ids,
            places,
            index,
            rows: Vec::new(),
            hits: Vec::new(),
        }
    }
}

impl Asked {
    fn new(shape: Shape, seeded: &mut Seeded) -> Self {
        let center = seeded.direction();
        match shape {
            Shape::Box => {
                let at = Planet::EARTH.geodetic(on_datum(center));
                let lat =
                    [at.lat_deg() - 0.9, at.lat_deg() + 0.9].map(|lat| lat.clamp(-90.0, 90.0));
                let lng = [at.lon_deg() - 0.9, at.lon_deg() + 0.9];
                Self::Box(LatLngRect::from_degrees(lat, lng).expect("a legal box"))
            }
            Shape::Cap => Self::Cap(Cap::new(center, 0.016).expect("a legal cap")),
            Shape::Cell => Self::Cell(CellId::from_direction(center).parent(5)),
            Shape::Polygon => Self::Polygon(Box::new(star(center, seeded))),
            Shape::Corridor => {
                let from = on_datum(center);
                let to = on_datum(center + seeded.direction() * 0.04);
                Self::Corridor(Corridor::new(vec![from, to], 50_000.0).expect("a legal radius"))
            }
        }
    }

    /// Answers into one of the buffers, which it empties.
    fn answer(&self, view: IndexView<'_>, rows: &mut Vec<u32>, hits: &mut Vec<Hit>) {
        match self {
            Self::Box(region) => view.region_rows(region, rows),
            Self::Cap(region) => view.region_rows(region, rows),
            Self::Cell(cell) => view.cell_rows(*cell, rows),
            Self::Polygon(region) => view.region_rows(&**region, rows),
            Self::Corridor(corridor) => view.corridor(corridor, hits),
        }
    }
}

/// A ring of twenty corners around a direction.
fn star(center: DVec3, seeded: &mut Seeded) -> Polygon {
    let east = center.any_orthonormal_vector();
    let north = center.cross(east);
    let ring = (0..20).map(|n| {
        let (sin, cos) = libm::sincos(f64::from(n) * core::f64::consts::TAU / 20.0);
        let far = 0.016 * (1.0 + 0.3 * seeded.signed());
        center + (east * cos + north * sin) * far
    });
    Polygon::new(&[ring.collect()]).expect("a star is simple")
}

impl Case for Queries {
    fn operations(&self) -> u64 {
        self.asked.len() as u64
    }

    fn run(&mut self) {
        let view = self.index.view(&self.ids, &self.places);
        for asked in &self.asked {
            asked.answer(view, &mut self.rows, &mut self.hits);
            black_box((&self.rows, &self.hits));
        }
    }

    fn hash(&self) -> u64 {
        let view = self.index.view(&self.ids, &self.places);
        let (mut rows, mut hits) = (Vec::new(), Vec::new());
        let mut hash = 0u64;
        for asked in &self.asked {
            asked.answer(view, &mut rows, &mut hits);
            let found = hits.iter().map(|hit| hit.row).chain(rows.iter().copied());
            hash = found.fold(mix(hash), |hash, row| {
                hash.wrapping_add(mix(u64::from(row) + 1))
            });
        }
        hash
    }
}
