//! Rows that change their place.

/// A row that moves into the gap of one that is gone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Move {
    /// Where it was: at or behind the new number of rows.
    pub(crate) from: u32,
    /// Where it goes: below the new number of rows.
    pub(crate) to: u32,
}

/// Why an order of rows is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OrderError {
    /// It has another length than the table.
    #[error("the order names {found} rows of {want}")]
    Length {
        /// Rows named.
        found: usize,
        /// Rows of the table.
        want: usize,
    },
    /// It names a row that does not exist.
    #[error("the order's entry {index} is row {row}, which does not exist")]
    Beyond {
        /// Place in the order.
        index: usize,
        /// The row it names.
        row: u32,
    },
    /// It names a row for the second time.
    #[error("the order's entry {index} is row {row}, which it names before")]
    Twice {
        /// Place in the order.
        index: usize,
        /// The row it names.
        row: u32,
    },
}
