//! Honest players are never found, whatever their lines do.

use sim_core::Escalation;

use super::client::{Client, Datagram};
use super::line::{Line, TICK};
use super::server::{Server, Told};
use crate::scene::Seeded;

/// How a player is connected.
#[derive(Clone, Copy, Debug)]
struct Connection {
    rate: u16,
    delay_ms: (u64, u64),
    lost_per_100: u64,
    sends_every: u32, // ticks
    frame_slices: u64,
    is_claimed: bool,
}

/// What was seen of a player.
#[derive(Default)]
struct Account {
    used: u64,
    findings: u64,
}

/// One player for so many ticks; what was found.
fn play(seed: u64, ticks: u64, connection: Connection) -> Account {
    let Connection {
        rate,
        delay_ms,
        lost_per_100,
        is_claimed,
        ..
    } = connection;
    let mut up: Line<Datagram> = Line::new(seed, delay_ms, lost_per_100, rate.into());
    let mut down: Line<Told> = Line::new(!seed, delay_ms, lost_per_100, rate.into());
    let mut client = Client::new(seed ^ 0x5555, rate, !is_claimed);
    client.frame_max = connection.frame_slices;
    client.pace = TICK + seed % 3 - 1; // clocks differ by 0.1 %
    let mut sent = 0;
    let mut server = Server::new(rate, is_claimed);
    let mut weather = Seeded(seed ^ 0xaaaa);
    let mut account = Account::default();
    let high = connection.delay_ms.1 * u64::from(rate) * TICK / 1_000;
    for tick in 0..ticks {
        if weather.below(900) == 0 {
            // The line changes: steady at some delay, or anything up to the worst.
            let (a, b) = (weather.below(high + 1), weather.below(high + 1));
            let low = a.min(b) * weather.below(2);
            up.set_delay(low, [low, a.max(b)][weather.below(2) as usize]);
        }
        if weather.below(9_000) == 0 {
            let (a, b) = (weather.below(high + 1), weather.below(high + 1));
            down.set_delay(a.min(b), a.max(b));
        }
        let now = tick * TICK;
        while client.frame <= now {
            while client.is_due() {
                let input = client.play();
                client.say(input);
            }
            let datagram = client.datagram();
            down.take(client.frame, |state| client.hear(&state));
            if client.seq >= sent + connection.sends_every {
                sent = client.seq;
                up.send(client.frame, datagram);
            }
            client.wait();
        }
        up.take(now, |datagram| server.receive(tick, &datagram));
        let told = server.step(tick);
        account.used = u64::from(told.applied);
        down.send(now, told);
        account.findings += server.findings.len() as u64;
        assert!(
            server.findings.is_empty(),
            "seed {seed}, {connection:?}, tick {tick}: {:?}",
            server.findings
        );
    }
    assert_eq!(
        server.validator.escalation(&server.judged(ticks)),
        Escalation::None
    );
    account
}

/// Ten player-hours, or as many as `BLUEMARBLE_PLAYER_HOURS` says.
#[test]
fn honest_players_are_never_found() {
    let hours = std::env::var("BLUEMARBLE_PLAYER_HOURS");
    let hours: u64 = hours.map_or(10, |text| text.parse().expect("a number of hours"));
    let connections = [
        (30, 2, false),
        (30, 2, true),
        (60, 2, false),
        (60, 2, true),
        (30, 1, true),
    ];
    let (mut played, mut used) = (0, 0);
    for seed in 0..hours * 6 {
        let (rate, sends_every, is_claimed) = connections[seed as usize % connections.len()];
        let connection = Connection {
            rate,
            delay_ms: [(0, 200), (200, 200), (0, 60), (20, 40)][seed as usize / 5 % 4],
            lost_per_100: 5,
            sends_every,
            frame_slices: [TICK / 3, TICK, 2 * TICK][seed as usize / 7 % 3],
            is_claimed,
        };
        let ticks = 600 * u64::from(rate); // ten minutes
        let account = play(seed, ticks, connection);
        assert!(account.used.abs_diff(ticks) < 60, "{}", account.used);
        played += ticks;
        used += account.used;
    }
    println!("{hours} player-hours, {played} ticks, {used} inputs, 0 found");
}
