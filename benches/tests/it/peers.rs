//! The races: what they print.

use std::collections::BTreeMap;

use bluemarble_benches::peers::{Group, Options, run};
use clap::Parser;
use serde_json::Value;

/// Complaints, and the rows.
fn rows(arguments: &[&str]) -> (Vec<String>, Vec<Value>) {
    let options = Options::parse_from(["peers"].iter().chain(arguments));
    let (mut out, mut progress) = (Vec::new(), Vec::new());
    let complaints = run(&options, &mut out, &mut progress).unwrap();
    let out = String::from_utf8(out).unwrap();
    (
        complaints,
        out.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
    )
}

/// On tiny input, where times mean nothing, but answers do.
#[test]
fn calibration_comes_first_and_all_answers_agree() {
    let (complaints, rows) = rows(&["spatial", "--json", "--tiny"]);
    for complaint in complaints {
        assert!(complaint.starts_with("promise not kept: "), "{complaint}");
    }
    for row in &rows[..3] {
        assert!(row["case"].as_str().unwrap().starts_with("calibration: "));
        assert_eq!(row["peer"], Value::Null);
    }
    let mut compared: BTreeMap<String, u32> = BTreeMap::new();
    for row in &rows[3..] {
        assert_ne!(row["agree"], false, "{row}");
        let (Some(ours), Some(peer)) = (row["ours"].as_f64(), row["peer"].as_f64()) else {
            assert_eq!(row["ratio"], Value::Null, "{row}");
            continue;
        };
        assert!(ours > 0.0 && peer > 0.0, "{row}");
        let ratio = row["ratio"].as_f64().unwrap();
        assert!((ratio * ours - peer).abs() <= 1e-6 * peer, "{row}");
        // Of a library that answers some other question in one row ("rstar 0.14.0: lines, …") the rest is compared.
        let name = row["peer_name"].as_str().unwrap();
        let name = name.split(": ").next().unwrap().to_owned();
        *compared.entry(name).or_default() += u32::from(row["agree"] == true);
    }
    for (name, agreeing) in compared {
        assert!(agreeing > 0, "{name} is never compared");
    }
}

#[test]
fn every_built_in_peer_has_rows_and_the_others_say_that_they_are_not_there() {
    let (_, rows) = rows(&["spatial", "--json", "--tiny"]);
    let names: Vec<_> = rows
        .iter()
        .filter_map(|row| row["peer_name"].as_str())
        .collect();
    for peer in [
        "kiddo", "rstar", "h3o", "s2 crate", "hecs", "bevy_ecs", "S2 C++",
    ] {
        assert!(names.iter().any(|name| name.starts_with(peer)), "{peer}");
    }
    for row in &rows {
        let name = row["peer_name"].as_str().unwrap_or_default();
        let is_absent = name.contains("not installed")
            || name.starts_with("SKIPPED")
            || name == "sets kept by radius queries";
        assert_eq!(row["peer"].is_null(), is_absent || name.is_empty(), "{row}");
    }
}

