//! A journal's records with inputs told by what they change: nearly all that a journal holds is players who go on as before.
//!
//! ```text
//! entry   kind 4 · tick u64 · begins u8 · count u32 · records      as an entry of kind 1 (record.rs), but for its inputs
//! record  18 · count n · n × (changes u8 · who n [· sequence n] [· east n] [· north n] [· up n] [· heading n] [· buttons n])
//! ```
//!
//! `n` is a number of 7 bits a byte, the lowest first, the top bit set where more follow; differences are folded (0, −1, 1, −2, …). `who` is the
//! difference to the entity before it in the same record. A bit of `changes` for each number that follows; a number is the difference to the
//! entity's last input (its sequence: to one more than that), or to [`Input::default`] where it has none since the last entry that `begins` (1), or since it was
//! despawned. So an entry means something only after those before it, from one that begins on. [`Input::predicted`] is left out: no step looks at it.
//!
//! Every entry has one spelling; the reader refuses all others.

use core::hash::{BuildHasherDefault, Hasher};
use std::collections::HashMap;

use spatial_core::EntityId;

use crate::record::{Entry, EntryError, Input, Reader, Record};

/// The entry's kind.
const ENTRY: u8 = 4;
/// The record's kind.
const INPUTS: u8 = 18;
/// Bits of `changes`.
const CHANGES: usize = 6;

/// The last input of everybody.
#[derive(Clone, Debug, Default)]
struct Last(HashMap<EntityId, Input, BuildHasherDefault<Spread>>); // never iterated

impl Last {
    /// The last input of somebody, which the next one is told by.
    fn of(&mut self, entity: EntityId) -> &mut Input {
        self.0.entry(entity).or_default()
    }

    fn note(&mut self, record: &Record) {
        if let Record::Despawn { entity } = record {
            self.0.remove(entity);
        }
    }
}

/// Spreads names over the table: they mostly follow each other.
#[derive(Clone, Copy, Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64((*byte).into()));
    }

    fn write_u64(&mut self, n: u64) {
        let product = u128::from(self.0 ^ n) * 0x9e37_79b9_7f4a_7c15;
        self.0 = product as u64 ^ (product >> 64) as u64;
    }
}

/// Writes the entries of a journal one after another.
#[derive(Clone, Debug)]
pub struct JournalWriter {
    last: Last,
    begins: bool,
}

impl Default for JournalWriter {
    fn default() -> Self {
        Self::new()
    }
}

impl JournalWriter {
    /// One whose first entry begins.
    pub fn new() -> Self {
        Self {
            last: Last::default(),
            begins: true,
        }
    }

    /// Has the next entry begin: what comes from there on can be read without what came before. Call it with every checkpoint.
    pub fn begin(&mut self) {
        *self = Self::new();
    }

    /// Appends the bytes of the records of a tick, as [`JournalReader::entry`] reads them.
    ///
    /// # Panics
    /// With 2³² records or more.
    pub fn records(&mut self, tick: u64, records: &[Record], out: &mut Vec<u8>) {
        out.push(ENTRY);
        out.extend(tick.to_le_bytes());
        out.push(core::mem::take(&mut self.begins).into());
        let is_input = |record: &Record| matches!(record, Record::Input { .. });
        let runs = || records.chunk_by(|a, b| is_input(a) && is_input(b));
        let count = u32::try_from(runs().count());
        let count = count.expect("a tick consumes fewer than 2^32 records");
        out.extend(count.to_le_bytes());
        for run in runs() {
            if run.first().is_some_and(is_input) {
                self.inputs(run, out);
                continue;
            }
            for record in run {
                record.encode(out);
                self.last.note(record);
            }
        }
    }

    fn inputs(&mut self, run: &[Record], out: &mut Vec<u8>) {
        out.push(INPUTS);
        put(run.len() as u64, out);
        let mut near = 0u64;
        for record in run {
            let Record::Input { entity, input } = record else {
                continue;
            };
            let last = self.last.of(*entity);
            let differences = differences(input, &usual(last));
            *last = Input {
                predicted: 0,
                ..*input
            };
            let bits = differences.iter().enumerate();
            let changes = bits.fold(0u8, |all, (n, d)| all | u8::from(*d != 0) << n);
            out.push(changes);
            put(fold(entity.0.wrapping_sub(near).cast_signed()), out);
            near = entity.0;
            let told = differences.iter().filter(|d| **d != 0);
            told.for_each(|d| put(fold((*d).into()), out));
        }
    }
}

