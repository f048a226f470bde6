//! The machine's clock jumps by an hour, forth and back: sessions go on, tickets hold as before, ticks keep their time.
//!
//! The clock is libfaketime's, of the process of the server alone; where it is not there (`make data` fetches it), this is skipped, and the clock's own tests
//! (`src/clock.rs`) are all there is.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use net_proto::RefuseCode;

use crate::day;
use crate::honest::Honest;
use crate::served::Served;
use crate::support::{Raw, runtime};

/// Where `make data` puts it, or Debian.
fn library() -> Option<PathBuf> {
    let dir = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let cache = dir("BLUEMARBLE_CACHE")
        .or_else(|| Some(dir("XDG_CACHE_HOME")?.join("bluemarble")))
        .or_else(|| Some(dir("HOME")?.join(".cache/bluemarble")));
    let told = cache.map(|cache| cache.join("data/libfaketimeMT.so.1"));
    let usual = [
        "x86_64-linux-gnu/faketime",
        "aarch64-linux-gnu/faketime",
        "faketime",
    ];
    let usual = usual.map(|dir| PathBuf::from(format!("/usr/lib/{dir}/libfaketimeMT.so.1")));
    told.into_iter().chain(usual).find(|path| path.exists())
}

/// What was seen while the clock was elsewhere.
#[derive(Debug)]
struct Seen {
    /// What became of a ticket that is good now, and of one that was used before.
    fresh: Option<RefuseCode>,
    used: Option<RefuseCode>,
    ticks_s: f64,
}

fn judge(seen: &Seen) -> Result<(), String> {
    if let Some(code) = seen.fresh {
        return Err(format!("a good ticket was refused: {code}"));
    }
    if seen.used != Some(RefuseCode::TOKEN) {
        return Err(format!("a used ticket opened: {:?}", seen.used));
    }
    // A machine that does other things too may be late, but time does not jump.
    if !(3.0..60.0).contains(&seen.ticks_s) {
        return Err(format!("{} ticks a second", seen.ticks_s));
    }
    Ok(())
}

#[test]
fn a_clock_that_jumps_changes_no_session_ticket_or_tick() {
    let Some(library) = library() else {
        println!("skipped: there is no libfaketime: make data");
        return day("clock jumps of an hour", "skipped: there is no libfaketime");
    };
    let dir = tempfile::tempdir().unwrap();
    let offset = dir.path().join("offset");
    let set = |text: &str| std::fs::write(&offset, text).unwrap();
    set("+0");
    let env = [
        ("LD_PRELOAD", library.to_str().unwrap()),
        ("FAKETIME_TIMESTAMP_FILE", offset.to_str().unwrap()),
        ("FAKETIME_NO_CACHE", "1"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ];
    let served = Served::start(&["--checkpoint-s=1"], &env);
    let honest = Honest::enter(&served, (1, 4), false);
    let used = served.place.ticket(50);
    runtime().block_on(async { assert_eq!(knock(&served, &used).await, None) });
    let mut all = Vec::new();
    for (n, jump) in ["+3600", "-3600", "+0"].into_iter().enumerate() {
        set(jump);
        let (begun, ticks) = (Instant::now(), served.metric("tick"));
        std::thread::sleep(Duration::from_millis(2_500)); // checkpoints, at which used tickets are forgotten that hold no more
        let fresh = served.place.ticket(60 + n as u64);
        let (fresh, used) = runtime().block_on(async {
            let used = knock(&served, &used).await;
            (knock(&served, &fresh).await, used)
        });
        let ticks_s = (served.metric("tick") - ticks) / begun.elapsed().as_secs_f64();
        all.push(Seen {
            fresh,
            used,
            ticks_s,
        });
        judge(&all[n]).unwrap();
    }
    let fates = honest.ask();
    assert!(fates.iter().all(|fate| fate.lost.is_none()), "{fates:?}");
    let slowest = all.iter().map(|seen| seen.ticks_s).fold(f64::MAX, f64::min);
    let figure = format!(
        "4 sessions go on, 3 good tickets opened, a used one never did; {slowest:.0} ticks a second at least"
    );
    day("clock jumps of an hour", &figure);
    served.stop();
    // A server that goes by the machine's clock, as this one does when it starts an hour off, is found out.
    set("+3600");
    let served = Served::start(&[], &env);
    let fresh = served.place.ticket(1);
    let fresh = runtime().block_on(knock(&served, &fresh));
    let used = Some(RefuseCode::TOKEN);
    let ticks_s = 30.0;
    let wrong = judge(&Seen {
        fresh,
        used,
        ticks_s,
    })
    .unwrap_err();
    assert!(wrong.contains("a good ticket was refused"), "{wrong}");
    served.stop();
}

/// Why somebody is refused; none who gets in, and leaves.
async fn knock(served: &Served, ticket: &net_proto::Ticket) -> Option<RefuseCode> {
    let mut raw = Raw::open(served.addr, ticket.cert_sha256).await;
    raw.show(ticket).await;
    loop {
        match raw.read().await {
            net_proto::ServerMessage::Refuse(refuse) => return Some(refuse.code),
            net_proto::ServerMessage::Welcome(_) => {
                raw.leave().await;
                return None;
            }
            _ => {}
        }
    }
}
