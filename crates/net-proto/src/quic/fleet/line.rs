//! One client's connection.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

use ::bytes::Bytes;
use quinn_proto::{Connection, ConnectionHandle, Dir, Endpoint, Event, StreamEvent, StreamId};

use super::port::Port;
use super::{LineId, News};
use crate::control::FrameReader;
use crate::limits::SERVER_FRAME_BYTES_MAX;
use crate::quic::exporter::LABEL;

pub(super) struct Line {
    pub(super) connection: Connection,
    pub(super) id: LineId,
    /// Whether it is in the list of those that may have something to say.
    pub(super) is_busy: bool,
    port: usize,
    control: Option<StreamId>,
    frames: FrameReader,
    /// The earliest moment at which it will be woken; later ones are set when that comes.
    timer: Option<Instant>,
}

impl Line {
    pub(super) fn new(connection: Connection, id: LineId, port: usize) -> Self {
        Self {
            connection,
            id,
            is_busy: false,
            port,
            control: None,
            frames: FrameReader::new(SERVER_FRAME_BYTES_MAX),
            timer: None,
        }
    }

    pub(super) fn send(&mut self, datagram: Bytes) -> bool {
        !self.connection.is_closed() && self.connection.datagrams().send(datagram, true).is_ok()
    }

    pub(super) fn write(&mut self, frames: &[u8]) -> bool {
        let opened = match self.control {
            Some(stream) => Some(stream),
            None => self.connection.streams().open(Dir::Bi),
        };
        self.control = opened;
        let Some(stream) = opened else {
            return false;
        };
        let written = self.connection.send_stream(stream).write(frames);
        written.is_ok_and(|count| count == frames.len())
    }

    /// A moment has come that it waits for, or did before it came to wait for another. Whether it may have something to say.
    pub(super) fn wake(&mut self, set: Instant, now: Instant) -> bool {
        if self.timer != Some(set) {
            return false; // it has itself woken by another
        }
        self.timer = None;
        let is_due = self.connection.poll_timeout().is_some_and(|due| due <= now);
        if is_due {
            self.connection.handle_timeout(now);
        }
        is_due
    }

    /// Lets connection and endpoint tell each other what they must know; whether the line is over.
    pub(super) fn exchange(&mut self, endpoint: &mut Endpoint) -> bool {
        let mut is_over = false;
        while let Some(event) = self.connection.poll_endpoint_events() {
            is_over |= event.is_drained();
            let handle = ConnectionHandle(self.id.number);
            if let Some(answer) = endpoint.handle_event(handle, event) {
                self.connection.handle_event(answer);
            }
        }
        is_over
    }

    /// Appends what has happened.
    pub(super) fn hear(&mut self, news: &mut Vec<(LineId, News)>) {
        while let Some(event) = self.connection.poll() {
            match event {
                Event::Connected => {
                    let mut exported = [0; 32];
                    let session = self.connection.crypto_session();
                    let is_done = session.export_keying_material(&mut exported, LABEL, b"");
                    if is_done.is_ok() {
                        news.push((self.id, News::Connected(exported)));
                    }
                }
                Event::DatagramReceived => {
                    while let Some(datagram) = self.connection.datagrams().recv() {
                        news.push((self.id, News::Datagram(datagram)));
                    }
                }
                Event::Stream(StreamEvent::Readable { id }) if Some(id) == self.control => {
                    self.read(id, news);
                }
                Event::ConnectionLost { reason } => news.push((self.id, News::Lost(reason))),
                // Chat is not listened to: what has been said takes its window, and no more comes.
                Event::Stream(_) | Event::HandshakeDataReady | Event::DatagramsUnblocked => {}
            }
        }
    }

    fn read(&mut self, stream: StreamId, news: &mut Vec<(LineId, News)>) {
        let mut receive = self.connection.recv_stream(stream);
        let Ok(mut chunks) = receive.read(true) else {
            return;
        };
        while let Ok(Some(chunk)) = chunks.next(usize::MAX) {
            let mut rest = &chunk.bytes[..];
            loop {
                match self.frames.next(&mut rest) {
                    Ok(Some(frame)) => news.push((self.id, News::Frame(frame.to_vec()))),
                    Ok(None) => break,
                    Err(error) => {
                        news.push((self.id, News::Broken(error)));
                        break;
                    }
                }
            }
        }
        let _ = chunks.finalize(); // packets are made after this anyway
    }

    /// Makes the packets that are to leave now.
    pub(super) fn speak(&mut self, now: Instant, scratch: &mut Vec<u8>, ports: &mut [Port]) {
        loop {
            scratch.clear();
            let Some(transmit) = self.connection.poll_transmit(now, 1, scratch) else {
                return;
            };
            ports[self.port].send(&transmit, &scratch[..transmit.size]);
        }
    }

    /// Has itself woken when something is due earlier than it will be.
    pub(super) fn set_timer(&mut self, timers: &mut BinaryHeap<Reverse<(Instant, LineId)>>) {
        let Some(due) = self.connection.poll_timeout() else {
            return;
        };
        if self.timer.is_none_or(|set| due < set) {
            self.timer = Some(due);
            timers.push(Reverse((due, self.id)));
        }
    }
}
