//! A validator as bytes, for a server that keeps what it knows of its players.
//!
//! ```text
//! version u8 = 3
//! pace       newest u32 · inputs · low: there u8 · i64 · datagrams · told u8
//!            inputs, datagrams: balance u16 · held u32 · until u64 · counted u64
//! drift      origin i64 · newest u64 · there u32 · 17 windows: up 2 × i16 · down 2 × i16
//! window     newest u32 · there u32 · turned u32 · 32 inputs: east i16 · north i16 · up i16 · heading u16 · buttons u16
//! excuse     until u64
//! claims     last: there u8 · seq u32 · frame u64 · x i32 · y i32 · z i32 · mode u8
//!            fast u32 · lift u32 · fall i32 · quiet u64
//! suspicion  score u32 · tick u64 · highest u8 · 20 counts u16
//! ```
//! Little-endian, without padding. In the place of what is not there is its default. Any numbers are legal, whoever wrote them.

use spatial_core::{FrameId, Position};

use super::claims::{Claim, Claims};
use super::drift::{Drift, Extents, WINDOWS};
use super::finding::{Escalation, Finding};
use super::inputs::Asked;
use super::pace::{Budget, Pace};
use super::prediction::Excuse;
use super::suspicion::Suspicion;
use super::validator::Validator;
use super::window::{WINDOW, Window};
use crate::mode::Mode;
use crate::record::{EntryError, Reader};

const VERSION: u8 = 3;

impl Validator {
    /// Bytes of a validator.
    pub const BYTES: usize = 654;

    /// Appends its bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        encode_pace(&self.pace, out);
        encode_drift(&self.drift, out);
        encode_window(&self.window, out);
        out.extend(self.excuse.until.to_le_bytes());
        encode_claims(&self.claims, out);
        encode_suspicion(&self.suspicion, out);
    }

    /// The validator that these are the bytes of.
    ///
    /// # Errors
    /// [`ValidatorError`] for anything that [`Validator::encode`] does not write.
    pub fn decode(bytes: &[u8]) -> Result<Self, ValidatorError> {
        let mut r = Reader(bytes);
        let version = r.u8()?;
        if version != VERSION {
            return Err(ValidatorError::Version(version));
        }
        let validator = Self {
            pace: decode_pace(&mut r)?,
            drift: decode_drift(&mut r)?,
            window: decode_window(&mut r)?,
            excuse: Excuse { until: r.u64()? },
            claims: decode_claims(&mut r)?,
            suspicion: decode_suspicion(&mut r)?,
        };
        match r.0.len() {
            0 => Ok(validator),
            n => Err(ValidatorError::Trailing(n)),
        }
    }
}

fn encode_pace(pace: &Pace, out: &mut Vec<u8>) {
    out.extend(pace.newest_seq.to_le_bytes());
    encode_budget(&pace.inputs, out);
    out.push(u8::from(pace.low.is_some()));
    out.extend(pace.low.unwrap_or(0).to_le_bytes());
    encode_budget(&pace.datagrams, out);
    out.push(u8::from(pace.is_told));
}

fn decode_pace(r: &mut Reader<'_>) -> Result<Pace, ValidatorError> {
    Ok(Pace {
        newest_seq: r.u32()?,
        inputs: decode_budget(r)?,
        low: {
            let is_there = flag(r)?;
            there(is_there, r.u64()?.cast_signed())?
        },
        datagrams: decode_budget(r)?,
        is_told: flag(r)?,
    })
}

fn encode_budget(budget: &Budget, out: &mut Vec<u8>) {
    out.extend(budget.balance.to_le_bytes());
    out.extend(budget.held.to_le_bytes());
    out.extend(budget.until.to_le_bytes());
    out.extend(budget.counted.to_le_bytes());
}

fn decode_budget(r: &mut Reader<'_>) -> Result<Budget, ValidatorError> {
    Ok(Budget {
        balance: r.u16()?,
        held: r.u32()?,
        until: r.u64()?,
        counted: r.u64()?,
    })
}

fn encode_drift(drift: &Drift, out: &mut Vec<u8>) {
    out.extend(drift.origin.to_le_bytes());
    out.extend(drift.newest.to_le_bytes());
    out.extend(drift.there.to_le_bytes());
    let ways = drift.windows.iter().flat_map(|w| [w.up, w.down]);
    out.extend(ways.flatten().flat_map(i16::to_le_bytes));
}

fn decode_drift(r: &mut Reader<'_>) -> Result<Drift, ValidatorError> {
    let (origin, newest, there) = (r.u64()?.cast_signed(), r.u64()?, r.u32()?);
    let mut windows = [Extents::default(); WINDOWS];
    for window in &mut windows {
        for way in [&mut window.up, &mut window.down] {
            *way = [r.u16()?.cast_signed(), r.u16()?.cast_signed()];
        }
    }
    Ok(Drift {
        origin,
        newest,
        there,
        windows,
    })
}

