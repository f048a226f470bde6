//! One connection from its handshake to its end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use net_proto::quic::{
    ControlReader, ControlWriter, HANDSHAKE_DEADLINE, STREAM_DEADLINE, StreamError,
};
use net_proto::{
    Answer, AnswerCode, ClientMessage, Command, InputDatagram, Refuse, RefuseCode, ServerMessage,
    ShortText,
};
use quinn::{Connecting, Connection, ConnectionError};
use tokio::sync::mpsc;
use tokio::time::{Instant, interval, timeout};

use super::cause::Cause;
use super::link::{COMMANDS_SINCE, Entrant, Event, Message, SessionId};
use super::lobby::Lobby;
use super::login::{Admitted, Failed, Refusal, login, used};
use super::share::Share;
use super::table::{Entered, Gate, close_code};
use super::{bulk, chat};

/// How long a refused client may take to read why.
const PARTING: Duration = Duration::from_secs(1);
/// How often a session looks whether its connection lives.
const PULSE: Duration = Duration::from_secs(5);
/// Commands at once.
const COMMANDS_BURST: f64 = 20.0;
/// Commands beyond a session's share that are answered a second, and at once; beyond these the session ends.
const REFUSED_S: f64 = 10.0;
const REFUSED_BURST: f64 = 100.0;
/// How long a secret to come back with is the newest.
const SECRET_LIFE: Duration = Duration::from_secs(60);
/// Datagrams that are no inputs, before the session ends.
const BAD_DATAGRAMS_MAX: u32 = 20;

/// Serves one connection; whatever goes wrong ends here.
pub(super) async fn run(
    lobby: Arc<Lobby>,
    connecting: Connecting,
    (from, endpoint): (SocketAddr, usize),
) {
    let flight = lobby.flight(from);
    let Ok(Ok(connection)) = timeout(HANDSHAKE_DEADLINE, connecting).await else {
        return lobby.strays.refuse();
    };
    let (gate, admitted, (reader, writer)) = match login(&lobby, &connection).await {
        Ok(found) => found,
        Err(failed) => return turn_away(&lobby, &connection, from, failed).await,
    };
    let version = admitted.version();
    let (entered, event) = match enter(&gate, (&connection, endpoint), &admitted) {
        Ok(entered) => entered,
        Err(refusal) => {
            return refuse(&gate, &connection, from, (refusal, Some(writer))).await;
        }
    };
    drop(flight);
    let Entered {
        session,
        ears,
        ended,
    } = entered;
    tracing::debug!(%from, ?event, "comes in");
    if gate.tell(event).await {
        let ground = tokio::spawn(bulk::serve(Arc::clone(&gate), connection.clone()));
        let (speaking, listening) = (Arc::clone(&gate), connection.clone());
        let chat = tokio::spawn(chat::serve(speaking, session, listening, ears.chat));
        let inner = Arc::clone(&gate);
        // A task of its own: if a defect of the transport ends it, the player lingers or leaves nevertheless.
        let talk = tokio::spawn(async move {
            let talk = Talk::new(&inner, (session, version), connection, writer);
            talk.go_on(reader, ears.messages).await
        });
        let over = talk.await.unwrap_or_else(|_| {
            tracing::error!(%from, session = session.0, "the session broke off");
            Over::Lost
        });
        ground.abort();
        chat.abort();
        if over == Over::Lost
            && let Some(time) = gate.linger(session).await
        {
            let _ = timeout(time, ended).await; // ended or not, it is over
        }
    }
    gate.leave(session).await;
}

/// Finds a place for who may come in, and what to tell the world.
fn enter(
    gate: &Gate,
    line: (&Connection, usize),
    admitted: &Admitted,
) -> Result<(Entered, Event), Refusal> {
    match admitted {
        Admitted::Comer(comer) => {
            let claims = &comer.claims;
            let who = Entrant {
                player: claims.player,
                name: claims.name.clone(),
                token: used(claims),
                version: comer.version,
            };
            let key = claims.holder.map(|holder| holder.key);
            // By the clock that the token was checked by: it cannot be forgotten as used while it holds.
            let entered = gate.enter(line, (who.player, who.token), key, comer.now_s)?;
            let session = entered.session;
            Ok((entered, Event::Join { session, who }))
        }
        Admitted::Returner(who) => {
            let (entered, from) = gate.come_back(line, who)?;
            let (session, version) = (entered.session, who.version);
            let event = Event::Return {
                session,
                from,
                version,
            };
            Ok((entered, event))
        }
    }
}

