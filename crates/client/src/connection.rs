//! A session over QUIC, for programs with a tokio runtime.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use net_proto::quic::{
    BulkStream, ChatStreams, ControlReader, ControlWriter, FrameSender, HELLO_DEADLINE,
    STREAM_DEADLINE, StreamError, connect, export, quinn,
};
use net_proto::{
    HolderKey, Input, Queued, RefuseCode, SERVER_FRAME_BYTES_MAX, ServerMessage, Ticket, WireError,
};
use spatial_core::TileStore;
use tokio::time::Instant;

use crate::core::{ClientCore, Event};
use crate::error::{ConnectError, SessionError};
use crate::opening::{Opening, setup, welcomed};
use crate::prediction::NoPrediction;
use crate::resume::ResumeTicket;
use crate::tiles::{Reach, TileCache};
use crate::words::SayError;

/// What may wait to be said to others, bytes.
const CHAT_BACKLOG_MAX: usize = 4 << 10;
/// From the first packet to the welcome, at most.
const CONNECT_DEADLINE: Duration = Duration::from_secs(8);

/// One player's connection. Many can share an endpoint and a thread.
#[derive(Debug)]
pub struct Connection {
    quic: quinn::Connection,
    control: ControlReader,
    // Kept open: a client that finishes its stream has left.
    commands: FrameSender,
    chat: ChatStreams,
    core: ClientCore,
    key: Option<HolderKey>, // whose public half is in the token
    cert_sha256: [u8; 32],
    version: u16,
    bulk: Bulk,
    started: Instant,
}

/// The stream that ground comes on.
#[derive(Debug)]
enum Bulk {
    /// Nobody wants it.
    Unwanted,
    /// To be opened, not before this.
    Due(Instant),
    Open(Box<BulkStream>),
}

impl Connection {
    /// Connects, shows the ticket, and waits to be welcomed.
    ///
    /// # Errors
    /// [`ConnectError`]; at most 8 s pass. [`ConnectError::Queued`] where the world is full: its queue has been left.
    pub async fn connect(
        endpoint: &quinn::Endpoint,
        addr: SocketAddr,
        ticket: &Ticket,
    ) -> Result<Self, ConnectError> {
        Self::begin(endpoint, addr, Opening::Ticket(ticket), |_| false).await
    }

    /// As [`Connection::connect`], but where the world is full stands in its queue, for as long as `waits` says, which is told every place.
    ///
    /// # Errors
    /// [`ConnectError`]; at most 8 s pass until the first place is told.
    pub async fn connect_queued(
        endpoint: &quinn::Endpoint,
        addr: SocketAddr,
        ticket: &Ticket,
        waits: impl FnMut(Queued) -> bool,
    ) -> Result<Self, ConnectError> {
        Self::begin(endpoint, addr, Opening::Ticket(ticket), waits).await
    }

    /// Takes a session up again whose line was lost, from this endpoint's address: the welcome names the same entity, everything else begins
    /// anew. While the server has not noticed that the line is lost, this connection takes over from that.
    ///
    /// # Errors
    /// [`ConnectError`]; at most 8 s pass. [`ConnectError::Refused`] with [`RefuseCode::GONE`] when it is too late, or the ticket was used before: log in anew.
    pub async fn resume(
        endpoint: &quinn::Endpoint,
        addr: SocketAddr,
        ticket: &ResumeTicket,
    ) -> Result<Self, ConnectError> {
        Self::begin(endpoint, addr, Opening::Again(ticket), |_| false).await
    }

    async fn begin(
        endpoint: &quinn::Endpoint,
        addr: SocketAddr,
        opening: Opening<'_>,
        mut waits: impl FnMut(Queued) -> bool,
    ) -> Result<Self, ConnectError> {
        let deadline = Instant::now() + CONNECT_DEADLINE;
        let in_time = |error: tokio::time::error::Elapsed| {
            let _ = error;
            ConnectError::Timeout
        };
        let entering = Self::enter(endpoint, addr, opening);
        let (mut answering, first) = tokio::time::timeout_at(deadline, entering)
            .await
            .map_err(in_time)??;
        let mut queued = first;
        while let Some(place) = queued {
            if !waits(place) {
                answering.quic.close(0u32.into(), b"");
                return Err(ConnectError::Queued(place));
            }
            // A server that is silent for long has gone, whatever its endpoint says.
            let next = tokio::time::timeout(CONNECT_DEADLINE, answering.next());
            queued = next.await.map_err(in_time)??;
        }
        answering.finish(opening)
    }

