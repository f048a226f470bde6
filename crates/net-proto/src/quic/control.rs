//! The control stream: frames in order, both ways.

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};

use super::halves::{ReadHalf, WriteHalf};
use super::host::Peer;
use crate::control::{ClientMessage, FrameReader, Hello, Return};
use crate::error::WireError;
use crate::limits::CLIENT_FRAME_BYTES_MAX;

/// Reads frames.
#[derive(Debug)]
pub struct ControlReader {
    stream: ReadHalf,
    frames: FrameReader,
    chunk: Vec<u8>, // received, from `taken` on not yet cut into frames
    taken: usize,
}

impl ControlReader {
    /// A reader of frames of at most `bytes_max` bytes.
    pub fn new(stream: impl Into<ReadHalf>, bytes_max: usize) -> Self {
        Self {
            stream: stream.into(),
            frames: FrameReader::new(bytes_max),
            chunk: Vec::new(),
            taken: 0,
        }
    }

    /// Waits for the next frame; `None` when the peer has finished the stream. Nothing is lost when the future is
    /// dropped before it is ready.
    ///
    /// # Errors
    /// [`StreamError`]: the stream cannot be read on.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, StreamError> {
        loop {
            let mut rest = &self.chunk[self.taken..];
            let frame = self.frames.next(&mut rest)?.map(<[u8]>::to_vec);
            self.taken = self.chunk.len() - rest.len();
            if frame.is_some() {
                return Ok(frame);
            }
            match self.stream.read(CHUNK_BYTES).await? {
                Some(bytes) => {
                    self.chunk.clear();
                    self.chunk.extend_from_slice(&bytes);
                    self.taken = 0;
                }
                None if self.frames.is_between_frames() => return Ok(None),
                None => return Err(StreamError::Wire(WireError::Short)),
            }
        }
    }
}

/// Writes frames.
#[derive(Debug)]
pub struct ControlWriter(WriteHalf);

impl ControlWriter {
    /// A writer on a stream.
    pub fn new(stream: impl Into<WriteHalf>) -> Self {
        Self(stream.into())
    }

    /// Sends frames, as [`crate::ServerMessage::encode`] and [`crate::ClientMessage::encode`] append them. Give the
    /// stream up on an error or when the future is dropped: a frame may have been cut.
    ///
    /// # Errors
    /// [`StreamError::Timeout`] when the peer does not take them in time, [`StreamError::Closed`] when it is gone.
    pub async fn send(&mut self, frames: &[u8], deadline: Duration) -> Result<(), StreamError> {
        match timeout(deadline, self.0.write_all(frames)).await {
            Ok(sent) => sent,
            Err(_) => Err(StreamError::Timeout),
        }
    }

    /// The same stream, for who sends without waiting.
    pub fn into_sender(self) -> FrameSender {
        FrameSender::new(self.0)
    }

    /// Ends the stream and waits, but not for long, until the peer has everything: what was said last, a refusal,
    /// would otherwise be lost when the connection is closed.
    pub async fn finish(mut self, deadline: Duration) {
        // Whether it arrived or not, nothing is left to do.
        let _ = timeout(deadline, self.0.finish()).await;
    }
}

/// Sends frames while something else is waited for.
#[derive(Debug)]
pub struct FrameSender {
    stream: WriteHalf,
    waiting: Vec<u8>, // frames, of which `sent` bytes are on their way
    sent: usize,
}

impl FrameSender {
    /// A sender on a stream.
    pub fn new(stream: impl Into<WriteHalf>) -> Self {
        Self {
            stream: stream.into(),
            waiting: Vec::new(),
            sent: 0,
        }
    }

    /// Where frames to send are appended to; they go out while [`FrameSender::drive`] is waited for. What waits is held in memory.
    pub fn frames(&mut self) -> &mut Vec<u8> {
        if self.sent == self.waiting.len() {
            self.waiting.clear();
            self.sent = 0;
        }
        &mut self.waiting
    }

