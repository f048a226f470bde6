//! `bluemarble replay show`: what a journal holds, record by record.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, anyhow};
use serde_json::{Value, json};
use sim_core::{Entry, JournalReader, Record, Transfer};
use spatial_core::EntityId;

use crate::cli::out::say;
use crate::persist::{DirLock, Found, Frame, FrameKind, StartFrom, StorageError, recover};
use crate::revive::ReviveError;
use crate::server::ServerError;

#[derive(clap::Args)]
pub(super) struct ShowArgs {
    /// The data directory of a server that is not running
    #[arg(value_name = "DIR")]
    data: PathBuf,
    /// The world's number
    #[arg(long, env = "BLUEMARBLE_WORLD", default_value_t = 1, value_name = "N")]
    world: u16,
}

pub(super) fn run(args: &ShowArgs) -> Result<ExitCode> {
    if !args.data.is_dir() {
        return Err(anyhow!("{}: no such directory", args.data.display()));
    }
    let _lock = DirLock::take_existing(&args.data).map_err(ServerError::from)?;
    let found = recover(&args.data, args.world, StartFrom::Oldest).map_err(ServerError::from)?;
    let Found::World(recovery) = found else {
        return Err(anyhow!("{}: holds no world", args.data.display()));
    };
    let mut journal = JournalReader::new();
    let shown: Result<(), ShowError> = recovery.for_each_frame(|frame| show(&frame, &mut journal));
    shown.map_err(|ShowError(error)| ServerError::from(error))?;
    Ok(ExitCode::SUCCESS)
}

struct ShowError(ReviveError);

impl From<StorageError> for ShowError {
    fn from(error: StorageError) -> Self {
        Self(error.into())
    }
}

/// Says a frame's records, one JSON object a line; frames that hold no entry have only a tick.
fn show(frame: &Frame<'_>, journal: &mut JournalReader) -> Result<(), ShowError> {
    let tick = frame.tick;
    if frame.kind != FrameKind::Entry {
        say(json!({ "tick": tick, "frame": format!("{:?}", frame.kind) }));
        return Ok(());
    }
    let entry = journal
        .entry(frame.payload)
        .map_err(|source| ShowError(ReviveError::Entry { tick, source }))?;
    match entry {
        Entry::StateHash { hash, .. } => {
            say(json!({ "tick": tick, "hash": format!("{hash:016x}") }));
        }
        Entry::Throttle { level, pace, .. } => {
            say(json!({ "tick": tick, "throttle": level, "pace": pace }));
        }
        Entry::Records { records, .. } => {
            for record in &records {
                say(described(tick, record));
            }
        }
    }
    Ok(())
}

fn described(tick: u64, record: &Record) -> Value {
    let of =
        |what: &str, entity: &EntityId| json!({ "tick": tick, "record": what, "entity": entity.0 });
    match record {
        Record::Kind { id, kind } => {
            json!({ "tick": tick, "record": "kind", "kind": id.0, "role": kind.role })
        }
        Record::Spawn { entity, agent } => {
            json!({ "tick": tick, "record": "spawn", "entity": entity.0, "kind": agent.kind.0 })
        }
        Record::Input { entity, input } => {
            json!({ "tick": tick, "record": "input", "entity": entity.0, "seq": input.seq })
        }
        Record::Board { entity, carrier } => {
            json!({ "tick": tick, "record": "board", "entity": entity.0, "carrier": carrier.0 })
        }
        Record::Resident { tile, .. } => {
            json!({ "tick": tick, "record": "resident", "tile": tile.token() })
        }
        Record::Event { event } => {
            json!({ "tick": tick, "record": "event", "entity": event.target.0, "kind": event.kind.0 })
        }
        Record::Transfer(transfer) => {
            let Transfer {
                by,
                operation,
                legs,
            } = transfer;
            json!({ "tick": tick, "record": "transfer", "by": by.0, "operation": operation, "legs": legs.len() })
        }
        Record::Lease { first, count } => {
            json!({ "tick": tick, "record": "lease", "first": first.0, "count": count })
        }
        Record::Build { id, .. } => of("build", id),
        Record::Raze { id } => of("raze", id),
        Record::Despawn { entity } => of("despawn", entity),
        Record::Tier { entity, .. } => of("tier", entity),
        Record::Carrier { entity, .. } => of("carrier", entity),
        Record::CarrierGone { entity } => of("carrier gone", entity),
        Record::Leave { entity } => of("leave", entity),
    }
}
