//! Builds what ships, and C programs against it. Also used by the server's test of `examples/c`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The folder of this package.
pub(crate) fn package() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../ffi")
}

/// `libbluemarble.so`, built by `-p` as for shipping: in a build of the whole workspace the server's features would
/// be in it.
pub(crate) fn shared_library() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(build)
}

fn build() -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--offline", "-p", "bluemarble-ffi"])
        .arg("--message-format=json")
        .arg("--target-dir")
        .arg(target_dir())
        .current_dir(package());
    // What cargo tells this test would make build scripts believe that their input has changed.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_")
            || text.starts_with("CARGO_MANIFEST_")
            || text == "OUT_DIR"
        {
            cargo.env_remove(name);
        }
    }
    let output = cargo.output().expect("cargo runs");
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo build: {log}");
    let messages = String::from_utf8(output.stdout).expect("JSON is UTF-8");
    let artifact = messages.lines().find_map(shared_artifact);
    artifact.expect("the build makes a shared library")
}

/// The folder that this test was built into.
fn target_dir() -> &'static Path {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    scratch.parent().expect("it is target/tmp")
}

fn shared_artifact(line: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    let is_ours = message["reason"] == "compiler-artifact"
        && message["manifest_path"].as_str()?.contains("crates/ffi/");
    let files = message["filenames"].as_array().filter(|_| is_ours)?;
    let names = files.iter().filter_map(|file| file.as_str());
    names.map(PathBuf::from).find(|file| {
        let end = file.extension();
        end == Some(OsStr::new("so")) || end == Some(OsStr::new("dylib"))
    })
}

/// Links a C program against the library, in a folder of its own with the name that programs ask for at run time.
pub(crate) fn link(source: &Path, into: &Path) -> PathBuf {
    let program = into.join(source.file_stem().expect("a source has a name"));
    std::fs::copy(shared_library(), into.join("libbluemarble.so.0"))
        .expect("the folder is writable");
    let mut compiler = Command::new("gcc");
    compiler
        .args([
            "-std=c99",
            "-g",
            "-Wall",
            "-Wextra",
            "-Wpedantic",
            "-Werror",
        ])
        .arg("-Wconversion")
        .arg("-I")
        .arg(package().join("include"))
        .arg(source)
        .arg("-o")
        .arg(&program)
        .arg("-L")
        .arg(into)
        .args(["-l:libbluemarble.so.0", "-Wl,-rpath,$ORIGIN", "-lm"]);
    succeed(&mut compiler);
    program
}

/// Runs a command that must succeed, and returns what it printed.
pub(crate) fn succeed(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(
        output.status.success(),
        "{command:?}: {}\n{out}\n{err}",
        output.status
    );
    out.into_owned()
}

/// The program under valgrind, which fails it for any invalid access and any memory that is not freed; `None`, and a line that
/// says so, where valgrind is absent.
pub(crate) fn valgrind(program: &Path) -> Option<Command> {
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("SKIPPED: valgrind is not installed; {program:?} runs without it");
        return None;
    }
    let mut command = Command::new("valgrind");
    let others = package().join("tests/c/valgrind.supp");
    command
        .args([
            "--quiet",
            "--error-exitcode=99",
            "--leak-check=full",
            "--fair-sched=yes",
        ])
        .args(["--show-leak-kinds=all", "--errors-for-leak-kinds=all"])
        .arg(format!("--suppressions={}", others.display()))
        .arg(program);
    Some(command)
}
