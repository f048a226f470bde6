//! The one description of a column.
