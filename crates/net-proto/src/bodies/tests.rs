//! Frames come back as they were, whatever is lost; bytes of nobody do no harm.

use proptest::prelude::*;

use super::*;
use crate::error::WireError;

/// SplitMix64.
pub(super) struct Seeded(pub(super) u64);

impl Seeded {
    pub(super) fn next(&mut self, below: u32) -> i32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (((z ^ (z >> 31)) >> 32) as u32 % below).cast_signed()
    }
}

/// Bodies of which some drift and tumble, some jump, some lie still.
pub(super) struct Crowd {
    seeded: Seeded,
    pub(super) bodies: Vec<Body>,
    speeds: Vec<[i32; 3]>,
}

impl Crowd {
    pub(super) fn new(count: usize, seed: u64) -> Self {
        let mut seeded = Seeded(seed);
        let mut body = || {
            let position = core::array::from_fn(|_| (seeded.next(32_768) - 16_384) as i16);
            let largest = seeded.next(4) as u8;
            let components = core::array::from_fn(|_| seeded.next(512) as u16);
            Body::new(position, largest, components, seeded.next(2) == 1).unwrap()
        };
        let bodies = (0..count).map(|_| body()).collect();
        let mut speed =
            |n: usize| core::array::from_fn(|_| (seeded.next(61) - 30) * (n % 3) as i32);
        let speeds = (0..count).map(&mut speed).collect();
        Self {
            seeded,
            bodies,
            speeds,
        }
    }

    pub(super) fn step(&mut self) {
        let Self {
            seeded,
            bodies,
            speeds,
        } = self;
        for (body, speed) in bodies.iter_mut().zip(speeds) {
            if *speed == [0; 3] {
                continue;
            }
            let mut position = body.position();
            let (mut largest, mut components) = (body.largest(), body.components());
            let mut flag = body.flag();
            for (axis, speed) in speed.iter().enumerate() {
                let place = i32::from(position[axis]) + speed + seeded.next(3) - 1;
                position[axis] = place.clamp(-16_384, 16_383) as i16;
                let part = i32::from(components[axis]) + speed / 8;
                components[axis] = part.clamp(0, 511) as u16;
            }
            match seeded.next(200) {
                0 => largest = (largest + 1) % 4,
                1 => flag = !flag,
                2 => position = [-16_384, 16_383, (seeded.next(32_768) - 16_384) as i16],
                3 => speed[0] = -speed[0],
                _ => {}
            }
            *body = Body::new(position, largest, components, flag).unwrap();
        }
    }
}

/// Sends frames against a baseline `lag` before; every packet that `arrives` is compared.
fn send(crowd: &mut Crowd, frames: u64, lag: u64, mut arrives: impl FnMut(u64) -> bool) -> Vec<u8> {
    let mut sender = Bodies::new(100, &crowd.bodies).unwrap();
    let mut receiver = sender.clone();
    let (mut room, mut all) = (vec![0; 40_000], Vec::new());
    // The newest frame behind which all is there.
    let mut have = vec![100];
    for number in 101..=100 + frames {
        crowd.step();
        let is_whole = |frame: &&u64| {
            let behind = [1, 2, 3, 6].map(|back| (**frame - back.min(**frame)).max(100));
            **frame + lag <= number.max(100 + lag) && behind.iter().all(|at| have.contains(at))
        };
        let baseline = *have.iter().rev().find(is_whole).unwrap();
        let bytes = match sender.encode(number, baseline, &crowd.bodies, &mut room) {
            Err(BodiesError::NoFrame(_)) => break, // nothing has arrived for 32 frames
            result => result.unwrap(),
        };
        all.extend(&room[..bytes]);
        if arrives(number) {
            let bodies = receiver.decode(number, baseline, &room[..bytes]).unwrap();
            assert_eq!(bodies, crowd.bodies, "frame {number}");
            have.push(number);
        }
    }
    all
}

#[test]
fn frames_come_back_as_they_were() {
    let bytes = send(&mut Crowd::new(73, 1), 150, 6, |_| true).len();
    // Sent whole, a frame has 73 · 80 bits.
    assert!(bytes < 150 * 73 * 10 / 2, "{bytes}");
}

#[test]
fn frames_come_back_whatever_is_lost() {
    for seed in 0..20 {
        let mut dice = Seeded(seed);
        send(&mut Crowd::new(31, seed), 120, 1 + seed % 7, |_| {
            dice.next(10) != 0
        });
    }
}

#[test]
fn bodies_that_lie_still_cost_next_to_nothing() {
    let crowd = Crowd::new(901, 3);
    let mut sender = Bodies::new(0, &crowd.bodies).unwrap();
    let mut room = [0; 200];
    let mut bytes = |number: u64| {
        sender
            .encode(number, number - 1, &crowd.bodies, &mut room)
            .unwrap()
    };
    let all: Vec<_> = (1..20).map(&mut bytes).collect();
    assert!(
        all[0] < 60 && all[10..].iter().all(|bytes| *bytes <= 2),
        "{all:?}"
    );
}

/// The same bytes on every platform: what this prints elsewhere would be a bug there, or a change of the format.
#[test]
fn the_bytes_are_those_of_every_platform() {
    let bytes = send(&mut Crowd::new(73, 5), 60, 6, |_| true);
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    assert_eq!((bytes.len(), hash), GOLDEN);
}

const GOLDEN: (usize, u64) = (13_932, 6_281_889_244_632_358_509);

