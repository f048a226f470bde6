//! The program: arguments, configuration, exit codes.

use std::process::Output;

use crate::support::{Place, program, wait_for};

fn run(args: &[&str]) -> Output {
    program().args(args).output().unwrap()
}

fn failure(args: &[&str]) -> (i32, String) {
    let out = run(args);
    let text = String::from_utf8(out.stderr).unwrap();
    (out.status.code().unwrap(), text)
}

#[test]
fn misuse_is_exit_code_2_and_names_the_argument() {
    for (args, expected) in [
        (vec!["serve", "--frobnicate"], "--frobnicate"),
        (vec!["dance"], "dance"),
        (vec!["serve", "--tick-rate-hz", "7"], "tick_rate_hz"),
        (vec!["serve", "--world", "many"], "--world"),
        (
            vec![
                "token",
                "--data",
                "/nonexistent",
                "--player",
                "1",
                "--name",
                "",
            ],
            "--name",
        ),
    ] {
        let (code, text) = failure(&args);
        assert!(
            code == 2 && text.contains(expected),
            "{args:?}: {code} {text}"
        );
    }
    assert_eq!(run(&["--help"]).status.code(), Some(0));
}

#[test]
fn configuration_files_are_strict_and_named() {
    let place = Place::new();
    let path = place.path().join("bad.toml");
    let file = path.to_str().unwrap();
    for (text, expected) in [
        ("tick_rate = 30", "tick_rate"),
        ("world = 0", "world"),
        ("=", "line 1"),
    ] {
        std::fs::write(&path, text).unwrap();
        let (code, error) = failure(&["serve", "--config", file]);
        assert!(
            code == 2 && error.contains(expected),
            "{text}: {code} {error}"
        );
        assert!(error.contains(file) || text == "world = 0", "{error}");
    }
    let (code, error) = failure(&["serve", "--config", "/nonexistent.toml"]);
    assert!(code == 2 && error.contains("/nonexistent.toml"), "{error}");
}

#[test]
fn later_layers_win() {
    let place = Place::new();
    let path = place.path().join("layers.toml");
    // The file alone is legal; environment, then flags, make it illegal in turn.
    std::fs::write(
        &path,
        "planet = \"/nonexistent.pack\"\nworld = 5\ntick_rate_hz = 30\n",
    )
    .unwrap();
    let serve = |env: Option<&str>, flag: Option<&str>| {
        let mut command = program();
        command.arg("serve").arg("--config").arg(&path);
        command.arg("--data").arg(place.data());
        command.envs(env.map(|v| ("BLUEMARBLE_TICK_RATE_HZ", v)));
        command.args(flag.map(|v| format!("--tick-rate-hz={v}")));
        let out = command.output().unwrap();
        (
            out.status.code().unwrap(),
            String::from_utf8(out.stderr).unwrap(),
        )
    };
    assert!(serve(None, None).1.contains("/nonexistent.pack"));
    assert!(serve(Some("7"), None).1.contains("tick_rate_hz"));
    assert!(serve(Some("7"), Some("30")).1.contains("/nonexistent.pack"));
    assert!(serve(Some("30"), Some("7")).1.contains("tick_rate_hz"));
}

#[test]
fn a_mistyped_variable_is_exit_code_2_and_named() {
    let mut command = program();
    command.args(["serve", "--planet", "/nonexistent.pack"]);
    let out = command.env("BLUEMARBLE_AGENT", "5").output().unwrap();
    let error = String::from_utf8(out.stderr).unwrap();
    assert!(error.contains("BLUEMARBLE_AGENT:"), "{error}");
    assert_eq!(out.status.code(), Some(2));
}

#[test]
fn damaged_storage_is_exit_code_70_and_names_file_and_offset() {
    use std::process::Stdio;
    let place = Place::new();
    let server = bluemarble_server::Server::start(place.config(|_| {})).unwrap();
    wait_for(&server, "time passing", |s| s.durable_tick > 20);
    server.stop().unwrap();
    let journal = std::fs::read_dir(place.data())
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "bmj"))
        .min()
        .unwrap();
    let mut bytes = std::fs::read(&journal).unwrap();
    bytes[45] ^= 1;
    std::fs::write(&journal, bytes).unwrap();
    let mut command = program();
    command.args(["serve", "--data"]).arg(place.data());
    command
        .arg("--planet")
        .arg(place.planet())
        .stdout(Stdio::null());
    let out = command.output().unwrap();
    let text = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(70), "{text}");
    assert!(
        text.contains(journal.to_str().unwrap()) && text.contains("byte 40"),
        "{text}"
    );
}

