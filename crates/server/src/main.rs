//! The `bluemarble` program.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    bluemarble_server::cli::main()
}
