//! One connection: its handshake, its login, perhaps its wait for a place, its session, and what is left when that is over.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use net_proto::quic::{
    Connecting, ControlReader, ControlWriter, HANDSHAKE_DEADLINE, Peer, STREAM_DEADLINE,
};
use net_proto::{Refuse, RefuseCode, ServerMessage, ShortText};
use tokio::time::timeout;
use tracing::{Instrument, Span, field};

use super::counts::Counters;
use super::link::{COMMANDS_SINCE, Entrant, Event};
use super::lobby::Lobby;
use super::login::{Admitted, Comer, Failed, Refusal, login, used};
use super::queue::Unplaced;
use super::session::{Over, Talk};
use super::table::{Entered, Gate, close_code};
use super::{bulk, chat, hear};

/// How long a refused client may take to read why.
const PARTING: Duration = Duration::from_secs(1);

type Line<'a> = (&'a Peer, usize);
type Control = (ControlReader, ControlWriter);

/// Serves one connection; whatever goes wrong ends here. Everything that is logged about it has its trace, and once it has one, its session.
pub(super) async fn run(
    lobby: Arc<Lobby>,
    connecting: Connecting,
    (from, endpoint): (SocketAddr, usize),
) {
    let trace = lobby.next_trace();
    let span = tracing::info_span!(
        "login",
        trace = %format_args!("{trace:016x}"),
        %from,
        player = field::Empty,
        session = field::Empty,
    );
    serve(lobby, connecting, (from, endpoint), trace)
        .instrument(span)
        .await;
}

async fn serve(
    lobby: Arc<Lobby>,
    connecting: Connecting,
    (from, endpoint): (SocketAddr, usize),
    trace: u64,
) {
    let flight = lobby.flight(from);
    let Ok(Ok(connection)) = timeout(HANDSHAKE_DEADLINE, connecting).await else {
        return lobby.strays.refuse_unheard();
    };
    let (gate, admitted, control) = match login(&lobby, &connection, trace).await {
        Ok(found) => found,
        Err(failed) => return turn_away(&lobby, &connection, failed).await,
    };
    let line = (&connection, endpoint);
    let (entered, control) = match enter(&gate, line, &admitted) {
        Ok(entered) => {
            drop(flight);
            (entered, control)
        }
        Err(refusal) => match admitted.waiting_for(&refusal) {
            Some(comer) => {
                drop(flight); // whoever waits is bounded by the queue
                let Some(placed) = wait(&gate, line, comer, control).await else {
                    return;
                };
                placed
            }
            None => return refuse(&gate, &connection, (refusal, Some(control.1))).await,
        },
    };
    let event = admitted.event(entered.0.session, entered.1);
    begin(
        gate,
        connection,
        (entered.0, event, admitted.version()),
        control,
    )
    .await;
}

/// A place for who may come in, and for who comes back the session before.
fn enter(gate: &Gate, line: Line<'_>, admitted: &Admitted) -> Result<Placed, Refusal> {
    Ok(match admitted {
        Admitted::Comer(comer) => (gate.enter(line, comer)?, None),
        Admitted::Returner(who) => {
            let (entered, from) = gate.come_back(line, who)?;
            (entered, Some(from))
        }
    })
}

type Placed = (Entered, Option<super::link::SessionId>);

/// Stands in the queue; none where it has ended.
async fn wait(
    gate: &Gate,
    line: Line<'_>,
    comer: &Comer,
    (mut reader, mut writer): Control,
) -> Option<(Placed, Control)> {
    let standing = gate.stand_in_line(line, comer, (&mut reader, &mut writer));
    match standing.await {
        Ok(entered) => Some(((entered, None), (reader, writer))),
        Err(Unplaced::Refused(refusal)) => {
            refuse(gate, line.0, (refusal, Some(writer))).await;
            None
        }
        Err(Unplaced::Gone) => {
            tracing::debug!("left the queue");
            None
        }
    }
}

impl Admitted {
    /// Who can stand in a queue, if that is what a refusal is about.
    fn waiting_for(&self, refusal: &Refusal) -> Option<&Comer> {
        match self {
            Self::Comer(comer) => {
                let can = refusal.code == RefuseCode::FULL && refusal.cause.is_none();
                (can && comer.version >= COMMANDS_SINCE).then_some(comer)
            }
            Self::Returner(_) => None,
        }
    }

