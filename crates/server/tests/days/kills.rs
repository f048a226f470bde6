//! `kill -9` of a serving process at random moments: what was acknowledged is there, and replay gives the hashes that
//! clients were told.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Output, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::shim::Shim;
use crate::support::{Place, Reaped, program};
use crate::{day, size};

const AGENTS: &str = "200";

/// What clients were told before the server died.
#[derive(Default, Debug)]
pub(crate) struct Told {
    pub(crate) durable_tick: u64,
    hashes: Vec<(u64, String)>,
    spawns: Vec<u64>,
    /// Entity, number of the input, and the tick before which it was used.
    inputs: Vec<(u64, u64, u64)>,
}

/// What a journal holds.
struct Journal {
    spawns: BTreeSet<u64>,
    inputs: BTreeSet<(u64, u64)>,
}

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let seed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_nanos() as u64;
    println!("seed {seed}");
    let mut random = seed | 1;
    let place = Place::new();
    let (mut acknowledged, mut inputs) = (0, 0);
    let rounds = size("BLUEMARBLE_KILLS", 6);
    for round in 0..rounds {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        // Half of the lives are full of checkpoints, half have none after the first.
        let has_checkpoints = round.is_multiple_of(2);
        let checkpoint_s = if has_checkpoints { "1" } else { "3600" };
        let life = Life {
            checkpoint_s,
            time: Duration::from_millis(random % 700),
            ..Life::default()
        };
        let told = life.live(&place, |server| server.kill().unwrap());
        acknowledged = is_all_there(&place, (round, has_checkpoints), &told).max(acknowledged);
        let last = told.hashes.last().expect("waited for");
        assert!(last.0 <= acknowledged, "round {round}: time went back");
        inputs += told.inputs.len();
    }
    a_lost_tail_is_noticed(&place);
    let figure = format!(
        "{rounds} of {rounds} lives recovered: {inputs} acknowledged inputs, every hash equal, {acknowledged} ticks"
    );
    day("kill -9 under load", figure);
}

/// Compares the journal that was left with what clients were told; returns its last tick.
pub(crate) fn is_all_there(
    place: &Place,
    (round, has_checkpoints): (u32, bool),
    told: &Told,
) -> u64 {
    let (tick, hash) = told.hashes.last().expect("waited for");
    let again = replay(place, Some(*tick));
    assert_eq!(
        (&again["tick"], &again["hash"]),
        (&(*tick).into(), &hash.as_str().into()),
        "round {round}"
    );
    let end = again["journal_end"].as_u64().unwrap();
    assert!(end >= told.durable_tick, "round {round}: {told:?}, {again}");
    // What came before the oldest checkpoint that is kept is in that.
    let from_tick = again["from_tick"].as_u64().unwrap();
    let journal = journal(place);
    let kept: Vec<_> = told
        .inputs
        .iter()
        .filter(|(_, _, t)| *t > from_tick)
        .collect();
    assert!(!kept.is_empty(), "round {round}: no input was acknowledged");
    for (entity, seq, tick) in kept {
        assert!(
            journal.inputs.contains(&(*entity, *seq)),
            "round {round}: input {seq} of {entity}, used before tick {tick}, is not in the journal"
        );
        // The search can fail: this one was never made.
        assert!(!journal.inputs.contains(&(*entity, seq + 1_000_000)));
    }
    let missing = told.spawns.iter().filter(|id| !journal.spawns.contains(id));
    let missing: Vec<_> = missing.collect();
    assert!(!told.spawns.is_empty(), "round {round}");
    // A life without checkpoints is in the journal from its first tick.
    assert!(
        missing.is_empty() || has_checkpoints,
        "round {round}: {missing:?}"
    );
    end
}

fn journal(place: &Place) -> Journal {
    let mut command = program();
    command.args(["replay", "show"]).arg(place.data());
    let mut journal = Journal {
        spawns: BTreeSet::new(),
        inputs: BTreeSet::new(),
    };
    for line in String::from_utf8(succeeded(command.output().unwrap()))
        .unwrap()
        .lines()
    {
        let value: Value = serde_json::from_str(line).unwrap();
        let entity = value["entity"].as_u64();
        match value["record"].as_str() {
            Some("spawn") => journal.spawns.insert(entity.unwrap()),
            Some("input") => {
                let seq = value["seq"].as_u64().unwrap();
                journal.inputs.insert((entity.unwrap(), seq))
            }
            _ => false,
        };
    }
    journal
}

fn succeeded(out: Output) -> Vec<u8> {
    let text = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{text}");
    out.stdout
}

/// A server under bots, from its start to its end.
#[derive(Default)]
pub(crate) struct Life<'a> {
    /// Seconds between checkpoints; none for hardly any.
    pub(crate) checkpoint_s: &'a str,
    /// How long it lives after the first hash was told.
    pub(crate) time: Duration,
    /// What stands between the server and the system.
    pub(crate) shim: Option<&'a Shim>,
}

