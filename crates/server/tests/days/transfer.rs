//! A server that dies at any step of a transfer: what was answered is done, what was not is done once when it is asked for again.
//!
//! A library between the server and the system (`shim.c`) kills it at the step: all that anybody else can see of one is what was written and sent.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command as Program, Stdio};
use std::time::{Duration, Instant};

use bluemarble_server::{Config, Game, Outcome, Server, Settings, Turn, Visitor};
use client::{Connection, Event};
use net_proto::quic::client_endpoint;
use net_proto::{Answer, AnswerCode, Command};
use sim_core::{Account, Holder, Item, Transfer, TransferError};

use crate::shim::Shim;
use crate::support::{Place, Reaped, runtime};
use crate::{day, size};

const COIN: Item = Item(1);
pub(crate) const PAY: u16 = 300;
const COUNT: u16 = 301;
/// What somebody is given at first, and what each payment is.
const GIFT: i64 = 1_000_000;
const PRICE: i64 = 3;
/// The upper half of a payment's number: what the library looks for in what is written.
const MARK: u64 = 0x5eed_f00d << 32;
/// How long anything may take here.
const PATIENCE: Duration = Duration::from_secs(20);
/// Variables of the process that serves: the place, and whether it forgets what it was asked.
const SERVE: &str = "BLUEMARBLE_DAYS_SERVE";
const FORGETS: &str = "BLUEMARBLE_DAYS_FORGETS";

/// Where it dies: what the library is told, and its name.
const STEPS: [(&str, &str); 13] = [
    ("0", "before the journal is written"),
    ("1", "half of it is written"),
    ("2", "written, not synced"),
    ("3", "synced"),
    ("4", "half of the witness is written"),
    ("5", "witnessed"),
    ("6", "a millisecond later"),
    ("8", "three milliseconds later"),
    ("12", "seven milliseconds later"),
    ("25", "twenty milliseconds later"),
    ("40", "a tick later"),
    ("75", "two ticks later"),
    ("505", "half a second later"),
];

/// Everybody has coins, and pays others.
pub(crate) struct Purse {
    pub(crate) forgets: bool,
}

fn account(player: u64) -> Holder {
    Holder::Account(Account(player))
}

impl Game for Purse {
    fn join(&mut self, turn: &mut Turn<'_>, visitor: &Visitor) {
        let gift = Transfer::of(COIN, GIFT, (Holder::Mint, account(visitor.player.0)));
        // Operation 1 of every account: nobody is given it twice.
        let _ = turn.transfer(gift.asked_by(visitor.account(), 1));
    }

    fn command(&mut self, turn: &mut Turn<'_>, visitor: &Visitor, command: &Command) -> Outcome {
        let mine = account(visitor.player.0);
        if command.kind == COUNT {
            return Outcome::done(turn.balance(mine, COIN).to_le_bytes());
        }
        // Who forgets takes what is asked again in another life for something new.
        let life = u64::from(self.forgets) * u64::from(std::process::id() % (1 << 20));
        let pay = Transfer::of(COIN, PRICE, (mine, account(2)));
        match turn.transfer(pay.asked_by(visitor.account(), command.operation ^ life << 12)) {
            Ok(()) | Err(TransferError::Done(_)) => {
                Outcome::done(turn.balance(mine, COIN).to_le_bytes())
            }
            Err(_) => Outcome::refuse(AnswerCode::GAME),
        }
    }
}

/// What the process that serves does, until nobody holds its leash.
fn serve(place: &std::path::Path) {
    let config = Config::new(Settings {
        listen: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
        planet: Some(place.join("planet.pack")),
        data_dir: Some(place.join("data")),
        agents: Some(0),
        towns: Some(1),
        threads: Some(1),
        endpoints: Some(1),
        reserve_bytes: Some(0),
        checkpoint_s: Some(1),
        ..Settings::default()
    });
    let forgets = std::env::var_os(FORGETS).is_some();
    let server = Server::builder(config.unwrap()).game(Purse { forgets });
    let server = server.start().unwrap();
    println!("addr {}", server.local_addr());
    let _ = std::io::stdin().read(&mut [0]);
    server.stop().unwrap();
}

/// A process that serves, and two who play.
struct Life {
    server: Reaped,
    one: Connection,
    two: Connection,
}

impl Life {
    async fn new(place: &Place, (shim, number): (&Shim, u64), forgets: bool) -> Self {
        let mut serve = Program::new(std::env::current_exe().unwrap());
        serve.args([
            "--exact",
            "--nocapture",
            "transfer::what_changes_hands_does_so_once",
        ]);
        serve.env(SERVE, place.path()).env_remove("RUST_BACKTRACE");
        serve.envs(forgets.then_some((FORGETS, "1")));
        shim.put_before(&mut serve);
        let piped = serve.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut server = Reaped(piped.spawn().unwrap());
        let mut lines = BufReader::new(server.0.stdout.take().unwrap()).lines();
        let addr = loop {
            let line = lines.next();
            let line = line
                .unwrap_or_else(|| panic!("it does not listen: step {number}"))
                .unwrap();
            if let Some(addr) = line.strip_prefix("addr ") {
                break addr.parse().unwrap();
            }
        };
        let endpoint = client_endpoint(addr).unwrap();
        let enter = async |player| {
            let ticket = place.ticket(player);
            Connection::connect(&endpoint, addr, &ticket).await.unwrap()
        };
        let (one, two) = (enter(1).await, enter(2).await);
        Self { server, one, two }
    }