fn encode_window(window: &Window, out: &mut Vec<u8>) {
    out.extend(window.newest.to_le_bytes());
    out.extend(window.there.to_le_bytes());
    out.extend(window.turned.to_le_bytes());
    for input in &window.inputs {
        out.extend(input.east.to_le_bytes());
        out.extend(input.north.to_le_bytes());
        out.extend(input.up.to_le_bytes());
        out.extend(input.heading.to_le_bytes());
        out.extend(input.buttons.to_le_bytes());
    }
}

fn decode_window(r: &mut Reader<'_>) -> Result<Window, ValidatorError> {
    let (newest, there, turned) = (r.u32()?, r.u32()?, r.u32()?);
    let mut inputs = [Asked::default(); WINDOW as usize];
    for input in &mut inputs {
        *input = Asked {
            east: r.u16()?.cast_signed(),
            north: r.u16()?.cast_signed(),
            up: r.u16()?.cast_signed(),
            heading: r.u16()?,
            buttons: r.u16()?,
        };
    }
    Ok(Window {
        newest,
        there,
        turned,
        inputs,
    })
}

fn encode_claims(claims: &Claims, out: &mut Vec<u8>) {
    let last = claims.last.unwrap_or_default();
    out.push(u8::from(claims.last.is_some()));
    out.extend(last.seq.to_le_bytes());
    out.extend(last.position.frame.0.to_le_bytes());
    out.extend(
        last.position
            .xyz()
            .iter()
            .flat_map(|axis| axis.to_le_bytes()),
    );
    out.push(last.mode as u8);
    out.extend(claims.fast.to_le_bytes());
    out.extend(claims.lift.to_le_bytes());
    out.extend(claims.fall.to_le_bytes());
    out.extend(claims.quiet.to_le_bytes());
}

fn decode_claims(r: &mut Reader<'_>) -> Result<Claims, ValidatorError> {
    let is_there = flag(r)?;
    let last = Claim {
        seq: r.u32()?,
        position: Position {
            frame: FrameId(r.u64()?),
            x: r.u32()?.cast_signed(),
            y: r.u32()?.cast_signed(),
            z: r.u32()?.cast_signed(),
        },
        mode: {
            let mode = r.u8()?;
            Mode::new(mode).ok_or(ValidatorError::Value(mode))?
        },
    };
    Ok(Claims {
        last: there(is_there, last)?,
        fast: r.u32()?,
        lift: r.u32()?,
        fall: r.u32()?.cast_signed(),
        quiet: r.u64()?,
    })
}

fn encode_suspicion(suspicion: &Suspicion, out: &mut Vec<u8>) {
    out.extend(suspicion.score.to_le_bytes());
    out.extend(suspicion.tick.to_le_bytes());
    out.push(suspicion.highest as u8);
    out.extend(
        suspicion
            .counts
            .iter()
            .flat_map(|count| count.to_le_bytes()),
    );
}

fn decode_suspicion(r: &mut Reader<'_>) -> Result<Suspicion, ValidatorError> {
    let (score, tick, highest) = (r.u32()?, r.u64()?, r.u8()?);
    let mut counts = [0; Finding::KINDS];
    for count in &mut counts {
        *count = r.u16()?;
    }
    Ok(Suspicion {
        score,
        tick,
        highest: Escalation::from_number(highest).ok_or(ValidatorError::Value(highest))?,
        counts,
    })
}

fn flag(r: &mut Reader<'_>) -> Result<bool, ValidatorError> {
    match r.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(ValidatorError::Value(other)),
    }
}

/// What is there, or its default in its place.
fn there<T: Default + PartialEq>(is_there: bool, value: T) -> Result<Option<T>, ValidatorError> {
    match (is_there, value == T::default()) {
        (true, _) => Ok(Some(value)),
        (false, true) => Ok(None),
        (false, false) => Err(ValidatorError::Padding),
    }
}

/// Why bytes are no validator.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ValidatorError {
    /// The bytes end early.
    #[error("validator ends early")]
    Short,
    /// Bytes follow it.
    #[error("{0} bytes follow the validator")]
    Trailing(usize),
    /// Another version wrote it.
    #[error("validator is of version {0}, not {VERSION}")]
    Version(u8),
    /// A flag, mode or escalation that there is not.
    #[error("validator is damaged: {0} names nothing")]
    Value(u8),
    /// Something is in the place of what is not there.
    #[error("validator is damaged: something is in the place of nothing")]
    Padding,
}

impl From<EntryError> for ValidatorError {
    fn from(_: EntryError) -> Self {
        Self::Short // a reader of numbers fails in no other way
    }
}
