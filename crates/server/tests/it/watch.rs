//! The C client against the program: `examples/c/watch.c`, and a session from C, with and without valgrind.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::library::{link, package, succeed, valgrind};
use crate::support::{Place, Reaped, program};

/// `bluemarble serve`, ready.
struct Served {
    place: Place,
    server: Reaped,
    address: String,
}

impl Served {
    fn start() -> Self {
        let place = Place::new();
        let mut serve = program();
        serve.args(["serve", "--listen", "127.0.0.1:0", "--json"]);
        serve.args(["--agents", "40", "--towns", "1", "--threads", "1"]);
        serve.arg("--data").arg(place.data());
        serve.arg("--planet").arg(place.planet());
        let mut child = serve.stdout(Stdio::piped()).spawn().unwrap();
        let out = child.stdout.take().unwrap();
        let server = Reaped(child);
        let mut line = String::new();
        let mut out = BufReader::new(out);
        out.read_line(&mut line).unwrap();
        let listening: serde_json::Value = serde_json::from_str(&line).unwrap();
        // Somebody must read on, or the server would fill the pipe.
        std::thread::spawn(move || out.read_to_end(&mut Vec::new()));
        Self {
            place,
            server,
            address: listening["addr"].as_str().unwrap().to_owned(),
        }
    }

    fn ticket(&self, player: u64) -> String {
        let mut token = program();
        token.args(["token", "--ttl", "60", "--player", &player.to_string()]);
        token.arg("--data").arg(self.place.data());
        succeed(&mut token).trim().to_owned()
    }

    fn build(&self, source: &str) -> PathBuf {
        link(&package().join(source), self.place.path())
    }

    /// `program ADDRESS TICKET`, for more arguments.
    fn with_ticket(&self, mut command: Command, player: u64) -> Command {
        command.arg(&self.address).arg(self.ticket(player));
        command
    }
}

const WATCH: &str = "../../examples/c/watch.c";

#[test]
fn watch_prints_what_moves() {
    let served = Served::start();
    let watch = served.build(WATCH);
    let mut plain = served.with_ticket(Command::new(&watch), 1);
    check_report(&succeed(plain.arg("4").arg(served.place.planet())));
    if let Some(checked) = valgrind(&watch) {
        let mut checked = served.with_ticket(checked, 2);
        check_report(&succeed(checked.arg("4").arg(served.place.planet())));
    }
}

#[test]
fn a_session_from_c_goes_as_expected() {
    let served = Served::start();
    let session = served.build("tests/c/session.c");
    let mut plain = served.with_ticket(Command::new(&session), 1);
    succeed(plain.arg(served.ticket(1)));
    if let Some(checked) = valgrind(&session) {
        let mut checked = served.with_ticket(checked, 2);
        succeed(checked.arg(served.ticket(2)));
    }
}

#[test]
fn watch_says_what_went_wrong() {
    let mut served = Served::start();
    let watch = served.build(WATCH);
    let (address, ticket) = (&*served.address.clone(), &*served.ticket(1));
    assert_eq!(run(&watch, &["--help"]).0, 0);
    for bad in [
        &[][..],
        &[address],
        &[address, ticket, "0"],
        &[address, ticket, "5x"],
    ] {
        let (code, text) = run(&watch, bad);
        assert!(
            code == 2 && text.starts_with("usage: watch"),
            "{bad:?}: {text}"
        );
    }
    for (args, expected) in [
        ([address, "forged", "1", "."], "terrain: "),
        (
            [
                address,
                "forged",
                "1",
                served.place.planet().to_str().unwrap(),
            ],
            "ticket",
        ),
        (
            [
                "nowhere",
                ticket,
                "1",
                served.place.planet().to_str().unwrap(),
            ],
            "nowhere",
        ),
    ] {
        let (code, text) = run(&watch, &args);
        assert!(code == 1 && text.contains(expected), "{args:?}: {text}");
    }

    // The server goes: the client hears of it and says so.
    let mut watching = Command::new(&watch);
    watching
        .args([address, ticket, "60"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut watching = Reaped(watching.spawn().unwrap());
    let mut out = BufReader::new(watching.0.stdout.take().unwrap());
    out.read_line(&mut String::new()).unwrap();
    let id = served.server.0.id().to_string();
    succeed(Command::new("kill").args(["-TERM", &id]));
    assert!(served.server.0.wait().unwrap().success());
    assert_eq!(watching.0.wait().unwrap().code(), Some(1));
    let mut text = String::new();
    let mut errors = watching.0.stderr.take().unwrap();
    errors.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("watch: poll: "), "{text}");
}

fn run(watch: &Path, args: &[&str]) -> (i32, String) {
    let out = Command::new(watch).args(args).output().unwrap();
    let text = String::from_utf8(out.stderr).unwrap();
    (out.status.code().unwrap(), text)
}

/// Somebody else and the player itself moved, on the ground, and time went on.
fn check_report(text: &str) {
    let mut places: BTreeMap<(bool, &str), BTreeSet<&str>> = BTreeMap::new();
    let mut ticks = Vec::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("tick ") {
            let tick: u64 = rest.split(':').next().unwrap().parse().unwrap();
            ticks.push(tick);
            continue;
        }
        let number = |label: &str| -> f64 {
            let rest = line.split_once(label).expect(line).1;
            rest.split_whitespace().next().unwrap().parse().unwrap()
        };
        let (height_m, ground_m) = (number("height "), number("ground "));
        assert!((height_m - ground_m).abs() < 1.0, "{line}");
        // Zermatt, where the only town is.
        assert!((number("lat ") - 46.02).abs() < 0.1 && (number("lon ") - 7.75).abs() < 0.1);
        let (who, place) = line.split_once("lat ").unwrap();
        let is_self = who.contains('*');
        let id = who.trim_matches([' ', '*']);
        places.entry((is_self, id)).or_default().insert(place);
    }
    assert!(
        ticks.len() >= 3 && ticks.is_sorted_by(|a, b| a < b),
        "{text}"
    );
    for is_self in [true, false] {
        let moved =
            |(key, seen): (&(bool, &str), &BTreeSet<&str>)| key.0 == is_self && seen.len() > 1;
        assert!(
            places.iter().any(moved),
            "nobody moved (self: {is_self}):\n{text}"
        );
    }
}
