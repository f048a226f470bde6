//! The deep look: every check with what it found.

use std::path::Path;

use serde_json::{Value, json};

use super::http::Desk;
use super::vitals::WorldVitals;
use crate::clock::now_s;
use crate::status::Status;

/// Ticks that may wait for the disk in a healthy server: a second of 30 Hz.
const LAG_MAX: u64 = 30;
/// Free bytes that a healthy data directory has: several checkpoints and segments.
const FREE_MIN: u64 = 512 << 20;

/// Whether all is well, and what was found.
pub(super) fn look(desk: &Desk) -> (bool, Value) {
    let all: Vec<Status> = desk.boards.iter().map(|(_, board)| board.read()).collect();
    let sum = |count: fn(&Status) -> u32| all.iter().map(count).sum::<u32>();
    let (vitals, free) = (&desk.vitals, free_bytes(&desk.data_dir));
    let worlds: Vec<Value> = vitals.worlds().iter().map(|world| check(world)).collect();
    let is_disk_ok = free.is_some_and(|free| free >= FREE_MIN);
    let are_worlds_ok = worlds.iter().all(|world| world["ok"] == json!(true));
    let is_ok = are_worlds_ok && is_disk_ok && vitals.is_ready();
    let state = match (vitals.is_draining(), is_ok) {
        (true, _) => "draining",
        (false, true) => "ok",
        (false, false) => "failing",
    };
    let found = json!({
        "status": state,
        "version": env!("CARGO_PKG_VERSION"),
        "timestamp_s": now_s(),
        "checks": {
            "worlds": worlds,
            "disk": { "ok": is_disk_ok, "free_bytes": free, "free_bytes_min": FREE_MIN },
            "sessions": { "ok": true, "players": sum(|s| s.players), "lingering": sum(|s| s.lingering) },
            "gateway": {
                "ok": !vitals.is_draining(),
                "draining": vitals.is_draining(),
                "logging_in": desk.lobby.logging_in(),
                "queue": sum(|s| s.queue.waiting),
                "account_service": all.iter().map(|s| s.auth_breaker).max(),
            },
        },
    });
    (is_ok, found)
}

fn check(world: &WorldVitals) -> Value {
    let is_ticking = world.is_live() && world.is_ticking();
    let is_durable = world.waiting() <= LAG_MAX;
    let is_stored = !world.has_failed();
    json!({
        "ok": is_ticking && is_durable && is_stored,
        "world": world.world,
        "ticking": { "ok": is_ticking, "tick": world.tick(), "age_ms": world.age().as_millis() as u64 },
        "journal": { "ok": is_durable, "durable_tick": world.durable_tick(), "waiting_ticks": world.waiting() },
        "store": { "ok": is_stored },
    })
}

/// What the data directory's disk has left; none where it does not say.
pub(super) fn free_bytes(dir: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(dir).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}
