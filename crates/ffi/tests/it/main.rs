//! The library as C sees it: its header, its symbols, and programs that call it.

mod compile;
mod coverage;
mod exports;
mod header;
mod library;
