//! A session without its socket.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use net_proto::{
    Answer, BulkRequest, ClientMessage, Command, Digest, DigestVerdict, GameEvent, INPUTS_MAX,
    INPUTS_REPEATED, Input, InputDatagram, InputHead, Maintenance, OwnState, OwnValues, Redirect,
    Refuse, Replica, Resume, Said, ServerMessage, SnapshotInfo, TimeDilation, Tracked, Welcome,
    WireColumns, WireError,
};
use spatial_core::{Ecef, Planet, TileStore};

use crate::input::within;
use crate::prediction::{Agreement, NoPrediction, Prediction};
use crate::sight::Sight;
use crate::step::Step;
use crate::tiles::{Reach, ServedGround, TileCache};
use crate::words::{SayError, Words, say};

/// Everything a client knows, and what it has to say. Pure: no clocks, no sockets.
#[derive(Clone, Debug)]
pub struct ClientCore {
    welcome: Welcome,
    planet: Planet,
    replica: Replica,
    inputs: VecDeque<Input>, // the last INPUTS_MAX
    last_seq: u32,           // of the newest input; 0 before the first
    used_seq: u32,           // of the newest input that the server says it has used
    sight: Sight,
    prediction: Option<Box<Prediction>>,
    served: Option<Box<ServedGround>>,
    own_values: Option<OwnValues>, // the newest
    words: Words,
    stands_on: Option<(Ecef, u32)>, // as the server said last: where, and what the tile is called
    traffic: Traffic,
    digests: DigestCounts,
    resume: Option<Resume>, // the newest
    step: Step,
    pace: f64,
}

/// Something that the server said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// A part of the world's state.
    Snapshot(SnapshotInfo),
    /// The exact state of the player's own entity, and whether it is what was predicted.
    Own(OwnState, Agreement),
    /// What the player's own entity has in the columns for owners: [`ClientCore::own_values`].
    OwnValues,
    /// What the server says that we had at an epoch, and whether we had.
    Digest(Digest, DigestVerdict),
    /// More of the ground that the server sends is known: [`ServedGround::store`].
    Ground,
    /// The session goes on elsewhere. A `Connection` gives it with the key of its own ticket, so that it can be followed; a core knows none.
    Redirect(Redirect),
    /// The server will stop.
    Maintenance(Maintenance),
    /// The world's time runs slower, or in full again: see [`ClientCore::pace`], and tell a [`crate::View`].
    TimeDilation(TimeDilation),
    /// Should the line be lost, the session can be taken up again, for so long: `Connection::resume_ticket`.
    Resumable(Duration),
    /// The line is lost. Only of a `BlockingSession`, which now tries to take the session up again.
    Lost,
    /// It has been taken up again, so long after it was lost: the player has its entity still, and all that is in view comes anew. Commands that were without
    /// an answer stay so.
    Resumed(Duration),
    /// What became of a command.
    Answer(Answer),
    /// The game tells the player something.
    Game(GameEvent),
    /// Somebody says something.
    Said(Said),
    /// The session is over.
    Refused(Refuse),
}

/// Payload that has passed, without the overhead of QUIC, UDP and IP.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Traffic {
    /// Datagrams received.
    pub datagrams_in: u64,
    /// Their bytes.
    pub datagram_bytes_in: u64,
    /// Input datagrams made.
    pub datagrams_out: u64,
    /// Their bytes.
    pub datagram_bytes_out: u64,
    /// Bytes of control messages received, without their lengths.
    pub control_bytes_in: u64,
    /// Bytes of chat received, without their lengths.
    pub chat_bytes_in: u64,
}

/// Digests received, by verdict.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DigestCounts {
    /// They agreed.
    pub matched: u64,
    /// They did not: a defect of the server, the client, or the protocol.
    pub mismatched: u64,
    /// Their epoch was no longer known.
    pub unknown: u64,
}

impl ClientCore {
    /// A session that a server has welcomed.
    ///
    /// # Errors
    /// [`WireError::Field`] when there can be no such planet.
    pub fn new(welcome: Welcome) -> Result<Self, WireError> {
        let planet = Planet::new(welcome.radius_mm as f64 / 1_000.0)
            .map_err(|_| WireError::Field("planet radius"))?;
        Ok(Self {
            welcome,
            planet,
            replica: Replica::new(),
            inputs: VecDeque::with_capacity(INPUTS_MAX),
            last_seq: 0,
            used_seq: 0,
            sight: Sight::default(),
            prediction: None,
            served: None,
            own_values: None,
            words: Words::default(),
            stands_on: None,
            traffic: Traffic::default(),
            digests: DigestCounts::default(),
            resume: None,
            step: Step::default(),
            pace: 1.0,
        })
    }

