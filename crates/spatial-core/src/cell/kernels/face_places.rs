//! Where directions are on the cube, in s and t.

use glam::DVec3;

use super::super::projection::{direction_to_face_uv, uv_to_st};
use super::geometry::{face_uv, st};
use super::lanes::Lanes;
use super::{Kernel, run};
use crate::simd::SimdLevel;

/// So many at a time: what is known of them stays in the first cache.
pub(crate) const FACE_PLACES: usize = 128;

/// Places on the cube's faces.
#[repr(C, align(64))]
pub(crate) struct FacePlaces {
    s: [f64; FACE_PLACES],
    t: [f64; FACE_PLACES],
    face: [f64; FACE_PLACES],
}

impl FacePlaces {
    pub(crate) const ZERO: Self = Self {
        s: [0.0; FACE_PLACES],
        t: [0.0; FACE_PLACES],
        face: [0.0; FACE_PLACES],
    };

    /// Face, s and t.
    #[inline(always)]
    pub(crate) fn get(&self, at: usize) -> (u8, f64, f64) {
        (self.face[at] as u8, self.s[at], self.t[at])
    }
}

/// The places of up to [`FACE_PLACES`] directions: [`face_st`](crate::face_st) of each.
pub(crate) fn face_places(level: SimdLevel, directions: &[DVec3], places: &mut FacePlaces) {
    assert!(directions.len() <= FACE_PLACES);
    run(level, &mut ToPlaces { directions, places });
}

struct ToPlaces<'a> {
    directions: &'a [DVec3], // no more than there are places
    places: &'a mut FacePlaces,
}

impl Kernel for ToPlaces<'_> {
    fn count(&self) -> usize {
        self.directions.len()
    }

    #[inline(always)]
    fn single(&mut self, at: usize) {
        let (face, u, v) = direction_to_face_uv(self.directions[at]);
        let to = &mut *self.places;
        (to.s[at], to.t[at]) = (uv_to_st(u), uv_to_st(v));
        to.face[at] = f64::from(face);
    }

    #[inline(always)]
    fn block<L: Lanes>(&mut self, l: L, at: usize) {
        for at in [at, at + L::COUNT] {
            // By way of the stack.
            let mut axes = [[0.0; 8]; 3];
            for (n, p) in self.directions[at..at + L::COUNT].iter().enumerate() {
                (axes[0][n], axes[1][n], axes[2][n]) = (p.x, p.y, p.z);
            }
            let [x, y, z] = &axes;
            let [face, u, v] = face_uv(l, [l.load(x), l.load(y), l.load(z)]);
            let to = &mut *self.places;
            l.store(st(l, u), &mut to.s[at..]);
            l.store(st(l, v), &mut to.t[at..]);
            l.store(face, &mut to.face[at..]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terrain::face_st;

    #[test]
    fn all_levels_say_what_is_said_of_one() {
        let mut directions = Vec::new();
        for k in 0..FACE_PLACES as u32 {
            let along = |n: u32| f64::from(k * n % 255) / 127.0 - 1.0;
            directions.push(match k % 5 {
                // An edge or a corner of the cube, an axis.
                0 => DVec3::new(1.0, along(7).signum(), along(3)),
                1 => DVec3::new(0.0, along(5).signum(), -0.0),
                _ => DVec3::new(along(13), along(29), along(101)) * 7.0e6,
            });
        }
        for level in SimdLevel::available() {
            for count in [directions.len(), 37, 5] {
                let mut places = FacePlaces::ZERO;
                face_places(level, &directions[..count], &mut places);
                for (at, p) in directions[..count].iter().enumerate() {
                    let ((face, s, t), want) = (places.get(at), face_st(*p));
                    let bits = |(face, s, t): (u8, f64, f64)| (face, s.to_bits(), t.to_bits());
                    assert_eq!(bits((face, s, t)), bits(want), "{level:?} {p:?}");
                }
            }
        }
    }
}
