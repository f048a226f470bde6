//! What was written is read; what was not written is read as something.

use proptest::prelude::*;

use super::*;
use crate::error::WireError;

/// A part of a message: a bit of one of four models, a symbol of one of two, a raw number, or an integer of one of two models.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Part {
    Bit(usize, bool),
    Symbol(usize, usize),
    Raw(u32, u32),
    Integer(usize, i32),
}

fn parts() -> impl Strategy<Value = Vec<Part>> {
    let part = prop_oneof![
        // Nearly always 0 for the first model, nearly always 1 for the last.
        (0usize..4, 0u32..100).prop_map(|(model, n)| Part::Bit(model, n < 33 * model as u32)),
        // Anything for the first model, nearly always 3 for the second.
        (0usize..2, 0..AdaptiveSymbol::COUNT, 0u32..40).prop_map(|(model, n, dice)| Part::Symbol(
            model,
            if model * 39 > dice as usize { 3 } else { n }
        )),
        (0u32..=24).prop_flat_map(|bits| (0u32..1 << bits).prop_map(move |n| Part::Raw(n, bits))),
        (0usize..2, 0u32..=15, -32_767i32..=32_767)
            .prop_map(|(model, shift, n)| Part::Integer(model, n >> shift.max(model as u32))),
    ];
    prop::collection::vec(part, 0..400)
}

fn code(coder: &mut impl Coder, parts: &[Part]) -> Vec<Part> {
    let mut bits = [AdaptiveBit::default(); 4];
    let mut symbols = [AdaptiveSymbol::default(); 2];
    let mut integers = [IntegerModel::default(); 2];
    let mut one = |part: &Part| match *part {
        Part::Bit(model, bit) => Part::Bit(model, coder.bit(&mut bits[model], bit)),
        Part::Symbol(model, n) => Part::Symbol(model, coder.symbol(&mut symbols[model], n)),
        Part::Raw(value, bits) => Part::Raw(coder.raw(value, bits), bits),
        Part::Integer(model, value) => Part::Integer(model, integers[model].code(coder, value)),
    };
    parts.iter().map(&mut one).collect()
}

/// The same questions, without the answers.
fn blank(parts: &[Part]) -> Vec<Part> {
    let one = |part: &Part| match *part {
        Part::Bit(model, _) => Part::Bit(model, false),
        Part::Symbol(model, _) => Part::Symbol(model, 0),
        Part::Raw(_, bits) => Part::Raw(0, bits),
        Part::Integer(model, _) => Part::Integer(model, 0),
    };
    parts.iter().map(one).collect()
}

fn encode(parts: &[Part]) -> Vec<u8> {
    let mut bytes = vec![0xAA; 4_096];
    let mut encoder = RangeEncoder::new(&mut bytes);
    assert_eq!(code(&mut encoder, parts), parts);
    let count = encoder.finish().unwrap();
    bytes.truncate(count);
    bytes
}