    /// The same session, which counts on where another ended.
    #[must_use]
    pub(crate) fn counting_on(self, before: &Self) -> Self {
        Self {
            traffic: before.traffic,
            digests: before.digests,
            ..self
        }
    }

    /// The same session, before anything has come, in a world that tells of these columns and with a server that speaks this version of the
    /// protocol.
    #[must_use]
    pub fn with_columns(self, columns: WireColumns, version: u16) -> Self {
        Self {
            replica: Replica::with_columns(Arc::new(columns)).speaking(version),
            ..self
        }
    }

    /// The same session, before anything has come, which reads nothing of others: see [`Replica::skimming`]. A load of many clients costs a fraction then.
    #[must_use]
    pub fn skimming(mut self) -> Self {
        self.replica = self.replica.skimming();
        self
    }

    /// The codes of the player's own entity in the columns for owners, once they have come: see [`WireColumns::lane`].
    pub fn own_values(&self) -> Option<&OwnValues> {
        self.own_values.as_ref()
    }

    /// Predicts the player's own entity from now on, over the ground of a store; its tiles are read as they are needed.
    ///
    /// # Errors
    /// [`NoPrediction`] when the store is not of the server's planet, or the player is no character.
    pub fn predict(&mut self, store: Arc<dyn TileStore>) -> Result<(), NoPrediction> {
        let prediction = Prediction::new(&self.welcome, self.last_seq, store)?;
        self.prediction = Some(Box::new(prediction));
        Ok(())
    }

    /// Has the server send the ground around the player from now on, and predicts the player over it, if it is a character. Tiles are kept in a
    /// cache, if there is one. Without effect where the server serves none.
    pub fn download_ground(&mut self, cache: Option<Arc<TileCache>>, reach: Reach) {
        let served = ServedGround::new(&self.welcome, self.planet, cache, reach);
        self.served = Some(Box::new(served));
    }

    /// The next request to send on the bulk stream, if there is one. Call it at every event: it also plans what the player is going to need, and
    /// looks for it in the cache.
    pub fn poll_bulk(&mut self, now: Duration) -> Option<BulkRequest> {
        let place = self.place();
        let served = self.served.as_mut()?;
        if place.is_some_and(|place| served.look(now, place)) {
            self.walk_on_served();
        }
        let served = self.served.as_mut()?;
        if let Some((place, name)) = self.stands_on.take() {
            served.compare(now, place, name);
        }
        served.poll(now)
    }

    /// Takes an answer from the bulk stream; an event when more of the ground is known.
    ///
    /// # Errors
    /// [`WireError`]: the server is not to be trusted, the session should end.
    pub fn handle_bulk(&mut self, now: Duration, frame: &[u8]) -> Result<Option<Event>, WireError> {
        let served = self.served.as_mut();
        let served = served.ok_or(WireError::Unexpected("ground that was not asked for"))?;
        let is_other = served.hear(now, frame)?;
        if is_other {
            self.walk_on_served();
        }
        Ok(is_other.then_some(Event::Ground))
    }

    /// Predicts over what is known by now of the ground that the server sends.
    fn walk_on_served(&mut self) {
        let Some(store) = self.served.as_ref().and_then(|served| served.store()) else {
            return;
        };
        // The served ground's lattice is the one that the welcome names; who is no character is not predicted.
        let _ = match &mut self.prediction {
            Some(prediction) => prediction.exchange_ground(store),
            None => self.predict(store),
        };
    }

    /// The bulk stream has ended: what is missing is asked for again on the next one.
    pub fn restart_bulk(&mut self, now: Duration) {
        if let Some(served) = &mut self.served {
            served.restart(now);
        }
    }

    /// Says what the player is shown from now on: a time between ticks. What it shoots at is judged by that.
    pub fn show(&mut self, tick: f64) {
        self.sight.show(tick);
    }

