//! The streams of chat of a session: what its player says, and what it hears.
//!
//! A player who says more than it may is not heard for a moment: its stream fills up, and its client waits. One who does not read what others say
//! misses it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use net_proto::quic::{ControlReader, Peer, STREAM_DEADLINE, StreamError, accept_chat, open_chat};
use net_proto::{CLIENT_FRAME_BYTES_MAX, RefuseCode, Say, WireError};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::counts::Class;
use super::link::SessionId;
use super::share::Share;
use super::table::{Gate, close_code};

/// Says at once.
const BURST: f64 = 20.0;

/// Serves both until the connection ends.
pub(super) async fn serve(
    gate: Arc<Gate>,
    session: SessionId,
    connection: Peer,
    heard: mpsc::Receiver<Bytes>,
) {
    tokio::join!(
        listen(&gate, session, &connection),
        tell(&gate, &connection, heard)
    );
}

/// Passes on what the player says, one stream after the other.
async fn listen(gate: &Gate, session: SessionId, connection: &Peer) {
    let mut share = Share::new(f64::from(gate.limits().says_s), BURST);
    while let Ok(reader) = accept_chat(connection, CLIENT_FRAME_BYTES_MAX).await {
        if let Err(error) = pass_on(gate, session, &mut share, reader).await {
            gate.counters.refuse(RefuseCode::MALFORMED);
            let why = error.to_string();
            tracing::info!(%why, "a client says what none should");
            return connection.close(close_code(RefuseCode::MALFORMED), why.as_bytes());
        }
    }
}

async fn pass_on(
    gate: &Gate,
    session: SessionId,
    share: &mut Share,
    mut reader: ControlReader,
) -> Result<(), WireError> {
    loop {
        let say = match reader.next().await {
            Ok(Some(frame)) => Say::decode(&frame)?,
            Ok(None) | Err(StreamError::Closed(_) | StreamError::Timeout) => return Ok(()),
            Err(StreamError::Wire(error)) => return Err(error),
        };
        share.pace(f64::from(gate.limits().says_s));
        let mut is_first = true;
        while let Err(wait) = share.spend(1.0, Instant::now()) {
            if core::mem::take(&mut is_first) {
                gate.counters.limit(Class::Say);
            }
            tokio::time::sleep(wait.max(LEAST_WAIT)).await;
        }
        gate.say(session, say);
    }
}

/// Tells the player what others say, as long as its client reads.
async fn tell(gate: &Gate, connection: &Peer, mut heard: mpsc::Receiver<Bytes>) {
    let Some(mut frames) = heard.recv().await else {
        return;
    };
    let Ok(mut writer) = open_chat(connection).await else {
        return;
    };
    while writer.send(&frames, STREAM_DEADLINE).await.is_ok() {
        match heard.recv().await {
            Some(more) => frames = more,
            None => return writer.finish(Duration::ZERO).await,
        }
    }
    gate.counters.drop_chat();
}

/// Sleeps are no shorter.
const LEAST_WAIT: Duration = Duration::from_millis(1);
