//! Frames come back as they were, to all who have the baseline; bytes of nobody do no harm.

use proptest::prelude::*;

use super::super::tests::{Crowd, Seeded, is_legal};
use super::*;
use crate::error::WireError;

/// Sends frames against a baseline `lag` before that the first of several receivers can use; each packet reaches some. With one that has
/// the baseline and the frame before, the frame comes back as it was; with another, nothing does.
fn send(crowd: &mut Crowd, frames: u64, lag: u64, mut arrives: impl FnMut() -> bool) -> Vec<u8> {
    let mut sender = QuickBodies::new(100, &crowd.bodies).unwrap();
    let mut receivers = vec![(sender.clone(), vec![100]); 3];
    let (mut room, mut all) = (vec![0; 20_000], Vec::new());
    for number in 101..=100 + frames {
        crowd.step();
        sender.keep(number, &crowd.bodies).unwrap();
        let have = &receivers[0].1;
        let is_usable = |frame: &&u64| {
            **frame + lag <= number.max(100 + lag) && have.contains(&(**frame - 1).max(100))
        };
        let baseline = *have.iter().rev().find(is_usable).unwrap();
        let bytes = match sender.encode(number, baseline, &mut room) {
            Err(BodiesError::NoFrame(_)) => break, // nothing has arrived for 32 frames
            result => result.unwrap(),
        };
        all.extend(&room[..bytes]);
        for (receiver, have) in &mut receivers {
            if !arrives() {
                continue;
            }
            let came = receiver.decode(number, baseline, &room[..bytes]);
            let needed = [baseline, (baseline - 1).max(100)];
            match needed.iter().find(|at| !have.contains(at)) {
                Some(at) => assert_eq!(came, Err(BodiesError::NoFrame(*at))),
                None => {
                    assert_eq!(came, Ok(&crowd.bodies[..]), "frame {number}");
                    have.push(number);
                }
            }
        }
    }
    let all_came = receivers.iter().map(|(_, have)| have.len()).sum::<usize>();
    assert!(all_came > 10, "{all_came}");
    all
}

#[test]
fn frames_come_back_as_they_were() {
    let bytes = send(&mut Crowd::new(73, 1), 150, 6, || true).len();
    // Sent whole, a frame has 73 · 80 bits.
    assert!(bytes < 150 * 73 * 10 * 2 / 3, "{bytes}");
}

#[test]
fn frames_come_back_whatever_is_lost() {
    for seed in 0..20 {
        let mut dice = Seeded(seed);
        let mut crowd = Crowd::new([31, 64, 65, 1, 1_024][seed as usize % 5], seed);
        send(&mut crowd, 60, 1 + seed % 7, || dice.next(12) != 0);
    }
}

/// A frame that comes late is used as well as one that came in time.
#[test]
fn frames_come_back_in_any_order() {
    let mut crowd = Crowd::new(40, 9);
    let mut sender = QuickBodies::new(0, &crowd.bodies).unwrap();
    let mut receiver = sender.clone();
    let mut packets = Vec::new();
    for number in 1..40u64 {
        crowd.step();
        sender.keep(number, &crowd.bodies).unwrap();
        let baseline = number.saturating_sub(9);
        let mut room = [0; 1_000];
        let bytes = sender.encode(number, baseline, &mut room).unwrap();
        packets.push((
            number,
            baseline,
            room[..bytes].to_vec(),
            crowd.bodies.clone(),
        ));
    }
    packets.chunks_mut(4).for_each(<[_]>::reverse);
    for (number, baseline, packet, bodies) in packets {
        assert_eq!(receiver.decode(number, baseline, &packet), Ok(&bodies[..]));
    }
}

#[test]
fn bodies_that_lie_still_cost_nothing_each() {
    let crowd = Crowd::new(901, 3);
    let mut sender = QuickBodies::new(0, &crowd.bodies).unwrap();
    sender.keep(1, &crowd.bodies).unwrap();
    // The gap to the end: 6 bits, 14 zeros and a one.
    assert_eq!(sender.encode(1, 0, &mut [0; 8]), Ok(3));
}

/// What lies farther off than codes reach is sent as it is.
#[test]
fn bodies_that_jump_come_back() {
    let at = |x: i16, largest| Body::new([x, -x / 2, 16_383], largest, [0, 511, 3], x < 0).unwrap();
    let frames: Vec<_> = (0..40)
        .map(|n| {
            [
                at([-16_384, 16_383, 9, 10][n % 4], (n / 3 % 4) as u8),
                at(5, 0),
            ]
        })
        .collect();
    let mut sender = QuickBodies::new(0, &frames[0]).unwrap();
    let mut receiver = sender.clone();
    for (number, bodies) in (1..).zip(&frames[1..]) {
        sender.keep(number, bodies).unwrap();
        let mut room = [0; 100];
        let bytes = sender.encode(number, number - 1, &mut room).unwrap();
        let came = receiver.decode(number, number - 1, &room[..bytes]);
        assert_eq!(came, Ok(&bodies[..]));
    }
}

/// The same bytes on every platform: what this prints elsewhere would be a bug there, or a change of the format.
#[test]
fn the_bytes_are_those_of_every_platform() {
    let bytes = send(&mut Crowd::new(73, 5), 60, 6, || true);
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    assert_eq!((bytes.len(), hash), GOLDEN);
}

const GOLDEN: (usize, u64) = (15_306, 1_128_357_064_909_482_915);

