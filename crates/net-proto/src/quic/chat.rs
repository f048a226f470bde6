//! The streams of chat: one each way, for one way only; each is opened by who has something to say.

use quinn::Connection;

use super::control::{ControlReader, ControlWriter, FrameSender, StreamError};
use super::halves::{ReadHalf, WriteHalf, closed};
use super::host::Peer;

/// Control messages have 0: no command waits for what somebody says.
const PRIORITY: i32 = -1;

/// What can open streams that go one way.
pub trait Talker {
    /// Opens one, when the peer lets it.
    ///
    /// # Errors
    /// [`StreamError::Closed`].
    fn open(&self) -> impl Future<Output = Result<WriteHalf, StreamError>> + Send;
    /// Waits for the peer to open one.
    ///
    /// # Errors
    /// [`StreamError::Closed`].
    fn accept(&self) -> impl Future<Output = Result<ReadHalf, StreamError>> + Send;
}

impl Talker for Connection {
    async fn open(&self) -> Result<WriteHalf, StreamError> {
        Ok(self.open_uni().await.map_err(closed)?.into())
    }

    async fn accept(&self) -> Result<ReadHalf, StreamError> {
        Ok(self.accept_uni().await.map_err(closed)?.into())
    }
}

impl Talker for Peer {
    async fn open(&self) -> Result<WriteHalf, StreamError> {
        Ok(self.open_uni().await.map_err(closed)?.into())
    }

    async fn accept(&self) -> Result<ReadHalf, StreamError> {
        Ok(self.accept_uni().await.map_err(closed)?.into())
    }
}

/// Opens a stream to say something on, without waiting for the peer.
///
/// # Errors
/// [`StreamError::Closed`] when the connection has ended, or the peer takes no stream.
pub async fn open_chat(connection: &impl Talker) -> Result<ControlWriter, StreamError> {
    let stream = connection.open().await?;
    stream.set_priority(PRIORITY)?;
    Ok(ControlWriter::new(stream))
}

/// Waits for the peer to say something: frames of at most `bytes_max` bytes.
///
/// # Errors
/// [`StreamError::Closed`] when the connection has ended.
pub async fn accept_chat(
    connection: &impl Talker,
    bytes_max: usize,
) -> Result<ControlReader, StreamError> {
    Ok(ControlReader::new(connection.accept().await?, bytes_max))
}

/// A client's ends of both.
#[derive(Debug, Default)]
pub struct ChatStreams {
    waiting: Vec<u8>, // until there is a stream
    sender: Option<FrameSender>,
    reader: Option<ControlReader>,
}

impl ChatStreams {
    /// Where frames to send are appended to; they go out while [`ChatStreams::next`] is waited for. What waits is held in memory.
    pub fn frames(&mut self) -> &mut Vec<u8> {
        match &mut self.sender {
            Some(sender) => sender.frames(),
            None => &mut self.waiting,
        }
    }

    /// Bytes that wait.
    pub fn backlog(&self) -> usize {
        let sending = self.sender.as_ref().map_or(0, FrameSender::backlog);
        self.waiting.len() + sending
    }

    /// Sends what was said, and waits for the content of what is heard next. Nothing is lost when the future is dropped before it is ready.
    ///
    /// # Errors
    /// [`StreamError`]: the server has broken the protocol, or the connection has ended.
    pub async fn next(
        &mut self,
        connection: &Connection,
        bytes_max: usize,
    ) -> Result<Vec<u8>, StreamError> {
        if self.sender.is_none() && !self.waiting.is_empty() {
            let mut sender = open_chat(connection).await?.into_sender();
            sender.frames().append(&mut self.waiting);
            self.sender = Some(sender);
        }
        loop {
            let frame = tokio::select! {
                biased; // sending never waits for long
                sent = drive(&mut self.sender) => match sent? {},
                frame = hear(&mut self.reader, connection, bytes_max) => frame?,
            };
            match frame {
                Some(frame) => return Ok(frame),
                None => self.reader = None, // the server has finished; it may open another
            }
        }
    }
}

async fn drive(sender: &mut Option<FrameSender>) -> Result<std::convert::Infallible, StreamError> {
    match sender {
        Some(sender) => sender.drive().await,
        None => std::future::pending().await,
    }
}

async fn hear(
    reader: &mut Option<ControlReader>,
    connection: &Connection,
    bytes_max: usize,
) -> Result<Option<Vec<u8>>, StreamError> {
    if reader.is_none() {
        *reader = Some(accept_chat(connection, bytes_max).await?);
    }
    match reader {
        Some(reader) => reader.next().await,
        None => Ok(None),
    }
}
