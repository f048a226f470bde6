//! The bots of one thread.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use client::ConnectError;
use net_proto::quic::{Fleet, LineId, News};
use spatial_core::Position;

use super::guest::{Guest, Outcome, Scene};
use super::machine::{CpuTime, socket_drops};
use super::report::Sums;
use super::steps::Pattern;
use crate::cli::bots::Purse;

/// A handshake, and a login as a whole, that take longer are given up.
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(3);
const LOGIN_DEADLINE: Duration = Duration::from_secs(8);
/// Who was not let in comes again after so long, if at all.
const RETRY: Duration = Duration::from_millis(250);
/// How often the others are told what was counted.
const TELL: Duration = Duration::from_millis(500);

/// What a thread's bots are to do.
pub(super) struct Errand {
    pub(super) server: SocketAddr,
    pub(super) from: Vec<IpAddr>,
    /// Their numbers among all bots.
    pub(super) bots: Vec<u32>,
    pub(super) pattern: Pattern,
    pub(super) within_m: f64,
    pub(super) whole_one_in: u32,
    /// Datagrams a second; one every second tick where it is not said.
    pub(super) hz: Option<f64>,
    pub(super) seed: u64,
    pub(super) begin: Instant,
    /// The end of the warm-up.
    pub(super) warm: Instant,
    /// Between one bot and the next of all.
    pub(super) gap: Duration,
    pub(super) storm_at: Option<Instant>,
    /// How long who was not let in, or whose session ended, tries again.
    pub(super) insist: Duration,
}

/// A moment of a guest, and of which of its stages that is: of one that is over it means nothing.
pub(super) type Entry = (Instant, usize, u32);

/// See the module.
pub(super) struct Crew {
    errand: Errand,
    tickets: Arc<Purse>,
    fleet: Fleet,
    guests: Vec<Guest>,
    by_line: HashMap<LineId, usize>,
    /// When guests are to do something next.
    due: BinaryHeap<Reverse<Entry>>,
    middle: Option<Position>,
    sums: Sums,
    addrs: Vec<SocketAddr>,
    /// When it counted what the machine does for the last time, and what it was at the beginning.
    counted: Instant,
    at_first: (Instant, CpuTime, u64),
    packets_at_first: (u64, u64),
}

impl Crew {
    pub(super) fn new(errand: Errand, tickets: Arc<Purse>) -> Result<Self> {
        let fleet = Fleet::new(errand.server, &errand.from).context("cannot open sockets")?;
        let guests: Vec<_> = (errand.bots.iter().zip(0..))
            .map(|(n, place)| Guest::new((*n, place), &errand))
            .collect();
        let due = guests.iter().enumerate();
        let due = due.map(|(index, guest)| Reverse(guest.entry(guest.comes(), index)));
        Ok(Self {
            due: due.collect(),
            addrs: fleet.addrs().collect(),
            sums: Sums {
                bots: guests.len() as u64,
                ..Sums::default()
            },
            counted: errand.begin,
            at_first: (errand.begin, CpuTime::default(), 0),
            packets_at_first: (0, 0),
            errand,
            tickets,
            fleet,
            guests,
            by_line: HashMap::new(),
            middle: None,
        })
    }

    /// Carries them until it is told to stop.
    pub(super) fn carry(mut self, stop: &AtomicBool, board: &Mutex<Sums>) -> Result<()> {
        let mut news = Vec::new();
        let mut is_warm = false;
        self.at_first.1 = CpuTime::now();
        while !stop.load(Ordering::Acquire) {
            let now = Instant::now();
            if !is_warm && now >= self.errand.warm {
                is_warm = true;
                self.begin_again(now);
            }
            if self.errand.storm_at.take_if(|at| now >= *at).is_some() {
                self.storm(now);
            }
            self.fleet.turn(now, &mut news)?;
            let heard = Instant::now();
            for (line, what) in news.drain(..) {
                self.hear(heard, line, what);
            }
            let next = self.act();
            self.fleet.flush(Instant::now())?;
            let now = Instant::now();
            if now >= self.counted + TELL {
                self.count(now);
                *board.lock().unwrap_or_else(PoisonError::into_inner) = self.sums.clone();
            }
            self.fleet.wait(now, next)?;
        }
        let now = Instant::now();
        self.count(now);
        *board.lock().unwrap_or_else(PoisonError::into_inner) = self.sums.clone();
        for &line in self.by_line.keys() {
            self.fleet.close(now, line);
        }
        self.fleet.flush(now).context("cannot say farewell")
    }