    /// Says hello, and waits for the first answer: a place in the queue, or none where it has been welcomed.
    async fn enter(
        endpoint: &quinn::Endpoint,
        addr: SocketAddr,
        opening: Opening<'_>,
    ) -> Result<(Answering, Option<Queued>), ConnectError> {
        let quic = connect(endpoint, addr, opening.cert_sha256()).await?;
        let (send, recv) = quic.open_bi().await.map_err(SessionError::from)?;
        let mut writer = ControlWriter::new(send);
        let control = ControlReader::new(recv, SERVER_FRAME_BYTES_MAX);
        let mut bytes = Vec::new();
        let exported = export(&quic).ok_or_else(|| setup("TLS exports no key material"))?;
        let (message, version) = opening.message(&exported)?;
        message.encode(&mut bytes);
        // What ends the connection says more than what it did to the stream.
        let sent = writer.send(&bytes, HELLO_DEADLINE).await;
        let mut answering = Answering {
            quic,
            control,
            writer,
            version,
            frames: Vec::new(),
        };
        let first = match tokio::time::timeout(STREAM_DEADLINE, answering.next()).await {
            Ok(first) => first?,
            Err(_) => return Err(ConnectError::Timeout),
        };
        sent.map_err(|error| ended(&answering.quic, error))?;
        Ok((answering, first))
    }

    /// What the session can be taken up again with should its line be lost, once the server has given it: the newest.
    pub fn resume_ticket(&self) -> Option<ResumeTicket> {
        Some(ResumeTicket {
            version: self.version,
            world: self.core.welcome().world,
            cert_sha256: self.cert_sha256,
            key: self.key.clone()?,
            resume: self.core.resume()?,
        })
    }

    /// Whether the line is lost: the connection has ended, and neither side has ended it.
    pub fn is_line_lost(&self) -> bool {
        use quinn::ConnectionError as Quic;
        let left = |reason| matches!(reason, Quic::ApplicationClosed(_) | Quic::LocallyClosed);
        self.quic.close_reason().is_some_and(|reason| !left(reason))
    }

    /// Counts on where the connection before ended.
    pub(crate) fn count_on(self, before: &Self) -> Self {
        Self {
            core: self.core.counting_on(&before.core),
            ..self
        }
    }

    /// Waits for what the server says next. Nothing is lost when the future is dropped before it is ready.
    ///
    /// # Errors
    /// [`SessionError`]: the session is over. A server that breaks the protocol is left.
    pub async fn next(&mut self) -> Result<Event, SessionError> {
        let event = loop {
            self.ask_for_ground();
            tokio::select! {
                biased; // a refusal comes before the end that follows it, chat and ground last
                sent = self.commands.drive() => match sent {
                    Ok(never) => match never {},
                    // What the server has said is still to be heard, its reason above all.
                    Err(_) => self.commands.give_up(),
                },
                frame = self.control.next() => match frame {
                    Ok(Some(frame)) => break self.core.handle_control(&frame),
                    Ok(None) => return Err(self.end().await),
                    Err(StreamError::Wire(error)) => break Err(error),
                    Err(error) => return Err(ended(&self.quic, error)),
                },
                datagram = self.quic.read_datagram() => match datagram {
                    Ok(bytes) => break self.core.handle_datagram(&bytes),
                    Err(error) => return Err(error.into()),
                },
                said = self.chat.next(&self.quic, SERVER_FRAME_BYTES_MAX) => match said {
                    Ok(frame) => break self.core.handle_chat(&frame),
                    Err(StreamError::Wire(error)) => break Err(error),
                    Err(error) => return Err(ended(&self.quic, error)),
                },
                came = self.bulk.next(&self.quic) => match self.hear_ground(came) {
                    Ok(None) => {}
                    Ok(Some(event)) => break Ok(event),
                    Err(error) => break Err(error),
                },
            }
        };
        match event {
            Ok(Event::Refused(refuse)) => Err(SessionError::Refused(refuse)),
            // No key travels: the token there is bound to the one that this session was opened with.
            Ok(Event::Redirect(mut redirect)) => {
                redirect.ticket.key.clone_from(&self.key);
                Ok(Event::Redirect(redirect))
            }
            Ok(event) => Ok(event),
            Err(error) => {
                let reason = error.to_string();
                self.quic
                    .close(RefuseCode::MALFORMED.0.into(), reason.as_bytes());
                Err(SessionError::Wire(error))
            }
        }
    }

