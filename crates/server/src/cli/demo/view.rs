//! The demo on a terminal, redrawn in place; plain lines elsewhere.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

use super::FleetReport;
use super::TICK_MS;
use crate::cli::out::say;
use crate::status::Status;

/// Short enough for lines that fit 80 columns: a wrapped line would not be redrawn in place.
const BAR: usize = 16;

pub(super) struct View {
    is_live: bool,
    lines_drawn: usize,
}

impl View {
    pub(super) fn new(is_live: bool) -> Self {
        Self {
            is_live,
            lines_drawn: 0,
        }
    }

    pub(super) fn show(&mut self, elapsed: Duration, server: &Status, bots: &FleetReport) {
        if !self.is_live {
            say(format_args!(
                "{:4} s · {}",
                elapsed.as_secs(),
                server.line()
            ));
            return;
        }
        let text = draw(elapsed, server, bots);
        let up = match self.lines_drawn {
            0 => String::new(),
            lines => format!("\x1b[{lines}A\x1b[J"), // up, and clear to the end
        };
        self.lines_drawn = text.lines().count();
        let mut out = std::io::stdout().lock();
        // A terminal that has gone is nobody's loss.
        let _ = write!(out, "{up}{text}").and_then(|()| out.flush());
    }
}

fn draw(elapsed: Duration, server: &Status, bots: &FleetReport) -> String {
    let mut out = String::new();
    let mut line = |label: &str, text: String| {
        let _ = writeln!(out, "  {label:<12} {text}"); // writing to a string cannot fail
    };
    let ticks = &server.tick_ms;
    line(
        "bluemarble",
        format!("the Earth, for {} s (Ctrl-C ends)", elapsed.as_secs()),
    );
    line(
        "tick work",
        format!(
            "{} p50 {:5.2}  p99 {:5.2}  max {:5.2} of {TICK_MS:.0} ms",
            bar(ticks.p99 / TICK_MS),
            ticks.p50,
            ticks.p99,
            ticks.max
        ),
    );
    line(
        "world",
        format!("tick {}, durable {}", server.tick, server.durable_tick),
    );
    let agents = server.entities.saturating_sub(server.players);
    line("agents", format!("{agents} wander around 20 towns"));
    line(
        "players",
        format!(
            "{} in, each sees {:.0} others",
            server.players, server.seen_mean
        ),
    );
    line(
        "traffic",
        format!("{:.1} kB/s a player", server.bytes_per_player_s / 1e3),
    );
    line(
        "checked",
        format!(
            "{} digests match, {} do not, {} violations, {} disconnects",
            bots.digests_matched, bots.digest_mismatches, bots.violations, bots.disconnects
        ),
    );
    out
}

fn bar(share: f64) -> String {
    let full = ((share.clamp(0.0, 1.0)) * BAR as f64).round() as usize;
    format!("[{}{}]", "#".repeat(full), "-".repeat(BAR - full))
}