    fn begin_again(&mut self, now: Instant) {
        self.count(now);
        self.sums.begin_again();
        let drops = self.at_first.2 + socket_drops(&self.addrs);
        self.at_first = (now, CpuTime::now(), drops);
        self.packets_at_first = self.fleet.packets();
    }

    /// Takes note of what the bots themselves cost.
    fn count(&mut self, now: Instant) {
        let (begun, cpu, drops) = self.at_first;
        let passed = now.saturating_duration_since(self.counted);
        self.counted = now;
        let second = now - Duration::from_secs(1);
        let seeing = self
            .guests
            .iter()
            .filter(|guest| guest.has_seen_since(second));
        self.sums.seeing = seeing.count() as u64;
        self.sums.bot_time += passed * self.sums.inside as u32;
        self.sums.cpu = CpuTime::now().since(cpu);
        let whole = now.saturating_duration_since(begun).as_secs_f64().max(1e-3);
        self.sums.busy = self.sums.cpu.total().as_secs_f64() / whole;
        self.sums.socket_drops = socket_drops(&self.addrs).saturating_sub(drops);
        self.sums.sends_blocked = self.fleet.sends_blocked();
        let (sent, received) = self.fleet.packets();
        self.sums.packets_sent = sent - self.packets_at_first.0;
        self.sums.packets_received = received - self.packets_at_first.1;
    }

    /// Everybody loses the line without a word.
    fn storm(&mut self, now: Instant) {
        for index in 0..self.guests.len() {
            if let Some(line) = self.guests[index].lose(now, &mut self.sums) {
                self.by_line.remove(&line);
                self.fleet.cut(line);
                self.due_at(now, index);
            }
        }
    }

    fn due_at(&mut self, at: Instant, index: usize) {
        let entry = self.guests[index].entry(at, index);
        self.due.push(Reverse(entry));
    }

    fn hear(&mut self, now: Instant, line: LineId, what: News) {
        let Some(&index) = self.by_line.get(&line) else {
            return; // it has been given up
        };
        let scene = Scene {
            fleet: &mut self.fleet,
            sums: &mut self.sums,
            middle: &mut self.middle,
            hz: self.errand.hz,
        };
        match self.guests[index].hear(now, scene, what) {
            Outcome::GoesOn => {}
            Outcome::Sends(due) => self.due_at(due, index),
            Outcome::Lost(why) => self.lost(now, index, &why),
        }
    }

    /// A line is over, unasked.
    fn lost(&mut self, now: Instant, index: usize, why: &ConnectError) {
        if let Some(line) = self.guests[index].line() {
            self.by_line.remove(&line);
            self.fleet.close(now, line);
        }
        if self.guests[index].part(now, self.errand.insist, why, &mut self.sums) {
            self.due_at(now + RETRY, index);
        }
    }

    /// Has all guests do what is due; when the next thing is.
    fn act(&mut self) -> Instant {
        let mut now = Instant::now();
        loop {
            let Some(Reverse((due, index, stage))) = self.due.peek().copied() else {
                return now + TELL;
            };
            if due > now {
                now = Instant::now();
                if due > now {
                    return due.min(self.counted + TELL);
                }
            }
            self.due.pop();
            if self.guests[index].is_at(stage) {
                self.act_one(now, due, index);
            }
        }
    }

    fn act_one(&mut self, now: Instant, due: Instant, index: usize) {
        let guest = &mut self.guests[index];
        if guest.is_outside() {
            return self.knock(now, index);
        }
        if let Some(has_shaken) = guest.is_knocking() {
            let over = guest.knocked + LOGIN_DEADLINE;
            return match has_shaken && now < over {
                true => self.due_at(over, index),
                false => self.lost(now, index, &ConnectError::Timeout),
            };
        }
        let scene = Scene {
            fleet: &mut self.fleet,
            sums: &mut self.sums,
            middle: &mut self.middle,
            hz: self.errand.hz,
        };
        if let Some(next) = guest.send(due, scene) {
            self.due_at(next, index);
        }
    }

    fn knock(&mut self, now: Instant, index: usize) {
        let guest = &mut self.guests[index];
        let (fleet, port) = (&mut self.fleet, guest.n as usize);
        let begun = guest.pass(&self.tickets).and_then(|opening| {
            let cert = opening.cert_sha256();
            fleet.connect(now, cert, port).map_err(ConnectError::from)
        });
        match begun {
            Ok(line) => {
                guest.knock(now, line);
                self.by_line.insert(line, index);
                self.due_at(now + HANDSHAKE_DEADLINE, index);
            }
            Err(error) => self.lost(now, index, &error),
        }
    }
}