    /// Asks for a payment; the answer, if there was one before the server died.
    async fn pay(&mut self, operation: u64) -> Option<Answer> {
        let died = async |server: &mut Reaped| {
            while server.0.try_wait().unwrap().is_none() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            // What was sent before is here.
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        self.one.command(operation, PAY, &[]).unwrap();
        let limit = tokio::time::timeout(PATIENCE, async {
            tokio::select! {
                answer = answer(&mut self.one) => Some(answer),
                () = died(&mut self.server) => None,
            }
        });
        limit.await.expect("an answer, or the end")
    }

    async fn coins(&mut self, operation: u64) -> (i64, i64) {
        let of = async |line: &mut Connection| {
            line.command(operation, COUNT, &[]).unwrap();
            let limit = tokio::time::timeout(PATIENCE, answer(line)).await;
            i64::from_le_bytes(limit.unwrap().body.try_into().unwrap())
        };
        (of(&mut self.one).await, of(&mut self.two).await)
    }

    /// Plays on until it has died by itself; its end.
    async fn end(&mut self) -> Option<i32> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(ended) = self.server.0.try_wait().unwrap() {
                return ended.code();
            }
            for line in [&mut self.one, &mut self.two] {
                let _ = tokio::time::timeout(Duration::from_millis(5), line.next()).await;
            }
        }
        None
    }
}

async fn answer(line: &mut Connection) -> Answer {
    loop {
        match line.next().await {
            Ok(Event::Answer(answer)) => return answer,
            Ok(_) => {}
            Err(_) => std::future::pending().await,
        }
    }
}

/// Dies at each of these steps in turn, each time in another payment; how many of them were answered before.
fn die_at(place: &Place, steps: &[&str], forgets: bool) -> Result<usize, String> {
    let mut answered = 0;
    // The last payment that was asked for, and whether it was answered.
    let mut before = None;
    let mut paid = 0;
    for (number, step) in (1..).zip(steps.iter().copied().chain([""])) {
        let shim = Shim::new(place.path(), "die").ok_or("there is no C compiler")?;
        let shim = shim.at(step, number);
        runtime().block_on(async {
            let mut life = Life::new(place, (&shim, number), forgets).await;
            let sums = |paid: i64| (GIFT - PRICE * paid, GIFT + PRICE * paid);
            if let Some((operation, was_answered)) = before {
                let found = life.coins(2 * number).await;
                let is_done = found == sums(paid + 1);
                if !is_done && (was_answered || found != sums(paid)) {
                    return Err(format!("{step}: {found:?} after {paid} payments and one that was answered: {was_answered}"));
                }
                // Asked for again, twice: it is done once.
                for _ in 0..2 {
                    let again = life.pay(operation).await;
                    if again.is_none_or(|a| a.code != AnswerCode::DONE) {
                        return Err(format!("{step}: asked again, it is not done"));
                    }
                }
                paid += 1;
                let found = life.coins(2 * number + 1).await;
                if found != sums(paid) {
                    return Err(format!("{step}: {found:?} after {paid} payments"));
                }
            }
            if step.is_empty() {
                return Ok(());
            }
            shim.pull();
            let operation = MARK | number;
            let told = life.pay(operation).await;
            answered += usize::from(told.is_some());
            before = Some((operation, told.is_some()));
            match life.end().await {
                Some(99) => Ok(()),
                other => Err(format!("{step}: it ended with {other:?}")),
            }
        })?;
    }
    Ok(answered)
}

#[test]
fn what_changes_hands_does_so_once() {
    if let Some(place) = std::env::var_os(SERVE) {
        return serve(place.as_ref());
    }
    let place = Place::new();
    if Shim::new(place.path(), "die").is_none() {
        return day(
            "death at every step of a transfer",
            "skipped: there is no C compiler",
        );
    }
    // All of them many times, or every second one.
    let rounds = size("BLUEMARBLE_TRANSFERS", 0) as usize;
    let every = STEPS.map(|(step, _)| step);
    let steps = match rounds {
        0 => every.into_iter().step_by(2).collect(),
        _ => every.repeat(rounds),
    };
    let answered = die_at(&place, &steps, false).unwrap();
    // Some die before anybody hears of it, some after.
    assert!(answered > 0 && answered < steps.len(), "{answered}");
    let figure = format!(
        "{} deaths at {} steps, {answered} after the answer: each done once",
        steps.len(),
        steps.len().min(STEPS.len())
    );
    day("death at every step of a transfer", figure);
}

/// Two planted faults: a disk that swallows the payment, and a game that does not know what it was asked before.
#[test]
fn losses_and_doubles_are_found_by_the_same_harness() {
    let place = Place::new();
    if Shim::new(place.path(), "die").is_none() {
        return day(
            "death at every step of a transfer: planted faults",
            "skipped: there is no C compiler",
        );
    }
    let of = |step, forgets| {
        let place = Place::new();
        catch_unwind(AssertUnwindSafe(|| die_at(&place, &[step], forgets)))
    };
    // Its witness tells on that disk, and the server does not start again.
    let lost = of("-505", false);
    let why = *lost.unwrap_err().downcast::<String>().unwrap();
    assert!(
        why.contains("it does not listen"),
        "a lost payment went unnoticed: {why}"
    );
    let doubled = of("5", true).expect("it comes to an end");
    assert!(
        doubled.is_err_and(|e| e.contains("after 1 payments")),
        "a payment made twice went unnoticed"
    );
    day(
        "death at every step of a transfer: planted faults",
        "a payment that was lost and one that was made twice were found",
    );
}