    /// Has the server send the ground around the player from now on, and predicts the player over it: [`ClientCore::download_ground`].
    pub fn download_ground(&mut self, cache: Option<Arc<TileCache>>, reach: Reach) {
        self.core.download_ground(cache, reach);
        self.bulk = Bulk::Due(Instant::now());
    }

    /// Asks for what is missing, if the stream for it is open.
    fn ask_for_ground(&mut self) {
        if let Bulk::Open(stream) = &mut self.bulk
            && let Some(request) = self.core.poll_bulk(self.started.elapsed())
        {
            stream.ask(&request);
        }
    }

    fn hear_ground(&mut self, came: Came) -> Result<Option<Event>, WireError> {
        let now = self.started.elapsed();
        match came {
            Came::Stream(stream) => {
                self.bulk = Bulk::Open(stream);
                Ok(None)
            }
            Came::Frame(frame) => self.core.handle_bulk(now, &frame),
            Came::Broken(error) => Err(error),
            Came::Nothing => {
                self.core.restart_bulk(now);
                self.bulk = Bulk::Due(Instant::now() + BULK_PAUSE);
                Ok(None)
            }
        }
    }

    /// Predicts the player's own entity from now on: [`ClientCore::predict`].
    ///
    /// # Errors
    /// [`NoPrediction`].
    pub fn predict(&mut self, store: Arc<dyn TileStore>) -> Result<(), NoPrediction> {
        self.core.predict(store)
    }

    /// Says what the player is shown from now on: a time between ticks.
    pub fn show(&mut self, tick: f64) {
        self.core.show(tick);
    }

    /// Notes what the player asks for in this tick, and returns the number of the input. Call it once a tick.
    pub fn push_input(&mut self, input: Input) -> u32 {
        self.core.push_input(input)
    }

    /// Asks something of the game beside moving: a kind and a body that the game understands. It is called `operation`, not 0, and so is its
    /// answer, [`Event::Answer`], which comes when what was done is on the server's disk. Goes out while [`Connection::next`] is waited for.
    ///
    /// # Errors
    /// [`SayError`]; nothing is sent.
    pub fn command(&mut self, operation: u64, kind: u16, body: &[u8]) -> Result<(), SayError> {
        let out = self.commands.frames();
        self.core.command((operation, kind), body, out)
    }

    /// Says something to those near, channel [`net_proto::Say::NEAR`], or on a channel of the game's. A long text is cut; what must not be
    /// printed becomes `?`. Goes out while [`Connection::next`] is waited for.
    ///
    /// # Errors
    /// [`SayError`]; nothing is sent.
    pub fn say(&mut self, channel: u8, text: &str) -> Result<(), SayError> {
        if self.chat.backlog() > CHAT_BACKLOG_MAX {
            return Err(SayError::TooMany);
        }
        self.core.say(channel, text, self.chat.frames())
    }

    /// Whether to send inputs a tick later, once: [`ClientCore::take_misstep`].
    pub fn take_misstep(&mut self) -> bool {
        self.core.take_misstep()
    }

    /// Sends the inputs that the server has not acknowledged. Call it every second tick or so; never waits.
    ///
    /// # Errors
    /// [`SessionError`] when the connection has ended.
    pub fn send_inputs(&mut self) -> Result<(), SessionError> {
        let mut bytes = Vec::with_capacity(128);
        match self.write_inputs(&mut bytes) {
            true => self.send_datagram(bytes),
            false => Ok(()),
        }
    }

    /// Writes what [`Connection::send_inputs`] would send: [`ClientCore::write_inputs`].
    pub fn write_inputs(&mut self, out: &mut Vec<u8>) -> bool {
        self.core.write_inputs(out)
    }