/// Sends somebody away who has not got as far as a world's gate, or not past it.
async fn turn_away(lobby: &Lobby, connection: &Connection, from: SocketAddr, failed: Failed) {
    let Failed {
        gate,
        refusal,
        writer,
    } = failed;
    if let Some(gate) = gate {
        return refuse(&gate, connection, from, (refusal, writer)).await;
    }
    lobby.strays.refuse();
    if let Some(cause) = refusal.cause {
        lobby.strays.causes.add(cause);
    }
    tracing::info!(%from, reason = %refusal.text, "refused");
    part(connection, writer, &refusal).await;
}

/// Sends somebody away who is not in.
async fn refuse(
    gate: &Gate,
    connection: &Connection,
    from: SocketAddr,
    (refusal, writer): (Refusal, Option<ControlWriter>),
) {
    gate.counters.refuse();
    if let Some(cause) = refusal.cause {
        gate.counters.causes.add(cause);
    }
    tracing::info!(%from, reason = %refusal.text, "refused");
    part(connection, writer, &refusal).await;
}

/// Says why, gives the client a moment to read it, and closes.
async fn part(connection: &Connection, writer: Option<ControlWriter>, refusal: &Refusal) {
    if let Some(mut writer) = writer {
        let message = ServerMessage::Refuse(Refuse {
            code: refusal.code,
            text: ShortText::lossy(&refusal.text),
        });
        if writer
            .send(&frame_of(&message), STREAM_DEADLINE)
            .await
            .is_ok()
        {
            writer.finish(PARTING).await;
        }
    }
    connection.close(close_code(refusal.code), refusal.text.as_bytes());
}

fn frame_of(message: &ServerMessage) -> Vec<u8> {
    let mut out = Vec::new();
    message.encode(&mut out);
    out
}

/// A session that has begun.
struct Talk<'a> {
    gate: &'a Gate,
    session: SessionId,
    version: u16,
    connection: Connection,
    writer: ControlWriter,
    budget: Budget,
    commands: Share,
    refused: Share,
    bad: u32,
    /// When it gets a new secret to come back with; none before the first.
    secret_due: Option<Instant>,
}

impl<'a> Talk<'a> {
    fn new(
        gate: &'a Gate,
        (session, version): (SessionId, u16),
        connection: Connection,
        writer: ControlWriter,
    ) -> Self {
        Self {
            budget: Budget::new(f64::from(gate.tick_rate_hz) * 2.0),
            commands: Share::new(f64::from(gate.commands_min) / 60.0, COMMANDS_BURST),
            refused: Share::new(REFUSED_S, REFUSED_BURST),
            gate,
            session,
            version,
            connection,
            writer,
            bad: 0,
            secret_due: None,
        }
    }

    async fn go_on(
        mut self,
        mut reader: ControlReader,
        mut messages: mpsc::Receiver<Message>,
    ) -> Over {
        let mut pulse = interval(PULSE);
        let refusal = loop {
            let next = tokio::select! {
                // If a defect has ended the connection's own task, nothing below ever wakes: this panics, and the player leaves.
                _ = pulse.tick() => match self.connection.close_reason() {
                    Some(_) => Next::Gone,
                    None => self.renew_secret().await,
                },
                message = messages.recv() => self.tell(message).await,
                datagram = self.connection.read_datagram() => match datagram {
                    Ok(bytes) => self.hear(&bytes),
                    Err(_) => Next::Gone,
                },
                frame = reader.next() => match frame {
                    Ok(Some(frame)) => self.obey(&frame).await,
                    Ok(None) | Err(StreamError::Closed(_) | StreamError::Timeout) => Next::Gone,
                    Err(StreamError::Wire(error)) => malformed(error.to_string()),
                },
            };
            match next {
                Next::GoOn => {}
                Next::Gone => return self.over(&mut messages),
                Next::Refuse(refusal) => break refusal,
            }
        };
        if refusal.code != RefuseCode::CLOSING {
            self.gate.counters.refuse();
        }
        if refusal.code == RefuseCode::GONE {
            self.gate.counters.causes.add(Cause::ReturnOver);
        }
        part(&self.connection, Some(self.writer), &refusal).await;
        Over::Left
    }

    /// How a session ended that nobody here has ended, unless somebody was about to.
    fn over(&self, messages: &mut mpsc::Receiver<Message>) -> Over {
        while let Ok(message) = messages.try_recv() {
            if let Message::Close(..) = message {
                return Over::Left;
            }
        }
        match self.connection.close_reason() {
            // With whatever code: it did so on purpose. So does who finishes its stream, on a connection that lives.
            None | Some(ConnectionError::ApplicationClosed(_) | ConnectionError::LocallyClosed) => {
                Over::Left
            }
            Some(_) => Over::Lost,
        }
    }

