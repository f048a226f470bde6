//! What a batched call says when it refuses.

/// The first item of a batch that was refused. The call has changed nothing.
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