    /// Sends bytes as a datagram, whatever they say: for programs that test servers. Never waits.
    ///
    /// # Errors
    /// [`SessionError`] when the connection has ended, or takes no datagram of this size.
    pub fn send_datagram(&self, bytes: Vec<u8>) -> Result<(), SessionError> {
        match self.quic.send_datagram(bytes.into()) {
            Err(quinn::SendDatagramError::ConnectionLost(error)) => Err(error.into()),
            Ok(()) => Ok(()),
            Err(error) => Err(SessionError::Closed(error.to_string())),
        }
    }

    /// What the client knows.
    pub fn core(&self) -> &ClientCore {
        &self.core
    }

    /// The best guess at the round trip, without the server's ticks.
    pub fn round_trip(&self) -> Duration {
        self.quic.rtt()
    }

    /// Leaves. The farewell goes out while the endpoint lives: see [`quinn::Endpoint::wait_idle`].
    pub fn close(self) {
        self.quic.close(0u32.into(), b"");
    }

    /// The server has finished its stream: it is about to close the connection.
    async fn end(&self) -> SessionError {
        match tokio::time::timeout(STREAM_DEADLINE, self.quic.closed()).await {
            Ok(error) => error.into(),
            Err(_) => SessionError::Closed("server finished its stream".into()),
        }
    }
}

/// What the bulk stream has brought.
enum Came {
    Stream(Box<BulkStream>),
    Frame(Vec<u8>),
    /// The server has broken the protocol.
    Broken(WireError),
    /// The stream has ended.
    Nothing,
}

impl Bulk {
    /// Opens the stream when it is due, or waits for what comes on it. Nothing is lost when the future is dropped.
    async fn next(&mut self, quic: &quinn::Connection) -> Came {
        match self {
            Self::Unwanted => core::future::pending().await,
            Self::Due(due) => {
                tokio::time::sleep_until(*due).await;
                match BulkStream::open(quic).await {
                    Ok(stream) => Came::Stream(Box::new(stream)),
                    Err(_) => Came::Nothing,
                }
            }
            Self::Open(stream) => match stream.next().await {
                Ok(Some(frame)) => Came::Frame(frame),
                Err(StreamError::Wire(error)) => Came::Broken(error),
                Ok(None) | Err(StreamError::Closed(_) | StreamError::Timeout) => Came::Nothing,
            },
        }
    }
}

/// A stream for ground that has ended is opened again after so long.
const BULK_PAUSE: Duration = Duration::from_secs(5);

/// A connection that has said hello.
struct Answering {
    quic: quinn::Connection,
    control: ControlReader,
    writer: ControlWriter,
    version: u16,
    /// The server's answer: one frame, or, where it tells of columns, two.
    frames: Vec<Vec<u8>>,
}

impl Answering {
    /// The next place in the server's queue; none when it has answered.
    async fn next(&mut self) -> Result<Option<Queued>, ConnectError> {
        let next = self.control.next().await;
        let Some(mut frame) = next.map_err(|error| ended(&self.quic, error))? else {
            return Ok(None);
        };
        match ServerMessage::decode(&frame) {
            Ok(ServerMessage::Queued(queued)) => return Ok(Some(queued)),
            Ok(ServerMessage::Columns(_)) => {
                self.frames.push(core::mem::take(&mut frame));
                let next = self.control.next().await;
                if let Some(next) = next.map_err(|error| ended(&self.quic, error))? {
                    self.frames.push(next);
                }
            }
            _ => self.frames.push(frame),
        }
        Ok(None)
    }

    /// The session that has begun, if it has.
    fn finish(self, opening: Opening<'_>) -> Result<Connection, ConnectError> {
        let core = welcomed(&self.frames, self.version).inspect_err(|error| {
            if let ConnectError::Wire(_) = error {
                let code = RefuseCode::MALFORMED.0.into();
                self.quic.close(code, b"malformed welcome");
            }
        })?;
        Ok(Connection {
            quic: self.quic,
            control: self.control,
            commands: self.writer.into_sender(),
            chat: ChatStreams::default(),
            core,
            key: opening.key(),
            cert_sha256: opening.cert_sha256(),
            version: self.version,
            bulk: Bulk::Unwanted,
            started: Instant::now(),
        })
    }
}

/// Why a stream ended: the connection's reason, if it has ended too.
fn ended(quic: &quinn::Connection, error: StreamError) -> SessionError {
    match (error, quic.close_reason()) {
        (StreamError::Closed(_), Some(reason)) => reason.into(),
        (error, _) => error.into(),
    }
}
