//! What a batched call says when it refuses.

/// The first item of a batch that was refused. Unless the call says otherwise, it has changed nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("item {index}: {error}")]
pub struct BatchError<E> {
    /// Its index in the input.
    pub index: usize,
    /// Why it was refused.
    pub error: E,
}

/// The first item that the check refuses, as a batch's error. Costs the check for every item.
pub(crate) fn check_all<T, E>(
    items: impl IntoIterator<Item = T>,
    mut check: impl FnMut(T) -> Result<(), E>,
) -> Result<(), BatchError<E>> {
    for (index, item) in items.into_iter().enumerate() {
        check(item).map_err(|error| BatchError { index, error })?;
    }
    Ok(())
}

/// Fills a slice with what the items become.
///
/// # Panics
/// When the slices differ in length.
pub(crate) fn convert_all<T: Copy, U>(items: &[T], out: &mut [U], convert: impl Fn(T) -> U) {
    one_length([items.len(), out.len()]);
    for (item, slot) in items.iter().zip(out) {
        *slot = convert(*item);
    }
}

/// The length that all lanes have.
///
/// # Panics
/// When they differ.
pub(crate) fn one_length<const N: usize>(lengths: [usize; N]) -> usize {
    let first = lengths[0];
    assert!(
        lengths.iter().all(|length| *length == first),
        "lanes differ in length: {lengths:?}"
    );
    first
}
