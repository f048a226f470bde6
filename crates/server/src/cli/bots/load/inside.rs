//! Bots in the process of the world, without sockets: what a world's ticks cost for more players than there are cores to carry their connections.
//!
//! One in a hundred is a whole client, which decodes everything and compares digests. The others are told as much, look at their own state alone, and acknowledge
//! what the whole ones have complete.

use std::collections::VecDeque;
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use bytes::Bytes;
use client::{ClientCore, Event, WorldTime, welcomed};
use net_proto::{
    DigestVerdict, Epoch, INPUTS_MAX, INPUTS_REPEATED, Input, InputDatagram, InputHead, OwnState,
    PROTOCOL_VERSION, PlayerName, ServerMessage,
};
use serde::Serialize;
use spatial_core::{Planet, Position};

use super::machine::CpuTime;
use super::steps::{Pattern, Walk};
use crate::cli::Misuse;
use crate::cli::bots::{BotsArgs, End, watch_for_end};
use crate::cli::out::say;
use crate::config::{Config, Settings};
use crate::gateway::{Message, News};
use crate::histogram::Histogram;
use crate::lots::Lots;
use crate::rehearsal::Rehearsal;
use crate::status::{StageTimes, Status};
use crate::world_loop::go_first;

/// One in so many is a whole client.
const WHOLE_ONE_IN: u64 = 100;
/// What is due is looked at so often.
const LOOK: Duration = Duration::from_micros(500);
/// Who has not been let in by then has failed.
const ENTER_MAX: Duration = Duration::from_secs(120);

/// What came of it.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(tag = "event", rename = "in-process")]
struct Report {
    /// Since the warm-up.
    seconds: f64,
    players: u64,
    entities: u32,
    /// Of the tick's work the worst p99 of a window of ten seconds since the warm-up, and the worst tick, milliseconds.
    tick_p99_ms: f64,
    tick_max_ms: f64,
    /// Where its time goes, means since the start.
    stages_ms: StageTimes,
    windows: u64,
    ticks_skipped: u64,
    /// Steps of what the world left undone.
    throttle: u8,
    seen_mean: f64,
    /// A player and second.
    datagrams_sent_s: f64,
    tells_s: f64,
    bytes_s: f64,
    batches_dropped: u64,
    inputs_dropped: u64,
    digests_matched: u64,
    digest_mismatches: u64,
    closed: u64,
    /// How late inputs were, 99 of 100, milliseconds.
    late_p99_ms: f64,
    /// Processor time of the players' thread, a player and second, microseconds.
    players_us: f64,
    /// Why nothing of this says anything of the world.
    void: Vec<String>,
}

/// A player.
struct Player {
    walk: Walk,
    lots: Lots,
    here: Option<Position>,
    /// The last that were asked for, the number of the newest, and that of the newest that has been used.
    inputs: VecDeque<Input>,
    seq: u32,
    used_seq: u32,
    /// Of one in a hundred.
    core: Option<Box<ClientCore>>,
    frames: Vec<Vec<u8>>,
    is_in: bool,
}

/// All of them.
struct Players {
    all: Vec<Player>,
    planet: Planet,
    inputs_each: u32,
    /// How fast the world's time runs.
    pace: f64,
    /// The newest epoch that a whole client has complete, and the newest tick that it has seen.
    complete: Option<Epoch>,
    seen_tick: u64,
    inside: u64,
    sent: u64,
    tells: u64,
    bytes: u64,
    late: Histogram,
    digests: [u64; 2],
    closed: u64,
    failure: Option<String>,
}