    async fn tell(&mut self, message: Option<Message>) -> Next {
        match message {
            None => Next::Gone,
            Some(Message::Welcome(welcome)) => {
                match self
                    .write(&frame_of(&ServerMessage::Welcome(welcome)))
                    .await
                {
                    Next::GoOn => self.give_secret().await,
                    other => other,
                }
            }
            Some(Message::Frame(bytes)) => self.write(&bytes).await,
            Some(Message::Chat(_)) => Next::GoOn, // it has a queue of its own
            Some(Message::Close(code, text)) => Next::Refuse(Refusal::new(code, text)),
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> Next {
        match self.writer.send(bytes, STREAM_DEADLINE).await {
            Ok(()) => Next::GoOn,
            Err(_) if self.connection.close_reason().is_some() => Next::Gone,
            Err(_) => Next::Refuse(Refusal::new(RefuseCode::SLOW, "messages are not read")),
        }
    }

    /// After its hello a client gives commands; it ends the session by ending the stream.
    async fn obey(&mut self, frame: &[u8]) -> Next {
        let command = match ClientMessage::decode(frame) {
            Ok(ClientMessage::Command(command)) if self.version >= COMMANDS_SINCE => command,
            Ok(_) => return malformed("this is not expected after the hello"),
            Err(error) => return malformed(error.to_string()),
        };
        let operation = command.operation;
        let Err(code) = self.pass_on(command) else {
            return Next::GoOn;
        };
        if self.refused.spend(1.0, Instant::now()).is_err() {
            return Next::Refuse(Refusal::new(RefuseCode::FLOOD, "too many commands"));
        }
        let answer = Answer {
            operation,
            tick: 0,
            code,
            body: Vec::new(),
        };
        self.write(&frame_of(&ServerMessage::Answer(answer))).await
    }

    /// Gives a command to the world, or says why not.
    fn pass_on(&mut self, command: Command) -> Result<(), AnswerCode> {
        let may = self.commands.spend(1.0, Instant::now());
        may.map_err(|_| AnswerCode::TOO_MANY)?;
        let passes = self.gate.command(self.session, command);
        passes.then_some(()).ok_or(AnswerCode::BUSY)
    }

    async fn renew_secret(&mut self) -> Next {
        match self.secret_due.is_some_and(|due| due <= Instant::now()) {
            true => self.give_secret().await,
            false => Next::GoOn,
        }
    }

    /// Tells the client what it can come back with, if it can.
    async fn give_secret(&mut self) -> Next {
        let Some(resume) = self.gate.give_secret(self.session) else {
            return Next::GoOn;
        };
        self.secret_due = Some(Instant::now() + SECRET_LIFE);
        self.write(&frame_of(&ServerMessage::Resume(resume))).await
    }

    fn hear(&mut self, bytes: &Bytes) -> Next {
        if !self.budget.spend() {
            return match self.budget.is_exhausted() {
                true => Next::Refuse(Refusal::new(RefuseCode::FLOOD, "too many datagrams")),
                false => Next::GoOn,
            };
        }
        match InputDatagram::decode(bytes) {
            Ok(datagram) => self.gate.input(self.session, datagram),
            Err(error) => {
                self.gate.counters.bad_datagram();
                self.bad += 1;
                if self.bad > BAD_DATAGRAMS_MAX {
                    let text = format!("not an input datagram: {error}");
                    return Next::Refuse(Refusal::new(RefuseCode::MALFORMED, text));
                }
            }
        }
        Next::GoOn
    }
}

enum Next {
    GoOn,
    Gone,
    Refuse(Refusal),
}

/// How a session's connection ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Over {
    /// On purpose, of whichever side.
    Left,
    /// Silent, reset or broken.
    Lost,
}

fn malformed(why: impl Into<String>) -> Next {
    Next::Refuse(Refusal::new(RefuseCode::MALFORMED, why))
}

/// Datagrams a session may send: a steady rate and a burst of two seconds. What exceeds it is dropped; a session that
/// keeps exceeding it ends.
struct Budget {
    per_s: f64,
    left: f64,
    dropped: f64,
    last: Instant,
}

impl Budget {
    fn new(per_s: f64) -> Self {
        Self {
            per_s,
            left: 2.0 * per_s,
            dropped: 0.0,
            last: Instant::now(),
        }
    }

    fn spend(&mut self) -> bool {
        let now = Instant::now();
        let gained = (now - self.last).as_secs_f64() * self.per_s;
        self.last = now;
        self.left = (self.left + gained).min(2.0 * self.per_s);
        self.dropped = (self.dropped - gained).max(0.0);
        let may = self.left >= 1.0;
        if may {
            self.left -= 1.0;
        } else {
            self.dropped += 1.0;
        }
        may
    }

    fn is_exhausted(&self) -> bool {
        self.dropped > 4.0 * self.per_s
    }
}
