//! Builds the calls into the C++ library of S2 where it is installed, and says so by `--cfg s2_cpp`.

use std::path::{Path, PathBuf};
use std::process::Command;

const SHIM: &str = "cpp/s2_shim.cpp";

/// S2, and what its headers use of Abseil themselves.
const LIBRARIES: [&str; 8] = [
    "s2",
    "absl_raw_hash_set",
    "absl_hash",
    "absl_city",
    "absl_low_level_hash",
    "absl_throw_delegate",
    "absl_raw_logging_internal",
    "absl_base",
];

fn main() {
    println!("cargo::rerun-if-changed={SHIM}");
    println!("cargo::rerun-if-changed=/usr/include/s2");
    println!("cargo::rustc-check-cfg=cfg(s2_cpp)");
    if !Path::new("/usr/include/s2/s2point_index.h").exists() {
        return; // the rows will say so
    }
    if let Err(problem) = build() {
        println!("cargo::warning=the C++ library of S2 is there, but of no use: {problem}");
    }
}

fn build() -> Result<(), Box<dyn std::error::Error>> {
    let mut shim = cc::Build::new();
    // As its users build it, in every profile. Without contraction, which would change its answers.
    shim.cpp(true)
        .std("c++17")
        .opt_level(3)
        .debug(false)
        .flag("-ffp-contract=off")
        .define("NDEBUG", None)
        .warnings(false)
        .cargo_warnings(false);
    try_link(&shim)?;
    shim.file(SHIM).try_compile("s2_shim")?;
    for library in LIBRARIES {
        println!("cargo::rustc-link-lib=dylib={library}");
    }
    println!("cargo::rustc-cfg=s2_cpp");
    Ok(())
}

/// Headers may be there without the libraries: better known now than by a linker's error.
fn try_link(shim: &cc::Build) -> Result<(), Box<dyn std::error::Error>> {
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let probe = out.join("probe.cpp");
    std::fs::write(&probe, "int main() { return 0; }\n")?;
    let mut link: Command = shim.try_get_compiler()?.to_command();
    link.arg(&probe).arg("-o").arg(out.join("probe"));
    link.args(LIBRARIES.map(|library| format!("-l{library}")));
    let output = link.output()?;
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into())
    }
}
