//! How values travel: whole, or as steps of a quantum.

use serde::Serialize;

use super::lane::{LaneType, LaneValue};

/// How the values of a lane are written into messages: as a code, an unsigned integer of some bits.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Wire {
    /// The bits of the value as they are.
    Whole,
    /// The number of steps from the least value, rounded to the nearest.
    Steps(Steps),
}

impl Wire {
    /// Bits of a code.
    pub const fn bits(self, lane_type: LaneType) -> u32 {
        match self {
            Self::Whole => 8 * lane_type.bytes() as u32,
            Self::Steps(steps) => steps.bits as u32,
        }
    }

    /// The code of a value; see [`Steps::encode`].
    #[inline]
    pub fn encode<T: LaneValue>(self, value: T) -> u64 {
        match self {
            Self::Whole => bits_of(value),
            Self::Steps(steps) => steps.encode(value),
        }
    }

    /// The value of a code; see [`Steps::decode`]. Bits beyond the lane's type are dropped.
    #[inline]
    pub fn decode<T: LaneValue>(self, code: u64) -> T {
        match self {
            Self::Whole => of_bits(code),
            Self::Steps(steps) => steps.decode(code),
        }
    }

    /// Whether values of the type can travel so.
    pub(crate) fn fits(self, lane_type: LaneType) -> bool {
        let Self::Steps(steps) = self else {
            return true;
        };
        let parts = WireParts {
            bits: Some(steps.bits()),
            quantum: Some(steps.quantum),
            min: Some(steps.min),
            max: Some(steps.max),
        };
        Self::new(lane_type, parts) == Ok(self)
    }

    /// What an attribute `#[lane(…)]` says; without any part, whole.
    ///
    /// Parts that are not given are found from the others: the quantum of an integer is 1; the least value is 0 for
    /// unsigned lanes, and for others half of the codes lie below 0; the greatest is the last code's; bits are as many as the
    /// steps from least to greatest need.
    ///
    /// # Errors
    /// [`WireError`] when the parts do not fit each other or the lane.
    pub const fn new(lane_type: LaneType, parts: WireParts) -> Result<Self, WireError> {
        let WireParts {
            bits,
            quantum,
            min,
            max,
        } = parts;
        if bits.is_none() && quantum.is_none() && min.is_none() && max.is_none() {
            return Ok(Self::Whole);
        }
        match Steps::of_parts(lane_type, parts) {
            Ok(steps) => Ok(Self::Steps(steps)),
            Err(error) => Err(error),
        }
    }

    /// [`Wire::new`] for constants: does not compile instead of failing.
    ///
    /// # Panics
    /// With the error's text.
    pub const fn checked(lane_type: LaneType, parts: WireParts) -> Self {
        match Self::new(lane_type, parts) {
            Ok(wire) => wire,
            Err(error) => panic!("{}", error.text()),
        }
    }
}

/// The parts of `#[lane(bits = …, quantum = …, min = …, max = …)]`.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct WireParts {
    /// Bits of a code.
    pub bits: Option<u32>,
    /// The value of a step.
    pub quantum: Option<f64>,
    /// The least value.
    pub min: Option<f64>,
    /// The greatest value.
    pub max: Option<f64>,
}

/// Values from `min` to `max` in steps of `quantum`. Code n stands for `min + n·quantum`, but for no more than `max`.
///
/// A value comes back within half a quantum; a float besides within the rounding of its own type and of the product, one unit in
/// the last place of the greatest number involved.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Steps {
    bits: u8,     // 1 to 52
    quantum: f64, // > 0; a whole number for integer lanes, as min and max are, those within ±2⁵³
    min: f64,
    max: f64,
    #[serde(skip)]
    last: u64, // the code of max, below 2^bits
}

impl Steps {
    /// Bits of a code.
    pub const fn bits(self) -> u32 {
        self.bits as u32
    }

    /// The value of a step.
    pub const fn quantum(self) -> f64 {
        self.quantum
    }

    /// The least value.
    pub const fn min(self) -> f64 {
        self.min
    }

    /// The greatest value.
    pub const fn max(self) -> f64 {
        self.max
    }