/// Plays as many players as are asked for in a world of this configuration.
pub(super) fn run(args: &BotsArgs, pattern: Pattern, file: &Path) -> Result<ExitCode> {
    let config = Config::new(Settings::read(file)?)?;
    let seconds = args
        .seconds
        .ok_or_else(|| Misuse("--in-process needs --seconds".into()))?;
    let hz = args.load.hz.unwrap_or(f64::from(config.tick_rate_hz) / 2.0);
    let inputs_each = (f64::from(config.tick_rate_hz) / hz).round().max(1.0) as u32;
    let mut world = Rehearsal::start(config)?;
    // Who plays stands in for other machines.
    go_first();
    let (ended, ends) = channel();
    watch_for_end(args.leash, &ended)?;
    let planet = Planet::EARTH;
    let mut players = Players::new(args, pattern, (planet, inputs_each));
    players.enter(&mut world)?;
    let begun = Instant::now();
    let warm = begun + Duration::from_secs(args.load.warm_up);
    let until = begun + Duration::from_secs(seconds);
    let mut watch = Watch::default();
    let mut sends = 0u64; // since it began
    let mut time = WorldTime::default();
    let rate = hz * players.all.len() as f64;
    let mut is_warm = false;
    let mut at_warm = (begun, CpuTime::now(), world.status());
    loop {
        let now = Instant::now();
        let is_asked = matches!(ends.try_recv(), Ok(End::Asked));
        if now >= until || is_asked || players.failure.is_some() {
            break;
        }
        if !is_warm && now >= warm {
            is_warm = true;
            at_warm = (now, CpuTime::now(), world.status());
            players.begin_again();
            watch = Watch::default();
        }
        let passed = now - begun;
        if time.pace() != players.pace {
            time.set_pace(passed, players.pace);
        }
        let due = (time.seconds(passed) * rate) as u64;
        while sends < due {
            let late_s = (time.seconds(passed) - sends as f64 / rate) / time.pace();
            let intended = now - Duration::from_secs_f64(late_s.max(0.0));
            players.send(
                &world,
                (sends % players.all.len() as u64) as usize,
                intended,
            );
            sends += 1;
        }
        players.hear(&mut world);
        watch.look(now, || world.status());
        std::thread::sleep(LOOK);
    }
    let last = world.status();
    let report = players.report(&watch, at_warm, (&last, args.load.late_max_ms));
    let failure = players.failure.take();
    world.end()?;
    tell(args, &report);
    match failure {
        Some(why) => Err(anyhow!(why)),
        None if report.is_good() => Ok(ExitCode::SUCCESS),
        None => Ok(ExitCode::FAILURE),
    }
}

/// The windows of the world's own clock that have been seen.
#[derive(Default)]
struct Watch {
    looked: Option<Instant>,
    last: f64,
    p99_ms: f64,
    max_ms: f64,
    windows: u64,
    throttle: u8,
}

impl Watch {
    fn look(&mut self, now: Instant, status: impl FnOnce() -> Status) {
        if self
            .looked
            .is_some_and(|at| now < at + Duration::from_secs(1))
        {
            return;
        }
        let is_first = self.looked.is_none();
        self.looked = Some(now);
        let status = status();
        let recent = status.tick_recent_ms;
        self.throttle = self.throttle.max(status.throttle);
        let window = recent.p99 + recent.max + recent.p50 + recent.count as f64;
        let is_new = window != self.last;
        self.last = window;
        if is_first || !is_new || recent.count == 0 {
            return; // that of before, or the same again
        }
        self.windows += 1;
        self.p99_ms = self.p99_ms.max(recent.p99);
        self.max_ms = self.max_ms.max(recent.max);
    }
}

impl Players {
    fn new(args: &BotsArgs, pattern: Pattern, (planet, inputs_each): (Planet, u32)) -> Self {
        let player = |n: u32| Player {
            walk: Walk::new(pattern, args.load.within_m, n),
            lots: Lots::new(args.seed.wrapping_mul(1_000_003) ^ u64::from(n)),
            here: None,
            inputs: VecDeque::with_capacity(INPUTS_MAX),
            seq: 0,
            used_seq: 0,
            core: None,
            frames: Vec::new(),
            is_in: false,
        };
        Self {
            all: (0..args.count).map(player).collect(),
            planet,
            inputs_each,
            pace: 1.0,
            complete: None,
            seen_tick: 0,
            inside: 0,
            sent: 0,
            tells: 0,
            bytes: 0,
            late: Histogram::default(),
            digests: [0; 2],
            closed: 0,
            failure: None,
        }
    }

