//! All connections of a host.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use ::bytes::{Bytes, BytesMut};
use quinn::udp::{EcnCodepoint, RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, VarInt};
use quinn_proto::{
    Connection, ConnectionError, ConnectionHandle, DatagramEvent, Endpoint, EndpointEvent,
};

use super::line::{Fate, Line, LineId, Out, Visit};

/// Everything of a host; see [`super::Shared`].
pub(super) struct State {
    endpoint: Endpoint,
    out: Out,
    /// By the number that the endpoint gives.
    slots: Vec<Slot>,
    open: usize,
    serials: u64,
    /// When a connection is looked at; an entry that its slot does not know is void.
    timers: BinaryHeap<Reverse<(Instant, usize)>>,
    /// Connections that are to be visited, each once.
    touched: Vec<usize>,
    arrivals: VecDeque<quinn_proto::Incoming>,
    /// Who waits for arrivals.
    porters: Vec<Waker>,
    /// Who waits until no connection is left.
    idlers: Vec<Waker>,
    /// To be woken when the state is free again.
    woken: Vec<Waker>,
    driver: Option<Waker>,
    /// When the driver looks up by itself.
    pub(super) sleeps_until: Option<Instant>,
    closed: Option<(VarInt, Bytes)>,
    is_orphaned: bool,
}

/// A connection's place. What the timers need is here, so that they need not touch the connection.
#[derive(Default)]
struct Slot {
    line: Option<Box<Line>>,
    serial: u64,
    is_touched: bool,
    /// When something is to happen.
    due: Option<Instant>,
    /// When it is looked at, which may be earlier.
    armed: Option<Instant>,
}

impl State {
    pub(super) fn new(endpoint: Endpoint, socket: Arc<dyn AsyncUdpSocket>) -> Self {
        Self {
            endpoint,
            out: Out::new(socket),
            slots: Vec::new(),
            open: 0,
            serials: 0,
            timers: BinaryHeap::new(),
            touched: Vec::new(),
            arrivals: VecDeque::new(),
            porters: Vec::new(),
            idlers: Vec::new(),
            woken: Vec::new(),
            driver: None,
            sleeps_until: None,
            closed: None,
            is_orphaned: false,
        }
    }

    pub(super) fn take_woken(&mut self) -> Vec<Waker> {
        core::mem::take(&mut self.woken)
    }

    pub(super) fn set_driver(&mut self, waker: &Waker) {
        if !(self.driver.as_ref()).is_some_and(|driver| driver.will_wake(waker)) {
            self.driver = Some(waker.clone());
        }
    }

    fn wake_driver(&mut self) {
        self.woken.extend(self.driver.take());
    }

    /// Nobody can let clients in any more.
    pub(super) fn orphan(&mut self) {
        self.is_orphaned = true;
        for arrival in self.arrivals.drain(..) {
            self.endpoint.ignore(arrival);
        }
        self.wake_driver();
    }

    /// Nobody drives it any more: what there is ends, and who waits hears of it.
    pub(super) fn abandon(&mut self) {
        self.closed
            .get_or_insert((VarInt::from_u32(0), Bytes::new()));
        self.arrivals
            .drain(..)
            .for_each(|arrival| self.endpoint.ignore(arrival));
        self.woken.append(&mut self.porters);
        for number in 0..self.slots.len() {
            if self.slots[number].line.is_some() {
                self.cut(number);
            }
        }
    }

    /// Nothing can happen any more.
    pub(super) fn is_over(&self) -> bool {
        self.is_orphaned && self.open == 0
    }

    pub(super) fn open(&self) -> usize {
        self.open
    }

    pub(super) fn accepted(&self) -> u64 {
        self.serials
    }

    pub(super) fn poll_idle(&mut self, cx: &Context<'_>) -> Poll<()> {
        if self.open == 0 {
            return Poll::Ready(());
        }
        enlist(&mut self.idlers, cx.waker());
        Poll::Pending
    }

