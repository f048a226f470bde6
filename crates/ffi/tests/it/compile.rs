//! The header is C99, C11 and C++17, and the example is C99.

use std::path::Path;
use std::process::Command;

use crate::library::{package, succeed};

const WARNINGS: [&str; 6] = [
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Wconversion",
    "-Wshadow",
    "-Werror",
];

fn compiles(compiler: &str, standard: &str, source: &Path) {
    let mut command = Command::new(compiler);
    command
        .arg(format!("-std={standard}"))
        .args(WARNINGS)
        .arg("-fsyntax-only");
    command.arg("-I").arg(package().join("include")).arg(source);
    succeed(&mut command);
}

#[test]
fn the_header_compiles_by_itself_and_twice() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let twice = "#include \"bluemarble.h\"\n#include \"bluemarble.h\"\nextern int unused;\n";
    let (c, cpp) = (
        folder.path().join("twice.c"),
        folder.path().join("twice.cpp"),
    );
    for path in [&c, &cpp] {
        std::fs::write(path, twice).expect("the folder is writable");
    }
    for standard in ["c99", "c11", "c17"] {
        compiles("gcc", standard, &c);
    }
    for standard in ["c++11", "c++17", "c++20"] {
        compiles("g++", standard, &cpp);
    }
}

#[test]
fn the_example_compiles() {
    let source = package().join("../../examples/c/watch.c");
    compiles("gcc", "c99", &source);
    compiles("gcc", "c17", &source);
}
