//! Streams of a client's connection.

use std::future::poll_fn;

use ::bytes::Bytes;
use quinn::VarInt;
use quinn_proto::{FinishError, ReadError, ReadableError, StreamId, WriteError};

use super::line::Line;
use super::peer::Peer;
use crate::quic::control::StreamError;
use crate::quic::halves::closed;

/// The reading end of a stream. Dropped, the client is told to stop.
#[derive(Debug)]
pub struct PeerReader {
    peer: Peer,
    stream: StreamId,
    is_over: bool,
}

impl PeerReader {
    pub(super) fn new(peer: Peer, stream: StreamId) -> Self {
        Self {
            peer,
            stream,
            is_over: false,
        }
    }

    /// Waits for bytes, `bytes_max` at most; none when the client has finished the stream.
    ///
    /// # Errors
    /// [`StreamError::Closed`].
    pub(in crate::quic) async fn read(
        &mut self,
        bytes_max: usize,
    ) -> Result<Option<Bytes>, StreamError> {
        let stream = self.stream;
        let read = poll_fn(|cx| self.peer.poll(cx, |line| read(line, stream, bytes_max))).await;
        let read = read.map_err(closed).and_then(|read| read);
        self.is_over |= !matches!(read, Ok(Some(_)));
        read
    }
}

/// None where there is nothing yet.
fn read(
    line: &mut Line,
    stream: StreamId,
    bytes_max: usize,
) -> Option<Result<Option<Bytes>, StreamError>> {
    let mut receive = line.connection.recv_stream(stream);
    let mut chunks = match receive.read(true) {
        Ok(chunks) => chunks,
        Err(error @ (ReadableError::ClosedStream | ReadableError::IllegalOrderedRead)) => {
            return Some(Err(closed(error)));
        }
    };
    let next = chunks.next(bytes_max);
    let _ = chunks.finalize(); // it is visited anyway
    match next {
        Ok(chunk) => Some(Ok(chunk.map(|chunk| chunk.bytes))),
        Err(ReadError::Blocked) => None,
        Err(error @ ReadError::Reset(_)) => Some(Err(closed(error))),
    }
}

impl Drop for PeerReader {
    fn drop(&mut self) {
        if self.is_over || self.peer.close_reason().is_some() {
            return;
        }
        let stream = self.stream;
        self.peer.work(|state, id| {
            // Where it has ended there is nothing to stop.
            let _ = state.with(id, |line| {
                line.connection
                    .recv_stream(stream)
                    .stop(VarInt::from_u32(0))
            });
            state.touch(id);
        });
    }
}

/// The writing end of a stream. Dropped, it is finished.
#[derive(Debug)]
pub struct PeerWriter {
    peer: Peer,
    stream: StreamId,
}

impl PeerWriter {
    pub(super) fn new(peer: Peer, stream: StreamId) -> Self {
        Self { peer, stream }
    }

    /// Writes as much as there is room for, waiting until there is some: how many bytes.
    ///
    /// # Errors
    /// [`StreamError::Closed`].
    pub(in crate::quic) async fn write(&mut self, bytes: &[u8]) -> Result<usize, StreamError> {
        let stream = self.stream;
        let write = |line: &mut Line| match line.connection.send_stream(stream).write(bytes) {
            Err(WriteError::Blocked) => None,
            other => Some(other),
        };
        let written = poll_fn(|cx| self.peer.poll(cx, write)).await;
        written.map_err(closed)?.map_err(closed)
    }

    /// Says which streams go first: higher ones.
    ///
    /// # Errors
    /// [`StreamError::Closed`].
    pub(in crate::quic) fn set_priority(&self, priority: i32) -> Result<(), StreamError> {
        let stream = self.stream;
        let set = |line: &mut Line| line.connection.send_stream(stream).set_priority(priority);
        match self.peer.work(|state, id| state.with(id, set)) {
            Some(set) => set.map_err(closed),
            None => Err(StreamError::Closed("the connection has ended".into())),
        }
    }

    /// Ends the stream; what is written arrives.
    pub(in crate::quic) fn finish(&mut self) {
        let stream = self.stream;
        self.peer.work(|state, id| {
            state.with(id, |line| {
                let mut send = line.connection.send_stream(stream);
                if let Err(FinishError::Stopped(code)) = send.finish() {
                    let _ = send.reset(code); // it can be reset once
                }
            });
            state.touch(id);
        });
    }

    /// Waits until the client has everything, wants no more, or is gone.
    pub(in crate::quic) async fn stopped(&mut self) {
        let stream = self.stream;
        let stopped = |line: &mut Line| match line.connection.send_stream(stream).stopped() {
            Ok(None) => None,
            Ok(Some(_)) | Err(_) => Some(()),
        };
        let _ = poll_fn(|cx| self.peer.poll(cx, stopped)).await;
    }
}

impl Drop for PeerWriter {
    fn drop(&mut self) {
        if self.peer.close_reason().is_none() {
            self.finish();
        }
    }
}