    /// Notes what the player asks for in a tick, and returns the number of this input. One a tick. A wish beyond the player's speed is cut.
    pub fn push_input(&mut self, input: Input) -> u32 {
        let input = within(self.welcome.speed_limit, input);
        self.sight.make();
        if self.inputs.len() == INPUTS_MAX {
            self.inputs.pop_front();
        }
        self.inputs.push_back(input);
        // 4.5 years at 30 Hz; then the last number stays.
        self.last_seq = self.last_seq.saturating_add(1).min(u32::MAX - 1);
        if let Some(prediction) = &mut self.prediction {
            prediction.step(self.last_seq, &input);
        }
        self.last_seq
    }

    /// Writes the datagram to send now, replacing what `out` held: all inputs that the server has not acknowledged,
    /// at least the last four and at most 16, and the epoch that we acknowledge. False before the first input.
    pub fn write_inputs(&mut self, out: &mut Vec<u8>) -> bool {
        out.clear();
        let waiting = self.last_seq.saturating_sub(self.used_seq) as usize;
        let count = waiting.max(INPUTS_REPEATED).min(self.inputs.len());
        let first_seq = self.last_seq - u32::try_from(count).unwrap_or(0) + 1;
        let inputs = self.inputs.range(self.inputs.len() - count..).copied();
        let head = InputHead {
            acknowledged: self.replica.newest_complete(),
            predicted: self
                .prediction
                .as_ref()
                .map_or(0, |prediction| prediction.hash()),
            ..self.sight.head()
        };
        let Ok(datagram) = InputDatagram::new(head, first_seq, inputs) else {
            return false;
        };
        datagram.encode(out);
        self.traffic.datagrams_out += 1;
        self.traffic.datagram_bytes_out += out.len() as u64;
        true
    }

    /// Whether inputs should be sent a tick later than they would be, once: the server has begun to use the last ones in ticks without snapshots, so
    /// what it says of them came in packets of its own. For programs that send every second tick; ask before each.
    pub fn take_misstep(&mut self) -> bool {
        self.step.take_misstep()
    }

    /// Takes a datagram from the server.
    ///
    /// # Errors
    /// [`WireError`]: the server is not to be trusted, the session should end.
    pub fn handle_datagram(&mut self, bytes: &[u8]) -> Result<Event, WireError> {
        self.traffic.datagrams_in += 1;
        self.traffic.datagram_bytes_in += bytes.len() as u64;
        let (event, tick, used_seq) = match bytes.first() {
            Some(&OwnState::KIND) => {
                let own = OwnState::decode(bytes)?;
                let snapshot_ticks = u64::from(self.welcome.snapshot_ticks);
                self.step.see(own.tick.is_multiple_of(snapshot_ticks));
                if self.served.is_some() {
                    let place = self.planet.place(own.position).ok();
                    self.stands_on = place.map(|place| (place, own.ground));
                }
                let hear = |prediction: &mut Box<Prediction>| prediction.hear(&own);
                let agreement = self
                    .prediction
                    .as_mut()
                    .map_or(Agreement::Unpredicted, hear);
                let event = Event::Own(own, agreement);
                (event, own.tick, own.last_input_seq)
            }
            Some(&OwnValues::KIND) => {
                let values = OwnValues::decode(self.replica.columns(), bytes)?;
                let known = self.own_values.as_ref().map_or(0, |known| known.tick);
                if values.tick >= known {
                    self.own_values = Some(values);
                }
                return Ok(Event::OwnValues);
            }
            _ => {
                let info = self.replica.handle_snapshot(bytes)?;
                (Event::Snapshot(info), info.tick, info.last_input_seq)
            }
        };
        self.sight.see(tick);
        self.used_seq = self.used_seq.max(used_seq.min(self.last_seq));
        Ok(event)
    }

    /// Takes a control message from the server.
    ///
    /// # Errors
    /// [`WireError`]: the server is not to be trusted, the session should end.
    pub fn handle_control(&mut self, frame: &[u8]) -> Result<Event, WireError> {
        self.traffic.control_bytes_in += frame.len() as u64;
        Ok(match ServerMessage::decode(frame)? {
            ServerMessage::Welcome(_) => return Err(WireError::Unexpected("a second welcome")),
            ServerMessage::Columns(_) => {
                return Err(WireError::Unexpected("columns after a welcome"));
            }
            ServerMessage::Queued(_) => {
                return Err(WireError::Unexpected("a place in a queue after a welcome"));
            }
            ServerMessage::Refuse(refuse) => Event::Refused(refuse),
            ServerMessage::Digest(digest) => self.check_digest(digest),
            ServerMessage::Redirect(redirect) => Event::Redirect(redirect),
            ServerMessage::Maintenance(maintenance) => Event::Maintenance(maintenance),
            ServerMessage::TimeDilation(dilation) => {
                self.pace = f64::from(dilation.permille) / 1e3;
                Event::TimeDilation(dilation)
            }
            ServerMessage::Resume(resume) => {
                self.resume = Some(resume);
                Event::Resumable(Duration::from_secs(u64::from(resume.good_for_s)))
            }
            ServerMessage::Answer(answer) => {
                self.words.answered(&answer)?;
                Event::Answer(answer)
            }
            ServerMessage::Event(event) => Event::Game(event),
        })
    }

