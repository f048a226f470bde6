//! The game client: a session with a server, polled.

use core::ffi::c_char;
use core::ptr::null;
use core::str::FromStr;
use std::f64::consts::TAU;
use std::fmt::Display;
use std::net::{SocketAddr, ToSocketAddrs};
use std::ops::RangeInclusive;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use client::{BlockingSession, Event, Seen, SessionError};

use crate::argument::{Growing, Out, Rows, Versioned, init, read_versioned, text, write};
use crate::guard::{Fault, guard};
use crate::handle::Slots;
use crate::status::{BM_ERROR_ARGUMENT, BM_ERROR_CONNECT, BM_ERROR_ENDED, BM_ERROR_PANIC};

/// Flag of a bm_entity: it is the client's own.
pub const BM_ENTITY_SELF: u32 = 1;

/// A panic in a call poisons its client's lock; that client answers BM_ERROR_PANIC from then on.
static CLIENTS: Slots<Mutex<Player>, 1024> = Slots::new(2, "client");

/// A session, and what it looked like at the last poll.
struct Player {
    session: BlockingSession,
    events: Vec<Event>, // empty between polls
    seen: Vec<Seen>,
    tick: u64,
    durable_tick: u64,
}

/// A session with a server; `id` 0 is none.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct bm_client {
    /// Opaque.
    pub id: u64,
}

/// What bm_client_connect wants to know. Begin with bm_client_options_init.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct bm_client_options {
    /// Set by bm_client_options_init.
    pub struct_size: u32,
    /// How long to wait for the server, 1 to 60000 ms; 5000 at first.
    pub timeout_ms: u32,
    /// The server's name or address and port, such as `127.0.0.1:4433` or `[::1]:4433`. Read during the call only.
    pub address: *const c_char,
    /// The text that `bluemarble token` printed; it lets a player in once. Read during the call only.
    pub ticket: *const c_char,
}

// SAFETY: repr(C), two u32 and two pointers of eight bytes or of four.
unsafe impl Growing for bm_client_options {
    const NAME: &'static str = "bm_client_options";
    const BYTES_MIN: usize = 8 + 2 * size_of::<*const c_char>();
}

// SAFETY: the size is first; numbers and pointers may be zero.
unsafe impl Versioned for bm_client_options {}

/// How a session is doing. Begin with bm_client_status_init.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct bm_client_status {
    /// Set by bm_client_status_init.
    pub struct_size: u32,
    /// Entities in sight, the player's own included.
    pub entities: u32,
    /// The world's tick of the newest snapshot.
    pub tick: u64,
    /// The newest tick that the server has on disk: what happened up to it cannot be lost.
    pub durable_tick: u64,
    /// Entity id of the player.
    pub player: u64,
    /// Bytes received.
    pub bytes_in: u64,
    /// Bytes sent.
    pub bytes_out: u64,
    /// Ticks a second.
    pub tick_rate_hz: f64,
    /// The fastest that the player may go, metres a second.
    pub speed_max_mps: f64,
    /// Radius of the planet, metres; for bm_geodetic_to_ecef.
    pub radius_m: f64,
}

// SAFETY: repr(C), two u32 and eight fields of eight bytes.
unsafe impl Growing for bm_client_status {
    const NAME: &'static str = "bm_client_status";
    const BYTES_MIN: usize = 72;
}

// SAFETY: the size is first; numbers may be zero.
unsafe impl Versioned for bm_client_status {}

/// Something that the client sees.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct bm_entity {
    /// Permanent, unique and never 0.
    pub id: u64,
    /// The tick that its place is of.
    pub tick: u64,
    /// Degrees north.
    pub lat_deg: f64,
    /// Degrees east, within 180.
    pub lon_deg: f64,
    /// Metres above the datum.
    pub height_m: f64,
    /// Planet-centred, as in bm_ecef.
    pub x_m: f64,
    /// Planet-centred, as in bm_ecef.
    pub y_m: f64,
    /// Planet-centred, as in bm_ecef.
    pub z_m: f64,
    /// Where it faces: clockwise from north, 0 to 2 pi.
    pub heading_rad: f32,
    /// BM_ENTITY_ flags.
    pub flags: u32,
}

