//! Whatever comes, from a network or a disk, is judged or refused.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use sim_core::{
    Claim, Escalation, Finding, Grade, Input, Judged, Kind, Limits, Mode, Prediction, Received,
    Surroundings, Validator, ValidatorError,
};
use spatial_core::{Ecef, FrameId, Position};

/// A world of which nothing is known but where things are.
struct Void;

impl Surroundings for Void {
    fn place(&self, at: Position) -> Option<Ecef> {
        let [x, y, z] = at.xyz().map(|axis| f64::from(axis) / 65_536.0);
        (at.frame.0 != 0).then(|| Ecef::new(x, y, z).expect("within an i32"))
    }

    fn is_open(&self, _: Ecef, _: Ecef) -> bool {
        true
    }

    fn above_ground_m(&self, _: Ecef) -> Option<f64> {
        None
    }
}

#[derive(Clone, Debug)]
enum Event {
    Datagram(u32, Vec<Input>, Option<u64>),
    Predicted(Prediction),
    Claimed(Claim),
}

fn input() -> impl Strategy<Value = Input> {
    let parts = (any::<[i16; 3]>(), any::<u16>(), any::<u16>());
    parts.prop_map(|([east, north, up], heading, buttons)| Input {
        east,
        north,
        up,
        heading,
        buttons,
        ..Input::default()
    })
}

fn event() -> impl Strategy<Value = Event> {
    let seq = || prop_oneof![0..100u32, any::<u32>()];
    let datagram = (seq(), vec(input(), 0..20), any::<Option<u64>>());
    let prediction = (any::<u32>(), any::<u32>(), any::<bool>());
    let claim = (seq(), 0..2u64, any::<[i32; 3]>(), 0..3u8);
    prop_oneof![
        datagram.prop_map(|(seq, inputs, seen)| Event::Datagram(seq, inputs, seen)),
        prediction.prop_map(
            |(predicted, actual, is_disturbed)| Event::Predicted(Prediction {
                predicted,
                actual,
                is_disturbed
            })
        ),
        claim.prop_map(|(seq, frame, [x, y, z], mode)| Event::Claimed(Claim {
            seq,
            position: Position {
                frame: FrameId(frame),
                x,
                y,
                z
            },
            mode: [Mode::Walk, Mode::Fall, Mode::Swim][usize::from(mode)],
        })),
    ]
}

fn judge(validator: &mut Validator, tick: u64, event: &Event, kind: &Kind) -> Vec<Finding> {
    let limits = Limits::at(30);
    let at = Judged {
        tick,
        limits: &limits,
        kind,
    };
    let mut findings = Vec::new();
    match event {
        Event::Datagram(first_seq, inputs, seen) => {
            let mut inputs = inputs.clone();
            for (n, input) in inputs.iter_mut().enumerate() {
                input.seq =
                    first_seq.wrapping_add(n as u32 + u32::from(n == 7 && *first_seq % 8 == 0));
            }
            let datagram = Received {
                inputs: &inputs,
                seen: *seen,
            };
            let used = validator.receive(&at, &datagram, &mut findings);
            assert!(inputs.len() >= 16 || used >> inputs.len() == 0);
        }
        Event::Predicted(prediction) => validator.predicted(&at, prediction, &mut findings),
        Event::Claimed(claim) => {
            validator.claimed(&at, claim, &Void, &mut findings);
        }
    }
    findings
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn anything_is_judged_the_same_after_a_restore(
        events in vec((any::<u64>(), event()), 1..40),
        grade in 0..3u8,
    ) {
        let grade = [Grade::Crowd, Grade::Character, Grade::Flyer][usize::from(grade)];
        let kind = Kind { grade, ..Kind::character(1_024) };
        let (mut left, mut right) = (Validator::default(), Validator::default());
        for (n, (tick, event)) in events.iter().enumerate() {
            // Mostly ticks that follow each other.
            let tick = if tick % 8 == 0 { *tick } else { n as u64 };
            let found = judge(&mut left, tick, event, &kind);
            prop_assert_eq!(&found, &judge(&mut right, tick, event, &kind));
            let mut bytes = Vec::new();
            right.encode(&mut bytes);
            prop_assert_eq!(bytes.len(), Validator::BYTES);
            right = Validator::decode(&bytes).expect("what was encoded");
            prop_assert_eq!(&left, &right);
        }
    }

    #[test]
    fn altered_bytes_are_refused_or_a_validator(
        changes in vec((any::<Index>(), any::<u8>()), 1..20),
        cut in any::<Index>(),
        events in vec((0..100u64, event()), 1..20),
    ) {
        let mut bytes = Vec::new();
        Validator::default().encode(&mut bytes);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(mut validator) = Validator::decode(&bytes) {
            let mut again = Vec::new();
            validator.encode(&mut again);
            prop_assert_eq!(&again, &bytes);
            for (tick, event) in &events {
                judge(&mut validator, *tick, event, &Kind::character(u16::MAX));
            }
        }
        prop_assert!(Validator::decode(&bytes[..cut.index(bytes.len())]).is_err());
        bytes.push(0);
        prop_assert!(Validator::decode(&bytes).is_err());
    }
}

