//! `bluemarble bots`.

use std::process::ExitCode;

use anyhow::Result;

#[derive(clap::Args)]
pub(super) struct BotsArgs {}

pub(super) fn run(_args: &BotsArgs) -> Result<ExitCode> {
    anyhow::bail!("not built yet")
}
