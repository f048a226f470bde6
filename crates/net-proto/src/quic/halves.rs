//! Streams' ends, whichever side has them: clients have quinn's, servers those of a [`super::host::Host`].

use ::bytes::Bytes;
use quinn::{RecvStream, SendStream};

use super::control::StreamError;
use super::host::{PeerReader, PeerWriter};

/// An end to read from.
#[derive(Debug)]
pub enum ReadHalf {
    /// A client's.
    Client(RecvStream),
    /// A server's.
    Server(PeerReader),
}

/// An end to write to.
#[derive(Debug)]
pub enum WriteHalf {
    /// A client's.
    Client(SendStream),
    /// A server's.
    Server(PeerWriter),
}

impl ReadHalf {
    /// Waits for bytes; none when the peer has finished the stream. Nothing is lost when the future is dropped.
    ///
    /// # Errors
    /// [`StreamError::Closed`].
    pub async fn read(&mut self, bytes_max: usize) -> Result<Option<Bytes>, StreamError> {
        match self {
            Self::Client(stream) => {
                let chunk = stream.read_chunk(bytes_max, true).await.map_err(closed)?;
                Ok(chunk.map(|chunk| chunk.bytes))
            }
            Self::Server(stream) => stream.read(bytes_max).await,
        }
    }
}

impl WriteHalf {
    /// Writes what there is room for, waiting for some: how many bytes. Nothing is written when the future is dropped.
    ///
    /// # Errors
    /// [`StreamError::Closed`].
    pub async fn write(&mut self, bytes: &[u8]) -> Result<usize, StreamError> {
        match self {
            Self::Client(stream) => stream.write(bytes).await.map_err(closed),
            Self::Server(stream) => stream.write(bytes).await,
        }
    }

    /// Writes all. When the future is dropped, some of it may have been written.
    ///
    /// # Errors
    /// [`StreamError::Closed`].
    pub async fn write_all(&mut self, mut bytes: &[u8]) -> Result<(), StreamError> {
        while !bytes.is_empty() {
            let count = self.write(bytes).await?;
            bytes = &bytes[count..];
        }
        Ok(())
    }

    pub(super) fn set_priority(&self, priority: i32) -> Result<(), StreamError> {
        match self {
            Self::Client(stream) => stream.set_priority(priority).map_err(closed),
            Self::Server(stream) => stream.set_priority(priority),
        }
    }

    /// Ends the stream and waits until the peer has everything, or wants no more.
    pub(super) async fn finish(&mut self) {
        match self {
            Self::Client(stream) => {
                if stream.finish().is_ok() {
                    let _ = stream.stopped().await; // whether it arrived or not, nothing is left to do
                }
            }
            Self::Server(stream) => {
                stream.finish();
                stream.stopped().await;
            }
        }
    }
}

impl From<RecvStream> for ReadHalf {
    fn from(stream: RecvStream) -> Self {
        Self::Client(stream)
    }
}

impl From<PeerReader> for ReadHalf {
    fn from(stream: PeerReader) -> Self {
        Self::Server(stream)
    }
}

impl From<SendStream> for WriteHalf {
    fn from(stream: SendStream) -> Self {
        Self::Client(stream)
    }
}

impl From<PeerWriter> for WriteHalf {
    fn from(stream: PeerWriter) -> Self {
        Self::Server(stream)
    }
}

pub(super) fn closed(error: impl std::fmt::Display) -> StreamError {
    StreamError::Closed(error.to_string())
}