    pub(super) fn poll_arrival(&mut self, cx: &Context<'_>) -> Poll<Option<quinn_proto::Incoming>> {
        if self.closed.is_some() {
            return Poll::Ready(None);
        }
        match self.arrivals.pop_front() {
            Some(arrival) => Poll::Ready(Some(arrival)),
            None => {
                enlist(&mut self.porters, cx.waker());
                Poll::Pending
            }
        }
    }

    pub(super) fn close_all(&mut self, now: Instant, code: VarInt, reason: &Bytes) {
        self.closed = Some((code, reason.clone()));
        self.woken.append(&mut self.porters);
        while let Some(arrival) = self.arrivals.pop_front() {
            self.refuse(arrival);
        }
        for number in 0..self.slots.len() {
            if let Some(line) = &self.slots[number].line {
                let id = line.id;
                self.close(now, id, code, reason);
            }
        }
    }

    /// Ends a connection, if it has not ended.
    pub(super) fn close(&mut self, now: Instant, id: LineId, code: VarInt, reason: &Bytes) {
        let closed = self.with(id, |line| line.close(now, code, reason.clone()));
        if closed == Some(true) {
            self.wake_waiting(id.number);
            self.touch(id);
        }
    }

    pub(super) fn refuse(&mut self, arrival: quinn_proto::Incoming) {
        let mut bytes = Vec::new();
        let transmit = self.endpoint.refuse(arrival, &mut bytes);
        self.out.answer(&transmit, &bytes);
    }

    pub(super) fn ignore(&mut self, arrival: quinn_proto::Incoming) {
        self.endpoint.ignore(arrival);
    }

    /// Has a client prove its address; false where it has already.
    pub(super) fn retry(&mut self, arrival: quinn_proto::Incoming) -> bool {
        let mut bytes = Vec::new();
        match self.endpoint.retry(arrival, &mut bytes) {
            Ok(transmit) => {
                self.out.answer(&transmit, &bytes);
                true
            }
            Err(error) => {
                self.refuse(error.into_incoming());
                false
            }
        }
    }

    /// Begins a connection.
    pub(super) fn accept(
        &mut self,
        now: Instant,
        arrival: quinn_proto::Incoming,
    ) -> Result<(LineId, Arc<Fate>), ConnectionError> {
        let mut bytes = Vec::new();
        let endpoint = &mut self.endpoint;
        let accept = || {
            let accepted = endpoint.accept(arrival, now, &mut bytes, None);
            accepted.map_err(Box::new)
        };
        match catch_unwind(AssertUnwindSafe(accept)) {
            Err(_) => Err(ConnectionError::Reset), // its number is never used again
            Ok(Ok((handle, connection))) => Ok(self.begin(now, handle, connection)),
            Ok(Err(error)) => {
                if let Some(transmit) = error.response {
                    self.out.answer(&transmit, &bytes);
                }
                Err(error.cause)
            }
        }
    }

    fn begin(
        &mut self,
        now: Instant,
        handle: ConnectionHandle,
        connection: Connection,
    ) -> (LineId, Arc<Fate>) {
        self.serials += 1;
        let id = LineId {
            number: handle.0,
            serial: self.serials,
        };
        let fate = Arc::new(Fate::default());
        if self.slots.len() <= id.number {
            self.slots.resize_with(id.number + 1, Slot::default);
        }
        let line = Line::new(connection, id, Arc::clone(&fate));
        self.slots[id.number] = Slot {
            line: Some(Box::new(line)),
            serial: id.serial,
            ..Slot::default()
        };
        self.open += 1;
        if let Some((code, reason)) = self.closed.clone() {
            self.close(now, id, code, &reason);
        }
        self.touch(id);
        (id, fate)
    }

    /// Takes what one buffer holds: packets of one peer.
    pub(super) fn receive(&mut self, now: Instant, meta: &RecvMeta, bytes: &[u8]) {
        let mut left = BytesMut::from(bytes);
        while !left.is_empty() {
            let packet = left.split_to(meta.stride.clamp(1, left.len()));
            self.take(now, meta, packet);
        }
    }