// SAFETY: repr(C), eight fields of eight bytes and two of four.
unsafe impl Growing for bm_entity {
    const NAME: &'static str = "bm_entity";
    const BYTES_MIN: usize = 72;
}

const _: () = assert!(size_of::<bm_entity>() == bm_entity::BYTES_MIN);
const _: () = assert!(size_of::<bm_client_status>() == bm_client_status::BYTES_MIN);
const _: () = assert!(size_of::<bm_client_options>() == bm_client_options::BYTES_MIN);

/// Fills `options` with defaults; pass `sizeof *options`.
///
/// Fails with BM_ERROR_NULL, and with BM_ERROR_STRUCT_SIZE for a size of no version.
///
/// # Safety
/// `options` is null or writable for `struct_size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bm_client_options_init(
    options: *mut bm_client_options,
    struct_size: usize,
) -> i32 {
    guard(c"bm_client_options_init", || {
        let start = bm_client_options {
            struct_size: 0,
            timeout_ms: 5_000,
            address: null(),
            ticket: null(),
        };
        // SAFETY: as promised by the caller.
        unsafe { init(options, struct_size, start) }
    })
}

/// Makes `status` ready for bm_client_poll; pass `sizeof *status`.
///
/// Fails with BM_ERROR_NULL, and with BM_ERROR_STRUCT_SIZE for a size of no version.
///
/// # Safety
/// `status` is null or writable for `struct_size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bm_client_status_init(
    status: *mut bm_client_status,
    struct_size: usize,
) -> i32 {
    guard(c"bm_client_status_init", || {
        // SAFETY: as promised by the caller; all zeros is a status.
        unsafe { init(status, struct_size, core::mem::zeroed()) }
    })
}

/// Joins a server: returns when the player is in its world, or after `timeout_ms` and 0.3 s at the latest (asking a
/// name service comes on top).
///
/// A session has a thread of its own that talks to the server until bm_client_close; a failed attempt leaves none. Any
/// thread. On failure `client` becomes the null handle. Fails with BM_ERROR_ARGUMENT for an address or ticket that
/// cannot be understood, with BM_ERROR_CONNECT when nobody answers, the server is not that of the ticket, or it
/// refuses; with BM_ERROR_LIMIT when 1024 clients are open.
///
/// # Safety
/// `options` is null or a struct of as many bytes as its `struct_size` says, its texts zero-terminated or null;
/// `client` is null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bm_client_connect(
    options: *const bm_client_options,
    client: *mut bm_client,
) -> i32 {
    guard(c"bm_client_connect", || {
        // SAFETY: as promised by the caller.
        let client = unsafe { Out::new("client", client) }?;
        client.set(bm_client { id: 0 });
        // SAFETY: as promised by the caller.
        let (options, address, ticket) = unsafe {
            let options = read_versioned(options)?;
            let address = text("address", options.address)?;
            (options, address, text("ticket", options.ticket)?)
        };
        let player = Player::new(join(address, ticket, options.timeout_ms)?);
        let id = CLIENTS.insert(Mutex::new(player))?;
        client.set(bm_client { id });
        Ok(())
    })
}

/// Asks for a velocity and a heading, from the next tick until asked otherwise. East and north are those of the place
/// where the player is, metres a second; the heading is clockwise from north.
///
/// Velocities are cut to 127 m/s on each axis and to the server's limit. Any thread, constant time. Fails with
/// BM_ERROR_HANDLE, and with BM_ERROR_ARGUMENT for a value that is not finite.
#[unsafe(no_mangle)]
pub extern "C" fn bm_client_set_velocity(
    client: bm_client,
    east_mps: f64,
    north_mps: f64,
    heading_rad: f64,
) -> i32 {
    guard(c"bm_client_set_velocity", || {
        let player = CLIENTS.get(client.id)?;
        let mut player = lock(&player)?;
        player
            .session
            .set_velocity(east_mps, north_mps, heading_rad)
            .map_err(|error| Fault::new(BM_ERROR_ARGUMENT, error))
    })
}

