//! The bulk stream of a session: questions in order, answers in order, one at a time.
//!
//! What a session may have is told by bytes a second, with a burst of two seconds; beyond, and while the desk is busy, it is told to ask
//! again later, and is heard no further for a moment. A client that breaks the protocol or does not read what it asked for is sent away.

use std::sync::Arc;
use std::time::Duration;

use net_proto::quic::{BulkWriter, ControlReader, Peer, STREAM_DEADLINE, accept_bulk};
use net_proto::{BulkAnswer, BulkRequest, RefuseCode, TileAnswer, TileAsk};
use tokio::time::Instant;

use super::counts::Class;
use super::share::Share;
use super::table::{Gate, close_code};
use super::tiles::{Frame, TileDesk, frame};

/// What every question costs at least, whatever the answer: bytes.
const ASK_BYTES: usize = 256;
/// How long somebody is not heard who was told to come later, at most.
const PAUSE_MAX: Duration = Duration::from_millis(250);
/// When the desk is busy, ask again after so long.
const BUSY: Duration = Duration::from_millis(100);

/// Serves a session's bulk streams, one after the other, until its connection ends.
pub(super) async fn serve(gate: Arc<Gate>, connection: Peer) {
    let Some(desk) = &gate.tiles else {
        return; // nobody answers
    };
    let per_s = f64::from(gate.tile_bytes_s);
    let mut share = Share::new(per_s, 2.0 * per_s);
    while let Ok((reader, writer)) = accept_bulk(&connection).await {
        if let Err((code, why)) = answer_all((&gate, desk), &mut share, reader, writer).await {
            gate.counters.refuse(code);
            tracing::info!(%why, "a client asks for ground as none should");
            return connection.close(close_code(code), why.as_bytes());
        }
    }
}

/// Answers until the client has finished its stream.
async fn answer_all(
    (gate, desk): (&Gate, &TileDesk),
    share: &mut Share,
    mut reader: ControlReader,
    mut writer: BulkWriter,
) -> Result<(), (RefuseCode, String)> {
    use net_proto::quic::StreamError;
    loop {
        let request = match reader.next().await {
            Ok(Some(frame)) => BulkRequest::decode(&frame),
            Ok(None) | Err(StreamError::Closed(_) | StreamError::Timeout) => return Ok(()),
            Err(StreamError::Wire(error)) => Err(error),
        };
        let asks = match request {
            Ok(BulkRequest::Tiles(asks)) => asks,
            Ok(BulkRequest::Ground) => {
                send(&mut writer, &frame(&BulkAnswer::Ground(desk.info()))).await?;
                share
                    .spend(ASK_BYTES as f64, Instant::now())
                    .unwrap_or_default();
                continue;
            }
            Err(error) => return Err((RefuseCode::MALFORMED, error.to_string())),
        };
        let mut pause = Duration::ZERO;
        for ask in asks {
            let (frame, wait) = answer((gate, desk), share, ask).await;
            send(&mut writer, &frame).await?;
            pause = pause.max(wait);
        }
        tokio::time::sleep(pause.min(PAUSE_MAX)).await;
    }
}

/// The answer to one question, and how long the client should wait before the next.
async fn answer(
    (gate, desk): (&Gate, &TileDesk),
    share: &mut Share,
    ask: TileAsk,
) -> (Frame, Duration) {
    let later = |after: Duration| {
        desk.counters.refuse();
        let after_ms = u16::try_from(after.as_millis()).unwrap_or(u16::MAX).max(1);
        let answer = TileAnswer::Later(after_ms);
        (frame(&BulkAnswer::Tile(ask.cell, answer)), after)
    };
    if let Err(after) = share.spend(ASK_BYTES as f64, Instant::now()) {
        gate.counters.limit(Class::Tile);
        return later(after);
    }
    let Some(answer) = desk.ask(ask) else {
        return later(BUSY);
    };
    let Ok(frame) = answer.await else {
        return later(BUSY); // the desk is closing
    };
    match share.spend(frame.len().saturating_sub(ASK_BYTES) as f64, Instant::now()) {
        Ok(()) => {
            desk.counters.send(frame.len());
            (frame, Duration::ZERO)
        }
        Err(after) => {
            gate.counters.limit(Class::Tile);
            later(after)
        }
    }
}

async fn send(writer: &mut BulkWriter, frame: &Frame) -> Result<(), (RefuseCode, String)> {
    use net_proto::quic::StreamError;
    match writer.send(frame, STREAM_DEADLINE).await {
        Ok(()) => Ok(()),
        Err(StreamError::Timeout) => Err((RefuseCode::SLOW, "ground is not read".into())),
        Err(error) => Err((RefuseCode::CLOSING, error.to_string())),
    }
}
