//! The server as its users meet it: as a library, over QUIC, and as a program.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod backups;
mod bots;
mod columns;
mod fair;
mod full;
mod gateway;
mod ground;
mod hostile;
mod journal;
#[path = "../../../ffi/tests/it/library.rs"]
mod library;
mod lines;
mod memory;
mod operations;
mod overload;
mod previous;
mod program;
mod relay;
mod replay;
mod restart;
mod resume;
mod step;
mod supervised;
#[expect(dead_code, reason = "the bad days use more of it")]
mod support;
mod tokens;
mod trade;
mod watch;
mod words;
mod worlds;
