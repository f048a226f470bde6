//! The moving index: entities by cell of a fixed grid, queries around a place.
//!
//! ```text
//! keys   face │ i │ j      sorted by (key, entity id): a cell is one run, and so is a part of a row of cells
//! x y z                    the places, in that order, apart
//! ids rows                 who, and where in what the index was built from
//!
//!        j →
//!      i ┌──┬──┬──┬──┬──┐
//!      ↓ │  │▒▒│▒▒│▒▒│  │   a radius query: for each row of cells that the ball can touch, one
//!        │  │▒▒│▒c│▒▒│  │   contiguous run of entities, found through the directory
//!        │  │▒▒│▒▒│▒▒│  │
//!        └──┴──┴──┴──┴──┘
//! ```
//! Memory is proportional to the entities, whatever the level; empty rows are jumped over.

use glam::DVec3;

use super::cap::{CellRange, Reach};
use super::directory::Directory;
use crate::cell::{MAX_LEVEL, direction_to_face_uv, st_to_ij, uv_to_st};
use crate::ids::EntityId;
use crate::planet::{Ecef, Planet};

/// Where entities are, for one moment.
///
/// [`MovingIndex::rebuild`] it whenever they have moved; queries in between answer for the places it was built
/// from. The truth of every query is [`Ecef::distance_m`], bounds included; results come in iteration order:
/// by cell (face, i, j), then entity id.
#[derive(Clone, Debug)]
pub struct MovingIndex {
    level: u8,
    keys: Vec<u64>,       // ascending
    directory: Directory, // of the keys
    ids: Vec<EntityId>,
    rows: Vec<u32>,
    x: Vec<f64>,
    y: Vec<f64>,
    z: Vec<f64>,
    rho_m: [f64; 2],   // least and greatest distance from the planet's centre
    order: Vec<Entry>, // scratch of a rebuild
}

/// An entity that a query has found.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Hit {
    /// The entity.
    pub id: EntityId,
    /// Its place in the slices that the index was rebuilt from.
    pub row: u32,
    /// Its distance from the centre of the query, metres.
    pub distance_m: f64,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Entry {
    key: u64,
    id: EntityId,
    row: u32,
}

impl MovingIndex {
    /// An empty index over cells whose edges are at most `cell_edge_m` long (on the datum, at the coarsest;
    /// leaves where even they are longer). The usual radius of a query is a good edge; half of it costs up to
    /// twice as much among a million, for the more rows of cells to look up.
    ///
    /// # Errors
    /// [`InvalidCellEdge`] when the edge is not a positive number.
    pub fn new(planet: Planet, cell_edge_m: f64) -> Result<Self, InvalidCellEdge> {
        if cell_edge_m.is_nan() || cell_edge_m <= 0.0 {
            return Err(InvalidCellEdge(cell_edge_m));
        }
        let fits = |level: &u8| planet.cell_edge_max_m(*level) <= cell_edge_m;
        Ok(Self {
            level: (0..MAX_LEVEL).find(fits).unwrap_or(MAX_LEVEL),
            keys: Vec::new(),
            directory: Directory::default(),
            ids: Vec::new(),
            rows: Vec::new(),
            x: Vec::new(),
            y: Vec::new(),
            z: Vec::new(),
            rho_m: [f64::INFINITY, 0.0],
            order: Vec::new(),
        })
    }

    /// Replaces everything by these entities. Sorts; allocates only when there are more than ever before.
    ///
    /// Ids should differ. One that is given twice counts twice, and within a cell its twins come in the order of rows.
    ///
    /// # Panics
    /// When the slices differ in length or are longer than 2³²−1.
    pub fn rebuild(&mut self, ids: &[EntityId], places: &[Ecef]) {
        assert_eq!(ids.len(), places.len(), "one place an id");
        assert!(
            u32::try_from(ids.len()).is_ok(),
            "rows are numbered by 32 bits"
        );
        let level = self.level;
        let entry = |(row, (id, place)): (usize, (&EntityId, &Ecef))| Entry {
            key: key_of(place.to_vec(), level),
            id: *id,
            row: row as u32,
        };
        self.order.clear();
        self.order
            .extend(ids.iter().zip(places).enumerate().map(entry));
        self.order.sort_unstable();
        self.take_order(places);
    }

