//! `peers [spatial|sim|terrain|wire|server|ffi] [--json] [--only PART] [--tiny]`: exit code 0 when all answers agree and
//! all promises are kept, 1 when not, 2 when misused. What is wrong is said again at the end, on the standard error.

use std::io;
use std::process::ExitCode;

use bluemarble_benches::peers::{Options, run};
use clap::Parser;

fn main() -> anyhow::Result<ExitCode> {
    let complaints = run(&Options::parse(), &mut io::stdout().lock())?;
    for complaint in &complaints {
        eprintln!("{complaint}");
    }
    Ok(if complaints.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
