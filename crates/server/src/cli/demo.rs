//! `bluemarble demo`.

use std::process::ExitCode;

use anyhow::Result;

#[derive(clap::Args)]
pub(super) struct DemoArgs {}

pub(super) fn run(_args: &DemoArgs) -> Result<ExitCode> {
    anyhow::bail!("not built yet")
}
