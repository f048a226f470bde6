//! Disks that refuse: full ones and read-only ones. One clear error, and the planet that was there is as good as before.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use super::{import, read_all, small_relief, succeed};

/// A disk without room, by a limit on the size of a file: one clear error, and the old planet is as good as before.
#[test]
fn a_full_disk_is_an_error_and_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let relief = small_relief(dir.path()).display().to_string();
    let path = |name: &str| dir.path().join(name).display().to_string();
    import(relief.as_ref(), 128, &dir.path().join("planet"));
    let want = read_all(&dir.path().join("planet")).unwrap();
    let (planet, pack, backup) = (path("planet"), path("one.pack"), path("backup"));
    let attempts = [
        vec![
            "import",
            "--relief",
            &relief,
            "--samples",
            "256",
            "--out",
            &planet,
        ],
        vec!["pack", &planet, "--out", &pack],
        vec!["backup", &planet, "--out", &backup],
    ];
    for args in &attempts {
        let limited = r#"trap '' XFSZ; ulimit -f 20; exec "$0" planet "$@""#;
        let output = std::process::Command::new("bash")
            .args(["-c", limited, env!("CARGO_BIN_EXE_bluemarble")])
            .args(args)
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {stderr}");
        assert!(
            stderr.contains(&dir.path().display().to_string()),
            "{stderr}"
        );
        assert!(!stderr.contains("panicked"), "{stderr}");
        assert_eq!(read_all(&dir.path().join("planet")).unwrap(), want);
    }
    assert!(!dir.path().join("one.pack").exists());
    for args in &attempts {
        succeed(args);
    }
}

/// Runs a shell's script with mounts of its own, `$0` being the program and `$1`, `$2` … the arguments; `None` where that is not allowed.
fn with_own_mounts(script: &str, args: &[&str]) -> Option<Output> {
    let unshared = |flags: &[&str], script: &str, args: &[&str]| {
        let mut unshare = Command::new("unshare");
        let program = env!("CARGO_BIN_EXE_bluemarble");
        unshare
            .args(flags)
            .args(["sh", "-c", script, program])
            .args(args)
            .output()
    };
    // As root, or as one who becomes root of his own names.
    let flags = [["--mount", "--fork"], ["--mount", "--map-root-user"]];
    let allowed = flags.into_iter().find(|flags| {
        let tried = unshared(flags, "mount -t tmpfs none /mnt", &[]);
        tried.is_ok_and(|output| output.status.success())
    });
    let Some(flags) = allowed else {
        println!("SKIPPED: this user may not mount");
        return None;
    };
    Some(unshared(&flags, script, args).unwrap())
}

/// Exit code 1, and one error that names a path below the folder and says what the system said.
fn check_refused(output: &Output, dir: &Path, reason: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert_eq!(stderr.trim_end().lines().count(), 1, "{stderr}");
    assert!(stderr.contains(&dir.display().to_string()), "{stderr}");
    assert!(stderr.contains(reason), "{stderr}");
}

#[test]
fn a_read_only_folder_is_read_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let relief = small_relief(dir.path()).display().to_string();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (planet, pack) = (path("planet"), path("planet/new.pack"));
    import(relief.as_ref(), 128, planet.as_ref());
    succeed(&["backup", &planet, "--out", &path("backup")]);
    let want = read_all(planet.as_ref()).unwrap();
    let read_only = |args: &[&str]| {
        let script = r#"mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$0" planet "$@""#;
        with_own_mounts(script, &[&[&planet[..]], args].concat())
    };
    let from_relief = [
        "import",
        "--relief",
        &relief,
        "--samples",
        "256",
        "--out",
        &planet,
    ];
    for args in [
        &from_relief[..],
        &["restore", &path("backup"), "--out", &planet],
        &["migrate", &planet],
        &["pack", &path("backup"), "--out", &pack],
        &["backup", &planet, "--out", &format!("{planet}/backup")],
    ] {
        let Some(output) = read_only(args) else {
            return;
        };
        check_refused(&output, planet.as_ref(), "Read-only file system");
    }
    for args in [
        &["info", &planet][..],
        &["verify", &planet],
        &["query", &planet, "1", "2"],
    ] {
        assert!(read_only(args).unwrap().status.success(), "{args:?}");
    }
    assert_eq!(read_all(planet.as_ref()).unwrap(), want);
}

/// A file system of its own in memory: room for the planet that is there, none for the one that comes.
#[test]
fn a_full_file_system_is_an_error_and_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let relief = small_relief(dir.path()).display().to_string();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (planet, backup, small) = (path("planet"), path("backup"), path("small"));
    import(relief.as_ref(), 128, planet.as_ref());
    import(relief.as_ref(), 256, backup.as_ref());
    let pack = path("one.pack");
    succeed(&["pack", &planet, "--out", &pack]);
    fs::create_dir(&small).unwrap();
    let bytes = bytes_below(planet.as_ref()) + bytes_below(backup.as_ref());
    let kib = (64 + bytes / 2 / 1_024).to_string();
    // The old planet is verified after the command has failed, and its heights are compared with the pack's.
    let script = r#"mount -t tmpfs -o size="$2"k none "$1" && cp -r "$3"/. "$1" && ask() { "$0" planet query "$1" 1 2 -45 170 89 0; } &&
        heights=$(ask "$4") && small=$1 && shift 4 && code=0 && { "$0" planet "$@" >&2 || code=$?; } &&
        "$0" planet verify "$small" && [ "$(ask "$small")" = "$heights" ] && exit $code; exit 99"#;
    let from_relief = [
        "import",
        "--relief",
        &relief,
        "--samples",
        "256",
        "--out",
        &small,
    ];
    for args in [&from_relief[..], &["restore", &backup, "--out", &small]] {
        let first = [&small[..], &kib, &planet, &pack];
        let Some(output) = with_own_mounts(script, &[&first, args].concat()) else {
            return;
        };
        check_refused(&output, small.as_ref(), "No space left on device");
    }
}

fn bytes_below(dir: &Path) -> u64 {
    let size = |entry: fs::DirEntry| match entry.metadata().unwrap() {
        about if about.is_dir() => bytes_below(&entry.path()),
        about => about.len(),
    };
    fs::read_dir(dir)
        .unwrap()
        .map(|entry| size(entry.unwrap()))
        .sum()
}