#[test]
fn bytes_of_another_kind_are_named() {
    let mut bytes = Vec::new();
    Validator::default().encode(&mut bytes);
    assert_eq!(Validator::decode(&bytes), Ok(Validator::default()));
    let change = |at: usize, value: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = value;
        Validator::decode(&bytes)
    };
    assert_eq!(change(0, 1), Err(ValidatorError::Version(1)));
    assert_eq!(change(27, 2), Err(ValidatorError::Value(2))); // whether there is a low
    assert_eq!(change(28, 1), Err(ValidatorError::Padding)); // the low that is not there
    assert_eq!(Validator::decode(&bytes[..9]), Err(ValidatorError::Short));
    bytes.extend([0; 3]);
    assert_eq!(Validator::decode(&bytes), Err(ValidatorError::Trailing(3)));
}

#[test]
fn levels_are_those_of_scores() {
    let levels = [0, 99, 100, 299, 300, 999, 1_000, 2_999, 3_000, u32::MAX].map(Escalation::of);
    use Escalation::{Ban, Correct, Kick, None, Watch};
    let want = [
        None, None, Watch, Watch, Correct, Correct, Kick, Kick, Ban, Ban,
    ];
    assert_eq!(levels, want);
}

const KIND: Kind = Kind::character(1_024);

fn walk(east: i16, heading: u16, buttons: u16) -> Input {
    Input {
        east,
        heading,
        buttons,
        ..Input::default()
    }
}

/// Sends inputs that begin with a number; which of them are used, and what is found.
fn send(
    validator: &mut Validator,
    (tick, first): (u64, u32),
    inputs: &[Input],
) -> (u16, Vec<Finding>) {
    let limits = Limits {
        buttons: 0b11,
        ..Limits::at(30)
    };
    let at = Judged {
        tick,
        limits: &limits,
        kind: &KIND,
    };
    let numbered = |(n, input): (usize, &Input)| Input {
        seq: first.wrapping_add(n as u32),
        ..*input
    };
    let inputs: Vec<Input> = inputs.iter().enumerate().map(numbered).collect();
    let datagram = Received {
        inputs: &inputs,
        seen: None,
    };
    let mut findings = Vec::new();
    let used = validator.receive(&at, &datagram, &mut findings);
    (used, findings)
}

#[test]
fn inputs_that_nobody_makes_are_found() {
    let mut validator = Validator::default();
    let mut send = |at, input| send(&mut validator, at, &[input]);
    assert_eq!(send((0, 1), walk(1_025, 0, 3)), (1, vec![]));
    let asked = 1_026;
    let found = vec![Finding::WishTooLong { asked }];
    assert_eq!(send((1, 2), walk(1_026, 0, 0)), (0, found.clone()));
    let up = Input {
        up: -1_026,
        ..walk(1_025, 0, 0)
    };
    assert_eq!(send((2, 3), up), (0, found));
    let found = vec![Finding::UnknownButtons { buttons: 4 }];
    assert_eq!(send((3, 4), walk(0, 0, 5)), (0, found));
    let turn = 22_000;
    assert_eq!(
        send((4, 5), walk(0, turn, 0)),
        (1, vec![Finding::AimSnap { turn }])
    );
    assert_eq!(
        send((5, 7), walk(0, 0, 0)).1,
        vec![Finding::Gap { missing: 1 }]
    ); // half of that a tick
    validator.cross();
    let crossed = self::send(&mut validator, (6, 8), &[walk(0, turn, 0)]);
    assert_eq!(crossed, (1, vec![])); // north is elsewhere there
}

#[test]
fn numbers_that_nobody_sends_are_found() {
    let mut validator = Validator::default();
    let mut send = |at, count| send(&mut validator, at, &vec![walk(1, 0, 0); count]);
    assert_eq!(send((0, 1), 2), (0b11, vec![]));
    assert_eq!(send((1, 1), 3), (0b100, vec![])); // again, and one more
    assert_eq!(send((6, 6), 1), (1, vec![Finding::Gap { missing: 2 }]));
    assert_eq!(send((7, 4), 2), (0b11, vec![])); // they came late
    assert_eq!(send((60, 60), 1), (1, vec![])); // an outage is no gap
    assert_eq!(send((61, 28), 1), (0, vec![Finding::Stale { seq: 28 }]));
    let ticks = 1_000_000 - 60 - 13;
    assert_eq!(
        send((62, 1_000_000), 1),
        (0, vec![Finding::Future { ticks }])
    );
    let malformed = (0, vec![Finding::Malformed]);
    for (tick, (first, count)) in (63..).zip([(0, 1), (64, 0), (u32::MAX, 2), (66, 17)]) {
        assert_eq!(send((tick, first), count), malformed);
    }
    let other = self::send(&mut validator, (70, 60), &[walk(2, 0, 0)]);
    assert_eq!(other, (0, vec![Finding::Contradiction { seq: 60 }]));
}
