//! The symbols of the library: what the header declares and nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use crate::library::{package, shared_library, succeed};

fn text(path: &str) -> String {
    fs::read_to_string(package().join(path)).expect("a source is readable")
}

/// The names that are followed by `(` in C: functions declared or called.
fn names_before_parenthesis(source: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, _) in source.match_indices('(') {
        let head = &source[..at];
        let start = head.rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let name = &head[start.map_or(0, |at| at + 1)..];
        if name.starts_with("bm_") {
            names.insert(name.to_owned());
        }
    }
    names
}

/// C without its comments.
fn code(source: &str) -> String {
    let mut code = String::new();
    let mut rest = source;
    while let Some((before, after)) = rest.split_once("/*") {
        code += before;
        rest = after.split_once("*/").expect("a comment ends").1;
    }
    code + rest
}

fn declared() -> BTreeSet<String> {
    names_before_parenthesis(&code(&text("include/bluemarble.h")))
}

#[test]
fn the_library_exports_what_the_header_declares() {
    let mut nm = Command::new("nm");
    let symbols = succeed(nm.args(["-D", "--defined-only"]).arg(shared_library()));
    let exported: BTreeSet<String> = symbols
        .lines()
        .filter_map(|line| line.split_whitespace().last())
        .map(str::to_owned)
        .collect();
    assert!(declared().len() > 10);
    assert_eq!(exported, declared());
}

#[test]
fn the_coverage_program_calls_every_export() {
    assert_eq!(
        names_before_parenthesis(&code(&text("tests/c/coverage.c"))),
        declared()
    );
}

#[test]
fn the_library_carries_no_database() {
    let mut nm = Command::new("nm");
    let symbols = succeed(nm.arg(shared_library())).to_lowercase();
    assert!(symbols.contains("client"), "internal symbols are listed");
    for name in ["rocksdb", "bluemarble_server"] {
        let found = symbols.lines().find(|line| line.contains(name));
        assert_eq!(found, None, "{name}");
    }
}

#[test]
fn the_library_has_its_soname_and_needs_the_c_library_only() {
    let mut readelf = Command::new("readelf");
    let dynamic = succeed(readelf.args(["-d", "-W"]).arg(shared_library()));
    let bracketed = |kind: &str| -> Vec<String> {
        let lines = dynamic.lines().filter(|line| line.contains(kind));
        lines
            .filter_map(|line| Some(line.split_once('[')?.1.split_once(']')?.0.to_owned()))
            .collect()
    };
    assert_eq!(bracketed("(SONAME)"), ["libbluemarble.so.0"]);
    for library in bracketed("(NEEDED)") {
        let stem = library.split_once(".so").map_or("", |parts| parts.0);
        let family = [
            "libc",
            "libm",
            "libgcc_s",
            "libpthread",
            "libdl",
            "ld-linux-x86-64",
            "ld-linux-aarch64",
        ];
        assert!(family.contains(&stem), "needs {library}");
    }
}

/// Each export names itself to the guard first of all: counted here, tried out in the unit tests.
#[test]
fn every_export_stands_behind_the_guard() {
    let mut exports = BTreeSet::new();
    for entry in fs::read_dir(package().join("src")).expect("src is readable") {
        let path = entry.expect("src is readable").path();
        let source = fs::read_to_string(&path).expect("a source is readable");
        for body in source.split("#[unsafe(no_mangle)]\n").skip(1) {
            let name = between(body, "extern \"C\" fn ", "(");
            let first = body
                .split_once("{\n")
                .expect("a function has a body")
                .1
                .trim_start();
            let guards = [
                format!("guard(c\"{name}\", "),
                format!("guard_value(c\"{name}\", "),
            ];
            assert!(
                guards.iter().any(|guard| first.starts_with(guard.as_str())),
                "{name}: {first:.60}"
            );
            exports.insert(name.to_owned());
        }
    }
    assert_eq!(exports, declared());
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let rest = text.split_once(from).expect(from).1;
    rest.split_once(to).expect(to).0
}
