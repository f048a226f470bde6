//! Twelve cheats, and how soon each is found.

use sim_core::{Escalation, Finding, Input, Mode};

use super::client::{Client, Datagram, KIND};
use super::ground::WALL_M;
use super::line::{Line, TICK};
use super::server::{Server, Told};

const RATE: u16 = 30;
const TWO_SECONDS: u64 = 2 * RATE as u64;
/// The cheat begins after ten seconds of honest play, and goes on for as many.
const BEGIN: u64 = 300;
const END: u64 = 600;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Cheat {
    Speed { percent: i32 },
    Teleport,
    Burst,
    Clock { percent: u64 },
    Replay,
    Wall,
    Noclip,
    Flight,
    AimSnap,
    Flood,
    ForgedHash,
}

/// What the table says of a cheat.
#[derive(Default)]
struct Row {
    finding: Option<Finding>,
    found: Option<u64>, // ticks after the first datagram with it came
    watched: Option<u64>,
    kicked: Option<u64>,
    highest: Escalation,
}

impl Cheat {
    /// Whether it is one of a game in which clients say where they are.
    fn is_claimed(self) -> bool {
        use Cheat::{Flight, Noclip, Speed, Teleport, Wall};
        matches!(self, Speed { .. } | Teleport | Wall | Noclip | Flight)
    }

    /// Makes an input as this cheat does; whether it shows in it.
    fn act(self, client: &mut Client, n: u64) -> bool {
        let mut input = client.play();
        (input.east, input.north, input.buttons) = (KIND.speed_max as i16, 0, 0); // straight on
        let step = i32::from(KIND.speed_max) * 256 / i32::from(RATE);
        match self {
            Self::Speed { percent } => client.lie[0] += step * percent / 100,
            Self::Teleport if n.is_multiple_of(90) => client.lie[1] += 10 << 16,
            Self::AimSnap if n.is_multiple_of(10) => {
                input.heading = input.heading.wrapping_add(0x7800);
            }
            Self::Flight if n == 0 => input.buttons = Input::JUMP,
            _ => {}
        }
        let before = client.claim().position;
        client.say(input);
        let claim = &mut client.newest().claim;
        match self {
            Self::ForgedHash => client.newest().input.predicted ^= 1,
            Self::Noclip => claim.position.z -= 1 << 16,
            Self::Flight => {
                let is_falling = claim.position.z < before.z;
                if is_falling {
                    // At the top it stays there.
                    (claim.position.z, claim.mode) = (before.z, Mode::Fall);
                    client.lie[2] = before.z - client.body.position().z;
                }
                return is_falling;
            }
            Self::Wall => return f64::from(client.body.at()[0]) > WALL_M * 65_536.0,
            Self::AimSnap | Self::Teleport => return n.is_multiple_of(10),
            _ => {}
        }
        true
    }

    /// Sends what there is as this cheat does.
    fn send(
        self,
        client: &Client,
        (now, n): (u64, u64),
        up: &mut Line<Datagram>,
        old: &[Datagram],
    ) {
        let mut own = *old.last().expect("it made one");
        own.is_cheating = client.cheated.is_some();
        match self {
            Self::Burst if n % 90 < 45 => {} // holds everything back
            Self::Burst if n % 90 < 47 => {
                for back in [32, 16, 0] {
                    up.send(now, client.earlier(16, back));
                }
            }
            Self::Replay => {
                up.send(now, own);
                let mut again = old[old.len() - 30];
                again.is_cheating = true;
                up.send(now, again);
            }
            Self::Flood => (0..10).for_each(|_| up.send(now, own)),
            _ => up.send(now, own),
        }
    }
}