impl Life<'_> {
    fn serve(&self, place: &Place) -> (Reaped, String) {
        let checkpoint_s = match self.checkpoint_s {
            "" => "3600",
            seconds => seconds,
        };
        let mut serve = program();
        serve
            .args(["serve", "--json", "--listen=127.0.0.1:0", "--threads=1"])
            .args(["--status-s=0", "--towns=2", "--agents", AGENTS])
            .args(["--journal-bytes-max=1048576", "--reserve-bytes=65536"])
            .args(["--checkpoint-s", checkpoint_s, "--planet"])
            .arg(place.planet())
            .arg("--data")
            .arg(place.data())
            .stdout(Stdio::piped());
        if let Some(shim) = self.shim {
            shim.put_before(&mut serve);
        }
        let mut server = Reaped(serve.spawn().unwrap());
        let addr = listening(&mut server.0);
        (server, addr)
    }

    /// Serves under bots, ends the server some time after the first hash was told, and returns what the bots were told.
    pub(crate) fn live(&self, place: &Place, end: impl FnOnce(&mut Child)) -> Told {
        let (mut server, addr) = self.serve(place);
        let mut bots = program();
        bots.args(["bots", "--json", "--durable", "--leash", "--count=4"])
            .args(["--addr", &addr, "--data"])
            .arg(place.data())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut bots = Reaped(bots.spawn().unwrap());
        let out = BufReader::new(bots.0.stdout.take().unwrap());
        let (hashed, first_hash) = channel();
        let reader = std::thread::spawn(move || read_told(out, &hashed));
        first_hash
            .recv_timeout(Duration::from_secs(20))
            .expect("a hash is told");
        std::thread::sleep(self.time);
        end(&mut server.0);
        server.0.wait().unwrap();
        drop(bots.0.stdin.take()); // the leash
        let deadline = Instant::now() + Duration::from_secs(20);
        while bots.0.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "the bots do not end");
            std::thread::sleep(Duration::from_millis(10));
        }
        reader.join().unwrap()
    }
}

#[test]
fn tickets_and_names_stay_used_after_kill_9() {
    use crate::support::{Raw, runtime};
    use net_proto::RefuseCode;
    let place = Place::new();
    let mut names = Vec::new();
    let mut used = Vec::new();
    for player in 0..3 {
        let life = Life::default();
        let (mut server, addr) = life.serve(&place);
        let addr = addr.parse().unwrap();
        let ticket = place.ticket(player);
        runtime().block_on(async {
            for old in &used {
                let old: &net_proto::Ticket = old;
                let mut raw = Raw::open(addr, old.cert_sha256).await;
                raw.show(old).await;
                let refuse = raw.refusal().await;
                assert_eq!(refuse.code, RefuseCode::TOKEN);
                assert!(refuse.text.as_str().contains("used before"), "{refuse:?}");
            }
            let (_raw, welcome) = Raw::enter(addr, &ticket).await;
            names.push(welcome.player);
            server.0.kill().unwrap();
            server.0.wait().unwrap();
        });
        used.push(ticket);
    }
    assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
}

fn listening(server: &mut Child) -> String {
    let out = server.stdout.take().unwrap();
    let (told, line) = channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let _ = BufReader::new(out).read_line(&mut line);
        let _ = told.send(line);
    });
    let line = line.recv_timeout(Duration::from_secs(60));
    let line = line.expect("the server says within a minute where it listens");
    let value: Value = serde_json::from_str(&line).expect("the server listens");
    value["addr"].as_str().unwrap().to_owned()
}

fn read_told(out: impl BufRead, hashed: &Sender<()>) -> Told {
    let mut told = Told::default();
    for line in out.lines().map_while(Result::ok) {
        let value: Value = serde_json::from_str(&line).unwrap();
        if value["event"] == "bots" {
            let wrong = ["digest_mismatches", "violations", "protocol_errors"];
            assert!(wrong.iter().all(|kind| value[kind] == 0), "{value}");
            continue;
        }
        let number = |key: &str| value[key].as_u64().unwrap();
        match value["event"].as_str().unwrap() {
            "spawn" => told.spawns.push(number("entity")),
            "input" => told
                .inputs
                .push((number("entity"), number("seq"), number("tick"))),
            _ => told.durable_tick = told.durable_tick.max(number("tick")),
        }
        // Nothing is known of the state before the first group was synced.
        if let Some(hash) = value["hash"].as_str().filter(|_| number("tick") > 0) {
            told.hashes.push((number("tick"), hash.to_owned()));
            let _ = hashed.send(());
        }
    }
    told
}

fn replay(place: &Place, until: Option<u64>) -> Value {
    let mut command = program();
    command
        .args(["replay", "run", "--json", "--planet"])
        .arg(place.planet())
        .args(until.map(|tick| format!("--until={tick}")))
        .arg(place.data());
    serde_json::from_slice(&succeeded(command.output().unwrap())).unwrap()
}

/// The canary: a server that had acknowledged what it had not yet written would leave a journal like this.
fn a_lost_tail_is_noticed(place: &Place) {
    let newest = newest_journal(&place.data());
    let bytes = std::fs::read(&newest).unwrap();
    // The last byte, and every frame: the second is a clean end, only too early.
    for kept in [bytes.len() - 1, 40] {
        std::fs::write(&newest, &bytes[..kept]).unwrap();
        let mut command = program();
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--planet"])
            .arg(place.planet())
            .arg("--data")
            .arg(place.data());
        let out = command.output().unwrap();
        let text = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(70), "{kept} bytes kept: {text}");
        assert!(text.contains(newest.to_str().unwrap()), "{text}");
    }
    std::fs::write(&newest, &bytes).unwrap();
    replay(place, None);
}

fn newest_journal(data: &Path) -> std::path::PathBuf {
    let files = std::fs::read_dir(data).unwrap().map(|e| e.unwrap().path());
    let journals = files
        .filter(|p| p.extension().is_some_and(|e| e == "bmj") && p.metadata().unwrap().len() > 40);
    journals.max().unwrap()
}