#[test]
fn what_cannot_be_coded_is_said_and_changes_nothing() {
    let mut crowd = Crowd::new(9, 7);
    let count = |bodies: &[Body]| QuickBodies::new(0, bodies).map(|_| ());
    assert_eq!(count(&[]), Err(BodiesError::Count(0)));
    let many = vec![Body::default(); BODIES_MAX + 1];
    assert_eq!(count(&many), Err(BodiesError::Count(1_025)));
    let mut sender = QuickBodies::new(40, &crowd.bodies).unwrap();
    let mut receiver = sender.clone();
    crowd.step();
    let mut room = [0; 400];
    let kept = sender.keep(41, &crowd.bodies[1..]);
    assert_eq!(kept, Err(BodiesError::Count(8)));
    let none = sender.encode(41, 40, &mut room);
    assert_eq!(none, Err(BodiesError::NoFrame(41)));
    sender.keep(41, &crowd.bodies).unwrap();
    assert_eq!(sender.keep(41, &crowd.bodies), Err(BodiesError::Late(41)));
    let mut refused = |number, baseline| sender.encode(number, baseline, &mut room).unwrap_err();
    assert_eq!(refused(41, 39), BodiesError::NoFrame(39));
    assert_eq!(refused(41, 41), BodiesError::NoFrame(41));
    let bytes = sender.encode(41, 40, &mut room).unwrap();
    let more = [&room[..bytes], &[0]].concat();
    let mut comes =
        |number, packet: &[u8]| receiver.decode(number, 40, packet).map(<[Body]>::to_vec);
    assert_eq!(comes(40, &room[..bytes]), Err(BodiesError::NoFrame(40)));
    assert_eq!(comes(41, &more), Err(WireError::Trailing.into()));
    assert!(comes(41, &room[..bytes - 1]).is_err());
    assert_eq!(comes(41, &room[..bytes]), Ok(crowd.bodies.clone()));
    assert_eq!(comes(41, &room[..bytes]), Err(BodiesError::Late(41)));
}

/// Exactly enough room is enough, and less is told.
#[test]
fn room_is_used_to_the_last_byte() {
    for seed in 0..30 {
        let mut crowd = Crowd::new(12, seed);
        let mut sender = QuickBodies::new(0, &crowd.bodies).unwrap();
        crowd.step();
        sender.keep(1, &crowd.bodies).unwrap();
        let mut room = [0; 400];
        let bytes = sender.encode(1, 0, &mut room).unwrap();
        let mut exact = vec![0xAA; bytes];
        assert_eq!(sender.encode(1, 0, &mut exact), Ok(bytes));
        assert_eq!(exact, room[..bytes]);
        let less = sender.encode(1, 0, &mut exact[..bytes - 1]);
        assert_eq!(less, Err(crate::OutOfRoom.into()));
    }
}

proptest! {
    /// Any bodies against any: the codes reach everywhere.
    #[test]
    fn any_frames_come_back(frames in prop::collection::vec(prop::collection::vec(any_body(), 7), 3..9)) {
        let mut sender = QuickBodies::new(0, &frames[0]).unwrap();
        let mut receiver = sender.clone();
        for (number, bodies) in (1..).zip(&frames[1..]) {
            sender.keep(number, bodies).unwrap();
            let mut room = [0; 100];
            let bytes = sender.encode(number, number - 1, &mut room).unwrap();
            prop_assert_eq!(receiver.decode(number, number - 1, &room[..bytes]).unwrap(), &bodies[..]);
        }
    }

    /// Of any bytes, and of a packet some of whose bytes are others: legal bodies or an error, and the stream goes on.
    #[test]
    fn hostile_packets_do_no_harm(
        bytes in prop::collection::vec(prop_oneof![Just(0), any::<u8>()], 0..300),
        at in 0usize..100,
        seed in 0u64..50,
    ) {
        let mut crowd = Crowd::new(31, seed);
        let mut sender = QuickBodies::new(0, &crowd.bodies).unwrap();
        let mut receiver = sender.clone();
        let mut room = [0; 2_000];
        for number in 1..12 {
            crowd.step();
            sender.keep(number, &crowd.bodies).unwrap();
            let count = sender.encode(number, number - 1, &mut room).unwrap();
            let mut damaged = room[..count].to_vec();
            if let Some(byte) = damaged.get_mut(at) {
                *byte ^= 1 + (seed as u8);
            }
            for packet in [&bytes, &damaged] {
                let mut hit = receiver.clone();
                match hit.decode(number, number - 1, packet) {
                    Ok(bodies) => prop_assert!(bodies.iter().all(is_legal)),
                    Err(_) => receiver = hit, // refused, it leaves no trace
                }
            }
            prop_assert_eq!(receiver.decode(number, number - 1, &room[..count]).unwrap(), &crowd.bodies);
        }
    }
}

/// Near a few places more often than anywhere.
fn any_body() -> impl Strategy<Value = Body> {
    let place = || prop_oneof![-16_384i16..=16_383, -9i16..9, Just(-16_384), Just(16_383)];
    let part = || prop_oneof![0u16..512, 250u16..260, Just(0), Just(511)];
    let places = [place(), place(), place()];
    (places, 0u8..4, [part(), part(), part()], any::<bool>())
        .prop_map(|(at, largest, parts, flag)| Body::new(at, largest, parts, flag).unwrap())
}