/// Plays honestly, then cheats.
fn play(cheat: Cheat, delay_ms: (u64, u64)) -> Row {
    let (lost_per_100, rate) = (5, u64::from(RATE));
    let mut up: Line<Datagram> = Line::new(1, delay_ms, lost_per_100, rate);
    let mut down: Line<Told> = Line::new(2, delay_ms, lost_per_100, rate);
    let mut client = Client::new(3, RATE, !cheat.is_claimed());
    let mut server = Server::new(RATE, cheat.is_claimed());
    while cheat == Cheat::Wall && client.body.at()[0] < 145 << 16 {
        client.body.step(Some(&Input {
            east: KIND.speed_max as i16,
            ..Input::default()
        }));
    }
    let (mut row, mut old, mut begun) = (Row::default(), Vec::new(), None);
    let mut began = None; // the last honest input
    for tick in 0..END {
        let now = tick * TICK;
        while client.frame <= now {
            let n = client.frame / TICK;
            let mut is_new = false;
            while client.is_due() {
                let made = u64::from(client.seq - began.unwrap_or(client.seq));
                if n < BEGIN {
                    let input = client.play();
                    client.say(input);
                    began = Some(client.seq);
                } else if cheat.act(&mut client, made) {
                    client.cheated = client.cheated.or(Some(client.seq));
                }
                is_new |= client.seq.is_multiple_of(2);
                if let (Cheat::Clock { percent }, true) = (cheat, n >= BEGIN) {
                    client.pace = TICK * 100 / (100 + percent);
                }
            }
            let own = client.datagram();
            let (made, honest) = (client.frame, n < BEGIN);
            down.take(made, |state| client.hear(&state));
            if is_new {
                old.push(own);
                match honest {
                    true => up.send(made, own),
                    false => cheat.send(&client, (made, n - BEGIN), &mut up, &old),
                }
            }
            client.wait();
        }
        up.take(now, |datagram| {
            begun = begun.or(datagram.is_cheating.then_some(tick));
            server.receive(tick, &datagram);
        });
        let told = server.step(tick);
        down.send(now, told);
        note(&mut row, tick, begun, &mut server);
    }
    row.highest = server.validator.highest();
    row
}

fn note(row: &mut Row, tick: u64, begun: Option<u64>, server: &mut Server) {
    let after = begun.map(|begun| tick - begun);
    if let Some(finding) = server.findings.first() {
        let after = after.unwrap_or_else(|| panic!("{finding:?} in honest tick {tick}"));
        row.finding = row.finding.or(Some(*finding));
        row.found = row.found.or(Some(after));
    }
    let now = server.validator.escalation(&server.judged(tick));
    row.watched = row.watched.or(after.filter(|_| now >= Escalation::Watch));
    row.kicked = row.kicked.or(after.filter(|_| now >= Escalation::Kick));
    server.findings.clear();
}

const CHEATS: [(&str, Cheat); 12] = [
    ("speed + 5 %", Cheat::Speed { percent: 5 }),
    ("speed × 2", Cheat::Speed { percent: 100 }),
    ("teleport", Cheat::Teleport),
    ("long burst of inputs", Cheat::Burst),
    ("clock 5 % fast", Cheat::Clock { percent: 5 }),
    ("replayed datagrams", Cheat::Replay),
    ("through a wall", Cheat::Wall),
    ("through the ground", Cheat::Noclip),
    ("flight", Cheat::Flight),
    ("aim that snaps", Cheat::AimSnap),
    ("flood of datagrams", Cheat::Flood),
    ("forged predictions", Cheat::ForgedHash),
];

#[test]
fn twelve_cheats_are_found() {
    let ticks = |ticks: Option<u64>| ticks.map_or("-".into(), |ticks| ticks.to_string());
    println!("| cheat | found by | after ticks | watched | kicked | highest |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for (name, cheat) in CHEATS {
        let row = play(cheat, (15, 40));
        let finding = format!("{:?}", row.finding);
        let finding = finding.trim_start_matches("Some(").trim_end_matches(')');
        let (found, watched, kicked) = (ticks(row.found), ticks(row.watched), ticks(row.kicked));
        println!(
            "| {name} | {finding} | {found} | {watched} | {kicked} | {:?} |",
            row.highest
        );
        let found = row.found.unwrap_or_else(|| panic!("{name} is not found"));
        assert!(found <= TWO_SECONDS, "{name}: {found}");
        let is_at_once = matches!(cheat, Cheat::Teleport | Cheat::Wall | Cheat::Noclip);
        assert!(!is_at_once || found == 0, "{name}: {found}");
        assert!(row.highest >= Escalation::Watch, "{name}");
    }
}

/// However long a line is; what it takes on lines of other kinds is in `clocks`.
#[test]
fn a_fast_clock_is_found_as_soon_on_a_long_line() {
    println!("| line, ms | clock, % fast | found by | after ticks |");
    println!("| --- | --- | --- | --- |");
    for delay_ms in [(15, 40), (80, 120), (200, 200)] {
        for percent in [5, 7, 10, 20, 50] {
            let row = play(Cheat::Clock { percent }, delay_ms);
            let (found, by) = row.found.zip(row.finding).expect("it is found");
            println!("| {delay_ms:?} | {percent} | {by:?} | {found} |");
            assert!(found <= TWO_SECONDS, "{percent} % on {delay_ms:?}: {found}");
            assert!(row.highest >= Escalation::Correct);
        }
    }
}
