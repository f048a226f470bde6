//! The table that people read.

use super::row::Row;

pub(crate) fn heading() -> String {
    aligned([
        "case", "ours", "peer", "unit", "ratio", "agree", "must", "met", "peer",
    ])
}

pub(crate) fn line(row: &Row) -> String {
    let columns = row.columns();
    aligned(columns.each_ref().map(String::as_str))
}

/// What the table ends with: every miss, in plain words.
pub(crate) fn ending(complaints: &[String]) -> String {
    match complaints {
        [] => "No answers differ, and every promise is kept.".to_owned(),
        _ => complaints.join("\n"),
    }
}

fn aligned([case, ours, peer, unit, ratio, agree, must, met, name]: [&str; 9]) -> String {
    let line = format!(
        "{case:<46} {ours:>9} {peer:>9}  {unit:<4} {ratio:>7}  {agree:<5}  {must:<18}  {met:<3}  {name}"
    );
    line.trim_end().to_owned()
}
