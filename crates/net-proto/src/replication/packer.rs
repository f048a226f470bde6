//! Fills datagrams with updates, one after the other.

use spatial_core::EntityId;

use super::member::{GAP_BITS_MAX, MemberGap};
use super::replicator::PackStats;
use super::snapshot::{Coding, Datagrams, Header, IdGap, PARTS_MAX, UPDATES_OFFSET};
use crate::bits::{BitCursor, BitSpan};
use crate::limits::{COLUMNS_MAX, DATAGRAM_BYTES_MAX, ENTITIES_MAX};

/// Fills datagrams one after the other.
pub(super) struct Packer<'a> {
    bytes: &'a mut Vec<u8>, // while a datagram is open, with room for all that it can hold
    cursor: BitCursor,
    ends: &'a mut Vec<usize>,
    header: Header,
    datagrams_max: usize,
    open: Open,
    stats: PackStats,
}

/// Whose update it is.
#[derive(Clone, Copy)]
pub(super) enum Of {
    /// Somebody's at a place in the baseline's set.
    Member(u32),
    /// Somebody's by id.
    Id(EntityId),
}

/// The datagram being filled.
#[derive(Default)]
struct Open {
    start_byte: usize,
    bits_left: usize, // for updates
    members: u16,
    others: u16,
    next_member: u32,
    last_id: u64,
}

/// The bits that say whose update follows.
#[derive(Clone, Copy)]
enum Gap {
    Member(MemberGap),
    Id(IdGap),
}

impl Gap {
    fn bit_count(self) -> u32 {
        match self {
            Self::Member(gap) => gap.bit_count(),
            Self::Id(gap) => gap.bit_count(),
        }
    }

    #[inline(always)]
    fn put(self, (cursor, out): (&mut BitCursor, &mut [u8]), update: BitSpan<'_>) {
        match self {
            Self::Member(gap) => cursor.copy_behind(out, gap.bits(), update),
            Self::Id(gap) => {
                let ((class, class_bits), (gap, gap_bits)) = gap.fields();
                cursor.put(out, class, class_bits);
                cursor.put_word(out, gap, gap_bits);
                cursor.copy(out, update);
            }
        }
    }
}

impl Open {
    /// None where its turn is over in this datagram.
    #[inline]
    fn gap(&self, of: Of) -> Option<Gap> {
        match of {
            Of::Member(member) => (self.others == 0 && member >= self.next_member)
                .then(|| Gap::Member(MemberGap::new(self.next_member, member))),
            Of::Id(id) => (id.0 > self.last_id).then(|| Gap::Id(IdGap::new(self.last_id, id))),
        }
    }

    #[inline]
    fn take(&mut self, of: Of, bits: u32) {
        self.bits_left -= bits as usize;
        match of {
            Of::Member(member) => {
                self.next_member = member + 1;
                self.members += 1;
            }
            Of::Id(id) => {
                self.last_id = id.0;
                self.others += 1;
            }
        }
    }
}

impl<'a> Packer<'a> {
    pub(super) fn new(out: &'a mut Datagrams, header: Header, datagrams_max: usize) -> Self {
        let (bytes, ends) = out.refill();
        let mut packer = Self {
            bytes,
            cursor: BitCursor::default(),
            ends,
            header,
            datagrams_max,
            open: Open::default(),
            stats: PackStats::default(),
        };
        packer.begin();
        packer
    }

    /// Writes an update, in a new datagram when the open one is full or past this one's turn. False when there may be no more
    /// datagrams.
    #[inline(always)]
    pub(super) fn push(&mut self, of: Of, update: BitSpan<'_>) -> bool {
        match self.fitting(of, update) {
            Some(gap) => {
                self.put(of, gap, update);
                true
            }
            None => self.push_in_next(of, update),
        }
    }

    #[cold]
    fn push_in_next(&mut self, of: Of, update: BitSpan<'_>) -> bool {
        if self.ends.len() + 1 >= self.datagrams_max {
            return false;
        }
        self.end();
        self.begin();
        // Nothing is longer than a datagram, but nothing has its turn before the first.
        let gap = self.fitting(of, update);
        gap.map(|gap| self.put(of, gap, update)).is_some()
    }

    /// Where the open datagram has its turn and room for it.
    #[inline]
    fn fitting(&self, of: Of, update: BitSpan<'_>) -> Option<Gap> {
        let fits =
            |gap: &Gap| (gap.bit_count() + update.bit_count()) as usize <= self.open.bits_left;
        self.open.gap(of).filter(fits)
    }

    #[inline(always)]
    fn put(&mut self, of: Of, gap: Gap, update: BitSpan<'_>) {
        gap.put((&mut self.cursor, self.bytes), update);
        self.open.take(of, gap.bit_count() + update.bit_count());
    }

    pub(super) fn finish(mut self) -> PackStats {
        self.end();
        self.stats
    }

    fn begin(&mut self) {
        let start_byte = self.bytes.len();
        self.header.encode(self.bytes);
        self.cursor = BitCursor::new(self.bytes.len());
        self.bytes.resize(start_byte + ROOM_BYTES, 0);
        self.open = Open {
            start_byte,
            bits_left: update_bits_max(self.header.coding),
            ..Open::default()
        };
    }

    fn end(&mut self) {
        let bytes = &mut *self.bytes;
        bytes.truncate(self.cursor.bytes());
        let field = self.open.start_byte + UPDATES_OFFSET;
        let counts = match self.header.coding {
            Coding::Plain => &[self.open.others][..],
            Coding::Predicted => &[self.open.members, self.open.others],
        };
        for (n, count) in counts.iter().enumerate() {
            bytes[field + 2 * n..field + 2 * n + 2].copy_from_slice(&count.to_le_bytes());
        }
        self.ends.push(bytes.len());
        self.count();
    }

    fn count(&mut self) {
        let Open {
            members, others, ..
        } = self.open;
        self.stats.updates += usize::from(members) + usize::from(others);
        if self.header.coding == Coding::Predicted {
            self.stats.absolute += usize::from(others);
        }
        self.stats.bits += update_bits_max(self.header.coding) - self.open.bits_left;
    }
}

/// What a datagram can hold, and a cursor's last word.
const ROOM_BYTES: usize = DATAGRAM_BYTES_MAX + 8;

/// Bits for updates in a datagram.
pub(super) fn update_bits_max(coding: Coding) -> usize {
    8 * (DATAGRAM_BYTES_MAX - coding.header_bytes())
}

/// How many entities with so many bits of columns make a complete set that surely fits the parts that can be numbered.
pub(super) fn entities_max(column_bits: u32) -> usize {
    let values = column_bits as usize;
    let longest = LONGEST_UPDATE_BITS + values + values.min(COLUMNS_MAX); // a bit for each column
    let a_part = update_bits_max(Coding::Predicted) / longest;
    ENTITIES_MAX.min(a_part * (PARTS_MAX - 1))
}

/// Bits of an id at most.
const ID_BITS_MAX: u32 = 66;
/// An id, and a whole state.
const LONGEST_UPDATE_BITS: usize = ID_BITS_MAX as usize + 2 + 7 + 63 + 69 + 8 + 1;
const _: () = assert!(GAP_BITS_MAX < ID_BITS_MAX);