/// Where there is no SRTM, rows say so.
#[test]
fn answers_about_real_relief_agree() {
    let (complaints, rows) = rows(&["terrain", "--json", "--tiny"]);
    for complaint in complaints {
        assert!(complaint.starts_with("promise not kept: "), "{complaint}");
    }
    let of_kind = |kind: &str| {
        let is_kind = |row: &&Value| {
            row["case"]
                .as_str()
                .is_some_and(|case| case.starts_with(kind))
        };
        rows.iter().filter(is_kind).count()
    };
    // Of each of three codecs the size and the time of decoding; of one a sample.
    let codecs = of_kind("codec ");
    assert!(codecs >= 7, "{rows:?}");
    // Four rivals of two stores; a cold height of each, and its reads; openings, and an import.
    let kinds = ["store: ", "cold height: ", "opening: ", "import: "].map(of_kind);
    assert!(
        kinds[0] == 8 && kinds[1] >= 4 && kinds[2..] == [2, 1],
        "{kinds:?}"
    );
    // Of two squares the sizes and the times of client tiles; of two maps the tiles of the Earth and of a square.
    let served = ["client tile", "map tile "].map(of_kind);
    assert!(served[0] >= 2 && served[1] == 6, "{served:?}");
    let others: usize = kinds.iter().chain(&served).sum();
    assert_eq!(rows.len(), 3 + 14 + codecs + others, "{rows:?}");
    for row in &rows[3..] {
        let name = row["peer_name"].as_str().unwrap_or_default();
        assert_eq!(row["ours"].is_null(), name.starts_with("SKIPPED"), "{row}");
        assert_ne!(row["agree"], false, "{row}");
        if ["parry3d", "htg", "RocksDB", "LMDB", "redb"]
            .iter()
            .any(|peer| name.starts_with(peer))
            && !name.ends_with("installed")
            && !row["case"]
                .as_str()
                .is_some_and(|case| case.starts_with("cold "))
        {
            assert_eq!(row["agree"], true, "{row}");
        }
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
    let tick = rows
        .iter()
        .find(|row| row["case"] == "tick of 10,000 agents on one thread, p99")
        .unwrap();
    assert_eq!(
        (&tick["must"]["absolute"], &tick["met"]),
        (&Value::from(33.0), &Value::from(true))
    );
}

/// On tiny worlds; all rows are promised something, and every peer gives our answers.
#[test]
fn the_simulation_has_all_its_rows_and_agrees_with_its_peers() {
    let (complaints, rows) = rows(&["sim", "--json", "--tiny"]);
    for complaint in complaints {
        assert!(complaint.starts_with("promise not kept: "), "{complaint}");
    }
    let rows = &rows[3..];
    let of_kind = |kind: &str| {
        let is_kind = |row: &&Value| row["case"].as_str().unwrap().starts_with(kind);
        rows.iter().filter(is_kind).count()
    };
    let kinds = [
        ("tick", 1),
        ("crowd", 4),
        ("asleep", 1),
        ("character", 1),
        ("touching", 1),
        ("sight", 1),
        ("snapshot", 2),
        ("restore", 1),
        ("rewind", 3),
    ];
    for (kind, count) in kinds {
        assert_eq!(of_kind(kind), count, "{kind}");
    }
    for row in rows {
        assert!(!row["must"].is_null(), "{row}");
        assert!(row["ours"].as_f64().unwrap() > 0.0, "{row}");
        assert_ne!(row["agree"], false, "{row}");
        // Bytes of two kinds are not compared; what comes back from them is, in the row of restores.
        let is_snapshot = row["case"].as_str().unwrap().starts_with("snapshot");
        let is_compared = !row["peer"].is_null() && !is_snapshot;
        assert!(!is_compared || row["agree"] == true, "{row}");
    }
}

#[test]
fn only_the_cases_that_are_asked_for_are_run() {
    let (_, rows) = rows(&["--json", "--tiny", "--only", "leaf to xyz"]);
    assert!(rows.len() > 3, "{rows:?}");
    for row in &rows[3..] {
        assert_eq!(row["case"], "cell: leaf to xyz");
    }
}

#[test]
fn an_unknown_group_is_misuse() {
    let error = Options::try_parse_from(["peers", "spacial"]).unwrap_err();
    assert_eq!(error.exit_code(), 2);
    let options = Options::parse_from(["peers", "wire"]);
    assert_eq!(options.group, Some(Group::Wire));
}

/// Where there are no cubes, rows say so.
#[test]
fn cubes_come_back_bit_for_bit() {
    let (_, rows) = rows(&["wire", "--json", "--tiny"]);
    for file in ["s23", "s31"] {
        for way in ["", ", fixed cost"] {
            let case = format!("cubes: regenerated {file}, bytes a packet{way}");
            let rows: Vec<_> = rows.iter().filter(|row| row["case"] == *case).collect();
            let is_skipped = rows[0]["ours"].is_null();
            assert_eq!(rows.len(), if is_skipped { 1 } else { 3 }, "{rows:?}");
            assert!(is_skipped || rows[0]["agree"] == true, "{rows:?}");
        }
    }
}

#[test]
fn the_table_has_a_heading_and_a_line_each() {
    let options = Options::parse_from(["peers", "ffi", "--tiny"]);
    let mut out = Vec::new();
    let mut progress = Vec::new();
    run(&options, &mut out, &mut progress).unwrap();
    assert_eq!(progress.iter().filter(|byte| **byte == b'\n').count(), 3);
    let out = String::from_utf8(out).unwrap();
    assert_eq!(out.lines().count(), 1 + 3 + 2, "{out}");
    assert!(out.ends_with("every promise is kept.\n"), "{out}");
    assert!(out.starts_with("case"), "{out}");
}