/// Reads the entries of a journal one after another, from a checkpoint on; those of earlier versions, too.
#[derive(Clone, Debug, Default)]
pub struct JournalReader {
    last: Last,
    has_begun: bool,
}

impl JournalReader {
    /// One that has read nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads one entry that fills the bytes exactly. Allocates at most in proportion to them. After an error nothing more can be read.
    ///
    /// # Errors
    /// [`EntryError`] for anything that [`JournalWriter::records`] and [`Entry::encode`] do not write.
    pub fn entry(&mut self, bytes: &[u8]) -> Result<Entry, EntryError> {
        let Some((&ENTRY, rest)) = bytes.split_first() else {
            return Entry::decode(bytes);
        };
        let mut r = Reader(rest);
        let (tick, begins) = (r.u64()?, r.u8()?);
        match begins {
            1 => *self = Self::new(),
            0 if self.has_begun => {}
            _ => return Err(EntryError::Shortened("what came before it")),
        }
        self.has_begun = true;
        let mut records = Vec::new(); // grows with the bytes there are, not with the count they claim
        let mut was_run = false;
        for _ in 0..r.u32()? {
            let is_run = r.0.first() == Some(&INPUTS);
            if is_run && was_run {
                return Err(EntryError::Shortened("one run of inputs"));
            }
            was_run = is_run;
            match is_run {
                true => self.inputs(&mut r, &mut records)?,
                false => records.push(self.record(&mut r)?),
            }
        }
        match r.0.len() {
            0 => Ok(Entry::Records { tick, records }),
            n => Err(EntryError::Trailing(n)),
        }
    }

    fn record(&mut self, r: &mut Reader<'_>) -> Result<Record, EntryError> {
        let record = Record::decode(r)?;
        if matches!(record, Record::Input { .. }) {
            return Err(EntryError::Shortened("inputs in runs"));
        }
        self.last.note(&record);
        Ok(record)
    }

    fn inputs(&mut self, r: &mut Reader<'_>, records: &mut Vec<Record>) -> Result<(), EntryError> {
        r.u8()?; // the kind
        let count = take(r)?;
        if count == 0 {
            return Err(EntryError::Shortened("a run's inputs"));
        }
        let mut near = 0u64;
        for _ in 0..count {
            let changes = r.u8()?;
            near = near.wrapping_add(unfold(take(r)?).cast_unsigned());
            let entity = EntityId(near);
            let mut told = [0; CHANGES];
            for (n, difference) in told.iter_mut().enumerate() {
                if changes & 1 << n != 0 {
                    *difference = i32::try_from(unfold(take(r)?)).unwrap_or(0);
                }
            }
            let last = self.last.of(entity);
            let before = usual(last);
            let input = changed(&before, told);
            // Nothing is said that is not so, or could be said otherwise.
            let bits = told.iter().enumerate();
            let said = bits.fold(0u8, |all, (n, d)| all | u8::from(*d != 0) << n);
            if said != changes || differences(&input, &before) != told {
                return Err(EntryError::Shortened("differences of an input"));
            }
            *last = input;
            records.push(Record::Input { entity, input });
        }
        Ok(())
    }
}

/// What an input is the difference to: the last one, with the sequence number that comes next.
fn usual(last: &Input) -> Input {
    Input {
        seq: last.seq.wrapping_add(1),
        ..*last
    }
}

/// What an input is other than one before it; numbers that wrap are as near as can be.
fn differences(input: &Input, before: &Input) -> [i32; CHANGES] {
    let wish = |now: i16, then: i16| i32::from(now.wrapping_sub(then));
    let turned = input.heading.wrapping_sub(before.heading).cast_signed();
    [
        input.seq.wrapping_sub(before.seq).cast_signed(),
        wish(input.east, before.east),
        wish(input.north, before.north),
        wish(input.up, before.up),
        turned.into(),
        (input.buttons ^ before.buttons).into(),
    ]
}