#[test]
fn sigterm_ends_a_server_cleanly_and_an_occupied_port_is_named() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;

    use rustix::process::{Pid, Signal, kill_process};

    use crate::support::Reaped;

    let (place, other) = (Place::new(), Place::new());
    let serve = |place: &Place, listen: &str| {
        let mut command = program();
        command.args(["serve", "--json", "--agents", "20", "--threads", "1"]);
        command.args(["--listen", listen, "--planet"]);
        command.arg(place.planet()).arg("--data").arg(place.data());
        command
    };
    let mut first = serve(&place, "127.0.0.1:0");
    let mut first = Reaped(first.stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(first.0.stdout.take().unwrap()).lines();
    let listening: serde_json::Value =
        serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    let addr = listening["addr"].as_str().unwrap();

    let out = serve(&other, addr).output().unwrap();
    let text = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(1), "{text}");
    assert!(text.contains(addr) && text.contains("listen"), "{text}");

    kill_process(Pid::from_child(&first.0), Signal::TERM).unwrap();
    let last = lines.map(Result::unwrap).last().unwrap();
    let stopped: serde_json::Value = serde_json::from_str(&last).unwrap();
    assert_eq!(stopped["event"], "stopped");
    assert_eq!(stopped["reason"], "SIGTERM");
    assert_eq!(first.0.wait().unwrap().code(), Some(0));
}

#[test]
fn a_server_whose_lines_nobody_reads_ends_when_asked() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;
    use std::time::{Duration, Instant};

    use rustix::process::{Pid, Signal, kill_process};

    use crate::support::Reaped;

    // A reader who left, and one who stays and does not read.
    for stays in [false, true] {
        let place = Place::new();
        let mut command = program();
        command.args([
            "serve",
            "--json",
            "--agents=20",
            "--threads=1",
            "--status-s=1",
        ]);
        command.args(["--listen=127.0.0.1:0", "--planet"]);
        command.arg(place.planet()).arg("--data").arg(place.data());
        let mut server = Reaped(command.stdout(Stdio::piped()).spawn().unwrap());
        let mut out = BufReader::new(server.0.stdout.take().unwrap());
        out.read_line(&mut String::new()).unwrap();
        if stays {
            fill(out.get_ref());
        }
        let out = stays.then_some(out);
        std::thread::sleep(Duration::from_millis(1_200)); // a status line
        kill_process(Pid::from_child(&server.0), Signal::TERM).unwrap();
        let deadline = Instant::now() + Duration::from_secs(8);
        while server.0.try_wait().unwrap().is_none() {
            assert!(
                Instant::now() < deadline,
                "does not end; reader stays: {stays}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(server.0.wait().unwrap().code(), Some(0), "{stays}");
        drop(out);
    }
}

/// Fills the pipe behind its reading end, so that whoever writes to it next has to wait.
fn fill(reader: &std::process::ChildStdout) {
    use std::io::Write;
    use std::os::fd::AsRawFd;
    let path = format!("/proc/self/fd/{}", reader.as_raw_fd());
    let mut writer = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    let (sent, filled) = std::sync::mpsc::channel();
    // Ends with the pipe.
    std::thread::spawn(move || {
        while writer.write_all(&[b'\n'; 4096]).is_ok() {
            let _ = sent.send(());
        }
    });
    while filled
        .recv_timeout(std::time::Duration::from_millis(300))
        .is_ok()
    {}
}

#[test]
fn an_error_is_said_once() {
    let place = Place::new();
    let mut command = program();
    command.args(["serve", "--planet", "/nonexistent.pack", "--data"]);
    let out = command.arg(place.data()).output().unwrap();
    let text = String::from_utf8(out.stderr).unwrap();
    assert_eq!(text.matches("/nonexistent.pack").count(), 1, "{text}");
}
