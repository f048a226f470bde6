//! What a server keeps of its players, and what they send.

use sim_core::{Input, Judged, Kind, Limits, Prediction, Received, Validator};

/// Bytes of one input: as many as of its fields, and what to do with it.
const EVENT_BYTES: usize = 20;

/// First byte: 0 a validator, 1 a validator and what is then sent to it.
pub fn run(data: &[u8]) -> bool {
    match data.split_first() {
        Some((0, bytes)) => decode(bytes).is_some(),
        Some((1, bytes)) => bytes
            .split_at_checked(Validator::BYTES)
            .and_then(|(validator, events)| Some((decode(validator)?, events)))
            .is_some_and(|(validator, events)| judge(validator, events)),
        _ => false,
    }
}

fn decode(bytes: &[u8]) -> Option<Validator> {
    let validator = Validator::decode(bytes).ok()?;
    let mut again = Vec::new();
    validator.encode(&mut again);
    assert_eq!(again, bytes); // there is one spelling of everything
    Some(validator)
}

/// Sends datagrams of one or several inputs; true when one of them is used.
fn judge(mut validator: Validator, events: &[u8]) -> bool {
    let (limits, kind) = (Limits::at(30), Kind::character(1_024));
    let (mut findings, mut inputs, mut used) = (Vec::new(), Vec::new(), 0);
    for (n, event) in events.chunks_exact(EVENT_BYTES).enumerate() {
        let two = |at: usize| [event[at], event[at + 1]];
        let four = |at: usize| [event[at], event[at + 1], event[at + 2], event[at + 3]];
        let at = Judged {
            tick: u64::from(u16::from_le_bytes(two(18))) + n as u64,
            limits: &limits,
            kind: &kind,
        };
        inputs.push(Input {
            seq: u32::from_le_bytes(four(0)),
            east: i16::from_le_bytes(two(4)),
            north: i16::from_le_bytes(two(6)),
            up: i16::from_le_bytes(two(8)),
            heading: u16::from_le_bytes(two(10)),
            buttons: u16::from_le_bytes(two(12)),
            predicted: u32::from_le_bytes(four(14)),
        });
        match event[18] % 4 {
            0 => {} // one more in the same datagram
            1 => validator.cross(),
            2 => validator.predicted(
                &at,
                &Prediction {
                    predicted: u32::from_le_bytes(four(14)),
                    actual: 0,
                    is_disturbed: event[19] & 1 == 1,
                },
                &mut findings,
            ),
            _ => {
                let datagram = Received {
                    inputs: &inputs,
                    seen: Some(at.tick),
                };
                used |= validator.receive(&at, &datagram, &mut findings);
                inputs.clear();
            }
        }
    }
    let mut bytes = Vec::new();
    validator.encode(&mut bytes);
    assert_eq!(Validator::decode(&bytes), Ok(validator));
    used != 0
}

/// A fresh one, one that has seen some inputs, and these.
pub fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let bytes = |validator: &Validator| {
        let mut bytes = Vec::new();
        validator.encode(&mut bytes);
        bytes
    };
    let (limits, kind) = (Limits::at(30), Kind::character(1_024));
    let mut seasoned = Validator::default();
    for seq in 1..40 {
        let at = Judged {
            tick: u64::from(seq),
            limits: &limits,
            kind: &kind,
        };
        let input = Input {
            seq,
            east: 1_000 + (seq % 2 * 100) as i16,
            ..Input::default()
        };
        let datagram = Received {
            inputs: &[input],
            seen: Some(at.tick - 1),
        };
        seasoned.receive(&at, &datagram, &mut Vec::new());
    }
    let mut event = [0; EVENT_BYTES];
    event[0] = 40;
    event[18] = 43; // a datagram, some ticks later
    let sent = [bytes(&seasoned), event.to_vec()].concat();
    vec![
        ("fresh", crate::seed(0, &bytes(&Validator::default()))),
        ("seasoned", crate::seed(0, &bytes(&seasoned))),
        ("sent", crate::seed(1, &sent)),
    ]
}
