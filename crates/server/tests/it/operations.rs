//! What operators do and see: health, metrics, draining, reloading, logs.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Stdio;
use std::time::{Duration, Instant};

use bluemarble_server::{Server, Settings};
use client::{Connection, Event};
use net_proto::quic::client_endpoint;
use net_proto::{RefuseCode, ServerMessage, WorldId};
use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Place, Raw, Reaped, claims, program, runtime, wait_for};

/// Somewhere that is free.
fn with_http(settings: &mut Settings) {
    settings.http_listen = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
}

/// The code, the head and the body of an answer.
fn get(addr: SocketAddr, path: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let question = format!("GET {path} HTTP/1.1\r\nhost: {addr}\r\n\r\n");
    stream.write_all(question.as_bytes()).unwrap();
    let mut all = String::new();
    stream.read_to_string(&mut all).unwrap();
    let (head, body) = all.split_once("\r\n\r\n").unwrap();
    let code = head.split(' ').nth(1).unwrap().parse().unwrap();
    (code, head.to_lowercase(), body.to_owned())
}

/// Families by name: their type and their samples, labels and all.
type Families = BTreeMap<String, (String, BTreeMap<String, f64>)>;

/// Reads OpenMetrics' text format as strictly as its document says, as far as counters, gauges and histograms go.
fn parse(text: &str) -> Families {
    let body = text.strip_suffix("# EOF\n").expect("ends with EOF");
    let mut families = Families::new();
    let (mut open, mut helped) = (String::new(), None);
    for line in body.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect("a help has a text");
            assert!(!help.is_empty() && !families.contains_key(name), "{line}");
            helped = Some(name.to_owned());
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a type");
            assert_eq!(helped.take().as_deref(), Some(name), "help goes before");
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            open = name.to_owned();
            families.insert(open.clone(), (kind.to_owned(), BTreeMap::new()));
        } else {
            let (sample, number) = line.rsplit_once(' ').expect("a sample has a number");
            let number: f64 = number.parse().expect("a number");
            let name = sample.split('{').next().unwrap();
            check_labels(&sample[name.len()..]);
            let (kind, samples) = families.get_mut(&open).expect("a family is open");
            let suffix = name
                .strip_prefix(open.as_str())
                .expect("of the open family");
            let legal: &[&str] = match kind.as_str() {
                "counter" => &["_total"],
                "gauge" => &[""],
                _ => &["_bucket", "_sum", "_count"],
            };
            assert!(legal.contains(&suffix) && number.is_finite(), "{line}");
            assert!(kind == "gauge" || number >= 0.0, "{line}");
            let before = samples.insert(sample[open.len()..].to_owned(), number);
            assert!(before.is_none(), "twice: {line}");
        }
    }
    assert!(helped.is_none(), "a help without a type");
    families
}

/// `{a="b",c="d"}`, or nothing.
fn check_labels(text: &str) {
    if text.is_empty() {
        return;
    }
    let inner = text.strip_prefix('{').and_then(|t| t.strip_suffix('}'));
    let mut names = BTreeSet::new();
    for label in inner.expect("braces").split("\",") {
        let (name, value) = label.split_once("=\"").expect("a label has a value");
        let value = value.trim_end_matches('"');
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        assert!(!name.is_empty() && name.chars().all(is_name), "{text}");
        assert!(!value.contains(['"', '\n', '\\']), "{text}");
        assert!(names.insert(name), "twice: {text}");
    }
}

/// Buckets rise, and the last is the count.
fn check_histogram(samples: &BTreeMap<String, f64>) -> f64 {
    let bound = |key: &str| {
        let le = key.split("le=\"").nth(1).unwrap().split('"').next();
        match le.unwrap() {
            "+Inf" => f64::INFINITY,
            number => number.parse().unwrap(),
        }
    };
    let stage = |key: &str| {
        let stage = key.split("stage=\"").nth(1);
        stage.map(|s| s.split('"').next().unwrap().to_owned())
    };
    let mut by_stage: BTreeMap<Option<String>, Vec<(f64, f64)>> = BTreeMap::new();
    for (key, count) in samples.iter().filter(|(key, _)| key.starts_with("_bucket")) {
        let buckets = by_stage.entry(stage(key)).or_default();
        buckets.push((bound(key), *count));
    }
    let mut total = 0.0;
    for (name, mut buckets) in by_stage {
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        assert!(buckets.windows(2).all(|w| w[0].1 <= w[1].1), "{name:?}");
        let (last, count) = buckets[buckets.len() - 1];
        let counted = samples
            .iter()
            .find(|(key, _)| key.starts_with("_count") && stage(key) == name);
        assert!(
            last.is_infinite() && *counted.unwrap().1 == count,
            "{name:?}"
        );
        total += count;
    }
    total
}