    fn take(&mut self, now: Instant, meta: &RecvMeta, packet: BytesMut) {
        let ecn = meta.ecn.map(|ecn| match ecn {
            EcnCodepoint::Ect0 => quinn_proto::EcnCodepoint::Ect0,
            EcnCodepoint::Ect1 => quinn_proto::EcnCodepoint::Ect1,
            EcnCodepoint::Ce => quinn_proto::EcnCodepoint::Ce,
        });
        let mut bytes = core::mem::take(&mut self.out.scratch);
        bytes.clear();
        let endpoint = &mut self.endpoint;
        let handle = || endpoint.handle(now, meta.addr, meta.dst_ip, ecn, packet, &mut bytes);
        // A packet that breaks it is lost.
        let event = catch_unwind(AssertUnwindSafe(handle)).unwrap_or(None);
        if let Some(DatagramEvent::Response(transmit)) = &event {
            self.out.answer(transmit, &bytes);
        }
        self.out.scratch = bytes;
        match event {
            Some(DatagramEvent::ConnectionEvent(handle, event)) => {
                self.visit(handle.0, now, |line| line.connection.handle_event(event));
            }
            Some(DatagramEvent::NewConnection(arrival)) if self.is_orphaned => self.ignore(arrival),
            Some(DatagramEvent::NewConnection(arrival)) if self.closed.is_some() => {
                self.refuse(arrival);
            }
            Some(DatagramEvent::NewConnection(arrival)) => {
                self.arrivals.push_back(arrival); // the endpoint bounds them
                self.woken.append(&mut self.porters);
            }
            Some(DatagramEvent::Response(_)) | None => {}
        }
    }

    /// Works on a connection that there still is. Should that panic, the connection is over.
    pub(super) fn with<R>(&mut self, id: LineId, work: impl FnOnce(&mut Line) -> R) -> Option<R> {
        let slot = self.slots.get_mut(id.number)?;
        let line = slot.line.as_mut().filter(|_| slot.serial == id.serial)?;
        match catch_unwind(AssertUnwindSafe(|| work(line))) {
            Ok(result) => Some(result),
            Err(_) => {
                self.cut(id.number);
                None
            }
        }
    }

    /// Works on a connection, and does at once whatever follows from that.
    pub(super) fn attend<R>(
        &mut self,
        now: Instant,
        id: LineId,
        work: impl FnOnce(&mut Line) -> R,
    ) -> Option<R> {
        let slot = self.slots.get(id.number)?;
        if slot.serial != id.serial {
            return None;
        }
        let result = self.visit(id.number, now, work);
        let armed = self.slots[id.number].armed;
        let is_sooner = match (armed, self.sleeps_until) {
            (Some(armed), Some(until)) => armed < until,
            (armed, _) => armed.is_some(),
        };
        if is_sooner || !self.touched.is_empty() {
            self.wake_driver();
        }
        result
    }

    /// The same, by the driver.
    fn visit<R>(
        &mut self,
        number: usize,
        now: Instant,
        work: impl FnOnce(&mut Line) -> R,
    ) -> Option<R> {
        let slot = self.slots.get_mut(number)?;
        let line = slot.line.as_mut()?;
        let (endpoint, out, woken) = (&mut self.endpoint, &mut self.out, &mut self.woken);
        let visited = catch_unwind(AssertUnwindSafe(|| {
            let result = work(line);
            let visit = line.visit(now, endpoint, out, woken);
            (result, visit, line.connection.poll_timeout())
        }));
        let Ok((result, visit, due)) = visited else {
            self.cut(number);
            return None;
        };
        slot.due = due;
        if let Some(due) = due
            && slot.armed.is_none_or(|armed| due < armed)
        {
            slot.armed = Some(due);
            self.timers.push(Reverse((due, number)));
        }
        match visit {
            Visit::Done => {}
            Visit::Unsaid => self.touch_number(number),
            Visit::Over => self.forget(number),
        }
        Some(result)
    }