proptest! {
    #[test]
    fn what_is_written_is_read(parts in parts()) {
        let bytes = encode(&parts);
        let mut decoder = RangeDecoder::new(&bytes);
        prop_assert_eq!(code(&mut decoder, &blank(&parts)), parts);
        prop_assert_eq!(decoder.finish(), Ok(()));
    }

    #[test]
    fn room_that_is_just_enough_is_enough_and_less_is_told(parts in parts(), less in 1usize..9) {
        let bytes = encode(&parts);
        // The last word is written as far as it is needed; words before it are whole.
        let mut room = vec![0; bytes.len() + 8];
        let mut encoder = RangeEncoder::new(&mut room);
        code(&mut encoder, &parts);
        prop_assert_eq!(encoder.finish(), Ok(bytes.len()));
        if bytes.len() >= less {
            let mut room = vec![0; bytes.len() - less];
            let mut encoder = RangeEncoder::new(&mut room);
            code(&mut encoder, &parts);
            prop_assert_eq!(encoder.finish(), Err(OutOfRoom));
        }
    }

    #[test]
    fn any_bytes_are_read_as_something_legal(
        parts in parts(),
        bytes in prop::collection::vec(prop_oneof![Just(0xFF), any::<u8>()], 0..300),
    ) {
        let mut decoder = RangeDecoder::new(&bytes);
        for (is, asked) in code(&mut decoder, &blank(&parts)).iter().zip(&parts) {
            match (*is, *asked) {
                (Part::Raw(value, bits), Part::Raw(..)) => prop_assert!(value >> bits == 0),
                (Part::Integer(_, value), Part::Integer(..)) => prop_assert!(value.abs() <= 32_767),
                (Part::Symbol(_, n), Part::Symbol(..)) => prop_assert!(n < AdaptiveSymbol::COUNT),
                (Part::Bit(..), Part::Bit(..)) => {}
                _ => prop_assert!(false),
            }
        }
    }

    #[test]
    fn bytes_that_follow_are_refused(parts in parts(), more in 1u8..) {
        let mut bytes = encode(&parts);
        bytes.extend([0; 12]);
        bytes.push(more);
        let mut decoder = RangeDecoder::new(&bytes);
        code(&mut decoder, &blank(&parts));
        prop_assert_eq!(decoder.finish(), Err(WireError::Trailing));
    }
}

#[test]
fn a_last_byte_of_zero_is_refused() {
    let decoder = RangeDecoder::new(&[1, 0]);
    assert_eq!(decoder.finish(), Err(WireError::Padding));
}

/// The lowest number of 300 that are expected: carries run through all bytes that are written.
#[test]
fn carries_run_through() {
    let parts: Vec<_> = (0..300).map(|_| Part::Raw(0xFFFF, 16)).collect();
    let mut all = parts.clone();
    all.push(Part::Bit(0, false));
    for parts in [parts, all] {
        let bytes = encode(&parts);
        assert!(bytes.len() <= 602, "{}", bytes.len());
        let mut decoder = RangeDecoder::new(&bytes);
        assert_eq!(code(&mut decoder, &blank(&parts)), parts);
    }
}

/// 10,000 bits of which one in 64 is 1 have 1,160 bits of information; what is learnt costs a little.
#[test]
fn a_bit_costs_about_what_it_tells() {
    let parts: Vec<_> = (0..10_000u32)
        .map(|n| Part::Bit(0, n.wrapping_mul(2_654_435_761) >> 26 == 0))
        .collect();
    let bits = 8 * encode(&parts).len();
    assert!((1_100..1_450).contains(&bits), "{bits}");
    let never: Vec<_> = parts.iter().map(|_| Part::Bit(1, false)).collect();
    assert!(encode(&never).len() <= 10, "{}", encode(&never).len());
}

/// Of 10,000 symbols 15 in 16 are the same one, and the rest are any: 0.55 bits each, and what is learnt costs a third more.
#[test]
fn a_symbol_costs_about_what_it_tells() {
    let parts: Vec<_> = (0..10_000u32)
        .map(|n| n.wrapping_mul(2_654_435_761) >> 24)
        .map(|n| Part::Symbol(0, if n < 240 { 5 } else { n as usize % 16 }))
        .collect();
    let bits = 8 * encode(&parts).len();
    assert!((5_500..7_400).contains(&bits), "{bits}");
}

/// Whatever is learnt, every symbol keeps a share, and all shares together are all.
#[test]
fn shares_stay_shares() {
    for (often, seldom) in [(0, 22), (22, 0), (7, 8), (3, 3)] {
        let mut model = AdaptiveSymbol::default();
        for n in 0..5_000 {
            model.learn(if n % 1_000 == 999 { seldom } else { often });
            let mut from = 0;
            for symbol in 0..AdaptiveSymbol::COUNT {
                let (start, share) = model.share(symbol);
                assert!(start == from && share > 0, "{often} {n} {symbol}");
                from = start + share;
            }
            assert_eq!(from, 1 << 15);
        }
    }
}
