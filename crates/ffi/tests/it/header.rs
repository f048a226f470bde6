//! The committed header is what the sources say.

use std::fs;

use cbindgen::{Builder, Config, DocumentationStyle, Language, Style};

use crate::library::package;

/// In the order of the header.
const SOURCES: &[&str] = &[
    "version.rs",
    "status.rs",
    "error.rs",
    "coordinates.rs",
    "terrain.rs",
    "client.rs",
];

const BANNER: &str = "/* bluemarble.h: coordinates, terrain packs and the game client of Bluemarble.
 *
 * Generated from crates/ffi/src. Do not edit: `BLUEMARBLE_BLESS=1 cargo test -p bluemarble-ffi header` writes it.
 *
 * Every function that can fail returns an int32_t: BM_OK, or a negative BM_ERROR_ code; then bm_last_error_message()
 * has a sentence for people. Null pointers, stale handles and values out of range are errors, never crashes. Handles
 * are values that may be copied and used from any thread. Results are written only on success, unless said otherwise.
 * A struct that begins with struct_size is given to its _init function first.
 */";

fn render() -> String {
    let mut config = Config {
        language: Language::C,
        cpp_compat: true,
        header: Some(BANNER.to_owned()),
        include_guard: Some("BLUEMARBLE_H".to_owned()),
        no_includes: true,
        sys_includes: vec!["stddef.h".to_owned(), "stdint.h".to_owned()],
        style: Style::Both,
        usize_is_size_t: true,
        documentation_style: DocumentationStyle::Doxy,
        ..Config::default()
    };
    config.line_length = 120;
    config.function.sort_by = Some(cbindgen::SortKey::None);
    config.constant.sort_by = Some(cbindgen::SortKey::None);
    let sources = package().join("src");
    let builder = SOURCES
        .iter()
        .fold(Builder::new().with_config(config), |builder, name| {
            builder.with_src(sources.join(name))
        });
    let mut text = Vec::new();
    builder
        .generate()
        .expect("the sources parse")
        .write(&mut text);
    let text = String::from_utf8(text).expect("a header is UTF-8");
    text.lines().map(guard_negative).collect()
}

/// A negative constant without parentheses would join a minus before it.
fn guard_negative(line: &str) -> String {
    match line.split_once(" -") {
        Some((define, digits)) if define.starts_with("#define ") => {
            format!("{define} (-{digits})\n")
        }
        _ => format!("{line}\n"),
    }
}

#[test]
fn header_is_in_step() {
    let path = package().join("include/bluemarble.h");
    let rendered = render();
    if std::env::var_os("BLUEMARBLE_BLESS").is_some() {
        fs::write(&path, &rendered).expect("the header is writable");
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == rendered,
        "the header is out of step: run BLUEMARBLE_BLESS=1 cargo test -p bluemarble-ffi header"
    );
}

#[test]
fn header_knows_every_source_with_an_export() {
    let mut with_exports = Vec::new();
    for entry in fs::read_dir(package().join("src")).expect("src is readable") {
        let path = entry.expect("src is readable").path();
        let text = fs::read_to_string(&path).expect("a source is readable");
        if text.contains("#[unsafe(no_mangle)]") || text.contains("\npub const BM_") {
            with_exports.push(
                path.file_name()
                    .expect("a file")
                    .to_string_lossy()
                    .into_owned(),
            );
        }
    }
    with_exports.sort();
    let mut listed = SOURCES.to_vec();
    listed.sort_unstable();
    assert_eq!(with_exports, listed);
}