    /// The code of the nearest step. Values beyond `min` and `max` get those', NaN that of `min`.
    ///
    /// A tie goes up. Costs a division for floats and for quanta that are not 1.
    #[inline]
    pub fn encode<T: LaneValue>(self, value: T) -> u64 {
        match T::TYPE {
            LaneType::F32 => self.encode_float(f64::from(bytemuck::cast::<T, f32>(value))),
            LaneType::F64 => self.encode_float(bytemuck::cast(value)),
            _ => self.encode_integer(integer_of(value)),
        }
    }

    /// The value of a code; codes beyond that of `max` are `max`.
    #[inline]
    pub fn decode<T: LaneValue>(self, code: u64) -> T {
        let code = code.min(self.last);
        match T::TYPE {
            LaneType::F32 => bytemuck::cast(self.decode_float(code) as f32),
            LaneType::F64 => bytemuck::cast(self.decode_float(code)),
            _ => {
                let value = self.min as i64 + code as i64 * self.quantum as i64;
                of_bits(value.min(self.max as i64) as u64) // the low bits of two's complement
            }
        }
    }

    #[inline]
    fn encode_float(self, value: f64) -> u64 {
        let steps = (value.clamp(self.min, self.max) - self.min) / self.quantum;
        ((steps + 0.5) as u64).min(self.last) // the cast cuts off, and makes NaN 0
    }

    #[inline]
    fn decode_float(self, code: u64) -> f64 {
        (self.min + code as f64 * self.quantum).min(self.max)
    }

    #[inline]
    fn encode_integer(self, value: i64) -> u64 {
        // All within ±2⁵³, so nothing overflows.
        let (min, max) = (self.min as i64, self.max as i64);
        let above = value.clamp(min, max) - min;
        if self.quantum == 1.0 {
            return above as u64;
        }
        let quantum = self.quantum as i64;
        (((2 * above + quantum) / (2 * quantum)) as u64).min(self.last)
    }

    const fn of_parts(lane_type: LaneType, parts: WireParts) -> Result<Self, WireError> {
        let (floor, ceiling) = lane_type.range();
        let is_float = lane_type.is_float();
        let quantum = match parts.quantum {
            Some(quantum) => quantum,
            None if is_float => return Err(WireError::Quantum),
            None => 1.0,
        };
        if !(quantum > 0.0 && quantum.is_finite()) || !(is_float || is_whole(quantum)) {
            return Err(WireError::Quantum);
        }
        let bits_max = match lane_type.bytes() {
            _ if is_float => 52,
            8 => 52,
            bytes => 8 * bytes as u32,
        };
        if matches!(parts.bits, Some(bits) if bits == 0 || bits > bits_max) {
            return Err(WireError::Bits);
        }
        let min = match (parts.min, parts.bits, parts.max) {
            (Some(min), ..) => min,
            _ if floor == 0.0 => 0.0,
            (None, Some(bits), _) => -quantum * power_of_two(bits - 1),
            (None, None, Some(max)) => -max,
            (None, None, None) => return Err(WireError::Range),
        };
        let max = match (parts.max, parts.bits) {
            (Some(max), _) => max,
            (None, Some(bits)) => top(min, quantum, bits),
            (None, None) => return Err(WireError::Range),
        };
        if !(min < max && min >= floor && max <= ceiling) {
            return Err(WireError::Range);
        }
        if !(is_float || is_whole(min) && is_whole(max)) {
            return Err(WireError::Range);
        }
        Self::fit(quantum, min, max, parts.bits, bits_max)
    }

    /// Counts the steps and finds their bits.
    const fn fit(
        quantum: f64,
        min: f64,
        max: f64,
        bits: Option<u32>,
        bits_max: u32,
    ) -> Result<Self, WireError> {
        let last = ((max - min) / quantum + 0.5) as u64;
        let needed = 64 - last.leading_zeros();
        let bits = match bits {
            Some(bits) => bits,
            None => needed,
        };
        if last == 0 || needed > bits || bits > bits_max {
            return Err(WireError::TooManySteps);
        }
        Ok(Self {
            bits: bits as u8,
            quantum,
            min,
            max,
            last,
        })
    }
}

/// The value of the last code of so many bits.
const fn top(min: f64, quantum: f64, bits: u32) -> f64 {
    min + quantum * (power_of_two(bits) - 1.0)
}

