//! Clocks alone: numbers of inputs, ticks, and lines of many kinds. Honest ones are never found to be fast; fast ones soon.
//!
//! A client here is only its clock: it numbers its inputs, sends some of them, and hears ticks. So that a thousand hours take seconds.

use sim_core::{Finding, Input, Judged, Kind, Limits, Received, Validator};

use crate::scene::Seeded;

const KIND: Kind = Kind::character(1_024);

/// How long one way of a line takes, seconds.
#[derive(Clone, Copy, Debug)]
enum Delay {
    /// Anything between two bounds.
    Even(f64, f64),
    /// A least one, and queues that are longer than their mean e times less often.
    Tail(f64, f64),
    /// A tail, and now and then a jump by up to 250 ms that drains, slowly or at once.
    Spikes(f64),
    /// Every half minute other bounds below 200 ms.
    Weather,
    /// A queue that fills evenly and is emptied at once, again and again: so high, in so many seconds.
    Saw(f64, f64),
    /// A tail whose least delay wanders.
    Wander(f64),
}

/// One way of a line.
struct Way {
    delay: Delay,
    seeded: Seeded,
    is_ordered: bool,
    last_s: f64,
    change_s: f64, // the next one
    low_s: f64,
    high_s: f64,
    drain: f64,
}

impl Way {
    fn new(delay: Delay, seed: u64) -> Self {
        Self {
            delay,
            seeded: Seeded(seed),
            is_ordered: seed.is_multiple_of(2),
            last_s: 0.0,
            change_s: 0.0,
            low_s: 0.0,
            high_s: 0.0,
            drain: 1.0,
        }
    }

