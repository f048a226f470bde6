//! A library between a server and the system, and other pieces in C; where there is no compiler, their rows are skipped.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The library, and what it does.
pub(crate) struct Shim {
    library: PathBuf,
    mode: &'static str,
    step: String,
    trigger: PathBuf,
}

impl Shim {
    /// Compiles it in a directory; none without a compiler.
    pub(crate) fn new(dir: &Path, mode: &'static str) -> Option<Self> {
        let library = compile(dir, "shim.c", &["-shared", "-fPIC", "-ldl"])?;
        let trigger = dir.join(format!("trigger-{mode}"));
        Some(Self {
            library,
            mode,
            step: String::new(),
            trigger,
        })
    }

    /// Has it kill the server at a step of what is written once the trigger, one of many, is pulled.
    pub(crate) fn at(mut self, step: &str, number: u64) -> Self {
        step.clone_into(&mut self.step);
        self.trigger.set_extension(number.to_string());
        self
    }

    pub(crate) fn put_before(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", &self.library)
            .env("SHIM_MODE", self.mode)
            .env("SHIM_STEP", &self.step)
            .env("SHIM_TRIGGER", &self.trigger);
    }

    /// From now on it does what its mode says.
    pub(crate) fn pull(&self) {
        std::fs::write(&self.trigger, b"now").unwrap();
    }
}

/// Compiles a file that lies beside this one; none without a compiler.
pub(crate) fn compile(dir: &Path, source: &str, flags: &[&str]) -> Option<PathBuf> {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/days");
    let out = dir.join(source).with_extension("out");
    let mut cc = Command::new("cc");
    cc.arg("-O1").arg(from.join(source)).args(flags);
    let done = cc.arg("-o").arg(&out).output().ok()?;
    let text = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{source}: {text}");
    Some(out)
}

/// Runs a command that must succeed; otherwise what it said.
pub(crate) fn run(program: &str, args: &[&str]) -> Result<(), String> {
    let done = Command::new(program).args(args).output();
    let done = done.map_err(|error| format!("{program}: {error}"))?;
    match done.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&done.stderr).trim().to_owned()),
    }
}
