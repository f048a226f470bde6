//! The server under systemd: what it tells its supervisor, and the unit that it is run by.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use bluemarble_server::Server;
use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Place, Reaped, program};

#[test]
fn a_supervisor_hears_when_a_server_is_ready_well_and_about_to_end() {
    let place = Place::new();
    Server::start(place.config(|_| {})).unwrap().stop().unwrap();
    let socket = place.path().join("notify");
    let listener = std::os::unix::net::UnixDatagram::bind(&socket).unwrap();
    listener
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let mut command = program();
    command.args([
        "serve",
        "--agents=20",
        "--threads=1",
        "--listen=127.0.0.1:0",
        "--planet",
    ]);
    command.arg(place.planet()).arg("--data").arg(place.data());
    command
        .env("NOTIFY_SOCKET", &socket)
        .env("WATCHDOG_USEC", "400000");
    let mut child = Reaped(command.stdout(Stdio::null()).spawn().unwrap());
    let hear = || {
        let mut bytes = [0; 64];
        let count = listener.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..count].to_vec()).unwrap()
    };
    let mut heard = vec![hear()];
    while heard.len() < 5 {
        heard.push(hear());
    }
    assert_eq!(
        heard.iter().filter(|what| *what == "READY=1").count(),
        1,
        "{heard:?}"
    );
    assert_eq!(
        heard.iter().filter(|what| *what == "WATCHDOG=1").count(),
        4,
        "{heard:?}"
    );
    kill_process(Pid::from_child(&child.0), Signal::TERM).unwrap();
    let last = loop {
        let what = hear();
        if what != "WATCHDOG=1" {
            break what;
        }
    };
    assert_eq!(last, "STOPPING=1");
    assert_eq!(child.0.wait().unwrap().code(), Some(0));
}

/// Sections, keys, values of a unit.
fn unit() -> BTreeMap<(String, String), Vec<String>> {
    let text = include_str!("../../../../deploy/bluemarble.service");
    let (mut section, mut all) = (String::new(), BTreeMap::<_, Vec<String>>::new());
    for line in text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            section = name.to_owned();
            continue;
        }
        let (key, value) = line.split_once('=').expect("a key has a value");
        assert!(key.bytes().all(|b| b.is_ascii_alphanumeric()), "{line}");
        let values = all.entry((section.clone(), key.to_owned())).or_default();
        values.push(value.to_owned());
    }
    all
}

#[test]
fn the_unit_is_a_box_and_stops_in_time() {
    let unit = unit();
    let get = |key: &str| unit[&("Service".to_owned(), key.to_owned())].join(" ");
    for (key, value) in [
        ("Type", "notify"),
        ("ProtectSystem", "strict"),
        ("NoNewPrivileges", "yes"),
        ("PrivateTmp", "yes"),
        ("MemoryDenyWriteExecute", "yes"),
        ("KillSignal", "SIGTERM"),
        ("CapabilityBoundingSet", ""),
        ("RestartPreventExitStatus", "2 70"),
        ("UMask", "0077"),
    ] {
        assert_eq!(get(key), value, "{key}");
    }
    assert!(get("LimitNOFILE").parse::<u32>().unwrap() >= 65_536);
    assert!(get("TimeoutStopSec").parse::<u32>().unwrap() > 10);
    let command = get("ExecStart");
    let args: Vec<&str> = command.split(' ').skip(1).collect();
    assert_eq!(
        args,
        ["serve", "--config", "/etc/bluemarble/production.toml"]
    );
    // What the program needs: the state directory is where the configuration says that the world is.
    let config = include_str!("../../config/production.toml");
    assert!(
        config.contains("data_dir = \"/var/lib/bluemarble/")
            && get("StateDirectory") == "bluemarble"
    );
    assert!(
        get("RestrictAddressFamilies").contains("AF_INET6")
            && get("RestrictAddressFamilies").contains("AF_UNIX")
    );
}

#[test]
fn systemd_itself_finds_nothing_wrong_with_the_unit() {
    let has = |what: &str| {
        std::process::Command::new(what)
            .arg("--version")
            .output()
            .is_ok()
    };
    if !has("systemd-analyze") {
        println!("skipped: there is no systemd-analyze");
        return;
    }
    // It wants to find the program and its user.
    let place = Place::new();
    let path = place.path().join("bluemarble.service");
    let text = include_str!("../../../../deploy/bluemarble.service");
    let text = text.replace(
        "/usr/local/bin/bluemarble",
        env!("CARGO_BIN_EXE_bluemarble"),
    );
    std::fs::write(&path, text).unwrap();
    let run = |args: &[&str]| {
        let out = std::process::Command::new("systemd-analyze")
            .args(args)
            .arg(&path)
            .output()
            .unwrap();
        let said = [out.stdout, out.stderr].concat();
        (
            out.status.success(),
            String::from_utf8_lossy(&said).into_owned(),
        )
    };
    let (is_ok, said) = run(&["verify"]);
    assert!(is_ok && !said.contains("Unknown"), "{said}");
    let (is_ok, said) = run(&["security", "--offline=true", "--threshold=20"]);
    assert!(is_ok, "more exposed than 2.0: {said}");
}
