//! One bot.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use client::{
    ClientCore, ConnectError, Event, Opening, ResumeTicket, SessionError, WorldTime, welcomed,
};
use net_proto::quic::{Fleet, LineId, News};
use net_proto::{DigestVerdict, Exported, Input, ServerMessage, Ticket};
use spatial_core::{EntityId, Position};

use super::crew::{Entry, Errand};
use super::report::Sums;
use super::steps::Walk;
use crate::cli::bots::Purse;
use crate::lots::Lots;

/// Datagrams whose effect is waited for; those before are not going to be told of.
const WAITING_MAX: usize = 64;
/// A bot looks around by at most so much in a tick, 2⁻¹⁶ turns.
const TURN_MAX: i16 = 0x1000;
/// What a bot is shown is so many snapshots old.
const SHOWN_LATE: f64 = 2.0;

/// What a bot needs of the others.
pub(super) struct Scene<'a> {
    pub(super) fleet: &'a mut Fleet,
    pub(super) sums: &'a mut Sums,
    /// Where crowds and stars have their middle: where the first of all stood.
    pub(super) middle: &'a mut Option<Position>,
    pub(super) hz: Option<f64>,
}

/// What came of what a bot heard.
pub(super) enum Outcome {
    GoesOn,
    /// It is in, and sends at this moment for the first time.
    Sends(Instant),
    Lost(ConnectError),
}

/// What it shows to come in.
pub(super) enum Pass {
    Ticket(Ticket),
    Again(ResumeTicket),
}

impl Pass {
    pub(super) fn opening(&self) -> Opening<'_> {
        match self {
            Self::Ticket(ticket) => Opening::Ticket(ticket),
            Self::Again(ticket) => Opening::Again(ticket),
        }
    }
}

/// See the module.
pub(super) struct Guest {
    pub(super) n: u32,
    /// It reads everything that it is told, and compares digests.
    is_whole: bool,
    /// When it began to knock.
    pub(super) knocked: Instant,
    stage: Stage,
    stages: u32,
    pass: Option<Pass>,
    /// When it is to come, whenever it is let in.
    comes: Instant,
    has_been_in: bool,
    /// When it lost its line, until it sees again.
    lost: Option<Instant>,
    entity: Option<EntityId>,
    walk: Walk,
    lots: Lots,
}

enum Stage {
    Outside,
    Knocking(Knock),
    In(Box<Stay>),
    /// It will not come again.
    Gone,
}

struct Knock {
    line: LineId,
    version: u16,
    frames: Vec<Vec<u8>>,
}

/// A session.
struct Stay {
    line: LineId,
    version: u16,
    core: ClientCore,
    /// Its first input is of this moment, and its ticks go on from there.
    began: Instant,
    time: WorldTime,
    /// Where it is, as it was told last.
    here: Option<Position>,
    inputs: u64,
    heading: u16,
    /// When it was told of the world for the last time.
    saw: Instant,
    /// The first new inputs of datagrams, and the times of these.
    waiting: VecDeque<(u32, Instant)>,
    datagram: Vec<u8>,
}

impl Guest {
    /// One of an errand's bots, and the how manieth.
    pub(super) fn new((n, place): (u32, usize), errand: &Errand) -> Self {
        Self {
            n,
            is_whole: place.is_multiple_of(errand.whole_one_in as usize),
            knocked: errand.begin,
            stage: Stage::Outside,
            stages: 0,
            pass: None,
            comes: errand.begin + errand.gap * n,
            has_been_in: false,
            lost: None,
            entity: None,
            walk: Walk::new(errand.pattern, errand.within_m, n),
            lots: Lots::new(errand.seed.wrapping_mul(1_000_003) ^ u64::from(n)),
        }
    }

    /// When it is to come.
    pub(super) fn comes(&self) -> Instant {
        self.comes
    }

    /// Has it do what it does in this stage, at a moment.
    pub(super) fn entry(&self, at: Instant, index: usize) -> Entry {
        (at, index, self.stages)
    }