const fn power_of_two(exponent: u32) -> f64 {
    f64::from_bits((1023 + exponent as u64) << 52)
}

const fn is_whole(value: f64) -> bool {
    value as i64 as f64 == value
}

/// The bits of a value, zeros above.
#[inline]
fn bits_of<T: LaneValue>(value: T) -> u64 {
    match T::TYPE.bytes() {
        1 => bytemuck::cast::<T, u8>(value).into(),
        2 => bytemuck::cast::<T, u16>(value).into(),
        4 => bytemuck::cast::<T, u32>(value).into(),
        _ => bytemuck::cast(value),
    }
}

/// The value of the low bits.
#[inline]
fn of_bits<T: LaneValue>(bits: u64) -> T {
    match T::TYPE.bytes() {
        1 => bytemuck::cast(bits as u8),
        2 => bytemuck::cast(bits as u16),
        4 => bytemuck::cast(bits as u32),
        _ => bytemuck::cast(bits),
    }
}

/// The number that an integer lane's value is, at most the greatest i64.
#[inline]
fn integer_of<T: LaneValue>(value: T) -> i64 {
    let bits = bits_of(value);
    match T::TYPE {
        LaneType::I8 => (bits as i8).into(),
        LaneType::I16 => (bits as i16).into(),
        LaneType::I32 => (bits as i32).into(),
        LaneType::I64 => bits as i64,
        _ => bits.min(i64::MAX as u64) as i64,
    }
}

/// Why the parts of a `#[lane(…)]` make no sense.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{}", self.text())]
pub enum WireError {
    /// Codes have 1 to 52 bits, and at most the bits of their type for integers.
    Bits,
    /// A quantum is greater than 0, and for integers a whole number; floats need one.
    Quantum,
    /// Least and greatest value are of the lane's type (of 64-bit integers within ±2⁵³), the least is less, and bits or both
    /// are given.
    Range,
    /// Between least and greatest value there are more steps than codes, or none.
    TooManySteps,
}

impl WireError {
    /// What is wrong, for constants too.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Bits => "a lane's bits are 1 to 52, and at most those of its type for integers",
            Self::Quantum => {
                "a lane's quantum is greater than 0, and a whole number for integers; floats need one"
            }
            Self::Range => {
                "a lane's min is less than its max, both are of its type, and bits or both are given"
            }
            Self::TooManySteps => "a lane has from min to max more steps than codes, or none",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(lane_type: LaneType, parts: WireParts) -> Steps {
        match Wire::new(lane_type, parts) {
            Ok(Wire::Steps(steps)) => steps,
            other => panic!("{other:?}"),
        }
    }

    fn parts(bits: u32, quantum: f64, min: f64, max: f64) -> WireParts {
        let some = |value: f64| (!value.is_nan()).then_some(value);
        WireParts {
            bits: (bits != 0).then_some(bits),
            quantum: some(quantum),
            min: some(min),
            max: some(max),
        }
    }

    const NO: f64 = f64::NAN;

    #[test]
    fn whole_values_come_back_with_every_bit() {
        let wire = Wire::new(LaneType::F32, WireParts::default()).unwrap();
        assert_eq!((wire, wire.bits(LaneType::F32)), (Wire::Whole, 32));
        for value in [0.0f32, -0.0, 1.5, f32::MIN_POSITIVE, f32::NEG_INFINITY] {
            let back: f32 = wire.decode(wire.encode(value));
            assert_eq!(back.to_bits(), value.to_bits());
        }
        for value in [i16::MIN, -1, 0, i16::MAX] {
            assert_eq!(Wire::Whole.decode::<i16>(Wire::Whole.encode(value)), value);
        }
        assert_eq!(Wire::Whole.encode(-1i8), 0xff);
    }

    #[test]
    fn what_is_not_given_is_found() {
        let symmetric = steps(LaneType::F32, parts(20, 0.0625, NO, NO));
        assert_eq!(
            (symmetric.min(), symmetric.max()),
            (-32_768.0, 32_767.937_5)
        );
        let counted = steps(LaneType::F64, parts(0, 0.5, -1.0, 6.0));
        assert_eq!((counted.bits(), counted.last), (4, 14));
        let mirrored = steps(LaneType::I32, parts(0, 10.0, NO, 100.0));
        assert_eq!((mirrored.min(), mirrored.bits()), (-100.0, 5));
        let unsigned = steps(LaneType::U16, parts(12, NO, NO, NO));
        assert_eq!((unsigned.min(), unsigned.max()), (0.0, 4_095.0));
    }

