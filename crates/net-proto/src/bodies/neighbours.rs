//! What befell those nearby that this packet has told of already.

use super::BODIES_MAX;

/// The bodies of a packet that differ, so far: columns of 16 bits, for they are all gone through for every body that differs.
#[derive(Clone, Debug)]
pub(super) struct Neighbours {
    count: usize,
    places: [Column; 3], // in the baseline, in grains; far away behind the last
    pulls: [Column; 3],  // how far the position's prediction was off, of ±PULL_MAX
    shifts: Column,      // their magnitudes' sum, at most PULL_MAX
    turns: Column,       // how far the orientation's was, all components, at most PULL_MAX
    weights: Column,     // of the body that is asked for
}

type Column = Vec<i16>; // of all bodies that there can be

/// The weighted means of those within reach; zeros where there is nobody.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct Nearby {
    pub(super) pull: [f32; 3],
    /// Of the magnitudes of pulls, all axes.
    pub(super) shift: u32,
    pub(super) turn: u32,
}

/// A grain of distance is so many bits of a unit of place.
const GRAIN_SHIFT: u32 = 3;

/// Farther neighbours count for nothing, in grains: about three times the cubes of the benchmark, which also gain most from it.
const REACH: i16 = 75;

/// A weight is of 0 to so much: three squares of REACH fit into 16 bits.
const WEIGHT_SHIFT: u32 = 5;

/// Pulls count up to here: sums of BODIES_MAX of them with weights of up to 175 fit into 32 bits.
const PULL_MAX: i16 = 8_191;

/// Columns are gone through in steps of so many.
const STEP: usize = 8;

impl Neighbours {
    pub(super) fn new() -> Self {
        let column = || vec![0; BODIES_MAX];
        let three = || core::array::from_fn(|_| column());
        Self {
            count: 0,
            places: three(),
            pulls: three(),
            shifts: column(),
            turns: column(),
            weights: column(),
        }
    }

    pub(super) fn clear(&mut self) {
        self.count = 0;
    }

    pub(super) fn push(&mut self, place: [i16; 3], pull: [i32; 3], turn: u32) {
        let at = self.count;
        if at.is_multiple_of(STEP) {
            self.places[0][at..at + STEP].fill(i16::MAX);
        }
        for axis in 0..3 {
            self.places[axis][at] = place[axis] >> GRAIN_SHIFT;
            self.pulls[axis][at] = bounded(pull[axis]);
        }
        let [x, y, z] = pull.map(i32::wrapping_abs);
        self.shifts[at] = bounded(x.saturating_add(y).saturating_add(z));
        self.turns[at] = bounded(turn.cast_signed());
        self.count += 1;
    }

    /// What befell those around a place of the baseline. A neighbour's weight falls with the square of its distance.
    pub(super) fn around(&mut self, place: [i16; 3]) -> Nearby {
        let place = place.map(|place| place >> GRAIN_SHIFT);
        let count = self.count.next_multiple_of(STEP);
        let weights = &mut self.weights[..count];
        let [xs, ys, zs] = self.places.each_ref().map(|column| &column[..count]);
        for (weight, ((x, y), z)) in weights.iter_mut().zip(xs.iter().zip(ys).zip(zs)) {
            *weight = weight_of([*x, *y, *z], place);
        }
        let total = weights
            .iter()
            .fold(0i32, |sum, weight| sum.wrapping_add(i32::from(*weight)));
        if total == 0 {
            return Nearby::default();
        }
        let mean = 1.0 / f64::from(total);
        let mean_of = |column: &Column| whole(f64::from(product(weights, &column[..count])) * mean);
        Nearby {
            pull: self.pulls.each_ref().map(|column| mean_of(column) as f32),
            shift: mean_of(&self.shifts).unsigned_abs(),
            turn: mean_of(&self.turns).unsigned_abs(),
        }
    }
}

#[inline]
fn weight_of(of: [i16; 3], place: [i16; 3]) -> i16 {
    let square = |axis: usize| {
        let way = of[axis].saturating_sub(place[axis]).clamp(-REACH, REACH);
        way.wrapping_mul(way)
    };
    let square = square(0).wrapping_add(square(1)).wrapping_add(square(2));
    (REACH * REACH).wrapping_sub(square).max(0) >> WEIGHT_SHIFT
}

/// Nothing wraps, see the constants; checks would keep the compiler from vectors.
#[inline]
fn product(weights: &[i16], values: &[i16]) -> i32 {
    let both = weights.iter().zip(values);
    both.fold(0, |sum, (weight, value)| {
        sum.wrapping_add(i32::from(*weight).wrapping_mul(i32::from(*value)))
    })
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "within 16 bits")]
fn bounded(value: i32) -> i16 {
    value.clamp(-i32::from(PULL_MAX), i32::from(PULL_MAX)) as i16
}

/// Towards 0.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "a mean of 16 bits")]
fn whole(value: f64) -> i32 {
    value as i32
}
