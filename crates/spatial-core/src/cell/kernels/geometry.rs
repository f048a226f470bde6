//! From directions to leaf coordinates and back, in lanes: what `projection` says of one direction.
//!
//! Branches are blends here. Negative numbers take the ways of positive ones with exact exchanges of signs, so each lane
//! has the bits that the scalar functions have, whatever goes in: zero vectors and NaN too.

use super::super::LEAVES;
use super::super::hilbert::{Word, coordinates, positions};
use super::lanes::{Float, Lanes};

/// Vectors of faces, i and j: integral numbers, to be truncated.
pub(super) type FaceIj<L> = [<L as Lanes>::F; 3];

/// Face, and coordinates at the level that has `side` cells along an edge of the face.
#[inline(always)]
pub(super) fn face_ij<L: Lanes>(l: L, direction: [L::F; 3], side: u32) -> FaceIj<L> {
    let [face, u, v] = face_uv(l, direction);
    [
        face,
        cell_coordinate(l, u, side),
        cell_coordinate(l, v, side),
    ]
}

/// Face, u and v.
#[inline(always)]
pub(super) fn face_uv<L: Lanes>(l: L, [x, y, z]: [L::F; 3]) -> [L::F; 3] {
    let zero = l.splat(0.0);
    let (a, b, c) = (x.abs(), y.abs(), z.abs());
    let (is_x, y_over_z) = (a.gt(b) & a.gt(c), b.gt(c));
    let normal = x.or(is_x, y.or(y_over_z, z));
    let is_behind = zero.gt(normal);
    let axis = zero.or(is_x, l.splat(1.0).or(y_over_z, l.splat(2.0)));
    let face = axis + l.splat(3.0).or(is_behind, zero);
    // Before the exchange of u and v behind: (y, z)/x, (−x, z)/y, (−x, −y)/z.
    let u = y.or(is_x, -x) / normal;
    let v = z.or(is_x | y_over_z, -y) / normal;
    [face, v.or(is_behind, u), u.or(is_behind, v)]
}

/// `st_to_ij(uv_to_st(u))` before its truncation, for any number of cells.
#[inline(always)]
pub(super) fn cell_coordinate<L: Lanes>(l: L, u: L::F, side: u32) -> L::F {
    let side = f64::from(side);
    (st(l, u) * l.splat(side))
        .max(l.splat(0.0))
        .min(l.splat(side - 1.0))
}

/// `uv_to_st`.
#[inline(always)]
pub(super) fn st<L: Lanes>(l: L, u: L::F) -> L::F {
    let root = l.splat(0.5) * (l.splat(1.0) + l.splat(3.0) * u.abs()).sqrt();
    root.or(u.ge(l.splat(0.0)), l.splat(1.0) - root)
}

/// Stores the leaves at words of faces, i and j.
#[inline(always)]
pub(super) fn store_leaves<L: Lanes>(l: L, [face, i, j]: [L::W; 3], leaves: &mut [u64]) {
    let low_bit = face & face.same(1);
    let (hi, lo) = positions(i, j, low_bit);
    let lo = lo | low_bit.up::<30>() | (face & face.same(4)).up::<29>();
    l.store_ids(hi | (face & face.same(2)).up::<29>(), lo, leaves);
}

/// The unit vectors to the centres of as many cells as two vectors have lanes.
#[inline(always)]
pub(super) fn centers<L: Lanes>(l: L, cells: &[u64]) -> [[L::F; 3]; 2] {
    let [hi, lo, size] = l.load_ids(cells);
    let bits = hi.same(LEAVES - 1);
    let low_bit = lo.down::<30>() & hi.same(1);
    let face = low_bit | (hi.down::<29>() & hi.same(2)) | (lo.down::<29>() & hi.same(4));
    let (i, j) = coordinates(hi & bits, lo & bits, low_bit);
    let [face_a, face_b] = l.floats(face);
    let [i_a, i_b] = l.floats(middle(i, size));
    let [j_a, j_b] = l.floats(middle(j, size));
    [center(l, face_a, i_a, j_a), center(l, face_b, i_b, j_b)]
}

/// The middle of a cell of a size in leaves, along one coordinate that is anywhere inside it; in half leaves, so that
/// the middle of a leaf is exact too.
#[inline(always)]
fn middle<W: Word>(k: W, size: W) -> W {
    // A size has one bit: copied to all places below, it says what to drop.
    let below = size | size.down::<1>();
    let below = below | below.down::<2>();
    let below = below | below.down::<4>();
    let below = below | below.down::<8>();
    let below = (below | below.down::<16>()) ^ size;
    (k ^ (k & below)).up::<1>() | size
}

/// The unit vector to a place on a face, from coordinates in half leaves.
#[inline(always)]
fn center<L: Lanes>(l: L, face: L::F, i: L::F, j: L::F) -> [L::F; 3] {
    let (zero, one) = (l.splat(0.0), l.splat(1.0));
    let (u, v) = (uv(l, i), uv(l, j));
    let is_behind = face.ge(l.splat(3.0));
    let axis = face - l.splat(3.0).or(is_behind, zero);
    let (u, v) = (v.or(is_behind, u), u.or(is_behind, v));
    let (is_z, is_not_x) = (axis.ge(l.splat(2.0)), axis.ge(one));
    let x = (-u).or(is_not_x, one);
    let y = (-v).or(is_z, one.or(is_not_x, u));
    let z = one.or(is_z, v);
    let side = (-one).or(is_behind, one);
    let (x, y, z) = (
        x.times_sign_of(side),
        y.times_sign_of(side),
        z.times_sign_of(side),
    );
    let scale = one / (x * x + y * y + z * z).sqrt();
    [x * scale, y * scale, z * scale]
}

/// `st_to_uv` of a coordinate in half leaves.
#[inline(always)]
fn uv<L: Lanes>(l: L, half_leaves: L::F) -> L::F {
    let (one, four) = (l.splat(1.0), l.splat(4.0));
    let s = half_leaves * l.splat(0.5 / f64::from(LEAVES));
    let is_upper = s.ge(l.splat(0.5));
    let s = s.or(is_upper, one - s);
    let u = l.splat(1.0 / 3.0) * (four * s * s - one);
    u.or(is_upper, -u)
}