#[test]
fn metrics_are_legal_and_have_everything_that_the_status_has() {
    let place = Place::new();
    let server = Server::start(place.config(with_http)).unwrap();
    let http = server.http_addr().unwrap();
    runtime().block_on(async {
        let (_raw, _) = Raw::enter(server.local_addr(), &place.ticket(7)).await;
        wait_for(&server, "a player in the status", |s| s.players == 1);
        let (code, head, body) = get(http, "/metrics");
        assert_eq!(code, 200);
        assert!(
            head.contains("content-type: application/openmetrics-text; version=1.0.0"),
            "{head}"
        );
        let all = parse(&body);
        let value = |name: &str, sample: &str| all[&format!("bluemarble_{name}")].1[sample];
        let world = "world=\"1\"";
        assert_eq!(value("players", &format!("{{{world}}}")), 1.0);
        assert_eq!(value("joins", &format!("_total{{{world}}}")), 1.0);
        assert_eq!(value("ready", ""), 1.0);
        let full = format!("_total{{{world},code=\"full\"}}");
        assert_eq!(value("refused", &full), 0.0);
        let inputs = format!("{{{world},queue=\"inputs\"}}");
        assert_eq!(value("queue_depth", &inputs), 0.0);
        assert!(value("journal_bytes", &format!("_total{{{world}}}")) > 0.0);
        let mut histograms = BTreeMap::new();
        for (name, (_, samples)) in all.iter().filter(|(_, family)| family.0 == "histogram") {
            histograms.insert(name.as_str(), check_histogram(samples));
        }
        let ticks = histograms["bluemarble_tick_seconds"];
        assert!(ticks >= 1.0 && histograms["bluemarble_journal_sync_seconds"] >= 1.0);
        // A tick may come between both families.
        let stages = histograms["bluemarble_tick_stage_seconds"];
        assert!(
            (4.0 * ticks..4.0 * (ticks + 2.0)).contains(&stages),
            "{stages}"
        );
        assert!(all.len() > 60, "{}", all.len());
    });
    assert_eq!(get(http, "/health/live").0, 200);
    assert_eq!(get(http, "/health/ready").0, 200);
    let (code, _, body) = get(http, "/health");
    let found: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(found["checks"]["worlds"][0]["world"], 1, "{code} {body}");
    server.stop().unwrap();
}

#[test]
#[should_panic(expected = "twice")]
fn the_parser_is_strict() {
    parse("# HELP a b.\n# TYPE a gauge\na 1\na 2\n# EOF\n");
}

#[test]
fn a_server_without_the_key_listens_to_nobody() {
    let place = Place::new();
    let server = Server::start(place.config(|_| {})).unwrap();
    assert_eq!(server.http_addr(), None);
    server.stop().unwrap();
}

/// The program with a configuration of its own, and what it has said first.
struct Program {
    child: Reaped,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
    listening: serde_json::Value,
    err: Option<std::thread::JoinHandle<String>>,
}

impl Program {
    fn start(place: &Place, text: &str) -> Self {
        let file = place.path().join("server.toml");
        std::fs::write(&file, text).unwrap();
        let mut command = program();
        command.args([
            "serve",
            "--json",
            "--agents=20",
            "--threads=1",
            "--status-s=1",
        ]);
        command.args([
            "--listen=127.0.0.1:0",
            "--http-listen=127.0.0.1:0",
            "--config",
        ]);
        command.arg(&file).arg("--planet").arg(place.planet());
        command.arg("--data").arg(place.data());
        let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = Reaped(piped.spawn().unwrap());
        let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
        let mut err = child.0.stderr.take().unwrap();
        let err = std::thread::spawn(move || {
            let mut all = String::new();
            err.read_to_string(&mut all).unwrap();
            all
        });
        let first = lines.next().unwrap().unwrap();
        Self {
            child,
            lines,
            listening: serde_json::from_str(&first).unwrap(),
            err: Some(err),
        }
    }

    fn addr(&self, what: &str) -> SocketAddr {
        self.listening[what].as_str().unwrap().parse().unwrap()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child.0), signal).unwrap();
    }

    /// The next object of a kind.
    fn event(&mut self, kind: &str) -> serde_json::Value {
        loop {
            let line = self.lines.next().expect("it goes on").unwrap();
            let said: serde_json::Value = serde_json::from_str(&line).unwrap();
            if said["event"] == kind {
                return said;
            }
        }
    }

    /// The exit code, and everything that was logged.
    fn ended(mut self) -> (i32, String) {
        let rest = std::thread::spawn(move || self.lines.map_while(Result::ok).count());
        let code = self.child.0.wait().unwrap().code().unwrap();
        rest.join().unwrap();
        (code, self.err.take().unwrap().join().unwrap())
    }
}

