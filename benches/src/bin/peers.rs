//! `peers [spatial|sim|terrain|wire|server|ffi] [--json] [--only PART] [--tiny]`: exit code 0 when all answers agree and
//! all promises are kept, 1 when not, 2 when misused. A table ends with what is wrong; with `--json` it is on the standard error. Where
//! the rows go elsewhere than to a terminal, the standard error tells how far it is.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use bluemarble_benches::peers::{Options, run};
use clap::Parser;

fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    let is_seen = io::stdout().is_terminal();
    let mut progress: Box<dyn Write> = match is_seen {
        true => Box::new(io::sink()),
        false => Box::new(io::stderr()),
    };
    let complaints = run(&options, &mut io::stdout().lock(), &mut progress)?;
    if options.json {
        complaints
            .iter()
            .for_each(|complaint| eprintln!("{complaint}"));
    }
    Ok(if complaints.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