    /// Fills the lanes in sorted order.
    fn take_order(&mut self, places: &[Ecef]) {
        fill(&mut self.keys, self.order.iter().map(|e| e.key));
        self.directory.rebuild(&self.keys);
        fill(&mut self.ids, self.order.iter().map(|e| e.id));
        fill(&mut self.rows, self.order.iter().map(|e| e.row));
        let at = |e: &Entry| places[e.row as usize].to_vec();
        fill(&mut self.x, self.order.iter().map(|e| at(e).x));
        fill(&mut self.y, self.order.iter().map(|e| at(e).y));
        fill(&mut self.z, self.order.iter().map(|e| at(e).z));
        let squares = places.iter().map(|p| p.to_vec().length_squared());
        let [lo, hi] = squares.fold([f64::INFINITY, 0.0], |[lo, hi]: [f64; 2], s| {
            [lo.min(s), hi.max(s)]
        });
        self.rho_m = [lo.sqrt(), hi.sqrt()];
    }

    /// Entities.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The level of the grid.
    pub fn level(&self) -> u8 {
        self.level
    }

    /// Everybody within a distance, the bound included, in iteration order. `out` is cleared first.
    ///
    /// Costs a look-up for each row of cells in reach where somebody is, and grows with the entities in them.
    ///
    /// # Errors
    /// [`InvalidRadius`] when the radius is negative or NaN; `out` is unchanged.
    pub fn radius(
        &self,
        center: Ecef,
        radius_m: f64,
        out: &mut Vec<Hit>,
    ) -> Result<(), InvalidRadius> {
        check_radius(radius_m)?;
        out.clear();
        self.visit(center, radius_m, |hit| out.push(hit));
        Ok(())
    }

    /// As [`MovingIndex::radius`], into a closure.
    ///
    /// # Errors
    /// [`InvalidRadius`] when the radius is negative or NaN.
    pub fn for_each_within(
        &self,
        center: Ecef,
        radius_m: f64,
        hit: impl FnMut(Hit),
    ) -> Result<(), InvalidRadius> {
        check_radius(radius_m)?;
        self.visit(center, radius_m, hit);
        Ok(())
    }

    fn visit(&self, center: Ecef, radius_m: f64, hit: impl FnMut(Hit)) {
        let mut ball = Ball::new(center, radius_m, hit);
        match Reach::of_ball(center.to_vec(), radius_m, self.rho_m) {
            Reach::Nothing => {}
            Reach::Everything => self.scan(0, self.len(), &mut ball),
            Reach::Cap(cap) => {
                for range in cap.ranges(self.level) {
                    self.scan_range(range, &mut ball);
                }
            }
        }
    }

    fn scan_range(&self, range: CellRange, ball: &mut Ball<impl FnMut(Hit)>) {
        let [mut i, last_i] = range.i;
        while i <= last_i {
            let first_key = self.key(range.face, i, range.j[0]);
            let from = self.directory.seek(&self.keys, first_key);
            let end = self.scan_to(from, self.key(range.face, i, range.j[1]), ball);
            i += 1;
            if end == from {
                // Nobody here: on to the row of the next entity.
                match self.keys.get(end) {
                    Some(key) if key >> (2 * self.level) == u64::from(range.face) => {
                        i = i.max(self.row_of_cells(*key));
                    }
                    _ => return,
                }
            }
        }
    }

    /// Scans from a position to the last entity of a key, and returns the position behind it.
    fn scan_to(&self, from: usize, last_key: u64, ball: &mut Ball<impl FnMut(Hit)>) -> usize {
        let run = self.keys[from..].iter().take_while(|key| **key <= last_key);
        let end = from + run.count();
        self.scan(from, end, ball);
        end
    }

