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
use quinn::{Connecting, Connection};
use tokio::sync::mpsc;
use tokio::time::{Instant, interval, timeout};

use super::link::{COMMANDS_SINCE, Entrant, Message, SessionId};
use super::login::{Failed, Refusal, login, used};
use super::share::Share;
use super::table::{Gate, close_code};
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
/// Datagrams that are no inputs, before the session ends.
const BAD_DATAGRAMS_MAX: u32 = 20;

/// Serves one connection; whatever goes wrong ends here.
pub(super) async fn run(
    gate: Arc<Gate>,
    connecting: Connecting,
    (from, endpoint): (SocketAddr, usize),
) {
    let flight = gate.flight(from);
    let Ok(Ok(connection)) = timeout(HANDSHAKE_DEADLINE, connecting).await else {
        gate.counters.refuse();
        return;
    };
    let (admitted, (reader, writer)) = match login(&gate, &connection).await {
        Ok(admitted) => admitted,
        Err(Failed { refusal, writer }) => {
            return refuse(&gate, &connection, from, (refusal, writer)).await;
        }
    };
    let claims = &admitted.claims;
    let who = Entrant {
        player: claims.player,
        name: claims.name.clone(),
        token: used(claims),
        version: admitted.version,
    };
    // By the clock that the token was checked by: it cannot be forgotten as used while it holds.
    let entered = gate.enter(
        (&connection, endpoint),
        (who.player, who.token),
        admitted.now_s,
    );
    let version = who.version;
    let (session, ears) = match entered {
        Ok(entered) => entered,
        Err(why) => return refuse(&gate, &connection, from, (why.into(), Some(writer))).await,
    };
    drop(flight);
    tracing::debug!(%from, player = %claims.player, name = claims.name.as_str(), "joins");
    if gate.join(session, who).await {
        let ground = tokio::spawn(bulk::serve(Arc::clone(&gate), connection.clone()));
        let (speaking, listening) = (Arc::clone(&gate), connection.clone());
        let chat = tokio::spawn(chat::serve(speaking, session, listening, ears.chat));
        let inner = Arc::clone(&gate);
        // A task of its own: if a defect of the transport ends it, the player leaves nevertheless.
        let talk = tokio::spawn(async move {
            let talk = Talk::new(&inner, (session, version), connection, writer);
            talk.go_on(reader, ears.messages).await;
        });
        if talk.await.is_err() {
            tracing::error!(%from, session = session.0, "the session broke off");
        }
        ground.abort();
        chat.abort();
    }
    gate.leave(session).await;
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
        }
    }

    async fn go_on(mut self, mut reader: ControlReader, mut messages: mpsc::Receiver<Message>) {
        let mut pulse = interval(PULSE);
        let refusal = loop {
            let next = tokio::select! {
                // If a defect has ended the connection's own task, nothing below ever wakes: this panics, and the player leaves.
                _ = pulse.tick() => match self.connection.close_reason() {
                    Some(_) => Next::Gone,
                    None => Next::GoOn,
                },
                message = messages.recv() => self.tell(message).await,
                datagram = self.connection.read_datagram() => match datagram {
                    Ok(bytes) => self.hear(&bytes),
                    Err(_) => return, // the client has gone
                },
                frame = reader.next() => match frame {
                    Ok(Some(frame)) => self.obey(&frame).await,
                    Ok(None) | Err(StreamError::Closed(_) | StreamError::Timeout) => Next::Gone,
                    Err(StreamError::Wire(error)) => malformed(error.to_string()),
                },
            };
            match next {
                Next::GoOn => {}
                Next::Gone => return,
                Next::Refuse(refusal) => break refusal,
            }
        };
        if refusal.code != RefuseCode::CLOSING {
            self.gate.counters.refuse();
        }
        part(&self.connection, Some(self.writer), &refusal).await;
    }

    async fn tell(&mut self, message: Option<Message>) -> Next {
        let bytes = match message {
            None => return Next::Gone,
            Some(Message::Welcome(welcome)) => frame_of(&ServerMessage::Welcome(welcome)),
            Some(Message::Frame(bytes)) => bytes,
            Some(Message::Chat(_)) => return Next::GoOn, // it has a queue of its own
            Some(Message::Close(code, text)) => return Next::Refuse(Refusal::new(code, text)),
        };
        self.write(&bytes).await
    }

    async fn write(&mut self, bytes: &[u8]) -> Next {
        match self.writer.send(bytes, STREAM_DEADLINE).await {
            Ok(()) => Next::GoOn,
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
