//! The races: what they print.

use bluemarble_benches::peers::{Group, Options, run};
use clap::Parser;
use serde_json::Value;

fn rows(arguments: &[&str]) -> (bool, Vec<Value>) {
    let options = Options::parse_from(["peers"].iter().chain(arguments));
    let mut out = Vec::new();
    let all_kept = run(&options, &mut out).unwrap();
    let out = String::from_utf8(out).unwrap();
    (
        all_kept,
        out.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
    )
}

#[test]
fn calibration_comes_first_and_answers_agree() {
    let (all_kept, rows) = rows(&["spatial", "--json", "--tiny"]);
    assert!(all_kept, "{rows:?}");
    for row in &rows[..3] {
        assert!(row["case"].as_str().unwrap().starts_with("calibration: "));
        assert_eq!(row["peer"], Value::Null);
    }
    let duels = &rows[3..];
    assert!(duels[0]["case"].as_str().unwrap().starts_with("radius: "));
    for row in duels {
        assert_eq!(row["agree"], true, "{row}");
        assert_eq!(row["peer_name"], "kiddo 6.3.0 immutable f64");
        let of = |key: &str| row[key].as_f64().unwrap();
        assert!(of("ours") > 0.0 && of("peer") > 0.0);
        assert!((of("ratio") * of("ours") - of("peer")).abs() <= 1e-6 * of("peer"));
    }
}

#[test]
fn rows_have_exactly_the_documented_fields() {
    let (_, rows) = rows(&["sim", "--json", "--tiny"]);
    let fields = [
        "agree",
        "case",
        "met",
        "must",
        "ours",
        "peer",
        "peer_name",
        "ratio",
        "unit",
    ];
    for row in &rows {
        let mut keys: Vec<_> = row
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        keys.sort_unstable();
        assert_eq!(keys, fields);
        assert_eq!(row["must"].is_null(), row["met"].is_null());
    }
    let tick = rows.last().unwrap();
    assert_eq!(
        (&tick["must"]["absolute"], &tick["met"]),
        (&Value::from(33.0), &Value::from(true))
    );
}

#[test]
fn an_unknown_group_is_misuse() {
    let error = Options::try_parse_from(["peers", "spacial"]).unwrap_err();
    assert_eq!(error.exit_code(), 2);
    let options = Options::parse_from(["peers", "wire"]);
    assert_eq!(options.group, Some(Group::Wire));
}

#[test]
fn the_table_has_a_heading_and_a_line_each() {
    let options = Options::parse_from(["peers", "wire", "--tiny"]);
    let mut out = Vec::new();
    run(&options, &mut out).unwrap();
    let out = String::from_utf8(out).unwrap();
    assert_eq!(out.lines().count(), 1 + 3, "{out}");
    assert!(out.starts_with("case"), "{out}");
}
