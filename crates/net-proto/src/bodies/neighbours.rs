//! What befell those nearby that this packet has told of already.

/// The bodies of a packet that differ, so far: columns, for they are all gone through for every body that differs.
#[derive(Clone, Debug, Default)]
pub(super) struct Neighbours {
    places: [Vec<i32>; 3], // in the baseline, in grains
    pulls: [Vec<i32>; 3],  // how far the position's prediction was off, of ±REACH_MAX
    turns: Vec<i32>,       // how far the orientation's was, all components
}

/// The weighted means of those within reach; zeros where there is nobody.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Nearby {
    pub(super) pull: [i32; 3],
    /// Of the magnitudes of pulls, all axes.
    pub(super) shift: u32,
    pub(super) turn: u32,
}

/// A grain of distance is so many bits of a unit of place.
const GRAIN_SHIFT: u32 = 2;

/// Farther neighbours count for nothing, in grains: about three times the cubes of the benchmark, which also gain most from it.
const REACH: i32 = 150;

/// Pulls count up to here: sums of BODIES_MAX of them with weights of up to 175 fit into 32 bits.
const PULL_MAX: i32 = 8_191;

impl Neighbours {
    pub(super) fn with_capacity(count: usize) -> Self {
        let column = || Vec::with_capacity(count);
        Self {
            places: [column(), column(), column()],
            pulls: [column(), column(), column()],
            turns: column(),
        }
    }

    pub(super) fn clear(&mut self) {
        self.places.iter_mut().for_each(Vec::clear);
        self.pulls.iter_mut().for_each(Vec::clear);
        self.turns.clear();
    }

    pub(super) fn push(&mut self, place: [i16; 3], pull: [i32; 3], turn: u32) {
        for axis in 0..3 {
            self.places[axis].push(i32::from(place[axis]) >> GRAIN_SHIFT);
            self.pulls[axis].push(pull[axis].clamp(-PULL_MAX, PULL_MAX));
        }
        self.turns.push(turn.cast_signed().min(PULL_MAX));
    }

    /// What befell those around a place of the baseline. A neighbour's weight falls with the square of its distance.
    pub(super) fn around(&self, place: [i16; 3]) -> Nearby {
        let [x, y, z] = place.map(|place| i32::from(place) >> GRAIN_SHIFT);
        let count = self.turns.len();
        let (xs, ys, zs) = (
            &self.places[0][..count],
            &self.places[1][..count],
            &self.places[2][..count],
        );
        let (us, vs, ws) = (
            &self.pulls[0][..count],
            &self.pulls[1][..count],
            &self.pulls[2][..count],
        );
        let turns = &self.turns[..count];
        let (mut total, mut pull, mut shift, mut turn) = (0i32, [0i32; 3], 0i32, 0i32);
        // Nothing wraps, see the constants; checks would keep the compiler from vectors.
        let add = i32::wrapping_add;
        let mul = i32::wrapping_mul;
        for n in 0..count {
            let [dx, dy, dz] = [(xs[n], x), (ys[n], y), (zs[n], z)].map(|(a, b)| a.wrapping_sub(b));
            let square = add(add(mul(dx, dx), mul(dy, dy)), mul(dz, dz));
            let weight = (REACH * REACH).wrapping_sub(square).max(0) >> 7;
            let size = add(
                add(us[n].wrapping_abs(), vs[n].wrapping_abs()),
                ws[n].wrapping_abs(),
            );
            total = add(total, weight);
            pull[0] = add(pull[0], mul(weight, us[n]));
            pull[1] = add(pull[1], mul(weight, vs[n]));
            pull[2] = add(pull[2], mul(weight, ws[n]));
            shift = add(shift, mul(weight, size.min(PULL_MAX)));
            turn = add(turn, mul(weight, turns[n]));
        }
        if total == 0 {
            return Nearby::default();
        }
        Nearby {
            pull: pull.map(|sum| sum / total),
            shift: (shift / total).unsigned_abs(),
            turn: (turn / total).unsigned_abs(),
        }
    }
}