    /// Visits those whose time has come.
    pub(super) fn visit_due(&mut self, now: Instant) {
        while let Some(Reverse((at, number))) = self.timers.peek().copied() {
            if at > now {
                return;
            }
            self.timers.pop();
            let slot = &mut self.slots[number];
            if slot.armed != Some(at) {
                continue;
            }
            slot.armed = slot.due;
            match slot.due {
                Some(due) if due > now => self.timers.push(Reverse((due, number))),
                Some(_) => {
                    slot.armed = None;
                    self.visit(number, now, |line| line.connection.handle_timeout(now));
                }
                None => {}
            }
        }
    }

    /// When the next one is looked at.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.timers.peek().map(|Reverse((at, _))| *at)
    }

    /// Visits those who may have something to say, unless the system takes nothing.
    pub(super) fn visit_touched(&mut self, now: Instant) {
        if self.out.is_stuck() {
            return;
        }
        let mut touched = core::mem::take(&mut self.touched);
        for number in touched.drain(..) {
            self.slots[number].is_touched = false;
            self.visit(number, now, |_| {});
        }
        touched.append(&mut self.touched);
        self.touched = touched;
    }

    /// Whether there are such who can.
    pub(super) fn has_touched(&self) -> bool {
        !self.touched.is_empty() && !self.out.is_stuck()
    }

    /// Has the driver visit a connection.
    pub(super) fn touch(&mut self, id: LineId) {
        if self
            .slots
            .get(id.number)
            .is_some_and(|s| s.serial == id.serial)
        {
            self.touch_number(id.number);
            self.wake_driver();
        }
    }

    fn touch_number(&mut self, number: usize) {
        if !core::mem::replace(&mut self.slots[number].is_touched, true) {
            self.touched.push(number);
        }
    }

    pub(super) fn is_stuck(&self) -> bool {
        self.out.is_stuck()
    }

    /// The system may take packets again.
    pub(super) fn go_on_sending(&mut self) {
        self.out.go_on();
    }

    fn wake_waiting(&mut self, number: usize) {
        if let Some(line) = &mut self.slots[number].line {
            self.woken.append(&mut line.waiting);
        }
    }

    /// Ends a connection without a word.
    fn cut(&mut self, number: usize) {
        let handle = ConnectionHandle(number);
        let endpoint = &mut self.endpoint;
        let _ = catch_unwind(AssertUnwindSafe(|| {
            endpoint.handle_event(handle, EndpointEvent::drained());
        }));
        if let Some(line) = &self.slots[number].line {
            line.fate.decide(ConnectionError::Reset);
        }
        self.forget(number);
    }

    /// A connection is over, and the endpoint knows.
    fn forget(&mut self, number: usize) {
        self.wake_waiting(number);
        let slot = &mut self.slots[number];
        (slot.due, slot.armed) = (None, None);
        let line = slot.line.take();
        self.open -= usize::from(line.is_some());
        if let Some(line) = &line {
            line.fate.decide(ConnectionError::Reset);
        }
        let _ = catch_unwind(AssertUnwindSafe(|| drop(line)));
        if self.open == 0 {
            self.woken.append(&mut self.idlers);
            self.wake_driver();
        }
    }
}

/// Adds who is not there yet.
pub(super) fn enlist(wakers: &mut Vec<Waker>, waker: &Waker) {
    if !wakers.iter().any(|other| other.will_wake(waker)) {
        wakers.push(waker.clone());
    }
}

/// A packet as sockets take it.
pub(super) fn packet<'a>(transmit: &quinn_proto::Transmit, contents: &'a [u8]) -> Transmit<'a> {
    Transmit {
        destination: transmit.destination,
        ecn: (transmit.ecn).and_then(|ecn| EcnCodepoint::from_bits(ecn as u8)),
        contents: &contents[..transmit.size],
        segment_size: transmit.segment_size,
        src_ip: transmit.src_ip,
    }
}
