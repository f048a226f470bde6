//! Samples rounded to fewer values, for tiles that may err by so many quanta.
//!
//! With an error bound e a sample is the multiple of 2 e + 1 nearest to it, cut to an i16. It is a function of the
//! value alone: tiles that share an edge still agree on it, and so do the levels of a planet. Codecs keep the multiples.

/// The largest legal error bound.
pub(crate) const ERROR_BOUND_MAX: u16 = 16_383;

/// The sample that stands for a value.
pub(crate) fn rounded(sample: i16, error_bound: u16) -> i16 {
    restored(multiple(sample, error_bound), error_bound)
}

/// How many steps of 2 e + 1 a value is, rounded; no two multiples are equally near.
fn multiple(sample: i16, error_bound: u16) -> i16 {
    let (half, step) = (i32::from(error_bound), 2 * i32::from(error_bound) + 1);
    (i32::from(sample) + half).div_euclid(step) as i16
}

/// The sample of a multiple.
#[inline]
pub(crate) fn restored(multiple: i16, error_bound: u16) -> i16 {
    let step = 2 * i32::from(error_bound) + 1;
    (i32::from(multiple) * step).clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
}

/// What codecs keep of samples that have been rounded.
pub(crate) fn multiples(samples: &[i16], error_bound: u16) -> Vec<i16> {
    samples.iter().map(|v| multiple(*v, error_bound)).collect()
}

/// The inverse of [`multiples`].
pub(crate) fn restore(multiples: &mut [i16], error_bound: u16) {
    if error_bound > 0 {
        multiples
            .iter_mut()
            .for_each(|v| *v = restored(*v, error_bound));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_holds_and_rounding_twice_changes_nothing() {
        for error_bound in [0, 1, 2, 3, 5, 50, 1_000, 8_191, ERROR_BOUND_MAX] {
            for v in i16::MIN..=i16::MAX {
                let r = rounded(v, error_bound);
                assert!((i32::from(r) - i32::from(v)).unsigned_abs() <= u32::from(error_bound));
                assert_eq!(rounded(r, error_bound), r);
                assert_eq!(restored(multiple(r, error_bound), error_bound), r);
            }
        }
    }
}