    /// Appends the frame, for the control stream, of what the player asks of the game beside moving: a kind and a body that the game
    /// understands. It is called `operation`, not 0, and so is its answer: [`Event::Answer`].
    ///
    /// # Errors
    /// [`SayError`]; nothing was appended.
    pub fn command(
        &mut self,
        (operation, kind): (u64, u16),
        body: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), SayError> {
        self.words.ask(operation, body.len())?;
        let body = body.to_vec();
        let command = Command {
            operation,
            kind,
            body,
        };
        ClientMessage::Command(command).encode(out);
        Ok(())
    }

    /// Appends the frame, for the stream of chat, of what the player says to those near ([`net_proto::Say::NEAR`]) or on a channel of the game's.
    /// A long text is cut; what must not be printed becomes `?`.
    ///
    /// # Errors
    /// [`SayError::Empty`].
    pub fn say(&self, channel: u8, text: &str, out: &mut Vec<u8>) -> Result<(), SayError> {
        say(channel, text)?.encode(out);
        Ok(())
    }

    /// Takes a frame from the server's stream of chat.
    ///
    /// # Errors
    /// [`WireError`]: the server is not to be trusted, the session should end.
    pub fn handle_chat(&mut self, frame: &[u8]) -> Result<Event, WireError> {
        self.traffic.chat_bytes_in += frame.len() as u64;
        Said::decode(frame).map(Event::Said)
    }

    /// How fast the world's time runs, as the server said last: 1 is its tick rate. Inputs are made one a tick of that time.
    pub fn pace(&self) -> f64 {
        self.pace
    }

    /// From one of the world's ticks to the next, as fast as its time runs now.
    pub fn tick_period(&self) -> Duration {
        Duration::from_secs_f64(1.0 / (f64::from(self.welcome.tick_rate_hz.max(1)) * self.pace))
    }

    /// What the server said in the beginning.
    pub fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    /// The planet that the world is on.
    pub fn planet(&self) -> Planet {
        self.planet
    }

    /// The entities in view, the epochs, and what the newest snapshot said.
    pub fn replica(&self) -> &Replica {
        &self.replica
    }

    /// The player's own entity, once it has come into view.
    pub fn player(&self) -> Option<&Tracked> {
        self.replica.get(self.welcome.player)
    }

    /// The player's own entity as it is predicted, if it is.
    pub fn prediction(&self) -> Option<&Prediction> {
        self.prediction.as_deref()
    }

    /// The ground that the server sends, if it is asked to.
    pub fn served_ground(&self) -> Option<&ServedGround> {
        self.served.as_deref()
    }

    /// As [`ClientCore::prediction`], to tell it of obstacles.
    pub fn prediction_mut(&mut self) -> Option<&mut Prediction> {
        self.prediction.as_deref_mut()
    }

    /// What the session can be taken up again with, once the server has said so: the newest.
    pub fn resume(&self) -> Option<Resume> {
        self.resume
    }

    /// What has passed.
    pub fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// What digests came to.
    pub fn digests(&self) -> DigestCounts {
        self.digests
    }

    /// Where the player is, as far as that is known.
    fn place(&self) -> Option<Ecef> {
        let predicted = self.prediction.as_ref().and_then(|p| p.place());
        let of_state = || self.planet.place(self.player()?.state.position()).ok();
        predicted.or_else(of_state)
    }

    fn check_digest(&mut self, digest: Digest) -> Event {
        let verdict = self.replica.verify_digest(&digest);
        match verdict {
            DigestVerdict::Match => self.digests.matched += 1,
            DigestVerdict::Mismatch(_) => self.digests.mismatched += 1,
            DigestVerdict::Unknown => self.digests.unknown += 1,
        }
        Event::Digest(digest, verdict)
    }
}

