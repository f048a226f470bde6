//! A steady stream of bodies asks for no memory.

use net_proto::{Bodies, Body, QuickBodies};

use crate::allocations::allocations;

/// Bodies that slide and tumble, of which every seventh jumps, one differently from frame to frame.
fn frame(number: i16) -> Vec<Body> {
    let body = |n: i16| {
        let pace = n % 5 * number;
        let jump = if n % 7 == number % 7 { 3_000 } else { 0 };
        let parts = [200 + pace, 256, 300 - pace / 2].map(i16::cast_unsigned);
        let largest = (n + i16::from(n % 11 == 0) * number / 3) % 4;
        Body::new(
            [n * 9 + pace, jump, -pace],
            largest as u8,
            parts,
            n == number,
        )
        .unwrap()
    };
    (0..200).map(body).collect()
}

fn frames() -> Vec<(u64, Vec<Body>)> {
    (1..40)
        .map(|number| (number as u64, frame(number)))
        .collect()
}

fn baseline_of(number: u64) -> u64 {
    number.saturating_sub(6)
}

#[test]
fn bodies_allocate_nothing_once_they_are_made() {
    let mut sender = Bodies::new(0, &frame(0)).unwrap();
    let mut receiver = sender.clone();
    let (frames, mut packet) = (frames(), [0; 4_000]);
    let before = allocations();
    for (number, bodies) in &frames {
        let baseline = baseline_of(*number);
        let bytes = sender
            .encode(*number, baseline, bodies, &mut packet)
            .unwrap();
        let came = receiver.decode(*number, baseline, &packet[..bytes]);
        assert_eq!(came.unwrap(), bodies);
    }
    assert_eq!(allocations(), before);
}

#[test]
fn quick_bodies_allocate_nothing_once_they_are_made() {
    let mut sender = QuickBodies::new(0, &frame(0)).unwrap();
    let mut receiver = sender.clone();
    let (frames, mut packet) = (frames(), [0; 4_000]);
    let before = allocations();
    for (number, bodies) in &frames {
        let baseline = baseline_of(*number);
        sender.keep(*number, bodies).unwrap();
        let bytes = sender.encode(*number, baseline, &mut packet).unwrap();
        let came = receiver.decode(*number, baseline, &packet[..bytes]);
        assert_eq!(came.unwrap(), bodies);
    }
    assert_eq!(allocations(), before);
}
