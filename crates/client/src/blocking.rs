//! A session for programs that poll: game engines, and C.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use net_proto::quic::lone_client_endpoint;
use net_proto::{Input, Ticket, Welcome};
use spatial_core::{Ecef, MemoryStore, Planet, TileStore};
use tokio::sync::oneshot;
use tokio::time::MissedTickBehavior;

use crate::connection::Connection;
use crate::core::{ClientCore, DigestCounts, Event, Traffic};
use crate::error::{ConnectError, SessionError};
use crate::input::{InputError, input};
use crate::prediction::{Prediction, PredictionCounts};
use crate::roster::Coming;
use crate::tiles::{Reach, ServedGround, TileCache};
use crate::view::{Seen, View};

/// A session driven by a thread of its own, which talks to the server at the world's pace. Only
/// [`BlockingSession::connect`] and the end wait for the network.
///
/// Memory is bounded: [`BlockingSession::EVENTS_MAX`] events wait at most; then the oldest are dropped and counted.
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

    /// Connects and waits to be welcomed.
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

    /// Appends what has happened since the last poll.
    ///
    /// # Errors
    /// [`SessionError`] once the session is over; what happened before is appended all the same.
    pub fn poll(&mut self, out: &mut Vec<Event>) -> Result<(), SessionError> {
        let mut state = self.shared.lock();
        out.extend(state.events.drain(..));
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
        self.shared.lock().download = Some((cache, reach));
    }

    /// The ground that the server has sent, as far as it is held now; none before the first of it.
    pub fn ground(&self) -> Option<Arc<dyn TileStore>> {
        let ground = self.shared.lock().ground.clone()?;
        Some(ground)
    }

    /// Where the player is after its last input, if that can be predicted.
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

#[derive(Debug)]
struct State {
    input: Input,
    events: VecDeque<Event>,
    events_dropped: u64,
    view: View,
    download: Option<(Option<Arc<TileCache>>, Reach)>, // asked for, and not begun
    ground: Option<Arc<MemoryStore>>,
    predicted: Option<Ecef>,
    predictions: PredictionCounts,
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
            view: View::new(welcome, planet),
            download: None,
            ground: None,
            predicted: None,
            predictions: PredictionCounts::default(),
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
    fn step(&self, connection: &mut Connection) -> u32 {
        let mut state = self.lock();
        let shown = state.view.tick(self.started.elapsed());
        if let Some((cache, reach)) = state.download.take() {
            connection.download_ground(cache, reach);
        }
        connection.show(shown);
        let seq = connection.push_input(state.input);
        let prediction = connection.core().prediction();
        state.predicted = prediction.and_then(Prediction::place);
        state.predictions = prediction.map_or(state.predictions, Prediction::counts);
        seq
    }

    fn note(&self, event: Event, core: &ClientCore) {
        let now = self.started.elapsed();
        let mut state = self.lock();
        if let Event::Snapshot(info) = event {
            state.view.take_in(now, &info, core.replica());
        }
        if event == Event::Ground {
            state.ground = core.served_ground().and_then(ServedGround::tiles);
        }
        state.traffic = core.traffic();
        state.digests = core.digests();
        if state.events.len() == BlockingSession::EVENTS_MAX {
            state.events.pop_front();
            state.events_dropped += 1;
        }
        state.events.push_back(event);
    }
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
        let endpoint = match lone_client_endpoint(addr).map_err(setup) {
            Ok(endpoint) => endpoint,
            Err(error) => return tell(report, Err(error)),
        };
        let connected = tokio::select! {
            _ = &mut stop => return,
            connected = Connection::connect(&endpoint, addr, ticket) => connected,
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
                drive(connection, &driven, stop).await;
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

async fn drive(mut connection: Connection, shared: &Shared, mut stop: oneshot::Receiver<()>) {
    let rate_hz = f64::from(connection.core().welcome().tick_rate_hz);
    let mut ticks = tokio::time::interval(Duration::from_secs_f64(1.0 / rate_hz));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let end = loop {
        let step = tokio::select! {
            _ = &mut stop => return connection.close(),
            _ = ticks.tick() => {
                let is_second = shared.step(&mut connection).is_multiple_of(2);
                if is_second { connection.send_inputs() } else { Ok(()) }
            }
            event = connection.next() => {
                event.map(|event| shared.note(event, connection.core()))
            }
        };
        if let Err(end) = step {
            break end;
        }
    };
    shared.lock().end = Some(end);
}

const FAREWELL: Duration = Duration::from_millis(300);