    fn scan(&self, from: usize, end: usize, ball: &mut Ball<impl FnMut(Hit)>) {
        let lanes = self.x[from..end]
            .iter()
            .zip(&self.y[from..end])
            .zip(&self.z[from..end]);
        for (n, ((x, y), z)) in lanes.enumerate() {
            if let Some(distance_m) = ball.distance_m(*x, *y, *z) {
                let (id, row) = (self.ids[from + n], self.rows[from + n]);
                (ball.hit)(Hit {
                    id,
                    row,
                    distance_m,
                });
            }
        }
    }

    fn key(&self, face: u8, i: u32, j: u32) -> u64 {
        pack(face, i, j, self.level)
    }

    /// The i of a key.
    fn row_of_cells(&self, key: u64) -> u32 {
        ((key >> self.level) & ((1 << self.level) - 1)) as u32
    }

    /// Panics when the lanes contradict each other or are out of order.
    pub fn assert_well_formed(&self) {
        let lanes = [
            self.x.len(),
            self.y.len(),
            self.z.len(),
            self.ids.len(),
            self.rows.len(),
        ];
        assert!(lanes.iter().all(|len| *len == self.len()));
        let order = |n: usize| (self.keys[n], self.ids[n], self.rows[n]);
        for n in 0..self.len() {
            let p = DVec3::new(self.x[n], self.y[n], self.z[n]);
            assert_eq!(self.keys[n], key_of(p, self.level));
            assert!((self.rho_m[0]..=self.rho_m[1]).contains(&p.length()));
            assert!(n == 0 || order(n - 1) < order(n));
        }
    }
}

/// A query's ball, and who is told.
struct Ball<F> {
    center: DVec3,
    radius_m: f64,
    square_max: f64, // squared distances beyond this are out of reach, whatever the rounding
    hit: F,
}

impl<F: FnMut(Hit)> Ball<F> {
    fn new(center: Ecef, radius_m: f64, hit: F) -> Self {
        Self {
            center: center.to_vec(),
            radius_m,
            square_max: radius_m * radius_m * (1.0 + 1e-14) + f64::MIN_POSITIVE,
            hit,
        }
    }

    /// The distance of a place inside: the very value of [`Ecef::distance_m`], so it decides at the rim.
    fn distance_m(&self, x: f64, y: f64, z: f64) -> Option<f64> {
        let (dx, dy, dz) = (x - self.center.x, y - self.center.y, z - self.center.z);
        let square = dx * dx + dy * dy + dz * dz;
        if square > self.square_max {
            return None; // spares most candidates the root
        }
        let distance_m = square.sqrt();
        (distance_m <= self.radius_m).then_some(distance_m)
    }
}

/// Row-major within a face: a run of cells along j is a run of keys.
fn pack(face: u8, i: u32, j: u32, level: u8) -> u64 {
    u64::from(face) << (2 * level) | u64::from(i) << level | u64::from(j)
}

fn key_of(p: DVec3, level: u8) -> u64 {
    let (face, u, v) = direction_to_face_uv(p);
    let cell = |w: f64| st_to_ij(uv_to_st(w)) >> (MAX_LEVEL - level);
    pack(face, cell(u), cell(v), level)
}

fn fill<T>(lane: &mut Vec<T>, values: impl Iterator<Item = T>) {
    lane.clear();
    lane.extend(values);
}

pub(super) fn check_radius(radius_m: f64) -> Result<(), InvalidRadius> {
    if radius_m >= 0.0 {
        Ok(())
    } else {
        Err(InvalidRadius(radius_m))
    }
}

/// A radius that is negative or no number.
#[derive(Clone, Copy, PartialEq, Debug, thiserror::Error)]
#[error("radius {0} m is not a number from 0 up")]
pub struct InvalidRadius(pub f64);

/// A cell edge that is not a positive number.
#[derive(Clone, Copy, PartialEq, Debug, thiserror::Error)]
#[error("cell edge {0} m is not a positive number")]
pub struct InvalidCellEdge(pub f64);
