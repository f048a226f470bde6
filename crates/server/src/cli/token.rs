//! `bluemarble token`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use net_proto::{Audience, Claims, PlayerId, PlayerName, WorldId};
use serde_json::json;

use super::Misuse;
use super::out::say;
use crate::clock::now_s;
use crate::issuer::Issuer;

/// How long tickets of bots hold: what the lifetime leaves goes to clocks that are behind.
pub(super) const TTL_S: u64 = 50;

#[derive(clap::Args)]
pub(super) struct TokenArgs {
    /// The server's data directory, which holds its keys
    #[arg(long, env = "BLUEMARBLE_DATA_DIR", value_name = "DIR")]
    data: PathBuf,
    /// The player's number
    #[arg(long, value_name = "N")]
    player: u64,
    /// The player's name, 1 to 24 bytes
    #[arg(long, default_value = "player")]
    name: String,
    /// Seconds for which the ticket holds, at most 60; what is left of the 60 goes to servers whose clock is behind
    /// [with --previous: at most 3500]
    #[arg(long, default_value_t = TTL_S, value_parser = clap::value_parser!(u64).range(1..=3_500))]
    ttl: u64,
    /// Whom the ticket is for, 32 hexadecimal digits, where servers are configured with an audience
    #[arg(long, env = "BLUEMARBLE_AUDIENCE", value_name = "HEX", value_parser = parse_audience)]
    audience: Option<Audience>,
    /// For a client of the protocol's previous version: whoever has the ticket can use it
    #[arg(long)]
    previous: bool,
    /// The world it opens
    #[arg(long, env = "BLUEMARBLE_WORLD", default_value_t = 1, value_name = "N")]
    world: u16,
    /// Print JSON instead of the ticket alone
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &TokenArgs) -> Result<ExitCode> {
    let name =
        PlayerName::new(&args.name).map_err(|e| Misuse(format!("--name {:?}: {e}", args.name)))?;
    if !args.previous && args.ttl > Claims::LIFETIME_MAX_S {
        let most = Claims::LIFETIME_MAX_S;
        return Err(Misuse(format!(
            "--ttl {}: a ticket holds for at most {most} s",
            args.ttl
        ))
        .into());
    }
    let issuer = open_issuer(&args.data, args.world, args.audience)?;
    let player = PlayerId(args.player);
    let ticket = match args.previous {
        true => issuer.unbound_ticket(player, name, args.ttl)?,
        false => issuer.ticket(player, name, args.ttl)?,
    };
    if args.json {
        let expires_s = now_s() + args.ttl;
        say(json!({ "ticket": ticket.to_string(), "expires_s": expires_s }));
    } else {
        say(ticket);
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads the keys of a data directory.
pub(super) fn open_issuer(data: &Path, world: u16, audience: Option<Audience>) -> Result<Issuer> {
    Issuer::open(data, WorldId(u64::from(world)), audience).with_context(|| {
        let dir = data.display();
        format!(
            "{dir}: no usable keys (a server makes them in its data directory at its first start)"
        )
    })
}

/// An audience, of the command line.
pub(super) fn parse_audience(text: &str) -> Result<Audience, &'static str> {
    Audience::from_hex(text).ok_or("must be 32 hexadecimal digits")
}