/// Whether a client is told of maintenance before its session ends, and the code that the end has.
async fn farewell(raw: &mut Raw) -> (bool, RefuseCode) {
    let mut maintenance = false;
    loop {
        match raw.read().await {
            ServerMessage::Maintenance(told) => {
                assert_eq!(told.text.as_str(), "back at noon");
                maintenance = true;
            }
            ServerMessage::Refuse(refuse) => return (maintenance, refuse.code),
            _ => {}
        }
    }
}

#[test]
fn sigterm_tells_everybody_why_refuses_newcomers_and_ends_with_0() {
    let place = Place::new();
    let mut server = Program::start(&place, "drain_s = 2\nmaintenance_text = \"back at noon\"");
    let (addr, http) = (server.addr("addr"), server.addr("http"));
    let begun = runtime().block_on(async {
        let mut inside = Vec::new();
        for player in 1..=6 {
            inside.push(Raw::enter(addr, &place.ticket(player)).await.0);
        }
        let leaver = inside.pop().unwrap();
        server.signal(Signal::TERM);
        let begun = Instant::now();
        server.event("draining");
        assert_eq!(get(http, "/health/ready").0, 503);
        assert_eq!(get(http, "/health/live").0, 200);
        let mut late = Raw::open(addr, place.cert()).await;
        late.show(&place.ticket(99)).await;
        let refuse = late.refusal().await;
        assert_eq!(
            (refuse.code, refuse.text.as_str()),
            (RefuseCode::CLOSING, "back at noon")
        );
        leaver.leave().await;
        // Each has its own connection: none waits for another.
        for raw in &mut inside {
            assert_eq!(farewell(raw).await, (true, RefuseCode::CLOSING));
        }
        begun
    });
    let last = server.event("stopped");
    assert_eq!(last["reason"], "SIGTERM");
    let status = &last["status"];
    assert_eq!(
        status["durable_tick"].as_u64().unwrap() + 1,
        status["tick"].as_u64().unwrap()
    );
    let tick = status["tick"].as_u64().unwrap();
    let checkpoint = place.data().join(format!("checkpoint-{tick:020}.bmc"));
    assert!(checkpoint.exists(), "{}", checkpoint.display());
    let (code, log) = server.ended();
    assert_eq!(code, 0, "{log}");
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn where_sessions_go_on_is_told_with_a_ticket_that_opens_there() {
    let (here, there) = (Place::new(), Place::new());
    let next = Server::start(there.config(|_| {})).unwrap();
    let cert: String = there.cert().iter().map(|b| format!("{b:02x}")).collect();
    let server = Server::start(here.config(|s| {
        s.redirect_to = Some(next.local_addr().to_string());
        s.redirect_cert = Some(cert);
        s.token_key_file = Some(there.data().join("token.key"));
    }))
    .unwrap();
    assert!(
        !here.data().join("token.key").exists(),
        "a key that opens nothing"
    );
    // Signed by the key that both have.
    let ticket = here.ticket_of(&there.key(), &claims(5));
    let runtime = runtime();
    let addr = server.local_addr();
    let endpoint = runtime.block_on(async { client_endpoint(addr).unwrap() });
    let entering = Connection::connect(&endpoint, addr, &ticket);
    let mut connection = runtime.block_on(entering).unwrap();
    std::thread::scope(|scope| {
        let draining = scope.spawn(|| server.drain());
        runtime.block_on(async {
            let redirect = loop {
                if let Event::Redirect(redirect) = connection.next().await.unwrap() {
                    break redirect;
                }
            };
            connection.close();
            assert_eq!(redirect.address.as_str(), next.local_addr().to_string());
            let there = Connection::connect(&endpoint, next.local_addr(), &redirect.ticket);
            let there = there.await.unwrap();
            assert_eq!(there.core().welcome().world, WorldId(1));
            there.close();
        });
        draining.join().unwrap();
    });
    assert!(!server.is_ready() && server.is_live());
    server.stop().unwrap();
    next.stop().unwrap();
}

#[test]
fn a_hangup_reloads_what_can_change_and_names_what_cannot() {
    let place = Place::new();
    let mut server = Program::start(&place, "players_max = 1\ncheaters = \"kick\"");
    let addr = server.addr("addr");
    let file = place.path().join("server.toml");
    let log = runtime().block_on(async {
        let (first, _) = Raw::enter(addr, &place.ticket(1)).await;
        let mut full = Raw::open(addr, place.cert()).await;
        full.show(&place.ticket(2)).await;
        assert_eq!(full.refusal().await.code, RefuseCode::FULL);
        std::fs::write(&file, "players_max = 2\nworld = 7\nlog_level = \"info\"").unwrap();
        std::fs::write(place.data().join("bans.txt"), "3 forever # rude\n").unwrap();
        server.signal(Signal::HUP);
        assert_eq!(
            server.event("reloaded")["refused"],
            serde_json::json!(["world"])
        );
        let (second, _) = Raw::enter(addr, &place.ticket(2)).await;
        let mut banned = Raw::open(addr, place.cert()).await;
        banned.show(&place.ticket(3)).await;
        assert_eq!(banned.refusal().await.code, RefuseCode::BANNED);
        // What is wrong changes nothing.
        std::fs::write(&file, "players_max = 0").unwrap();
        std::fs::write(place.data().join("bans.txt"), "nobody\n").unwrap();
        server.signal(Signal::HUP);
        server.event("status");
        server.event("status");
        banned.leave().await;
        let mut banned = Raw::open(addr, place.cert()).await;
        banned.show(&place.ticket(3)).await;
        assert_eq!(banned.refusal().await.code, RefuseCode::BANNED);
        first.leave().await;
        second.leave().await;
        server.signal(Signal::INT);
        server.ended().1
    });
    for said in [
        "world",
        "needs a restart",
        "players_max",
        "bans.txt, line 1",
        "refused",
    ] {
        assert!(log.contains(said), "{said}: {log}");
    }
}

/// Every line is an object; what is about a login has its trace, and about a session its number.
fn check_names(log: &str) {
    let mut sessions = BTreeMap::new();
    for line in log.lines() {
        let said: serde_json::Value = serde_json::from_str(line).expect(line);
        assert!(
            said["timestamp"].is_string() && said["level"].is_string(),
            "{line}"
        );
        let span = &said["span"];
        if let Some(trace) = span["trace"].as_str() {
            assert!(
                trace.len() == 16 && trace.bytes().all(|b| b.is_ascii_hexdigit()),
                "{line}"
            );
            let session = span["session"].as_u64();
            sessions
                .entry(trace.to_owned())
                .or_insert_with(Vec::new)
                .push((session, line));
        }
    }
    assert_eq!(sessions.len(), 2, "two logins: {log}");
    let has = |what: &str| {
        sessions
            .values()
            .filter(|all| all.iter().any(|l| l.1.contains(what)))
            .count()
    };
    assert_eq!((has("used before"), has("comes in")), (1, 1));
    let is_named = |all: &Vec<(Option<u64>, &str)>| {
        all.iter()
            .any(|l| l.0 == Some(1) && l.1.contains("\"player\":41"))
    };
    assert_eq!(sessions.values().filter(|all| is_named(all)).count(), 1);
}

#[test]
fn a_log_in_json_has_traces_and_sessions_and_no_secret() {
    let place = Place::new();
    let server = Program::start(
        &place,
        "log = \"json\"\nlog_level = \"trace\"\nhttp_listen = \"127.0.0.1:0\"",
    );
    let addr = server.addr("addr");
    let mut secrets = vec![hex(&std::fs::read(place.data().join("token.key")).unwrap())];
    runtime().block_on(async {
        let ticket = place.ticket(41);
        secrets.push(ticket.to_string());
        secrets.push(hex(ticket.token.as_bytes()));
        let (mut raw, _) = Raw::enter(addr, &ticket).await;
        let ServerMessage::Resume(resume) = raw.read().await else {
            panic!("a secret follows the welcome");
        };
        secrets.push(hex(&resume.secret.0));
        let mut again = Raw::open(addr, place.cert()).await;
        again.show(&ticket).await;
        assert_eq!(again.refusal().await.code, RefuseCode::TOKEN);
        raw.connection
            .close(7u32.into(), b"bye\n{\"level\":\"ERROR\"}\x1b[31m");
        raw.leave().await;
    });
    std::thread::sleep(Duration::from_millis(300));
    server.signal(Signal::TERM);
    let (code, log) = server.ended();
    assert_eq!(code, 0);
    let pem = std::fs::read_to_string(place.data().join("server.pem")).unwrap();
    let key = pem.split("PRIVATE KEY-----").nth(1).unwrap();
    secrets.push(key.lines().nth(1).unwrap().to_owned());
    secrets.push("a client's own key, 32 bytes it!".into());
    check_names(&log);
    for secret in &secrets {
        assert!(
            !log.contains(secret.as_str()),
            "a secret is in the log: {secret}"
        );
    }
    assert!(!log.contains('\u{1b}'));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