    pub(super) fn is_at(&self, stage: u32) -> bool {
        self.stages == stage
    }

    pub(super) fn is_outside(&self) -> bool {
        matches!(self.stage, Stage::Outside)
    }

    /// If it is knocking, whether the handshake is complete.
    pub(super) fn is_knocking(&self) -> Option<bool> {
        match &self.stage {
            Stage::Knocking(knock) => Some(knock.version != 0),
            _ => None,
        }
    }

    /// Whether it is in, and has been told of the world since a moment.
    pub(super) fn has_seen_since(&self, moment: Instant) -> bool {
        matches!(&self.stage, Stage::In(stay) if stay.saw >= moment)
    }

    fn turn_to(&mut self, stage: Stage) {
        self.stage = stage;
        self.stages += 1;
    }

    pub(super) fn line(&self) -> Option<LineId> {
        match &self.stage {
            Stage::Outside | Stage::Gone => None,
            Stage::Knocking(knock) => Some(knock.line),
            Stage::In(stay) => Some(stay.line),
        }
    }

    /// What it shows; a new ticket unless it comes back.
    pub(super) fn pass(&mut self, purse: &Purse) -> Result<Opening<'_>, ConnectError> {
        let pass = match self.pass.take() {
            Some(Pass::Again(again)) => Pass::Again(again),
            Some(Pass::Ticket(_)) | None => {
                let ticket = purse.ticket(self.n);
                Pass::Ticket(ticket.map_err(|error| ConnectError::Setup(error.to_string()))?)
            }
        };
        Ok(self.pass.insert(pass).opening())
    }

    pub(super) fn knock(&mut self, now: Instant, line: LineId) {
        self.knocked = now;
        self.turn_to(Stage::Knocking(Knock {
            line,
            version: 0,
            frames: Vec::new(),
        }));
    }

    pub(super) fn hear(&mut self, now: Instant, scene: Scene<'_>, what: News) -> Outcome {
        let heard = match what {
            News::Connected(exported) => self.greet(&exported, scene.fleet),
            News::Frame(frame) => return self.hear_frame(now, scene, frame),
            News::Datagram(bytes) => self.hear_datagram(now, scene, &bytes),
            News::Broken(error) => Err(error.into()),
            News::Lost(reason) => Err(SessionError::from(reason).into()),
        };
        match heard {
            Ok(()) => Outcome::GoesOn,
            Err(error) => Outcome::Lost(error),
        }
    }

    fn greet(&mut self, exported: &Exported, fleet: &mut Fleet) -> Result<(), ConnectError> {
        let (Stage::Knocking(knock), Some(pass)) = (&mut self.stage, &self.pass) else {
            return Ok(());
        };
        let (message, version) = pass.opening().message(exported)?;
        knock.version = version;
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        match fleet.write(knock.line, &bytes) {
            true => Ok(()),
            false => Err(ConnectError::Closed("the hello is not taken".into())),
        }
    }

    fn hear_frame(&mut self, now: Instant, scene: Scene<'_>, frame: Vec<u8>) -> Outcome {
        match &mut self.stage {
            Stage::Outside | Stage::Gone => Outcome::GoesOn,
            Stage::Knocking(knock) => {
                let is_first =
                    matches!(ServerMessage::decode(&frame), Ok(ServerMessage::Columns(_)));
                knock.frames.push(frame);
                if is_first && knock.frames.len() == 1 {
                    return Outcome::GoesOn;
                }
                match welcomed(&knock.frames, knock.version) {
                    Ok(core) => Outcome::Sends(self.enter(now, scene, core)),
                    Err(error) => Outcome::Lost(error),
                }
            }
            Stage::In(stay) => match stay.core.handle_control(&frame) {
                Ok(Event::Digest(_, DigestVerdict::Mismatch(count))) => {
                    scene.sums.digest_mismatches += 1;
                    scene
                        .sums
                        .fail(|| format!("a digest: {count} entities differ"));
                    Outcome::GoesOn
                }
                Ok(Event::Digest(_, DigestVerdict::Match)) => {
                    scene.sums.digests_matched += 1;
                    Outcome::GoesOn
                }
                Ok(Event::Refused(refuse)) => Outcome::Lost(SessionError::Refused(refuse).into()),
                Ok(_) => Outcome::GoesOn,
                Err(error) => Outcome::Lost(error.into()),
            },
        }
    }

    /// It has been welcomed; when it sends first.
    fn enter(&mut self, now: Instant, scene: Scene<'_>, core: ClientCore) -> Instant {
        let Stage::Knocking(knock) = &self.stage else {
            return now;
        };
        let sums = scene.sums;
        sums.inside += 1;
        let entity = core.welcome().player;
        match self.lost {
            None if self.has_been_in => sums.resumed += 1, // with a new ticket
            None => {
                sums.connected += 1;
                sums.login.record(now.saturating_duration_since(self.comes));
            }
            Some(_) => {
                sums.resumed += 1;
                if self.entity != Some(entity) {
                    sums.entities_changed += 1;
                    sums.fail(|| format!("came back as {entity}"));
                }
            }
        }
        self.has_been_in = true;
        self.entity = Some(entity);
        let (line, version) = (knock.line, knock.version);
        let core = match self.is_whole {
            true => core,
            false => core.skimming(),
        };
        // Their moments are spread over a period, whatever the order in which they came.
        let period = period(&core, scene.hz);
        let first = now + period.mul_f64(self.lots.unit());
        self.turn_to(Stage::In(Box::new(Stay {
            line,
            version,
            core,
            began: first,
            time: WorldTime::default(),
            here: None,
            inputs: 0,
            heading: 0,
            saw: now,
            waiting: VecDeque::new(),
            datagram: Vec::new(),
        })));
        first
    }

    fn hear_datagram(
        &mut self,
        now: Instant,
        scene: Scene<'_>,
        bytes: &Bytes,
    ) -> Result<(), ConnectError> {
        let Stage::In(stay) = &mut self.stage else {
            return Ok(()); // it came before the welcome; the next will tell the same
        };
        let sums = scene.sums;
        sums.datagrams_received += 1;
        sums.bytes_received += bytes.len() as u64;
        match stay.core.handle_datagram(bytes)? {
            Event::Own(own, _) => {
                stay.here = Some(own.position);
                scene.middle.get_or_insert(own.position);
                stay.see_effect(now, own.last_input_seq, sums);
            }
            Event::Snapshot(info) => {
                sums.snapshots += 1;
                stay.saw = now;
                if info.completed.is_some() && self.is_whole {
                    let tracked = stay.core.replica().tracked().len();
                    sums.epochs += 1;
                    sums.seen += tracked.saturating_sub(1) as u64;
                }
                if let Some(lost) = self.lost.take() {
                    sums.back.record(now.saturating_duration_since(lost));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Sends the inputs of the ticks until `due`; when to send next.
    pub(super) fn send(&mut self, due: Instant, scene: Scene<'_>) -> Option<Instant> {
        let Stage::In(stay) = &mut self.stage else {
            return None;
        };
        let period = period(&stay.core, scene.hz);
        let next = due + period;
        let place = (stay.core.planet(), stay.here);
        let wish = self.walk.wish(due, place, (*scene.middle, &mut self.lots));
        stay.make_inputs(due, wish);
        let sums = scene.sums;
        let mut bytes = core::mem::take(&mut stay.datagram);
        if stay.core.write_inputs(&mut bytes)
            && scene.fleet.send(stay.line, Bytes::copy_from_slice(&bytes))
        {
            sums.datagrams_sent += 1;
            sums.late
                .record(Instant::now().saturating_duration_since(due));
        }
        stay.datagram = bytes;
        Some(next)
    }

    /// Its line is to be lost without a word.
    pub(super) fn lose(&mut self, now: Instant, sums: &mut Sums) -> Option<LineId> {
        let Stage::In(stay) = &self.stage else {
            return None;
        };
        let line = stay.line;
        let opening = self.pass.as_ref()?.opening();
        let again = opening.resume_ticket(&stay.core, stay.version)?;
        self.pass = Some(Pass::Again(again));
        self.leave(now, sums);
        Some(line)
    }

    fn leave(&mut self, now: Instant, sums: &mut Sums) {
        sums.inside -= u64::from(matches!(self.stage, Stage::In(_)));
        self.turn_to(Stage::Outside);
        self.lost.get_or_insert(now);
    }

    /// It is out, unasked; whether it tries again.
    pub(super) fn part(
        &mut self,
        now: Instant,
        insist: Duration,
        why: &ConnectError,
        sums: &mut Sums,
    ) -> bool {
        sums.protocol_errors += u64::from(matches!(why, ConnectError::Wire(_)));
        let n = self.n;
        sums.fail(|| format!("bot {n}: {why}"));
        if let Stage::In(stay) = &self.stage {
            sums.disconnects += 1;
            let opening = self.pass.as_ref().map(Pass::opening);
            let again = opening.and_then(|o| o.resume_ticket(&stay.core, stay.version));
            self.pass = again.map(Pass::Again);
            self.leave(now, sums);
        } else if matches!(why, ConnectError::Refused(_)) {
            self.pass = None; // what was shown is worthless
        }
        let patience = match self.lost {
            Some(since) => since + insist.max(BACK_MIN),
            None => self.comes + insist,
        };
        if now < patience {
            self.turn_to(Stage::Outside);
            return true;
        }
        match self.has_been_in {
            true => sums.resumes_failed += 1,
            false => sums.connects_failed += 1,
        }
        self.turn_to(Stage::Gone);
        false
    }
}

impl Stay {
    /// One input for each tick that has passed since the last time.
    fn make_inputs(&mut self, due: Instant, wish: Input) {
        let welcome = self.core.welcome();
        let (rate, ticks) = (
            f64::from(welcome.tick_rate_hz),
            f64::from(welcome.snapshot_ticks),
        );
        let passed = due.saturating_duration_since(self.began);
        if self.time.pace() != self.core.pace() {
            self.time.set_pace(passed, self.core.pace());
        }
        if let Some(newest) = self.core.replica().newest() {
            self.core.show(newest.tick as f64 - SHOWN_LATE * ticks);
        }
        // The first send is of the tick before it.
        let until = (self.time.seconds(passed) * rate + 1e-6) as u64 + 1;
        let mut first = None;
        while self.inputs < until {
            self.inputs += 1;
            let left = wish.heading.wrapping_sub(self.heading).cast_signed();
            let turn = left.clamp(-TURN_MAX, TURN_MAX);
            self.heading = self.heading.wrapping_add_signed(turn);
            let seq = self.core.push_input(Input {
                heading: self.heading,
                ..wish
            });
            first.get_or_insert(seq);
        }
        if let Some(first) = first {
            if self.waiting.len() == WAITING_MAX {
                self.waiting.pop_front();
            }
            self.waiting.push_back((first, due));
        }
    }

    /// The server tells of what an input, and all before it, did.
    fn see_effect(&mut self, now: Instant, used: u32, sums: &mut Sums) {
        while let Some((first, due)) = self.waiting.front().copied() {
            if first > used {
                break;
            }
            self.waiting.pop_front();
            sums.effect.record(now.saturating_duration_since(due));
        }
    }
}

/// Between datagrams.
fn period(core: &ClientCore, hz: Option<f64>) -> Duration {
    match hz {
        Some(hz) => Duration::from_secs_f64(1.0 / (hz * core.pace())),
        None => 2 * core.tick_period(),
    }
}

/// Who has lost a line tries to come back for so long at least.
const BACK_MIN: Duration = Duration::from_secs(30);
