//! How long a command waits until what it did is on the disk, for intervals between syncs.

use std::io::Write;
use std::time::{Duration, Instant};

use bluemarble_server::Server;
use net_proto::{AnswerCode, ClientMessage, Command, ServerMessage};

use crate::support::{Place, Raw, runtime};
use crate::transfer::{PAY, Purse};
use crate::{is_full, size};

/// Pays and waits for the answer.
async fn ask(raw: &mut Raw, operation: u64) -> Duration {
    let mut bytes = Vec::new();
    let command = Command {
        operation,
        kind: PAY,
        body: Vec::new(),
    };
    ClientMessage::Command(command).encode(&mut bytes);
    let asked = Instant::now();
    raw.write(&bytes).await;
    loop {
        if let ServerMessage::Answer(answer) = raw.read().await {
            assert_eq!(
                (answer.operation, answer.code),
                (operation, AnswerCode::DONE)
            );
            return asked.elapsed();
        }
    }
}

/// The median and the worst but one of a hundred, milliseconds.
fn measure(sync_ms: u16, count: u32) -> [f64; 2] {
    let place = Place::new();
    let config = place.config(|s| {
        s.sync_ms = Some(sync_ms);
        s.commands_min = Some(6_000);
    });
    let server = Server::builder(config).game(Purse { forgets: false });
    let server = server.start().unwrap();
    let mut took = runtime().block_on(async {
        let (mut raw, _) = Raw::enter(server.local_addr(), &place.ticket(1)).await;
        let mut took = Vec::new();
        // The first one is what everybody is given.
        for operation in 2..u64::from(count) + 2 {
            // At another moment of a tick each time.
            tokio::time::sleep(Duration::from_millis(operation * 7 % 33)).await;
            took.push(ask(&mut raw, operation).await.as_secs_f64() * 1e3);
        }
        raw.leave().await;
        took
    });
    let status = server.status();
    server.stop().unwrap();
    took.sort_by(f64::total_cmp);
    let at = |part: usize| took[(took.len() - 1) * part / 100];
    let syncs_s = status.journal_syncs as f64 / (status.tick.max(1) as f64 / 30.0);
    let _ = writeln!(
        std::io::stdout(),
        "sync | {sync_ms} ms | {syncs_s:.0} syncs a second | acknowledged after {:.1} ms, 99 of 100 within {:.1} ms",
        at(50),
        at(99),
    );
    [at(50), at(99)]
}

#[test]
fn what_is_synced_less_often_is_acknowledged_later() {
    let count = size("BLUEMARBLE_SYNCS", 12);
    let all: &[u16] = if is_full() {
        &[0, 10, 20, 33, 50, 100, 200]
    } else {
        &[0, 300]
    };
    let medians: Vec<f64> = all.iter().map(|ms| measure(*ms, count)[0]).collect();
    let (often, seldom) = (medians[0], medians[medians.len() - 1]);
    // Half an interval of it is waited for in the middle.
    let wait_ms = f64::from(all[all.len() - 1]) / 4.0;
    assert!(seldom > often + wait_ms, "{medians:?}");
}
