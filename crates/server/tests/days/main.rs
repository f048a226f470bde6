//! Bad days: what happens to a server, and what became of it. Each row of the table is printed as it is found; small sizes by default, those of
//! `make test-full PART=server` where BLUEMARBLE_DAYS is `full`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod acknowledged;
mod clocks;
mod corrupt;
mod disk;
mod floods;
mod guests;
mod honest;
mod kills;
mod power;
mod recovery;
mod second;
mod served;
mod shim;
#[cfg(target_os = "linux")]
mod stop;
#[path = "../it/support.rs"]
#[expect(dead_code, reason = "the other tests use more of it")]
mod support;
mod sync;
mod transfer;

use std::io::Write;
use std::time::Duration;

/// A row of the table, also where the test harness keeps what is printed to itself.
fn day(row: &str, figure: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout(), "bad day | {row} | {figure}");
}

/// Whether the days are as long as they are in the promises, on a machine that does nothing else.
fn is_full() -> bool {
    std::env::var("BLUEMARBLE_DAYS").is_ok_and(|size| size == "full")
}

/// How long a day is: a minute at full size, unless BLUEMARBLE_DAYS_S says otherwise; else two seconds.
fn length() -> Duration {
    let told = std::env::var("BLUEMARBLE_DAYS_S").ok();
    let full_s = told.and_then(|s| s.parse().ok()).unwrap_or(60);
    Duration::from_secs(if is_full() { full_s } else { 2 })
}

/// A size: of the environment, or a small one.
fn size(variable: &str, small: u32) -> u32 {
    let given = std::env::var(variable).ok();
    given.map_or(small, |text| text.parse().expect("a number"))
}