/// Takes a look: what bm_client_entities answers is as of the last poll. Poll once a frame; it never waits for the
/// network, and the session lives on without.
///
/// Any thread; costs about 0.3 us an entity. Fails with BM_ERROR_HANDLE; with BM_ERROR_ENDED once the session is
/// over, from then on always, and `status` is filled all the same.
///
/// # Safety
/// `status` is null or a struct of as many bytes as its `struct_size` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bm_client_poll(client: bm_client, status: *mut bm_client_status) -> i32 {
    guard(c"bm_client_poll", || {
        let player = CLIENTS.get(client.id)?;
        let mut player = lock(&player)?;
        let ended = player.look();
        // SAFETY: as promised by the caller.
        unsafe { write(status, player.status()) }?;
        ended.map_err(|error| Fault::new(BM_ERROR_ENDED, error))
    })
}

/// Copies what was in sight at the last poll, ascending by id: at most `capacity` entities, `stride` bytes apart
/// (pass `sizeof *entities`). `count` becomes the number of all, so a caller can ask with capacity 0 first.
///
/// Any thread; costs about 0.2 us an entity. Fails with BM_ERROR_HANDLE, with BM_ERROR_STRUCT_SIZE for a stride of no
/// version, with BM_ERROR_NULL when `count` is null, or `entities` while `capacity` is not 0.
///
/// # Safety
/// `entities` is null or writable for `capacity` times `stride` bytes; `count` is null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bm_client_entities(
    client: bm_client,
    entities: *mut bm_entity,
    stride: usize,
    capacity: usize,
    count: *mut usize,
) -> i32 {
    guard(c"bm_client_entities", || {
        // SAFETY: as promised by the caller.
        let count = unsafe { Out::new("count", count) }?;
        // SAFETY: as promised by the caller.
        let mut rows = unsafe { Rows::new("entities", entities, stride, capacity) }?;
        let player = CLIENTS.get(client.id)?;
        let player = lock(&player)?;
        for seen in &player.seen[..player.seen.len().min(capacity)] {
            rows.push(player.entity(seen));
        }
        count.set(player.seen.len());
        Ok(())
    })
}

/// Closes a session; the handle is stale from here on. Says farewell to the server and ends the session's thread, which
/// takes at most 0.3 s; where another thread is inside a call on the client, that thread does it when it is done.
///
/// Any thread. Fails with BM_ERROR_HANDLE when it is null or closed already.
#[unsafe(no_mangle)]
pub extern "C" fn bm_client_close(client: bm_client) -> i32 {
    guard(c"bm_client_close", || CLIENTS.remove(client.id).map(drop))
}

fn lock<T>(player: &Mutex<T>) -> Result<MutexGuard<'_, T>, Fault> {
    player.lock().map_err(|_| {
        let message = "an earlier call on this client hit a defect of the library: close it";
        Fault::new(BM_ERROR_PANIC, message)
    })
}

impl Player {
    fn new(session: BlockingSession) -> Self {
        let tick = session.welcome().tick;
        Self {
            session,
            events: Vec::new(),
            seen: Vec::new(),
            tick,
            durable_tick: 0,
        }
    }

    /// Takes in what has happened, and the view of this moment.
    fn look(&mut self) -> Result<(), SessionError> {
        let alive = self.session.poll(&mut self.events);
        for event in self.events.drain(..) {
            if let Event::Snapshot(info) = event {
                self.tick = self.tick.max(info.tick);
                self.durable_tick = self.durable_tick.max(info.durable_tick);
            }
        }
        self.session.entities(&mut self.seen);
        alive
    }

    fn status(&self) -> bm_client_status {
        let (welcome, traffic) = (self.session.welcome(), self.session.traffic());
        bm_client_status {
            struct_size: 0, // the caller's own stays
            entities: u32::try_from(self.seen.len()).unwrap_or(u32::MAX),
            tick: self.tick,
            durable_tick: self.durable_tick,
            player: welcome.player.0,
            bytes_in: traffic.datagram_bytes_in + traffic.control_bytes_in,
            bytes_out: traffic.datagram_bytes_out,
            tick_rate_hz: f64::from(welcome.tick_rate_hz),
            speed_max_mps: f64::from(welcome.speed_limit) / SPEED_UNITS_PER_MPS,
            radius_m: self.session.planet().radius_m(),
        }
    }

