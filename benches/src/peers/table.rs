//! The table that people read.

use super::row::Row;

pub(crate) fn heading() -> String {
    let columns = [
        "case", "ours", "peer", "unit", "ratio", "agree", "must", "met",
    ];
    aligned(columns.map(str::to_owned), "peer")
}

pub(crate) fn line(row: &Row) -> String {
    aligned(row.columns(), row.peer_name())
}

fn aligned([case, ours, peer, unit, ratio, agree, must, met]: [String; 8], name: &str) -> String {
    let line = format!(
        "{case:<44} {ours:>9} {peer:>9}  {unit:<4} {ratio:>6}  {agree:<5}  {must:<18}  {met:<3}  {name}"
    );
    line.trim_end().to_owned()
}