#[cfg(test)]
mod tests {
    use net_proto::{Avatar, RefuseCode, ResumeSecret, ShortText, WorldId};
    use spatial_core::EntityId;

    use super::*;

    fn welcome() -> Welcome {
        Welcome {
            world: WorldId(1),
            player: EntityId(2),
            tick: 3,
            tick_rate_hz: 30,
            snapshot_ticks: 2,
            radius_mm: 6_371_008_800,
            interest_dm: 2_000,
            speed_limit: 1_024,
            gravity: 2_511,
            avatar: Avatar::default(),
            lattice: 0,
        }
    }

    fn input(n: i16) -> Input {
        Input {
            east: n,
            ..Input::default()
        }
    }

    fn sent(core: &mut ClientCore) -> Option<(u32, Vec<i16>)> {
        let mut bytes = vec![1, 2, 3];
        core.write_inputs(&mut bytes).then(|| {
            let datagram = InputDatagram::decode(&bytes).unwrap();
            let inputs = datagram.inputs().iter().map(|input| input.east).collect();
            (datagram.first_seq(), inputs)
        })
    }

    /// An empty snapshot that acknowledges inputs.
    fn acknowledgement(tick: u8, seq: u8) -> [u8; 22] {
        let mut bytes = [0; 22];
        (bytes[0], bytes[1], bytes[2], bytes[11], bytes[12]) = (4, 255, tick, 1, seq);
        bytes
    }

    #[test]
    fn unacknowledged_inputs_are_repeated() {
        let mut core = ClientCore::new(welcome()).unwrap();
        assert_eq!(sent(&mut core), None);
        assert_eq!(
            (core.push_input(input(1)), core.push_input(input(2))),
            (1, 2)
        );
        assert_eq!(sent(&mut core), Some((1, vec![1, 2])));
        (3..=20).for_each(|n| {
            core.push_input(input(n));
        });
        assert_eq!(sent(&mut core), Some((5, (5..=20).collect())));
        core.handle_datagram(&acknowledgement(9, 14)).unwrap();
        assert_eq!(sent(&mut core), Some((15, (15..=20).collect())));
        // The last four are repeated in any case; a late snapshot takes nothing back.
        core.handle_datagram(&acknowledgement(10, 20)).unwrap();
        core.handle_datagram(&acknowledgement(5, 7)).unwrap();
        assert_eq!(sent(&mut core), Some((17, (17..=20).collect())));
        // A server that acknowledges what was never sent gains nothing.
        core.handle_datagram(&acknowledgement(11, 200)).unwrap();
        assert_eq!(sent(&mut core), Some((17, (17..=20).collect())));
        assert_eq!(
            (core.traffic().datagrams_in, core.traffic().datagrams_out),
            (4, 5)
        );
    }

    #[test]
    fn messages_become_events() {
        let mut core = ClientCore::new(welcome()).unwrap();
        let mut handle = |message: ServerMessage| {
            let mut frame = Vec::new();
            message.encode(&mut frame);
            core.handle_control(&frame[2..])
        };
        let refuse = Refuse {
            code: RefuseCode::CLOSING,
            text: ShortText::lossy("bye"),
        };
        assert_eq!(
            handle(ServerMessage::Refuse(refuse.clone())),
            Ok(Event::Refused(refuse))
        );
        assert_eq!(
            handle(ServerMessage::Welcome(welcome())),
            Err(WireError::Unexpected("a second welcome"))
        );
        let mut resume = Resume {
            secret: ResumeSecret([1; 32]),
            good_for_s: 30,
        };
        for n in 1..3 {
            resume.secret = ResumeSecret([n; 32]);
            let event = Event::Resumable(Duration::from_secs(30));
            assert_eq!(handle(ServerMessage::Resume(resume)), Ok(event));
        }
        assert_eq!(core.resume(), Some(resume));
        assert_eq!(core.handle_control(&[]), Err(WireError::Short));
        assert_eq!(core.handle_datagram(&[9]), Err(WireError::Kind(9)));
    }

    #[test]
    fn impossible_planets_are_refused() {
        for radius_mm in [1, u64::MAX] {
            let core = ClientCore::new(Welcome {
                radius_mm,
                ..welcome()
            });
            assert_eq!(core.map(|_| ()), Err(WireError::Field("planet radius")));
        }
    }
}
