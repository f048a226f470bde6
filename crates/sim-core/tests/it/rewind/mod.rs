//! Players as they were.

mod oracle;
mod queries;
mod ring;
mod town;
