//! A session from its beginning to its end: what it is told, and what it asks for.

use std::time::Duration;

use net_proto::quic::{ControlReader, ControlWriter, Peer, STREAM_DEADLINE, StreamError};
use net_proto::{Answer, AnswerCode, ClientMessage, Command, RefuseCode, ServerMessage};
use quinn::ConnectionError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, interval};

use super::arrival::{frame_of, part};
use super::cause::Cause;
use super::counts::Class;
use super::link::{COMMANDS_SINCE, Message, SessionId};
use super::login::Refusal;
use super::share::Share;
use super::table::Gate;
use crate::game::Route;

/// How often a session looks whether its connection lives.
const PULSE: Duration = Duration::from_secs(5);
/// Commands at once, and trades.
const COMMANDS_BURST: f64 = 20.0;
const TRADES_BURST: f64 = 5.0;
/// Commands beyond a session's share that are answered a second, and at once; beyond these the session ends.
const REFUSED_S: f64 = 10.0;
const REFUSED_BURST: f64 = 100.0;
/// How long a secret to come back with is the newest.
const SECRET_LIFE: Duration = Duration::from_secs(60);

/// A session that has begun.
pub(super) struct Talk<'a> {
    gate: &'a Gate,
    session: SessionId,
    version: u16,
    connection: Peer,
    writer: ControlWriter,
    commands: Share,
    trades: Share,
    refused: Share,
    /// When it gets a new secret to come back with; none before the first.
    secret_due: Option<Instant>,
}

impl<'a> Talk<'a> {
    pub(super) fn new(
        gate: &'a Gate,
        (session, version): (SessionId, u16),
        connection: Peer,
        writer: ControlWriter,
    ) -> Self {
        Self {
            commands: Share::new(1.0, COMMANDS_BURST),
            trades: Share::new(1.0, TRADES_BURST),
            refused: Share::new(REFUSED_S, REFUSED_BURST),
            gate,
            session,
            version,
            connection,
            writer,
            secret_due: None,
        }
    }

    pub(super) async fn go_on(
        mut self,
        mut reader: ControlReader,
        mut messages: mpsc::Receiver<Message>,
        mut hearing: oneshot::Receiver<Refusal>,
    ) -> Over {
        let mut pulse = interval(PULSE);
        let refusal = loop {
            let next = tokio::select! {
                biased; // what the world tells it is bounded, and what the client says comes last
                _ = pulse.tick() => match self.connection.close_reason() {
                    Some(_) => Next::Gone,
                    None => self.renew_secret().await,
                },
                message = messages.recv() => self.tell(message).await,
                refused = &mut hearing => match refused {
                    Ok(refusal) => Next::Refuse(refusal),
                    Err(_) => Next::Gone, // `over` finds out why
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
            self.gate.counters.refuse(refusal.code);
        }
        tracing::info!(reason = %refusal.text, code = refusal.code.0, "sent away");
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
        let (limits, now) = (self.gate.limits(), Instant::now());
        if self.gate.route_of(command.kind) == Route::Trade {
            self.trades.pace(f64::from(limits.trades_min) / 60.0);
            self.take(Class::Trade, now)?;
        }
        self.commands.pace(f64::from(limits.commands_min) / 60.0);
        self.take(Class::Command, now)?;
        if self.gate.disk.refuses() {
            return Err(AnswerCode::STORAGE);
        }
        let passes = self.gate.command(self.session, command);
        passes.then_some(()).ok_or(AnswerCode::BUSY)
    }

    /// Takes one of a class's share.
    fn take(&mut self, class: Class, now: Instant) -> Result<(), AnswerCode> {
        let share = match class {
            Class::Trade => &mut self.trades,
            _ => &mut self.commands,
        };
        share.spend(1.0, now).map_err(|_| {
            self.gate.counters.limit(class);
            AnswerCode::TOO_MANY
        })
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
}

enum Next {
    GoOn,
    Gone,
    Refuse(Refusal),
}

/// How a session's connection ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Over {
    /// On purpose, of whichever side.
    Left,
    /// Silent, reset or broken.
    Lost,
}

fn malformed(why: impl AsRef<str>) -> Next {
    Next::Refuse(Refusal::new(RefuseCode::MALFORMED, why))
}
