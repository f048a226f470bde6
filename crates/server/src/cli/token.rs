//! `bluemarble token`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use net_proto::{Claims, PlayerId, PlayerName, Ticket, WorldId};
use serde_json::json;

use super::Misuse;
use super::out::say;
use crate::clock::now_s;
use crate::keys::{Keys, random_bytes};

/// A clock that is a little behind ours must still find the token valid.
const CLOCK_SLACK_S: u64 = 30;

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
    /// Seconds for which the ticket holds
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3_500))]
    ttl: u64,
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
    let issuer = Issuer::open(&args.data, args.world)?;
    let ticket = issuer.ticket(PlayerId(args.player), name, args.ttl)?;
    if args.json {
        let expires_s = now_s() + args.ttl;
        say(json!({ "ticket": ticket.to_string(), "expires_s": expires_s }));
    } else {
        say(ticket);
    }
    Ok(ExitCode::SUCCESS)
}

/// Signs tickets with a server's key.
pub(super) struct Issuer {
    keys: Keys,
    world: WorldId,
    cert_sha256: [u8; 32],
}

impl Issuer {
    pub(super) fn open(data: &Path, world: u16) -> Result<Self> {
        let keys = Keys::open(data).with_context(|| {
            let dir = data.display();
            format!("{dir}: no usable keys (a server makes them in its data directory at its first start)")
        })?;
        Ok(Self {
            cert_sha256: keys.identity.cert_sha256(),
            keys,
            world: WorldId(u64::from(world)),
        })
    }

    pub(super) fn ticket(&self, player: PlayerId, name: PlayerName, ttl_s: u64) -> Result<Ticket> {
        let now = now_s();
        let token = self.keys.token.sign(&Claims {
            world: self.world,
            player,
            not_before_s: now.saturating_sub(CLOCK_SLACK_S),
            expires_s: now + ttl_s,
            name,
            nonce: random_bytes()?,
        });
        Ok(Ticket {
            token,
            cert_sha256: self.cert_sha256,
        })
    }
}
