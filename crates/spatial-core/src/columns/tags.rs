//! Tags: sets of rows with a name. Setting one moves no row.

use super::bits::Bits;
use super::table::Table;

/// Most tags of a table: they are told apart by comparing names, each with each.
pub(crate) const TAGS_MAX: usize = 256;

/// A table's number of one of its tags. Stays the same for the table's life and in what it saves.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TagId(pub(crate) u32);

/// Why a tag was not registered.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TagError {
    /// A name has 1 to 255 bytes.
    #[error("the name of a tag has {0} bytes, want 1 to 255")]
    Name(usize),
    /// The table has as many tags as it can have.
    #[error("the table has no room for tag {0}: it has {TAGS_MAX}")]
    Full(String),
}

/// A tag and who has it.
#[derive(Clone)]
pub(crate) struct Tag {
    pub(crate) name: String, // 1 to 255 bytes, unique in its table
    pub(crate) rows: Bits,   // over the table's rows
    seed: u64,               // of the hash
}

impl Tag {
    pub(crate) fn new(name: String, rows: Bits) -> Self {
        // No column has an identity that begins with a zero.
        let identity = [&[0], name.as_bytes()].concat();
        let seed = xxhash_rust::xxh3::xxh3_64(&identity);
        Self { name, rows, seed }
    }

    /// What having the tag adds to the hash of a row.
    pub(crate) fn hash_row(&self, id: [u8; 8], row: usize) -> u64 {
        if self.rows.contains(row) {
            xxhash_rust::xxh3::xxh3_64_with_seed(&id, self.seed)
        } else {
            0
        }
    }
}

/// Tags: a bit a row and tag. All panic when the table has no such tag or row.
impl Table {
    /// Adds a tag that no row has, or finds the one of this name.
    ///
    /// # Errors
    /// [`TagError`] when the name has not 1 to 255 bytes or there are 256 tags.
    pub fn register_tag(&mut self, name: &str) -> Result<TagId, TagError> {
        if let Some(tag) = self.tag_named(name) {
            return Ok(tag);
        }
        if !(1..=255).contains(&name.len()) {
            return Err(TagError::Name(name.len()));
        }
        if self.tags.len() >= TAGS_MAX {
            return Err(TagError::Full(name.to_owned()));
        }
        let rows = Bits::none(self.len());
        self.tags.push(Tag::new(name.to_owned(), rows));
        Ok(TagId(self.tags.len() as u32 - 1))
    }

    /// The tag of this name.
    pub fn tag_named(&self, name: &str) -> Option<TagId> {
        let place = self.tags.iter().position(|tag| tag.name == name)?;
        Some(TagId(place as u32))
    }

    /// The names of all tags in order of registration, unknown ones that a load brought included.
    pub fn tag_names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.tags.iter().map(|tag| tag.name.as_str())
    }

    /// Gives a row the tag.
    #[inline]
    pub fn set_tag(&mut self, tag: TagId, row: usize) {
        self.tags[tag.0 as usize].rows.insert(row);
    }

    /// Takes the tag from a row.
    #[inline]
    pub fn clear_tag(&mut self, tag: TagId, row: usize) {
        self.tags[tag.0 as usize].rows.remove(row);
    }

    /// Whether a row has the tag.
    #[inline]
    pub fn has_tag(&self, tag: TagId, row: usize) -> bool {
        self.tags[tag.0 as usize].rows.contains(row)
    }

    /// The rows that have the tag, ascending. Costs what they are, and a 4,096th of all rows.
    pub fn tagged(&self, tag: TagId) -> impl Iterator<Item = usize> + '_ {
        self.tags[tag.0 as usize].rows.iter()
    }

    /// Takes the tag from all rows.
    pub fn clear_tags(&mut self, tag: TagId) {
        self.tags[tag.0 as usize].rows.clear();
    }
}
