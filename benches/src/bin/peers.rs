//! `peers [spatial|sim|terrain|wire|server|ffi] [--json] [--tiny]`: exit code 0 when all answers agree and all
//! promises are kept, 1 when not, 2 when misused.

use std::io;
use std::process::ExitCode;

use bluemarble_benches::peers::{Options, run};
use clap::Parser;

fn main() -> anyhow::Result<ExitCode> {
    let all_kept = run(&Options::parse(), &mut io::stdout().lock())?;
    Ok(if all_kept {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