    fn part(&mut self) -> f64 {
        (self.seeded.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn tail(&mut self, mean: f64) -> f64 {
        -mean * libm::log(1.0 - self.part())
    }

    /// When what is sent now comes; `None` of the 5 % that are lost.
    fn send(&mut self, now_s: f64) -> Option<f64> {
        let delay_s = self.delay_s(now_s);
        if self.part() < 0.05 {
            return None;
        }
        let at_s = now_s + delay_s;
        if self.is_ordered {
            self.last_s = self.last_s.max(at_s);
            return Some(self.last_s);
        }
        Some(at_s)
    }

    fn delay_s(&mut self, now_s: f64) -> f64 {
        let is_change = now_s >= self.change_s;
        match self.delay {
            Delay::Even(low, high) => low + (high - low) * self.part(),
            Delay::Tail(least, mean) => least + self.tail(mean),
            Delay::Spikes(every_s) => {
                if is_change {
                    (self.high_s, self.low_s) = (0.05 + 0.2 * self.part(), self.change_s);
                    self.drain = [0.03, 0.05, 0.1, 0.3, 1.0, 1e9][self.seeded.below(6) as usize];
                    self.change_s = now_s + self.tail(every_s);
                }
                let spike = self.high_s - (now_s - self.low_s) * self.drain;
                0.03 + self.tail(0.005) + spike.max(0.0)
            }
            Delay::Weather => {
                if is_change {
                    let (a, b) = (0.2 * self.part(), 0.2 * self.part());
                    self.low_s = [0.0, a.min(b)][self.seeded.below(2) as usize];
                    self.high_s = [self.low_s, a.max(b)][self.seeded.below(2) as usize];
                    self.change_s = now_s + self.tail(30.0);
                }
                self.low_s + (self.high_s - self.low_s) * self.part()
            }
            Delay::Saw(top_s, period_s) => {
                let phase = (now_s / period_s + 0.37).fract();
                0.03 + top_s * phase + self.tail(0.003)
            }
            Delay::Wander(mps) => {
                let passed_s = (now_s - self.change_s).max(0.0);
                self.change_s = now_s;
                self.low_s += (self.part() - 0.5) * mps * passed_s.sqrt();
                self.low_s = self.low_s.clamp(0.0, 0.12);
                0.03 + self.low_s + self.tail(0.004)
            }
        }
    }
}

/// A client's clock, and how it shows.
#[derive(Clone, Copy, Debug)]
struct Clock {
    rate: u16,
    /// From the tenth second on it is so much faster.
    fast: f64,
    sends_every: u32, // inputs
    frame: f64,       // ticks from one drawn frame to the next, at most
    /// From then on it shows nothing that it sees.
    is_hiding: bool,
    /// Now and then it stops for a second, and then makes up for it, or has lost it.
    pauses: u64,
}

/// One player over a line there and one back, from its first input on.
struct Player {
    clock: Clock,
    ways: [Way; 2],
    seeded: Seeded,
    due_s: f64,
    frame_s: f64,
    tick_s: f64, // by its own clock
    seq: u32,
    sent: u32,
    seen: Option<u64>,
    up: Vec<(f64, u32, Option<u64>)>,
    down: Vec<(f64, u64)>,
}

/// The cheat begins after so many seconds.
const HONEST_S: f64 = 10.0;

impl Player {
    fn new(seed: u64, clock: Clock, [up, down]: [Delay; 2]) -> Self {
        let mut seeded = Seeded(seed);
        let tick_s = 1.0 / f64::from(clock.rate);
        // The clocks of computers differ by a ten thousandth.
        let quartz = 1.0 + (seeded.below(2_001) as f64 - 1_000.0) * 1e-7;
        Self {
            clock,
            ways: [Way::new(up, seeded.next()), Way::new(down, seeded.next())],
            due_s: 0.5 + tick_s * seeded.below(1_000) as f64 / 1e3,
            frame_s: 0.5,
            tick_s: tick_s * quartz,
            seeded,
            seq: 0,
            sent: 0,
            seen: None,
            up: Vec::new(),
            down: Vec::new(),
        }
    }

    /// Draws a frame: makes the inputs that are due, and then hears what has come.
    fn draw(&mut self) {
        let now_s = self.frame_s;
        let is_fast = now_s >= HONEST_S && self.clock.fast > 0.0;
        while self.due_s <= now_s {
            self.seq += 1;
            self.due_s += self.tick_s / if is_fast { 1.0 + self.clock.fast } else { 1.0 };
        }
        let seen = self.seen;
        let is_hiding = is_fast && self.clock.is_hiding;
        self.down.retain(|(at_s, tick)| {
            let is_here = *at_s <= now_s;
            if is_here && !is_hiding {
                self.seen = self.seen.max(Some(*tick));
            }
            !is_here
        });
        if seen.is_some() && self.seq >= self.sent + self.clock.sends_every {
            self.sent = self.seq;
            let at_s = self.ways[0].send(now_s);
            self.up.extend(at_s.map(|at_s| (at_s, self.seq, seen)));
        }
        let frame = self.clock.frame * (0.5 + 0.5 * self.seeded.below(1_000) as f64 / 1e3);
        self.frame_s += match self.seeded.below(4_000) {
            0 if self.clock.pauses == 1 => 1.0,
            1 if self.clock.pauses == 2 => {
                self.due_s += 1.0;
                1.0
            }
            2..6 => 3.0 / f64::from(self.clock.rate), // a frame that stutters
            _ => frame / f64::from(self.clock.rate),
        };
    }
}

/// Plays for so many seconds; gives the first finding, with the number of ticks since the first input of a fast clock came.
fn play(seed: u64, clock: Clock, line: [Delay; 2], for_s: f64) -> Option<(i64, Finding)> {
    let mut player = Player::new(seed, clock, line);
    let (limits, mut validator, mut findings) =
        (Limits::at(clock.rate), Validator::default(), Vec::new());
    let (mut fast_from, mut begun) = (u32::MAX, None);
    for tick in 0.. {
        let now_s = tick as f64 / f64::from(clock.rate);
        if now_s > for_s {
            break;
        }
        while player.frame_s <= now_s {
            player.draw();
            if player.frame_s >= HONEST_S {
                fast_from = fast_from.min(player.seq + 1);
            }
        }
        player.up.sort_by(|a, b| a.0.total_cmp(&b.0));
        let come = player.up.iter().take_while(|(at_s, ..)| *at_s <= now_s);
        for (_, seq, seen) in player.up.drain(..come.count()) {
            if seq >= fast_from {
                begun.get_or_insert(tick);
            }
            receive(&mut validator, &limits, tick, seq, seen, &mut findings);
        }
        if let Some(finding) = findings.first() {
            let after = tick as i64 - begun.unwrap_or(u64::MAX) as i64;
            return Some((after, *finding));
        }
        let at_s = player.ways[1].send(now_s);
        player.down.extend(at_s.map(|at_s| (at_s, tick)));
    }
    None
}

/// The last inputs up to a number, as many as go into a datagram: nothing is missing.
fn receive(
    validator: &mut Validator,
    limits: &Limits,
    tick: u64,
    last: u32,
    seen: Option<u64>,
    findings: &mut Vec<Finding>,
) {
    let mut inputs = [Input::default(); Received::INPUTS_MAX];
    let count = (last as usize).min(inputs.len());
    for (n, input) in inputs[..count].iter_mut().enumerate() {
        input.seq = last - count as u32 + 1 + n as u32;
    }
    let inputs = &inputs[..count];
    let at = Judged {
        tick,
        limits,
        kind: &KIND,
    };
    validator.receive(&at, &Received { inputs, seen }, findings);
    // What is missing after a long silence is the line's.
    let is_of_time = |finding: &Finding| {
        use Finding::{FastClock, Flood, Future, TooEarly, TooMany};
        matches!(
            finding,
            TooMany { .. } | TooEarly { .. } | FastClock { .. } | Future { .. } | Flood
        )
    };
    findings.retain(is_of_time);
}

/// A line of which both ways are alike, and how many of a hundred clocks are found on it within two seconds: 5 % and 10 % fast ones.
struct Line {
    name: &'static str,
    delay: Delay,
    in_time: [usize; 2],
}

const LINES: [Line; 10] = {
    const fn line(name: &'static str, delay: Delay, in_time: [usize; 2]) -> Line {
        Line {
            name,
            delay,
            in_time,
        }
    }
    [
        line("15 to 40 ms", Delay::Even(0.015, 0.04), [100, 100]),
        line("80 to 120 ms", Delay::Even(0.08, 0.12), [98, 98]),
        line("200 ms", Delay::Even(0.2, 0.2), [100, 100]),
        line("0 to 60 ms", Delay::Even(0.0, 0.06), [98, 100]),
        line("40 ms and a tail of 10", Delay::Tail(0.04, 0.01), [98, 100]),
        line("wandering by 6 ms a second", Delay::Wander(0.02), [95, 98]),
        line("other bounds every 30 s", Delay::Weather, [70, 95]),
        line("spikes every 10 s", Delay::Spikes(10.0), [60, 90]),
        line("0 to 200 ms", Delay::Even(0.0, 0.2), [40, 95]),
        line("a queue of 100 ms in 3 s", Delay::Saw(0.1, 3.0), [0, 95]),
    ]
};

/// Ten player-hours, or as many as `BLUEMARBLE_PLAYER_HOURS` says.
#[test]
fn honest_clocks_are_never_found() {
    let hours = std::env::var("BLUEMARBLE_PLAYER_HOURS");
    let hours: u64 = hours.map_or(10, |text| text.parse().expect("a number of hours"));
    for seed in 0..hours * 6 {
        let of = |n: u64| LINES[(n % LINES.len() as u64) as usize].delay;
        // Ways of different kinds as often as lines of one; of two that are weather see `drift`.
        let (up, down) = match (of(seed), of(seed / 2 * 3)) {
            (Delay::Weather, Delay::Weather) => (Delay::Weather, Delay::Even(0.02, 0.04)),
            (up, down) if seed % 2 == 0 => (up, down),
            (up, _) => (up, up),
        };
        let line = match (up, down) {
            (Delay::Weather, Delay::Weather) => [Delay::Tail(0.05, 0.02), Delay::Weather],
            line => [line.0, line.1],
        };
        let clock = Clock {
            rate: [30, 30, 60, 20][seed as usize / 3 % 4],
            fast: 0.0,
            sends_every: 1 + (seed / 2 % 3) as u32,
            frame: [1.0 / 3.0, 1.0, 2.0][seed as usize / 5 % 3],
            is_hiding: false,
            pauses: seed / 7 % 3,
        };
        let found = play(seed, clock, line, 600.0);
        assert_eq!(found, None, "seed {seed}, {clock:?}, {line:?}");
    }
    println!("{hours} player-hours of clocks, 0 found");
}

/// How many of a hundred fast clocks are found within two seconds, on lines of all kinds.
#[test]
fn fast_clocks_are_found_within_two_seconds() {
    let mut table = String::from(
        "| line | 5 % fast: half, nine in ten, all after ticks | in 2 s | 10 % fast: in 2 s | 50 % |
",
    );
    table += "| --- | --- | --- | --- | --- |
";
    for line in &LINES {
        let (ticks, five) = found(30, 0.05, false, line.delay);
        let (_, ten) = found(30, 0.1, false, line.delay);
        let (_, fifty) = found(30, 0.5, false, line.delay);
        let [half, most, all] = [ticks[49], ticks[89], ticks[99]];
        let name = line.name;
        table += &format!("| {name} | {half}, {most}, {all} | {five} % | {ten} % | {fifty} % |\n");
        assert!(five >= line.in_time[0] && ten >= line.in_time[1], "{name}");
        assert!(all <= 300 && fifty >= 95, "{name}");
    }
    println!("{table}");
}

/// At 20 Hz a clock gains two ticks in two seconds, and ticks are all there is.
#[test]
fn fast_clocks_are_found_at_all_rates() {
    for (rate, least) in [(20, 40), (25, 80), (30, 98), (60, 100), (120, 100)] {
        let (ticks, in_time) = found(rate, 0.05, false, Delay::Even(0.08, 0.12));
        let seconds = |n: usize| ticks[n] as f64 / f64::from(rate);
        let (half, most, all) = (seconds(49), seconds(89), seconds(99));
        println!("{rate} Hz: {half:.2} s, {most:.2} s, {all:.2} s; {in_time} % in 2 s");
        assert!(in_time >= least, "{rate} Hz: {in_time}");
    }
}

/// Who does not show any more what it sees is found when it has gained the round trip that it had shown.
#[test]
fn fast_clocks_that_hide_are_found_by_the_round_trip() {
    let (ticks, _) = found(30, 0.05, true, Delay::Even(0.08, 0.12));
    println!("{} to {} ticks", ticks[0], ticks[99]);
    assert!(ticks[99] <= 180, "{}", ticks[99]);
}

/// Ticks after which a hundred clocks are found, ascending, and how many within two seconds.
fn found(rate: u16, fast: f64, is_hiding: bool, delay: Delay) -> (Vec<i64>, usize) {
    let after = |seed| {
        let clock = Clock {
            rate,
            fast,
            sends_every: 1 + (seed % 2) as u32,
            frame: 0.5,
            is_hiding,
            pauses: 0,
        };
        play(seed, clock, [delay; 2], 60.0).expect("it is found").0
    };
    let mut ticks: Vec<_> = (0..100).map(after).collect();
    ticks.sort_unstable();
    let in_time = ticks.iter().filter(|ticks| **ticks <= 2 * i64::from(rate));
    let in_time = in_time.count();
    (ticks, in_time)
}