#[test]
fn what_cannot_be_coded_is_said_and_changes_nothing() {
    let mut crowd = Crowd::new(9, 7);
    assert_eq!(Bodies::new(0, &[]).unwrap_err(), BodiesError::Count(0));
    let many = vec![Body::default(); BODIES_MAX + 1];
    assert_eq!(
        Bodies::new(0, &many).unwrap_err(),
        BodiesError::Count(1_025)
    );
    let mut sender = Bodies::new(40, &crowd.bodies).unwrap();
    let mut twin = sender.clone();
    crowd.step();
    let mut room = [0; 400];
    let mut refused = |number, baseline, bodies: &[Body], room: &mut [u8]| {
        sender.encode(number, baseline, bodies, room).unwrap_err()
    };
    let fewer = &crowd.bodies[1..];
    assert_eq!(refused(41, 40, fewer, &mut room), BodiesError::Count(8));
    assert_eq!(
        refused(41, 39, &crowd.bodies, &mut room),
        BodiesError::NoFrame(39)
    );
    assert_eq!(
        refused(41, 41, &crowd.bodies, &mut room),
        BodiesError::NoFrame(41)
    );
    assert_eq!(
        refused(41, 40, &crowd.bodies, &mut room[..3]),
        BodiesError::OutOfRoom(crate::OutOfRoom)
    );
    let bytes = sender.encode(41, 40, &crowd.bodies, &mut room).unwrap();
    assert_eq!(
        sender.encode(41, 40, &crowd.bodies, &mut [0; 400]),
        Err(BodiesError::Late(41))
    );
    let mut more = room[..bytes].to_vec();
    more.extend([0; 12]);
    assert_eq!(twin.decode(41, 40, &more), Err(WireError::Trailing.into()));
    assert_eq!(twin.decode(41, 40, &room[..bytes]), Ok(&crowd.bodies[..]));
}

/// Bodies that turn slowly, in components of up to 1,415, more than [`Bodies::new`] has.
fn fine(number: u64) -> Vec<Body> {
    let body = |n: u64| {
        let part = |of: u64| ((n * 97 + number * of) % 1_416) as u16;
        let parts = [part(n % 3), part(5), part(0)];
        Body::new([(number * n) as i16, 0, 9], (n % 4) as u8, parts, false).unwrap()
    };
    (0..40).map(body).collect()
}

#[test]
fn finer_components_come_back_as_they_were() {
    let mut sender = Bodies::with_components(0, &fine(0), 1_415).unwrap();
    let mut receiver = sender.clone();
    let mut room = [0; 2_000];
    for number in 1..100u64 {
        let baseline = number.saturating_sub(6);
        let bytes = sender.encode(number, baseline, &fine(number), &mut room);
        let came = receiver.decode(number, baseline, &room[..bytes.unwrap()]);
        assert_eq!(came.unwrap(), fine(number));
    }
}

#[test]
fn components_beyond_a_streams_are_refused() {
    let of = |part| [Body::new([0; 3], 0, [part, 0, 0], false).unwrap()];
    let refused = |result: Result<Bodies, _>| result.unwrap_err() == BodiesError::Component;
    assert!(refused(Bodies::new(0, &of(512))));
    assert!(refused(Bodies::with_components(0, &of(1_416), 1_415)));
    assert!(refused(Bodies::with_components(0, &of(0), 2_048)));
    assert!(refused(Bodies::with_components(0, &of(0), 0)));
    assert_eq!(
        QuickBodies::new(0, &of(512)).unwrap_err(),
        BodiesError::Component
    );
    let mut room = [0; 100];
    for (most, more) in [(511, 512), (1_415, 1_416)] {
        let mut sender = Bodies::with_components(0, &of(most), most).unwrap();
        let refused = sender.encode(1, 0, &of(more), &mut room);
        assert_eq!(refused, Err(BodiesError::Component));
        assert!(sender.encode(1, 0, &of(most - 1), &mut room).is_ok());
    }
    let mut quick = QuickBodies::new(0, &of(511)).unwrap();
    quick.keep(1, &of(512)).unwrap();
    assert_eq!(quick.encode(1, 0, &mut room), Err(BodiesError::Component));
}

pub(super) fn is_legal(body: &Body) -> bool {
    let again = Body::new(
        body.position(),
        body.largest(),
        body.components(),
        body.flag(),
    );
    again == Ok(*body)
}

proptest! {
    /// Of any bytes, and of a packet some of whose bytes are others: legal bodies or an error, and the stream goes on.
    #[test]
    fn hostile_packets_do_no_harm(
        bytes in prop::collection::vec(any::<u8>(), 0..600),
        at in 0usize..100,
        seed in 0u64..50,
    ) {
        let mut crowd = Crowd::new(31, seed);
        let mut sender = Bodies::new(0, &crowd.bodies).unwrap();
        let mut receiver = sender.clone();
        let mut room = [0; 2_000];
        for number in 1..12 {
            crowd.step();
            let count = sender.encode(number, number - 1, &crowd.bodies, &mut room).unwrap();
            let mut damaged = room[..count].to_vec();
            if let Some(byte) = damaged.get_mut(at) {
                *byte ^= 1 + (seed as u8);
            }
            for packet in [&bytes, &damaged] {
                if let Ok(bodies) = receiver.clone().decode(number, number - 1, packet) {
                    prop_assert!(bodies.iter().all(is_legal));
                }
                // Refused, it leaves no trace.
                let mut hit = receiver.clone();
                if hit.decode(number, number - 1, packet).is_err() {
                    receiver = hit;
                }
            }
            prop_assert_eq!(receiver.decode(number, number - 1, &room[..count]).unwrap(), &crowd.bodies);
        }
    }
}
