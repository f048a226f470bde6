//! The table that people read.

use super::row::Row;

pub(crate) const HEADING: &str = "case                                              \
       ours       peer  unit    ratio  agree  must                 met  peer";

pub(crate) fn line(row: &Row) -> String {
    let [case, ours, peer, unit, ratio, agree, must, met] = row.columns();
    let name = row.peer_name();
    let line = format!(
        "{case:<50} {ours:>10} {peer:>10}  {unit:<5} {ratio:>7}  {agree:<5}  {must:<19}  {met:<3}  {name}"
    );
    line.trim_end().to_owned()
}