    /// What the world is told.
    fn event(
        &self,
        session: super::link::SessionId,
        from: Option<super::link::SessionId>,
    ) -> Event {
        match (self, from) {
            (Self::Comer(comer), _) => Event::Join {
                session,
                who: Entrant {
                    player: comer.claims.player,
                    name: comer.claims.name.clone(),
                    token: used(&comer.claims),
                    version: comer.version,
                },
            },
            (Self::Returner(who), from) => Event::Return {
                session,
                from: from.unwrap_or(session),
                version: who.version,
            },
        }
    }
}

/// Serves a session until it is over, and keeps its place for as long as its player may come back.
async fn begin(
    gate: Arc<Gate>,
    connection: Peer,
    (entered, event, version): (Entered, Event, u16),
    (reader, writer): Control,
) {
    let Entered {
        session,
        ears,
        ended,
    } = entered;
    let span = Span::current();
    span.record("session", session.0);
    if let Event::Join { who, .. } = &event {
        span.record("player", who.player.0);
    }
    tracing::info!("comes in");
    if gate.tell(event).await {
        let serving = bulk::serve(Arc::clone(&gate), connection.clone());
        let ground = tokio::spawn(serving.in_current_span());
        let (speaking, listening) = (Arc::clone(&gate), connection.clone());
        let chat = chat::serve(speaking, session, listening, ears.chat);
        let chat = tokio::spawn(chat.in_current_span());
        let hearing = hear::listen(Arc::clone(&gate), session, &connection);
        let inner = Arc::clone(&gate);
        // A task of its own: if a defect ends it, the player lingers or leaves nevertheless.
        let talk = async move {
            let talk = Talk::new(&inner, (session, version), connection, writer);
            talk.go_on(reader, ears.messages, hearing).await
        };
        let over = tokio::spawn(talk.in_current_span())
            .await
            .unwrap_or_else(|_| {
                tracing::error!("the session broke off");
                Over::Lost
            });
        ground.abort();
        chat.abort();
        tracing::info!(?over, "the line has ended");
        if over == Over::Lost
            && let Some(time) = gate.linger(session).await
        {
            let _ = timeout(time, ended).await; // ended or not, it is over
        }
    }
    gate.leave(session).await;
    tracing::debug!("the session is over");
}

/// Sends somebody away who has not got as far as a world's gate, or not past it.
async fn turn_away(lobby: &Lobby, connection: &Peer, failed: Failed) {
    let gate = failed.gate.as_ref();
    let counters = gate.map_or(&*lobby.strays, |gate| &gate.counters);
    dismiss(counters, connection, (failed.refusal, failed.writer)).await;
}

/// Sends somebody away who is not in.
async fn refuse(gate: &Gate, connection: &Peer, refused: (Refusal, Option<ControlWriter>)) {
    dismiss(&gate.counters, connection, refused).await;
}

async fn dismiss(
    counters: &Counters,
    connection: &Peer,
    (refusal, writer): (Refusal, Option<ControlWriter>),
) {
    counters.refuse(refusal.code);
    if let Some(cause) = refusal.cause {
        counters.causes.add(cause);
    }
    tracing::info!(reason = %refusal.text, code = refusal.code.0, "refused");
    part(connection, writer, &refusal).await;
}

/// Says why, gives the client a moment to read it, and closes.
pub(super) async fn part(connection: &Peer, writer: Option<ControlWriter>, refusal: &Refusal) {
    if let Some(mut writer) = writer {
        let message = ServerMessage::Refuse(Refuse {
            code: refusal.code,
            text: ShortText::lossy(&refusal.text),
        });
        let sent = writer.send(&frame_of(&message), STREAM_DEADLINE).await;
        if sent.is_ok() {
            writer.finish(PARTING).await;
        }
    }
    connection.close(close_code(refusal.code), refusal.text.as_bytes());
}

pub(super) fn frame_of(message: &ServerMessage) -> Vec<u8> {
    let mut out = Vec::new();
    message.encode(&mut out);
    out
}