    /// The error is at most half a quantum, and values beyond the ends are the ends.
    #[test]
    fn floats_come_back_within_half_a_quantum() {
        for (bits, quantum, min, max) in [
            (20, 0.0625, NO, NO),
            (10, 0.1, -3.0, 7.25),
            (0, 0.3, -1.0, 1.0),
            (52, 1e-9, NO, NO),
        ] {
            let wire = steps(LaneType::F64, parts(bits, quantum, min, max));
            let width = wire.max() - wire.min();
            let bound = wire.quantum() / 2.0 + 4.0 * f64::EPSILON * width;
            for n in 0..=1_000 {
                let value = wire.min() + width * f64::from(n) / 1_000.0;
                let back: f64 = wire.decode(wire.encode(value));
                assert!((back - value).abs() <= bound, "{wire:?} {value} {back}");
                assert!(wire.encode(value) >> wire.bits() == 0);
            }
            let ends = [f64::NEG_INFINITY, wire.min() - 1.0, f64::NAN];
            assert!(ends.iter().all(|end| wire.encode(*end) == 0));
            for end in [f64::INFINITY, wire.max() + 1.0] {
                assert_eq!(wire.encode(end), wire.last);
            }
            assert_eq!(wire.decode::<f64>(u64::MAX), wire.max());
        }
    }

    #[test]
    fn integers_come_back_within_half_a_quantum() {
        let exact = steps(LaneType::I16, parts(10, NO, NO, NO));
        let coarse = steps(LaneType::I16, parts(0, 7.0, -1_000.0, 995.0));
        for value in i16::MIN..=i16::MAX {
            let back: i16 = exact.decode(exact.encode(value));
            assert_eq!(back, value.clamp(-512, 511));
            let back: i16 = coarse.decode(coarse.encode(value));
            assert!(
                (back - value.clamp(-1_000, 995)).abs() <= 3,
                "{value} {back}"
            );
        }
        let wide = steps(LaneType::U64, parts(40, NO, NO, NO));
        for (value, code) in [
            (0, 0),
            (12_345_678_901, 12_345_678_901),
            (u64::MAX, (1 << 40) - 1),
        ] {
            assert_eq!(wide.encode::<u64>(value), code);
        }
    }

    #[test]
    fn parts_that_make_no_sense_are_named() {
        use LaneType::{F32, F64, I8, I32, I64, U8};
        for (lane_type, parts, error) in [
            (F32, parts(20, NO, NO, NO), WireError::Quantum),
            (F32, parts(20, 0.0, NO, NO), WireError::Quantum),
            (F64, parts(20, f64::INFINITY, NO, NO), WireError::Quantum),
            (I32, parts(20, 0.5, NO, NO), WireError::Quantum),
            (I8, parts(9, NO, NO, NO), WireError::Bits),
            (F64, parts(53, 1.0, NO, NO), WireError::Bits),
            (I64, parts(53, NO, NO, NO), WireError::Bits),
            (F32, parts(0, 1.0, NO, NO), WireError::Range),
            (F32, parts(0, 1.0, 5.0, NO), WireError::Range),
            (F32, parts(4, 1.0, 5.0, 5.0), WireError::Range),
            (F32, parts(4, 1.0, 0.0, 1e300), WireError::Range),
            (U8, parts(4, NO, -1.0, 5.0), WireError::Range),
            (I32, parts(4, NO, 0.5, 5.0), WireError::Range),
            (F32, parts(4, 1.0, 0.0, 16.0), WireError::TooManySteps),
            (F32, parts(4, 100.0, 0.0, 1.0), WireError::TooManySteps),
            (F64, parts(0, 1e-9, -1e9, 1e9), WireError::TooManySteps),
        ] {
            assert_eq!(
                Wire::new(lane_type, parts),
                Err(error),
                "{lane_type:?} {parts:?}"
            );
        }
    }
}