/// The counterpart of [`differences`]; what is out of range is another input, and found by comparing.
fn changed(before: &Input, told: [i32; CHANGES]) -> Input {
    let [seq, east, north, up, heading, buttons] = told;
    let wish = |then: i16, by: i32| then.wrapping_add(by as i16);
    Input {
        seq: before.seq.wrapping_add_signed(seq),
        east: wish(before.east, east),
        north: wish(before.north, north),
        up: wish(before.up, up),
        heading: before.heading.wrapping_add_signed(heading as i16),
        buttons: before.buttons ^ buttons as u16,
        predicted: 0,
    }
}

/// Small numbers of either sign as small numbers.
fn fold(n: i64) -> u64 {
    (n << 1 ^ n >> 63).cast_unsigned()
}

fn unfold(n: u64) -> i64 {
    (n >> 1).cast_signed() ^ -(n & 1).cast_signed()
}

fn put(mut n: u64, out: &mut Vec<u8>) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

fn take(r: &mut Reader<'_>) -> Result<u64, EntryError> {
    let mut n = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = r.u8()?;
        let part = u64::from(byte & 0x7f);
        let is_last = byte < 0x80;
        // Neither zeros on top nor bits beyond the 64th.
        if (is_last && part == 0 && shift > 0) || part << shift >> shift != part {
            return Err(EntryError::Shortened("the bytes of a number"));
        }
        n |= part << shift;
        if is_last {
            return Ok(n);
        }
    }
    Err(EntryError::Shortened("the bytes of a number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_one_spelling() {
        for n in [0, 1, 127, 128, 300, 1 << 32, u64::MAX - 1, u64::MAX] {
            let mut bytes = Vec::new();
            put(n, &mut bytes);
            assert_eq!(take(&mut Reader(&bytes)), Ok(n));
            let last = bytes.pop().unwrap();
            bytes.extend([last | 0x80, 0]);
            assert!(take(&mut Reader(&bytes)).is_err(), "{n}");
        }
        for n in [0, -1, 1, i64::MIN, i64::MAX] {
            assert_eq!(unfold(fold(n)), n);
        }
    }

    fn input(entity: u64, seq: u32, east: i16) -> Record {
        Record::Input {
            entity: EntityId(entity),
            input: Input {
                seq,
                east,
                ..Input::default()
            },
        }
    }

    #[test]
    fn who_goes_on_as_before_takes_two_bytes() {
        let mut writer = JournalWriter::new();
        let size = |writer: &mut JournalWriter, records: &[Record]| {
            let mut out = Vec::new();
            writer.records(1, records, &mut out);
            out.len()
        };
        let of = |seq| -> Vec<_> { (1000..1100).map(|n| input(n, seq, 300)).collect() };
        // Head, run, count of it, the first one's whole name; then two bytes each, four where the wish is new.
        assert_eq!(size(&mut writer, &of(1)), 14 + 2 + 1 + 4 * 100);
        assert_eq!(size(&mut writer, &of(2)), 14 + 2 + 1 + 2 * 100);
        writer.begin();
        assert_eq!(size(&mut writer, &of(1)), 14 + 2 + 1 + 4 * 100);
    }

    #[test]
    fn what_does_not_begin_cannot_be_read_alone() {
        let mut writer = JournalWriter::new();
        let mut bytes = [Vec::new(), Vec::new()];
        for (tick, out) in (1..).zip(&mut bytes) {
            writer.records(tick, &[input(5, tick as u32, 300)], out);
        }
        let early = JournalReader::new().entry(&bytes[1]);
        assert_eq!(early, Err(EntryError::Shortened("what came before it")));
        let mut reader = JournalReader::new();
        for (tick, bytes) in (1..).zip(&bytes) {
            let records = vec![input(5, tick as u32, 300)];
            assert_eq!(reader.entry(bytes), Ok(Entry::Records { tick, records }));
        }
    }
}
