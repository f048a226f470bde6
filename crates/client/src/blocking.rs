//! A session for programs that poll: game engines, and C.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use net_proto::quic::{lone_client_endpoint, quinn};
use net_proto::{Command, Input, Say, Ticket, Welcome};
use spatial_core::{Ecef, MemoryStore, Planet, TileStore};
use tokio::sync::oneshot;
use tokio::time::{Interval, MissedTickBehavior};

use crate::connection::Connection;
use crate::core::{ClientCore, DigestCounts, Event, Traffic};
use crate::error::{ConnectError, SessionError};
use crate::input::{InputError, input};
use crate::prediction::{Prediction, PredictionCounts};
use crate::resume::take_up;
use crate::roster::Coming;
use crate::tiles::{Reach, ServedGround, TileCache};
use crate::view::{Seen, View};
use crate::words::{SayError, Words, say};

/// A session driven by a thread of its own, which talks to the server at the world's pace. Only
/// [`BlockingSession::connect`] and the end wait for the network.
///
/// If the line is lost ([`Event::Lost`]), the thread tries to take the session up again for as long as the server allows, from another address if
/// need be ([`Event::Resumed`]): the player has its entity still, who was in view leaves, and who is then enters. If that does not succeed or the server
/// refuses, the session ends with the error that the line was lost with.
///
/// Memory is bounded: [`BlockingSession::EVENTS_MAX`] events wait at most; then the oldest are dropped and counted. Answers to commands, events of
/// the game and chat are never dropped: when [`BlockingSession::WORDS_MAX`] of them wait, the session ends.
#[derive(Debug)]
pub struct BlockingSession {
    welcome: Welcome,
    planet: Planet,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl BlockingSession {
    /// Events that wait for a poll.
    pub const EVENTS_MAX: usize = 256;
    /// Of those that are not dropped.
    pub const WORDS_MAX: usize = 4_096;

    /// Connects and waits to be welcomed; where the world is full, in its queue.
    ///
    /// # Errors
    /// [`ConnectError`]; [`ConnectError::Timeout`] after `timeout` and a farewell of at most 0.3 s.
    pub fn connect(
        addr: SocketAddr,
        ticket: &Ticket,
        timeout: Duration,
    ) -> Result<Self, ConnectError> {
        let (report, welcomed) = sync_channel(1);
        let (stop, stopped) = oneshot::channel();
        let ticket = ticket.clone();
        let thread = std::thread::Builder::new()
            .name("bluemarble-client".into())
            .spawn(move || run(addr, &ticket, &report, stopped))
            .map_err(|error| ConnectError::Setup(format!("cannot start a thread: {error}")))?;
        let error = match welcomed.recv_timeout(timeout) {
            Ok(Ok(welcomed)) => {
                return Ok(Self {
                    welcome: welcomed.welcome,
                    planet: welcomed.planet,
                    shared: welcomed.shared,
                    stop: Some(stop),
                    thread: Some(thread),
                });
            }
            Ok(Err(error)) => error,
            Err(RecvTimeoutError::Timeout) => ConnectError::Timeout,
            Err(RecvTimeoutError::Disconnected) => {
                ConnectError::Setup("the client's thread has died".into())
            }
        };
        end(Some(stop), Some(thread));
        Err(error)
    }

    /// Asks for a velocity, m/s east and north, and a heading, radians clockwise from north, from the next tick on.
    ///
    /// # Errors
    /// [`InputError`] when a number is not finite; the last request stands.
    pub fn set_velocity(
        &mut self,
        east_mps: f64,
        north_mps: f64,
        heading_rad: f64,
    ) -> Result<(), InputError> {
        self.shared.lock().input = input(east_mps, north_mps, heading_rad)?;
        Ok(())
    }

    /// Asks something of the game beside moving: [`Connection::command`]. It is sent soon after.
    ///
    /// # Errors
    /// [`SayError`]; nothing is sent.
    pub fn command(&mut self, operation: u64, kind: u16, body: &[u8]) -> Result<(), SayError> {
        let mut state = self.shared.lock();
        state.words.ask(operation, body.len())?;
        let body = body.to_vec();
        state.commands.push(Command {
            operation,
            kind,
            body,
        });
        Ok(())
    }

    /// Says something to those near, or on a channel of the game's: [`Connection::say`]. It is sent soon after.
    ///
    /// # Errors
    /// [`SayError`]; nothing is sent.
    pub fn say(&mut self, channel: u8, text: &str) -> Result<(), SayError> {
        let mut state = self.shared.lock();
        if state.says.len() == SAYS_MAX {
            return Err(SayError::TooMany);
        }
        state.says.push_back(say(channel, text)?);
        Ok(())
    }

    /// Appends what has happened since the last poll.
    ///
    /// # Errors
    /// [`SessionError`] once the session is over; what happened before is appended all the same.
    pub fn poll(&mut self, out: &mut Vec<Event>) -> Result<(), SessionError> {
        let mut state = self.shared.lock();
        out.extend(state.events.drain(..));
        state.told = 0;
        state.end.clone().map_or(Ok(()), Err)
    }

    /// Replaces what `out` held by the entities in view as they are to be drawn now, ascending by id.
    pub fn entities(&self, out: &mut Vec<Seen>) {
        let mut state = self.shared.lock();
        state.view.draw(self.shared.started.elapsed(), out);
    }

    /// Appends who has come into view and gone out of it since the last call, in order: [`View::take_comings`].
    pub fn take_comings(&self, out: &mut Vec<Coming>) {
        self.shared.lock().view.take_comings(out);
    }

    /// Has the server send the ground around the player from now on, and predicts the player over it: [`ClientCore::download_ground`].
    pub fn download_ground(&mut self, cache: Option<Arc<TileCache>>, reach: Reach) {
        let mut state = self.shared.lock();
        state.wanted = Some((cache, reach));
        state.download = state.wanted.clone();
    }

    /// The ground that the server has sent, as far as it is held now; none before the first of it.
    pub fn ground(&self) -> Option<Arc<dyn TileStore>> {
        let ground = self.shared.lock().ground.clone()?;
        Some(ground)
    }

    /// Where to draw the player after its last input, if that can be predicted: [`Prediction::shown`].
    pub fn predicted(&self) -> Option<Ecef> {
        self.shared.lock().predicted
    }

    /// What predictions came to.
    pub fn predictions(&self) -> PredictionCounts {
        self.shared.lock().predictions
    }

    /// What the server said in the beginning.
    pub fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    /// The planet that the world is on.
    pub fn planet(&self) -> Planet {
        self.planet
    }

    /// What has passed.
    pub fn traffic(&self) -> Traffic {
        self.shared.lock().traffic
    }

    /// What digests came to.
    pub fn digests(&self) -> DigestCounts {
        self.shared.lock().digests
    }

    /// Events that were dropped because nobody polled.
    pub fn events_dropped(&self) -> u64 {
        self.shared.lock().events_dropped
    }

    /// Leaves, as dropping does. Takes a round trip, at most 0.3 s.
    pub fn close(self) {}
}

impl Drop for BlockingSession {
    fn drop(&mut self) {
        end(self.stop.take(), self.thread.take());
    }
}

/// Ends the thread and waits for it, so that a library can be unloaded afterwards.
fn end(stop: Option<oneshot::Sender<()>>, thread: Option<JoinHandle<()>>) {
    drop(stop);
    if let Some(thread) = thread {
        // A panic of the thread has been reported on stderr; there is nothing left to save.
        let _ = thread.join();
    }
}

/// What the thread and the program share; locked for copies only.
#[derive(Debug)]
struct Shared {
    started: Instant,
    state: Mutex<State>,
}

type Download = (Option<Arc<TileCache>>, Reach);

#[derive(Debug)]
struct State {
    input: Input,
    events: VecDeque<Event>,
    events_dropped: u64,
    told: usize, // events that are not dropped
    words: Words,
    commands: Vec<Command>, // to be sent, as are these:
    says: VecDeque<Say>,
    view: View,
    wanted: Option<Download>,   // asked for
    download: Option<Download>, // and not begun
    ground: Option<Arc<MemoryStore>>,
    predicted: Option<Ecef>,
    predictions: PredictionCounts,
    predictions_before: PredictionCounts, // by connections that are no more
    traffic: Traffic,
    digests: DigestCounts,
    end: Option<SessionError>,
}

impl Shared {
    fn new(welcome: &Welcome, planet: Planet) -> Self {
        let state = State {
            input: Input::default(),
            events: VecDeque::new(),
            events_dropped: 0,
            told: 0,
            words: Words::default(),
            commands: Vec::new(),
            says: VecDeque::new(),
            view: View::new(welcome, planet),
            wanted: None,
            download: None,
            ground: None,
            predicted: None,
            predictions: PredictionCounts::default(),
            predictions_before: PredictionCounts::default(),
            traffic: Traffic::default(),
            digests: DigestCounts::default(),
            end: None,
        };
        Self {
            started: Instant::now(),
            state: Mutex::new(state),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic runs under the lock half way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the input of a tick, as the program asks.
    fn step(&self, connection: &mut Connection) {
        let mut state = self.lock();
        let shown = state.view.tick(self.started.elapsed());
        if let Some((cache, reach)) = state.download.take() {
            connection.download_ground(cache, reach);
        }
        state.speak(connection);
        connection.show(shown);
        connection.push_input(state.input);
        let prediction = connection.core().prediction();
        state.predicted = prediction.and_then(Prediction::shown);
        if let Some(prediction) = prediction {
            state.predictions = state.predictions_before.and(prediction.counts());
        }
    }

    /// Takes in what has happened.
    fn note(&self, event: Event, core: &ClientCore) -> Result<(), SessionError> {
        let now = self.started.elapsed();
        let mut state = self.lock();
        if let Event::Snapshot(info) = event {
            state.view.take_in(now, &info, core.replica());
        }
        if let Event::TimeDilation(_) = event {
            state.view.set_pace(now, core.pace());
        }
        if event == Event::Ground {
            state.ground = core.served_ground().and_then(ServedGround::tiles);
        }
        state.traffic = core.traffic();
        state.digests = core.digests();
        state.keep(event)
    }

    /// The session goes on over another connection.
    fn resume(&self, connection: &Connection, lost_for: Duration) -> Result<(), SessionError> {
        let mut state = self.lock();
        state.view.restart(connection.core().welcome());
        state.download = state.wanted.clone();
        state.predicted = None;
        state.predictions_before = state.predictions;
        // Answers come only to what has not been sent yet.
        let mut words = Words::default();
        for command in &state.commands {
            let _ = words.ask(command.operation, command.body.len()); // it was checked when it was given
        }
        state.words = words;
        state.keep(Event::Resumed(lost_for))
    }
}

impl State {
    /// Says what the program has said since the last tick.
    fn speak(&mut self, connection: &mut Connection) {
        for Command {
            operation,
            kind,
            body,
        } in self.commands.drain(..)
        {
            // It has been checked, and every answer that came since is known there as well.
            let _ = connection.command(operation, kind, &body);
        }
        while let Some(Say { channel, text }) = self.says.front() {
            if connection.say(*channel, text.as_str()).is_err() {
                break; // it waits
            }
            self.says.pop_front();
        }
    }

    /// Keeps an event for the next poll.
    fn keep(&mut self, event: Event) -> Result<(), SessionError> {
        if let Event::Answer(answer) = &event {
            self.words.answered(answer)?;
        }
        if !is_dropped(&event) {
            self.told += 1;
            if self.told > BlockingSession::WORDS_MAX {
                let why = "events of the game are not polled";
                return Err(SessionError::Closed(why.into()));
            }
        } else if self.events.len() - self.told == BlockingSession::EVENTS_MAX {
            let oldest = self.events.iter().position(is_dropped);
            oldest.map(|oldest| self.events.remove(oldest));
            self.events_dropped += 1;
        }
        self.events.push_back(event);
        Ok(())
    }
}

/// Whether an event is dropped where nobody polls: those are of use only while they are new.
fn is_dropped(event: &Event) -> bool {
    !matches!(event, Event::Answer(_) | Event::Game(_) | Event::Said(_))
}

/// What the thread hands out once the session has begun.
struct Welcomed {
    welcome: Welcome,
    planet: Planet,
    shared: Arc<Shared>,
}

type Report = SyncSender<Result<Welcomed, ConnectError>>;

/// The thread: connects, reports, and drives the session until it ends or is told to stop.
fn run(addr: SocketAddr, ticket: &Ticket, report: &Report, mut stop: oneshot::Receiver<()>) {
    let setup = |error: std::io::Error| ConnectError::Setup(error.to_string());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime.map_err(setup) {
        Ok(runtime) => runtime,
        Err(error) => return tell(report, Err(error)),
    };
    runtime.block_on(async {
        let mut endpoint = match lone_client_endpoint(addr).map_err(setup) {
            Ok(endpoint) => endpoint,
            Err(error) => return tell(report, Err(error)),
        };
        let connected = tokio::select! {
            _ = &mut stop => return,
            // Who waits in a queue does so for as long as its owner waits for this.
            connected = Connection::connect_queued(&endpoint, addr, ticket, |_| true) => connected,
        };
        match connected {
            Err(error) => tell(report, Err(error)),
            Ok(connection) => {
                let (welcome, planet) = (*connection.core().welcome(), connection.core().planet());
                let shared = Arc::new(Shared::new(&welcome, planet));
                let driven = shared.clone();
                tell(
                    report,
                    Ok(Welcomed {
                        welcome,
                        planet,
                        shared,
                    }),
                );
                live(addr, (&mut endpoint, connection), &driven, stop).await;
            }
        }
        // Lets the farewell out; a server that does not confirm it is not waited for.
        let _ = tokio::time::timeout(FAREWELL, endpoint.wait_idle()).await;
    });
}

fn tell(report: &Report, result: Result<Welcomed, ConnectError>) {
    // Nobody listens any more when `connect` has timed out.
    let _ = report.send(result);
}

/// Drives the session to its end, over one connection after the other.
async fn live(
    addr: SocketAddr,
    (endpoint, mut connection): (&mut quinn::Endpoint, Connection),
    shared: &Shared,
    mut stop: oneshot::Receiver<()>,
) {
    loop {
        let Some(end) = drive(&mut connection, shared, &mut stop).await else {
            return connection.close();
        };
        let ticket = connection.resume_ticket();
        let Some(ticket) = ticket.filter(|_| connection.is_line_lost()) else {
            shared.lock().end = Some(end);
            return;
        };
        let _ = shared.lock().keep(Event::Lost); // it is dropped in time, so there is room
        let lost = Instant::now();
        let taken_up = tokio::select! {
            _ = &mut stop => return,
            taken_up = take_up(addr, &ticket) => taken_up,
        };
        let Some((new_endpoint, new_connection)) = taken_up else {
            shared.lock().end = Some(end);
            return;
        };
        *endpoint = new_endpoint;
        connection = new_connection.count_on(&connection);
        if let Err(end) = shared.resume(&connection, lost.elapsed()) {
            shared.lock().end = Some(end);
            return;
        }
    }
}

/// Drives a connection until it ends, or the program leaves: `None`.
async fn drive(
    connection: &mut Connection,
    shared: &Shared,
    stop: &mut oneshot::Receiver<()>,
) -> Option<SessionError> {
    let mut ticks = ticks_of(connection.core());
    let mut sends = false; // every second tick
    loop {
        let step = tokio::select! {
            _ = &mut *stop => return None,
            _ = ticks.tick() => {
                shared.step(connection);
                sends = !sends && !connection.take_misstep();
                if sends { connection.send_inputs() } else { Ok(()) }
            }
            event = connection.next() => {
                event.and_then(|event| shared.note(event, connection.core()))
            }
        };
        if let Err(end) = step {
            return Some(end);
        }
        if ticks.period() != connection.core().tick_period() {
            ticks = ticks_of(connection.core());
        }
    }
}

/// One for each of the world's ticks, as fast as its time runs.
fn ticks_of(core: &ClientCore) -> Interval {
    let period = core.tick_period();
    let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks
}

/// What may wait to be said to others.
const SAYS_MAX: usize = 64;
const FAREWELL: Duration = Duration::from_millis(300);
