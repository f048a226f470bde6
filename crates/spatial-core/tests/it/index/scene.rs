//! A world with an index, and brute force: looks at everybody, and shares with the index nothing but the places and what a
//! region says of a point (`contains_point` has oracles of its own: the C++ library's answers, and exact fractions).
//!
//! Everything is kept by slot: in the index's iteration order, in which answers come. That the order itself is right is for
//! `assert_well_formed` and the tests of [`super::order`].

use core::fmt::Debug;

use spatial_core::{Cap, CellId, DVec3, Ecef, EntityId, IndexView, MovingIndex, Region};

use crate::world::{Random, World};

/// Vectors in lanes of their own, so that a look at all of them is a loop over vectors.
pub(super) struct Vectors {
    pub(super) x: Vec<f64>,
    pub(super) y: Vec<f64>,
    pub(super) z: Vec<f64>,
}

impl Vectors {
    pub(super) fn new(vectors: impl Iterator<Item = DVec3> + Clone) -> Self {
        Self {
            x: vectors.clone().map(|p| p.x).collect(),
            y: vectors.clone().map(|p| p.y).collect(),
            z: vectors.map(|p| p.z).collect(),
        }
    }

    pub(super) fn get(&self, n: usize) -> DVec3 {
        DVec3::new(self.x[n], self.y[n], self.z[n])
    }

    /// The squares of their distances from a point, of those from one on.
    pub(super) fn squares_from(&self, first: usize, to: DVec3) -> impl Iterator<Item = f64> {
        let [x, y, z] = [&self.x[first..], &self.y[first..], &self.z[first..]];
        x.iter().zip(y).zip(z).map(move |((x, y), z)| {
            let (x, y, z) = (x - to.x, y - to.y, z - to.z);
            x * x + y * y + z * z
        })
    }

    /// The truth of every query about distances.
    pub(super) fn distances_from(&self, first: usize, to: DVec3) -> Vec<f64> {
        self.squares_from(first, to).map(f64::sqrt).collect()
    }
}

/// The slots of the values for which something holds.
pub(super) fn slots_where<T: Copy>(
    values: &[T],
    mut holds: impl FnMut(usize, T) -> bool,
) -> Vec<u32> {
    // Written whether it holds or not: nothing to mispredict.
    let mut slots = vec![0; values.len()];
    let mut len = 0;
    for (slot, value) in values.iter().enumerate() {
        slots[len] = slot as u32;
        len += usize::from(holds(slot, *value));
    }
    slots.truncate(len);
    slots
}

pub(super) struct Scene<'a> {
    pub(super) seed: u64,
    pub(super) world: &'a World,
    pub(super) view: IndexView<'a>,
    // By slot.
    pub(super) rows: &'a [u32],
    pub(super) ids: Vec<EntityId>,
    pub(super) places: Vectors,
    pub(super) units: Vectors,
    pub(super) lat_lng: Vec<[f64; 2]>, // radians
    pub(super) leaves: Vec<CellId>,
}

impl<'a> Scene<'a> {
    pub(super) fn new(seed: u64, world: &'a World, index: &'a MovingIndex) -> Self {
        let view = index.view(&world.ids, &world.places);
        view.assert_well_formed();
        let rows = view.rows();
        let places = rows.iter().map(|row| world.places[*row as usize]);
        let lat_lng = |place: Ecef| {
            let at = world.planet.geodetic(place);
            [at.lat_rad(), at.lon_rad()]
        };
        Self {
            seed,
            world,
            view,
            rows,
            ids: rows.iter().map(|row| world.ids[*row as usize]).collect(),
            places: Vectors::new(places.clone().map(Ecef::to_vec)),
            units: Vectors::new(places.clone().map(|place| place.to_vec().normalize())),
            lat_lng: places.clone().map(lat_lng).collect(),
            leaves: places.map(|place| place.leaf()).collect(),
        }
    }

    /// Everybody within a distance, from the truth itself.
    pub(super) fn slots_within(&self, center: Ecef, radius_m: f64) -> Vec<u32> {
        let distances = self.places.distances_from(0, center.to_vec());
        slots_where(&distances, |_, distance_m| distance_m <= radius_m)
    }

    /// Where everybody is in respect of a cap. Who is so near its rim that rounding decides has to ask it.
    pub(super) fn sides_of(&self, cap: &Cap) -> Vec<Side> {
        let square = cap.squared_chord();
        let slack = 1e-14 * square.max(0.0).sqrt() + 1e-30;
        let (lo, hi) = (square - slack, square + slack);
        let squares = self.units.squares_from(0, cap.axis());
        let side = |square| match (square >= lo, square <= hi) {
            (true, true) => Side::Rim,
            (false, _) => Side::Inside,
            (_, false) => Side::Outside,
        };
        squares.map(side).collect()
    }

    /// Everybody in a cap.
    pub(super) fn slots_in_cap(&self, cap: &Cap) -> Vec<u32> {
        slots_where(&self.sides_of(cap), |slot, side| match side {
            Side::Rim => cap.contains_point(self.places.get(slot)),
            side => side == Side::Inside,
        })
    }

    /// What an index has found is who is in these slots, in their order.
    pub(super) fn assert_rows(&self, found: &[u32], slots: &[u32], query: &dyn Debug) {
        let want = slots.iter().map(|slot| &self.rows[*slot as usize]);
        assert!(
            found.iter().eq(want),
            "world of seed {}: {query:?} has {} but brute force {}",
            self.seed,
            found.len(),
            slots.len()
        );
    }

    pub(super) fn any_place(&self, random: &mut Random) -> Ecef {
        self.world.any_place(random)
    }

    /// Where somebody is, or an awkward or an ordinary direction.
    pub(super) fn direction(&self, random: &mut Random) -> DVec3 {
        match random.below(5) {
            0 | 1 => self.any_place(random).to_vec(),
            2 => random.awkward_direction(),
            _ => random.direction(),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Inside,
    Rim,
    Outside,
}