    /// Lets everybody in, as fast as the world takes them.
    fn enter(&mut self, world: &mut Rehearsal) -> Result<()> {
        let deadline = Instant::now() + ENTER_MAX;
        let name = PlayerName::new("guest").map_err(|e| anyhow!(e))?;
        let (count, mut asked) = (self.all.len() as u64, 0);
        while self.inside < count {
            if Instant::now() > deadline {
                return Err(anyhow!(
                    "{} of {count} players were let in within {} s",
                    self.inside,
                    ENTER_MAX.as_secs()
                ));
            }
            while asked < count && world.players.join(asked, name.clone()) {
                asked += 1;
            }
            self.hear(world);
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    fn begin_again(&mut self) {
        (self.sent, self.tells, self.bytes, self.digests) = (0, 0, 0, [0; 2]);
        self.late = Histogram::default();
    }

    /// One player's inputs of some ticks.
    fn send(&mut self, world: &Rehearsal, n: usize, intended: Instant) {
        let head = InputHead {
            acknowledged: self.complete,
            ..InputHead::default()
        }
        .seeing(self.seen_tick, None);
        let player = &mut self.all[n];
        let wish = player.walk.wish(
            intended,
            (self.planet, player.here),
            (None, &mut player.lots),
        );
        for _ in 0..self.inputs_each {
            if player.inputs.len() == INPUTS_MAX {
                player.inputs.pop_front();
            }
            player.inputs.push_back(wish);
            player.seq += 1;
        }
        // All that has not been used, as far as there is room.
        let waiting = player.seq.saturating_sub(player.used_seq) as usize;
        let count = waiting.max(INPUTS_REPEATED).min(player.inputs.len());
        let first = player.seq + 1 - count as u32;
        let inputs = player.inputs.range(player.inputs.len() - count..).copied();
        let head = match &player.core {
            Some(core) => InputHead {
                acknowledged: core.replica().newest_complete(),
                ..head
            },
            None => head,
        };
        match InputDatagram::new(head, first, inputs) {
            Ok(datagram) => world.players.input(n as u64, datagram),
            Err(error) => self.failure = Some(format!("no datagram of inputs: {error}")),
        }
        self.sent += 1;
        self.late
            .record(Instant::now().saturating_duration_since(intended));
    }

    fn hear(&mut self, world: &mut Rehearsal) {
        world.players.hear(|n, told| {
            let heard = match told {
                News::Message(Message::Welcome(welcome)) => {
                    let mut frame = Vec::new();
                    ServerMessage::Welcome(welcome).encode(&mut frame);
                    self.hear_frame(n, &frame[2..])
                }
                News::Message(Message::Frame(frames)) => self.hear_frames(n, &frames),
                News::Message(Message::Chat(_)) => Ok(()),
                News::Message(Message::Close(_, why)) => {
                    self.closed += 1;
                    Err(anyhow!("player {n} was sent away: {why}"))
                }
                News::Datagrams(datagrams) => self.hear_datagrams(n, &datagrams),
            };
            if let Err(error) = heard {
                self.failure.get_or_insert_with(|| error.to_string());
            }
        });
    }

    /// Frames as they travel, with their lengths.
    fn hear_frames(&mut self, n: u64, mut bytes: &[u8]) -> Result<()> {
        while let Some((length, rest)) = bytes.split_first_chunk() {
            let length = usize::from(u16::from_le_bytes(*length));
            let (frame, rest) = rest
                .split_at_checked(length)
                .ok_or_else(|| anyhow!("a frame is cut"))?;
            self.hear_frame(n, frame)?;
            bytes = rest;
        }
        Ok(())
    }

    fn hear_frame(&mut self, n: u64, frame: &[u8]) -> Result<()> {
        let player = &mut self.all[n as usize];
        if let Some(core) = &mut player.core {
            match core.handle_control(frame)? {
                Event::Digest(_, DigestVerdict::Match) => self.digests[0] += 1,
                Event::Digest(_, DigestVerdict::Mismatch(_)) => self.digests[1] += 1,
                Event::TimeDilation(_) => self.pace = core.pace(),
                _ => {}
            }
            return Ok(());
        }
        if player.is_in {
            return Ok(());
        }
        player.frames.push(frame.to_vec());
        if let ServerMessage::Welcome(welcome) = ServerMessage::decode(frame)? {
            player.is_in = true;
            self.inside += 1;
            self.planet = Planet::new(welcome.radius_mm as f64 / 1e3)?;
            let frames = core::mem::take(&mut player.frames);
            if n.is_multiple_of(WHOLE_ONE_IN) {
                player.core = Some(Box::new(welcomed(&frames, PROTOCOL_VERSION)?));
            }
        }
        Ok(())
    }

    fn hear_datagrams(&mut self, n: u64, datagrams: &[Bytes]) -> Result<()> {
        self.tells += 1;
        let player = &mut self.all[n as usize];
        for bytes in datagrams {
            self.bytes += bytes.len() as u64;
            if bytes.first() == Some(&OwnState::KIND) {
                let own = OwnState::decode(bytes)?;
                player.here = Some(own.position);
                player.used_seq = player.used_seq.max(own.last_input_seq);
            }
            let Some(core) = &mut player.core else {
                continue;
            };
            if let Event::Snapshot(info) = core.handle_datagram(bytes)? {
                self.seen_tick = self.seen_tick.max(info.tick);
                self.complete = self.complete.max(core.replica().newest_complete());
            }
        }
        Ok(())
    }

    fn report(
        &self,
        watch: &Watch,
        (warm, cpu, before): (Instant, CpuTime, Status),
        (last, late_max_ms): (&Status, f64),
    ) -> Report {
        let passed_s = warm.elapsed().as_secs_f64();
        let player_s = passed_s * self.all.len() as f64;
        let late_p99_ms = self.late.quantile_ms(0.99);
        let mut void = Vec::new();
        if late_p99_ms > late_max_ms {
            void.push(format!("one in a hundred inputs was more than {late_p99_ms:.1} ms late, {late_max_ms} allowed"));
        }
        if watch.windows == 0 {
            void.push("no window of ten seconds has passed since the warm-up".into());
        }
        Report {
            seconds: passed_s,
            players: self.inside,
            entities: last.entities,
            tick_p99_ms: watch.p99_ms,
            tick_max_ms: watch.max_ms,
            stages_ms: last.stages_ms,
            windows: watch.windows,
            ticks_skipped: last.ticks_skipped - before.ticks_skipped,
            throttle: watch.throttle,
            seen_mean: last.seen_mean,
            datagrams_sent_s: self.sent as f64 / player_s,
            tells_s: self.tells as f64 / player_s,
            bytes_s: self.bytes as f64 / player_s,
            batches_dropped: last.batches_dropped - before.batches_dropped,
            inputs_dropped: last.inputs_dropped - before.inputs_dropped,
            digests_matched: self.digests[0],
            digest_mismatches: self.digests[1],
            closed: self.closed,
            late_p99_ms,
            players_us: CpuTime::now().since(cpu).total().as_secs_f64() * 1e6 / player_s,
            void,
        }
    }
}

impl Report {
    fn is_good(&self) -> bool {
        self.void.is_empty() && self.digest_mismatches == 0 && self.closed == 0
    }
}

fn tell(args: &BotsArgs, report: &Report) {
    if args.json {
        return say(serde_json::to_string(report).unwrap_or_default());
    }
    let void = match report.void.as_slice() {
        [] => String::new(),
        faults => format!("\nVOID: {}", faults.join("; ")),
    };
    say(format!(
        "in-process, no sockets: {} players among {} entities, {:.0} seen\n\
         tick work p99 {:.1}, max {:.1} ms (worst of {} windows of 10 s) · {} ticks skipped · throttle {}\n\
         a player and second: {:.1} datagrams of inputs, told {:.1} times, {:.1} kB · digests {} matched, {} not\n\
         players: {:.0} µs a player and second, inputs late p99 {:.1} ms · {} batches and {} inputs dropped{void}",
        report.players,
        report.entities,
        report.seen_mean,
        report.tick_p99_ms,
        report.tick_max_ms,
        report.windows,
        report.ticks_skipped,
        report.throttle,
        report.datagrams_sent_s,
        report.tells_s,
        report.bytes_s / 1e3,
        report.digests_matched,
        report.digest_mismatches,
        report.players_us,
        report.late_p99_ms,
        report.batches_dropped,
        report.inputs_dropped,
    ));
}
