//! The bulk stream: frames in order, both ways, behind everything else that is to be sent.

use std::time::Duration;

use quinn::Connection;
use tokio::time::{Instant, sleep, timeout};

use super::control::{ControlReader, FrameSender, StreamError};
use super::halves::{WriteHalf, closed};
use super::host::Peer;
use crate::bulk::BulkRequest;
use crate::limits::{CLIENT_FRAME_BYTES_MAX, SERVER_FRAME_BYTES_MAX};

/// Control messages have 0, chat -1, and datagrams go before all streams: nothing waits for a tile.
const PRIORITY: i32 = -2;

/// A client's end of the bulk stream.
#[derive(Debug)]
pub struct BulkStream {
    sender: FrameSender,
    reader: ControlReader,
}

impl BulkStream {
    /// Opens it. The server hears of it with the first request.
    ///
    /// # Errors
    /// [`StreamError::Closed`] when the connection has ended.
    pub async fn open(connection: &Connection) -> Result<Self, StreamError> {
        let (writer, reader) = connection.open_bi().await.map_err(closed)?;
        writer.set_priority(PRIORITY).map_err(closed)?;
        Ok(Self {
            sender: FrameSender::new(writer),
            reader: ControlReader::new(reader, SERVER_FRAME_BYTES_MAX),
        })
    }

    /// Asks; it goes out while [`BulkStream::next`] is waited for. Ask for few things at once: what waits is held in memory.
    pub fn ask(&mut self, request: &BulkRequest) {
        request.encode(self.sender.frames());
    }

    /// Sends what was asked, and waits for the content of the next answer; `None` when the server has finished the stream. Nothing is
    /// lost when the future is dropped before it is ready.
    ///
    /// # Errors
    /// [`StreamError`]: the stream is of no use any more.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, StreamError> {
        tokio::select! {
            biased; // sending never waits for long
            sent = self.sender.drive() => match sent? {},
            frame = self.reader.next() => frame,
        }
    }
}

/// A server's writing end of the bulk stream.
///
/// What is on its way is in the way of everything that leaves after it, however low its priority was. So it is sent no faster than the line
/// carries without a queue: the pace rises while the round trip stays what it was at best, and falls when it grows.
#[derive(Debug)]
pub struct BulkWriter {
    stream: WriteHalf,
    peer: Peer,
    bytes_per_s: f64,
    least: Duration, // the shortest round trip so far
    judged: Instant, // when the pace was last changed
}

/// Waits for a client to open the bulk stream: the next stream after the control stream.
///
/// # Errors
/// [`StreamError::Closed`] when the connection has ended.
pub async fn accept_bulk(peer: &Peer) -> Result<(ControlReader, BulkWriter), StreamError> {
    let (stream, reader) = peer.accept_bi().await.map_err(closed)?;
    let stream = WriteHalf::from(stream);
    stream.set_priority(PRIORITY)?;
    let reader = ControlReader::new(reader, CLIENT_FRAME_BYTES_MAX);
    let writer = BulkWriter {
        stream,
        peer: peer.clone(),
        bytes_per_s: PACE_FIRST,
        least: peer.rtt(),
        judged: Instant::now(),
    };
    Ok((reader, writer))
}

impl BulkWriter {
    /// Sends a frame, as [`crate::BulkAnswer::encode`] appends it. Give the stream up on an error or when the future is dropped: the frame
    /// may have been cut.
    ///
    /// # Errors
    /// [`StreamError::Timeout`] when the peer does not take a piece of it in time, [`StreamError::Closed`] when it is gone.
    pub async fn send(&mut self, frame: &[u8], deadline: Duration) -> Result<(), StreamError> {
        for piece in frame.chunks(PIECE_BYTES) {
            match timeout(deadline, self.stream.write_all(piece)).await {
                Ok(sent) => sent?,
                Err(_) => return Err(StreamError::Timeout),
            }
            self.judge();
            sleep(Duration::from_secs_f64(
                piece.len() as f64 / self.bytes_per_s,
            ))
            .await;
        }
        Ok(())
    }

    /// Changes the pace once a round trip.
    fn judge(&mut self) {
        let trip = self.peer.rtt();
        self.least = self.least.min(trip);
        if self.judged.elapsed() < trip {
            return;
        }
        self.judged = Instant::now();
        let factor = match trip.saturating_sub(self.least) {
            queue if queue < QUEUE_SHORT => 1.25,
            queue if queue < QUEUE_LONG => 1.0,
            _ => 0.7,
        };
        self.bytes_per_s = (self.bytes_per_s * factor).clamp(PACE_LEAST, PACE_MOST);
    }
}

const PIECE_BYTES: usize = 2 << 10;
/// Bytes a second at first, at least, and at most.
const PACE_FIRST: f64 = 65_536.0;
const PACE_LEAST: f64 = 16_384.0;
const PACE_MOST: f64 = 1e8;
/// A round trip so much longer than the shortest is a queue that may grow, and one that must shrink.
const QUEUE_SHORT: Duration = Duration::from_millis(20);
const QUEUE_LONG: Duration = Duration::from_millis(40);