    fn entity(&self, seen: &Seen) -> bm_entity {
        let at = self.session.planet().geodetic(seen.place);
        let [x_m, y_m, z_m] = seen.place.to_array();
        bm_entity {
            id: seen.id.0,
            tick: seen.tick,
            lat_deg: at.lat_deg(),
            lon_deg: at.lon_deg(),
            height_m: at.height_m(),
            x_m,
            y_m,
            z_m,
            heading_rad: (f64::from(seen.heading) * TAU / 65_536.0) as f32,
            flags: if seen.id == self.session.welcome().player {
                BM_ENTITY_SELF
            } else {
                0
            },
        }
    }
}

/// Connects to the first address of a name that answers, all within the timeout.
fn join(address: &str, ticket: &str, timeout_ms: u32) -> Result<BlockingSession, Fault> {
    if !TIMEOUT_MS.contains(&timeout_ms) {
        let message = format!("timeout_ms {timeout_ms} is not within 1 to 60000");
        return Err(Fault::new(BM_ERROR_ARGUMENT, message));
    }
    let ticket = parse("ticket", ticket)?;
    let addresses = resolve(address)?;
    let share = Duration::from_millis(timeout_ms.into()) / addresses.len() as u32;
    let mut last = None;
    for addr in addresses {
        match BlockingSession::connect(addr, &ticket, share) {
            Ok(session) => return Ok(session),
            Err(error) => last = Some(format!("{addr}: {error}")),
        }
    }
    Err(Fault::new(BM_ERROR_CONNECT, last.unwrap_or_default()))
}

/// One to `ADDRESSES_MAX` addresses.
fn resolve(address: &str) -> Result<Vec<SocketAddr>, Fault> {
    let refused = |why: &dyn Display| {
        let message = format!("address `{address}` is not NAME:PORT or IP:PORT: {why}");
        Fault::new(BM_ERROR_ARGUMENT, message)
    };
    let found = address.to_socket_addrs().map_err(|error| refused(&error))?;
    let found: Vec<_> = found.take(ADDRESSES_MAX).collect();
    if found.is_empty() {
        return Err(refused(&"the name has no address"));
    }
    Ok(found)
}

fn parse<T: FromStr<Err: Display>>(name: &str, text: &str) -> Result<T, Fault> {
    text.parse()
        .map_err(|error| Fault::new(BM_ERROR_ARGUMENT, format!("{name}: {error}")))
}

const TIMEOUT_MS: RangeInclusive<u32> = 1..=60_000;

/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 4;

/// Speeds on the wire are in units of 2^-8 m/s.
const SPEED_UNITS_PER_MPS: f64 = 256.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_poisons_one_object_only() {
        let (broken, sound) = (Mutex::new(1), Mutex::new(2));
        let code = guard(c"bm_test", || {
            let _held = lock(&broken)?;
            panic!("half done")
        });
        assert_eq!(code, BM_ERROR_PANIC);
        let later = |object| guard(c"bm_test", || lock(object).map(drop));
        assert_eq!((later(&broken), later(&sound)), (BM_ERROR_PANIC, 0));
    }

    #[test]
    fn names_are_resolved_and_nonsense_is_not() {
        let found = resolve("127.0.0.1:4433").unwrap();
        assert_eq!(found, [SocketAddr::from(([127, 0, 0, 1], 4433))]);
        assert_eq!(resolve("[::1]:1").unwrap()[0].port(), 1);
        for bad in ["", ":", "::1", "127.0.0.1", "127.0.0.1:65536", "[::1]"] {
            let fault = resolve(bad).unwrap_err();
            assert_eq!(fault.code, BM_ERROR_ARGUMENT, "{bad}");
            assert!(fault.message.contains("IP:PORT"), "{}", fault.message);
        }
    }
}