    /// Bytes that wait.
    pub fn backlog(&self) -> usize {
        self.waiting.len() - self.sent
    }

    /// Forgets what waits: the stream is of no use any more.
    pub fn give_up(&mut self) {
        self.sent = self.waiting.len();
    }

    /// Sends what waits, then waits for ever. Nothing is lost when the future is dropped.
    ///
    /// # Errors
    /// [`StreamError::Closed`] when the stream is of no use any more.
    pub async fn drive(&mut self) -> Result<Infallible, StreamError> {
        while self.backlog() > 0 {
            self.sent += self.stream.write(&self.waiting[self.sent..]).await?;
        }
        pending().await
    }
}

/// Waits for a new client's stream and its hello, for both together no longer than the deadline.
///
/// # Errors
/// [`HelloError`]; all but [`HelloError::Closed`] hold the stream on which to answer with a refusal.
pub async fn accept_hello(
    peer: &Peer,
    deadline: Duration,
) -> Result<(Hello, ControlReader, ControlWriter), HelloError> {
    match accept_opening(peer, deadline).await? {
        (Opening::Hello(hello), reader, writer) => Ok((hello, reader, writer)),
        (Opening::Return(_), _, writer) => Err(HelloError::Wire(NOT_FIRST, writer)),
    }
}

/// What a client may begin with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Opening {
    /// It comes in.
    Hello(Hello),
    /// It comes back.
    Return(Return),
}

/// As [`accept_hello`], for servers to which clients may also come back.
///
/// # Errors
/// Those of [`accept_hello`].
pub async fn accept_opening(
    peer: &Peer,
    deadline: Duration,
) -> Result<(Opening, ControlReader, ControlWriter), HelloError> {
    let due = Instant::now() + deadline;
    match timeout_at(due, peer.accept_bi()).await {
        Ok(Ok((send, recv))) => {
            let mut reader = ControlReader::new(recv, CLIENT_FRAME_BYTES_MAX);
            let writer = ControlWriter::new(send);
            match timeout_at(due, reader.next()).await {
                Ok(Ok(Some(frame))) => match opening(&frame) {
                    Ok(opening) => Ok((opening, reader, writer)),
                    Err(error) => Err(HelloError::Wire(error, writer)),
                },
                Ok(Ok(None)) => Err(HelloError::Wire(WireError::Short, writer)),
                Ok(Err(StreamError::Wire(error))) => Err(HelloError::Wire(error, writer)),
                Ok(Err(error)) => Err(HelloError::Closed(error.to_string())),
                Err(_) => Err(HelloError::Slow(Some(writer))),
            }
        }
        Ok(Err(error)) => Err(HelloError::Closed(error.to_string())),
        Err(_) => Err(HelloError::Slow(None)),
    }
}

/// The first frame of a client.
fn opening(frame: &[u8]) -> Result<Opening, WireError> {
    match ClientMessage::decode(frame)? {
        ClientMessage::Hello(hello) => Ok(Opening::Hello(hello)),
        ClientMessage::Return(again) => Ok(Opening::Return(again)),
        ClientMessage::Command(_) => Err(NOT_FIRST),
    }
}

const NOT_FIRST: WireError = WireError::Unexpected("this message in the beginning");

/// Why there was no hello.
#[derive(Debug, thiserror::Error)]
pub enum HelloError {
    /// Something else arrived.
    #[error("{0}")]
    Wire(WireError, ControlWriter),
    /// Nothing complete arrived in time.
    #[error("no hello in time")]
    Slow(Option<ControlWriter>),
    /// The client is gone.
    #[error("connection closed: {0}")]
    Closed(String),
}

/// Why a control stream ended.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StreamError {
    /// The peer broke the protocol.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The stream or its connection is closed.
    #[error("closed: {0}")]
    Closed(String),
    /// The peer did not take a message in time.
    #[error("peer did not take a message in time")]
    Timeout,
}

const CHUNK_BYTES: usize = 16 << 10;
