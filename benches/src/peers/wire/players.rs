//! Ten thousand players: what one is sent, and what it is shown.

use std::io;

use super::super::row::{Measured, Rival};
use super::super::{Pace, Tell};
use crate::players::{Outcome, play};

const CASES: [(&str, &str, Of); 9] = [
    (
        "players: 10,000 with a crowd of 500, KB a second to one, mean of crowd and towns",
        "KB",
        |of| mean_kb(&of.seconds.concat()),
    ),
    ("players: KB a second to one, p99 of seconds", "KB", |of| {
        quantile(&kilobytes(&of.seconds.concat()), 0.99)
    }),
    (
        "players: KB a second to one in the crowd, mean",
        "KB",
        |of| mean_kb(&of.seconds[0]),
    ),
    ("players: KB a second to one in a town, mean", "KB", |of| {
        mean_kb(&of.seconds[1])
    }),
    (
        "players: the nearest 16, updates a second, the worst viewer's",
        "/s",
        |of| least(&of.nearest_hz),
    ),
    (
        "players: all within 100 m, updates a second, the worst pair's",
        "/s",
        |of| least(&of.pairs_hz),
    ),
    ("players: all within 100 m, age of the oldest", "s", |of| {
        of.oldest_s
    }),
    ("players: shown within 50 m, off by, p99", "m", |of| {
        off(of, 0)
    }),
    (
        "players: shown within 50 m, off from everybody's time by, p99",
        "m",
        |of| off(of, 1),
    ),
];

type Of = fn(&Outcome) -> f64;

const EXACT: &str = "the world's states, decoded";
const MADE_UP: &str = "the world's states, decoded; on hills of our own: the relief is not there, see BLUEMARBLE_DATA";

pub(crate) fn race(pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
    let wanted = CASES.iter().filter(|(case, ..)| pace.wants(case));
    let wanted: Vec<_> = wanted.collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let outcome = play(pace.size);
    for (case, unit, of) in wanted {
        tell(Measured {
            case: (*case).to_owned(),
            ours: Some(of(&outcome)),
            unit,
            rivals: vec![Rival {
                name: if outcome.is_real { EXACT } else { MADE_UP }.to_owned(),
                figure: None,
                agree: Some(outcome.is_exact),
            }],
        })?;
    }
    Ok(())
}

fn kilobytes(seconds: &[usize]) -> Vec<f64> {
    seconds.iter().map(|bytes| *bytes as f64 / 1e3).collect()
}

fn mean_kb(seconds: &[usize]) -> f64 {
    kilobytes(seconds).iter().sum::<f64>() / seconds.len() as f64
}

fn off(outcome: &Outcome, by: usize) -> f64 {
    let errors: Vec<f64> = outcome.errors_m[by]
        .iter()
        .map(|off| f64::from(*off))
        .collect();
    quantile(&errors, 0.99)
}

fn quantile(values: &[f64], share: f64) -> f64 {
    let mut values = values.to_vec();
    values.sort_unstable_by(f64::total_cmp);
    let at = (values.len().saturating_sub(1)) as f64 * share;
    values.get(at.ceil() as usize).copied().unwrap_or(f64::NAN)
}

fn least(values: &[f64]) -> f64 {
    quantile(values, 0.0)
}
