//! The bulk stream: frames in order, both ways, behind everything else that is to be sent.

use quinn::{Connection, SendStream};

use super::control::{ControlReader, ControlWriter, StreamError};
use crate::bulk::BulkRequest;
use crate::limits::{CLIENT_FRAME_BYTES_MAX, SERVER_FRAME_BYTES_MAX};

/// Control messages have 0, and datagrams go before all streams: neither waits for a tile.
const PRIORITY: i32 = -1;

/// A client's end of the bulk stream.
#[derive(Debug)]
pub struct BulkStream {
    writer: SendStream,
    reader: ControlReader,
    waiting: Vec<u8>, // requests, of which `sent` bytes are on their way
    sent: usize,
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
            writer,
            reader: ControlReader::new(reader, SERVER_FRAME_BYTES_MAX),
            waiting: Vec::new(),
            sent: 0,
        })
    }

    /// Asks; it goes out while [`BulkStream::next`] is waited for. Ask for few things at once: what waits is held in memory.
    pub fn ask(&mut self, request: &BulkRequest) {
        if self.sent == self.waiting.len() {
            self.waiting.clear();
            self.sent = 0;
        }
        request.encode(&mut self.waiting);
    }

    /// Sends what was asked, and waits for the content of the next answer; `None` when the server has finished the stream. Nothing is
    /// lost when the future is dropped before it is ready.
    ///
    /// # Errors
    /// [`StreamError`]: the stream is of no use any more.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, StreamError> {
        loop {
            let waiting = &self.waiting[self.sent..];
            tokio::select! {
                sent = self.writer.write(waiting), if !waiting.is_empty() => {
                    self.sent += sent.map_err(closed)?;
                }
                frame = self.reader.next() => return frame,
            }
        }
    }
}

/// Waits for a client to open the bulk stream: the next stream after the control stream.
///
/// # Errors
/// [`StreamError::Closed`] when the connection has ended.
pub async fn accept_bulk(
    connection: &Connection,
) -> Result<(ControlReader, ControlWriter), StreamError> {
    let (writer, reader) = connection.accept_bi().await.map_err(closed)?;
    writer.set_priority(PRIORITY).map_err(closed)?;
    let reader = ControlReader::new(reader, CLIENT_FRAME_BYTES_MAX);
    Ok((reader, ControlWriter::new(writer)))
}

fn closed(error: impl std::fmt::Display) -> StreamError {
    StreamError::Closed(error.to_string())
}
