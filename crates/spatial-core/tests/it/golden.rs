//! Golden files that are tapes of words, and what their numbers are compared with.

use spatial_core::{Cap, CellId, CellUnion, DVec3, LatLngRect, Region};

/// A reader of little-endian words of 8 bytes.
pub(crate) struct Tape(&'static [u8]);

impl Tape {
    pub(crate) fn new(bytes: &'static [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn integer(&mut self) -> u64 {
        let (word, rest) = self.0.split_first_chunk().expect("the tape goes on");
        self.0 = rest;
        u64::from_le_bytes(*word)
    }

    pub(crate) fn count(&mut self) -> usize {
        usize::try_from(self.integer()).unwrap()
    }

    pub(crate) fn flag(&mut self) -> bool {
        match self.integer() {
            0 => false,
            1 => true,
            other => panic!("{other} is neither 0 nor 1"),
        }
    }

    pub(crate) fn float(&mut self) -> f64 {
        f64::from_bits(self.integer())
    }

    pub(crate) fn floats<const N: usize>(&mut self) -> [f64; N] {
        core::array::from_fn(|_| self.float())
    }

    pub(crate) fn point(&mut self) -> DVec3 {
        DVec3::from_array(self.floats())
    }

    /// A point and a height.
    pub(crate) fn cap(&mut self) -> Cap {
        let (axis, height) = (self.point(), self.float());
        if height < 0.0 {
            Cap::EMPTY
        } else {
            Cap::from_squared_chord(axis, 2.0 * height).unwrap()
        }
    }

    /// South, north, west and east in degrees.
    pub(crate) fn rect(&mut self) -> LatLngRect {
        let [south, north, west, east] = self.floats();
        LatLngRect::from_degrees([south, north], [west, east]).unwrap()
    }

    pub(crate) fn ids(&mut self) -> Vec<CellId> {
        (0..self.count())
            .map(|_| CellId::new(self.integer()).unwrap())
            .collect()
    }

    pub(crate) fn end(self) {
        assert!(self.0.is_empty(), "{} bytes too many", self.0.len());
    }
}

/// How many representable numbers lie between two.
pub(crate) fn ulps(a: f64, b: f64) -> u64 {
    // Ordered as the numbers are.
    let place = |x: f64| {
        let bits = x.to_bits() as i64;
        if bits < 0 { i64::MIN - bits } else { bits }
    };
    place(a).abs_diff(place(b))
}

pub(crate) fn assert_ulps<const N: usize>(
    got: [f64; N],
    want: [f64; N],
    ulps_max: u64,
    what: &str,
) {
    for (a, b) in got.iter().zip(&want) {
        assert!(
            ulps(*a, *b) <= ulps_max,
            "{what}: {got:?} is not {want:?}, {} ulp",
            ulps(*a, *b)
        );
    }
}

/// What a golden covering is asked of: no more than one cell more than the library's, and no point lost.
///
/// `points` need not be in the region; the answer is how many of them were.
pub(crate) fn check_covering(
    region: &(impl Region + ?Sized),
    ours: &CellUnion,
    library: &[CellId],
    points: impl IntoIterator<Item = DVec3>,
) -> usize {
    assert!(
        ours.len() <= library.len() + 1,
        "{} cells, the library has {}",
        ours.len(),
        library.len()
    );
    let mut inside = 0;
    for p in points.into_iter().filter(|p| region.contains_point(*p)) {
        inside += 1;
        assert!(ours.contains_id(CellId::from_direction(p)), "{p:?} is lost");
    }
    inside
}

/// A seeded generator (SplitMix64: Steele, Lea, Flood 2014).
#[derive(Clone)]
pub(crate) struct Draws(pub(crate) u64);

impl Draws {
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.bits() % n
    }

    /// Even in [−1, 1).
    pub(crate) fn signed(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    /// Even on the sphere.
    pub(crate) fn uniform(&mut self) -> DVec3 {
        loop {
            let p = DVec3::new(self.signed(), self.signed(), self.signed());
            if (0.01..=1.0).contains(&p.length_squared()) {
                return p.normalize();
            }
        }
    }

    /// A fifth at poles, the antimeridian, edges and corners of the cube, exactly or nearly; the rest even.
    pub(crate) fn place(&mut self) -> DVec3 {
        if self.below(5) != 0 {
            return self.uniform();
        }
        let one = |n: u64| if n == 0 { 1.0 } else { -1.0 };
        let p = match self.below(4) {
            0 => DVec3::new(0.0, 0.0, one(self.below(2))),
            1 => DVec3::new(-1.0, 0.0, 2.0 * self.signed()),
            2 => {
                let mut p = [one(self.below(2)), one(self.below(2)), self.signed()];
                p.rotate_left(self.below(3) as usize);
                DVec3::from_array(p)
            }
            _ => DVec3::new(one(self.below(2)), one(self.below(2)), one(self.below(2))),
        };
        let step = [0.0, 1e-15, 1e-9, 1e-3][self.below(4) as usize];
        (p.normalize() + step * self.uniform()).normalize()
    }

    /// Even in the logarithm.
    pub(crate) fn scale(&mut self, lo: f64, hi: f64) -> f64 {
        lo * libm::pow(hi / lo, 0.5 + 0.5 * self.signed())
    }

    /// Within about `step` of a direction; every fourth one nearly at that distance.
    pub(crate) fn near(&mut self, p: DVec3, step: f64) -> DVec3 {
        let aside = self.uniform().cross(p).normalize_or(DVec3::X);
        let far = match self.below(4) {
            0 => step * (1.0 - self.scale(1e-16, 1e-3)),
            1 => step * self.scale(1e-3, 1.0),
            _ => step * (0.5 + 0.5 * self.signed()).sqrt(),
        };
        let (sin, cos) = libm::sincos(far);
        (p * cos + aside * sin).normalize()
    }
}
