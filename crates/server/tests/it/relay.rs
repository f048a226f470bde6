//! A bad line: passes the datagrams of one client on, late, not all of them, and now and then none for a while.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What a line does to datagrams.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weather {
    /// Milliseconds each way, the least and how many more.
    pub(crate) delay_ms: (u64, u64),
    pub(crate) lost_per_100: u64,
    /// The way to the server stands still from one to the other, seconds after the first datagram.
    pub(crate) held_s: (f64, f64),
}

/// The line, until it is dropped.
pub(crate) struct Relay {
    pub(crate) addr: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Relay {
    pub(crate) fn start(server: SocketAddr, weather: Weather) -> Self {
        let socket = || {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            socket.set_nonblocking(true).unwrap();
            socket
        };
        let (down, up) = (socket(), socket());
        up.connect(server).unwrap();
        let addr = down.local_addr().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let line = Line {
            weather,
            random: 1,
            begun: None,
            client: None,
            on_the_way: Vec::new(),
        };
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || line.carry((&down, &up), &stopped));
        Self {
            addr,
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

struct Line {
    weather: Weather,
    random: u64,
    begun: Option<Instant>,
    client: Option<SocketAddr>,
    on_the_way: Vec<(Instant, bool, Vec<u8>)>, // due, whether to the server
}

impl Line {
    fn carry(mut self, (down, up): (&UdpSocket, &UdpSocket), stopped: &AtomicBool) {
        let mut bytes = [0; 2_048];
        while !stopped.load(Ordering::Relaxed) {
            while let Ok((length, from)) = down.recv_from(&mut bytes) {
                self.client = Some(from);
                self.begun.get_or_insert_with(Instant::now);
                self.take(true, &bytes[..length]);
            }
            while let Ok(length) = up.recv(&mut bytes) {
                self.take(false, &bytes[..length]);
            }
            let now = Instant::now();
            for (_, is_up, bytes) in self.on_the_way.extract_if(.., |(due, ..)| *due <= now) {
                // What a full buffer refuses is lost, as on any line.
                let _ = match (is_up, self.client) {
                    (true, _) => up.send(&bytes),
                    (false, Some(client)) => down.send_to(&bytes, client),
                    (false, None) => Ok(0),
                };
            }
            std::thread::sleep(Duration::from_micros(500));
        }
    }

    fn take(&mut self, is_up: bool, bytes: &[u8]) {
        if self.below(100) < self.weather.lost_per_100 {
            return;
        }
        let (least, more) = self.weather.delay_ms;
        let delay = Duration::from_millis(least + self.below(more + 1));
        let mut due = Instant::now() + delay;
        let begun = self.begun.unwrap_or(due);
        let (from, to) = self.weather.held_s;
        let held = begun + Duration::from_secs_f64(from)..begun + Duration::from_secs_f64(to);
        if is_up && held.contains(&due) {
            due = held.end;
        }
        self.on_the_way.push((due, is_up, bytes.to_vec()));
    }

    fn below(&mut self, n: u64) -> u64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005);
        self.random = self.random.wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) % n
    }
}
