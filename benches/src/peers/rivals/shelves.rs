//! Key-value stores that tiles could be kept in, as their users get them.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use heed::types::Bytes;
use redb::{ReadOnlyTable, ReadableDatabase, TableDefinition};

/// A cell's key: its id, big-endian.
pub(crate) type Key = [u8; 8];
/// A tile under its key.
pub(crate) type Entry = (Key, Vec<u8>);

/// A store that is read.
pub(crate) trait Shelf: Sized {
    /// Library, version, and how it is asked.
    const NAME: &'static str;

    /// Makes a store of these in a folder of its own, synced.
    fn write(dir: &Path, entries: &[Entry]);

    fn open(dir: &Path) -> Self;

    /// Looks at the value of a key that is there.
    fn with<T>(&self, key: &Key, look: impl FnOnce(&[u8]) -> T) -> T;
}

/// RocksDB with its default options; values are copied out of it, or pinned where it has them.
pub(crate) struct Rocks<const PINNED: bool>(rocksdb::DB);

impl<const PINNED: bool> Shelf for Rocks<PINNED> {
    const NAME: &'static str = if PINNED {
        "RocksDB 11.8, default options, get_pinned"
    } else {
        "RocksDB 11.8, default options, get"
    };

    fn write(dir: &Path, entries: &[Entry]) {
        let db = rocksdb::DB::open_default(dir).expect("a new database");
        for (key, value) in entries {
            db.put(key, value).expect("room on the disk");
        }
        db.compact_range(None::<&[u8]>, None::<&[u8]>);
        db.flush().expect("room on the disk");
    }

    fn open(dir: &Path) -> Self {
        Self(rocksdb::DB::open_default(dir).expect("the database just written"))
    }

    fn with<T>(&self, key: &Key, look: impl FnOnce(&[u8]) -> T) -> T {
        const FOUND: &str = "a key of the database";
        if PINNED {
            look(&self.0.get_pinned(key).expect(FOUND).expect(FOUND))
        } else {
            look(&self.0.get(key).expect(FOUND).expect(FOUND))
        }
    }
}

/// LMDB: mapped, within one transaction.
pub(crate) struct Lmdb {
    database: heed::Database<Bytes, Bytes>,
    read: heed::RoTxn<'static, heed::WithTls>,
}

/// Of address space.
const MAP_BYTES: usize = 1 << 30;

fn lmdb(dir: &Path) -> heed::Env {
    let mut options = heed::EnvOpenOptions::new();
    options.map_size(MAP_BYTES);
    #[expect(unsafe_code, reason = "LMDB's file is mapped")]
    // SAFETY: the folder is of this process alone, which neither changes its files otherwise nor opens them twice at a time.
    let env = unsafe { options.open(dir) };
    env.expect("a folder of its own")
}

impl Shelf for Lmdb {
    const NAME: &'static str = "LMDB (heed 0.22.0)";

    fn write(dir: &Path, entries: &[Entry]) {
        let env = lmdb(dir);
        let mut write = env.write_txn().expect("a new database");
        let database: heed::Database<Bytes, Bytes> = env
            .create_database(&mut write, None)
            .expect("room on the disk");
        for (key, value) in entries {
            database
                .put(&mut write, key, value)
                .expect("room on the disk");
        }
        write.commit().expect("room on the disk");
        env.prepare_for_closing().wait();
    }

    fn open(dir: &Path) -> Self {
        let env = lmdb(dir);
        let read = env.clone().static_read_txn().expect("the only reader");
        let database = env
            .open_database(&read, None)
            .expect("the database just written");
        Self {
            database: database.expect("the database just written"),
            read,
        }
    }

    fn with<T>(&self, key: &Key, look: impl FnOnce(&[u8]) -> T) -> T {
        let value = self
            .database
            .get(&self.read, key)
            .expect("a sound database");
        look(value.expect("a key of the database"))
    }
}

const TILES: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("tiles");

/// redb, within one transaction.
pub(crate) struct Redb {
    table: ReadOnlyTable<&'static [u8], &'static [u8]>,
    _database: redb::Database,
}

impl Shelf for Redb {
    const NAME: &'static str = "redb 4.6.0";

    fn write(dir: &Path, entries: &[Entry]) {
        let database = redb::Database::create(dir.join("redb")).expect("a new database");
        let write = database.begin_write().expect("the only writer");
        {
            let mut table = write.open_table(TILES).expect("a new table");
            for (key, value) in entries {
                table
                    .insert(&key[..], &value[..])
                    .expect("room on the disk");
            }
        }
        write.commit().expect("room on the disk");
    }

    fn open(dir: &Path) -> Self {
        let database = redb::Database::open(dir.join("redb")).expect("the database just written");
        let read = database.begin_read().expect("a sound database");
        Self {
            table: read.open_table(TILES).expect("the table just written"),
            _database: database,
        }
    }

    fn with<T>(&self, key: &Key, look: impl FnOnce(&[u8]) -> T) -> T {
        let value = self.table.get(&key[..]).expect("a sound database");
        look(value.expect("a key of the database").value())
    }
}

/// No store at all: one file of all values, each read from its place. What the disk and the system take alone.
pub(crate) struct PlainFile {
    file: File,
    places: Vec<(Key, u64, usize)>, // ascending
}

impl Shelf for PlainFile {
    const NAME: &'static str = "pread of a plain file";

    fn write(dir: &Path, entries: &[Entry]) {
        let values: Vec<u8> = entries
            .iter()
            .flat_map(|(_, value)| value)
            .copied()
            .collect();
        std::fs::write(dir.join("values"), values).expect("room on the disk");
        let line = |(key, value): &Entry| format!("{} {}\n", u64::from_be_bytes(*key), value.len());
        let index: String = entries.iter().map(line).collect();
        std::fs::write(dir.join("index"), index).expect("room on the disk");
    }

    fn open(dir: &Path) -> Self {
        const WRITTEN: &str = "the index just written";
        let (mut places, mut end) = (Vec::new(), 0);
        for line in std::fs::read_to_string(dir.join("index"))
            .expect(WRITTEN)
            .lines()
        {
            let (key, bytes) = line.split_once(' ').expect(WRITTEN);
            let bytes: usize = bytes.parse().expect(WRITTEN);
            let key = key.parse::<u64>().expect(WRITTEN).to_be_bytes();
            places.push((key, end, bytes));
            end += bytes as u64;
        }
        Self {
            file: File::open(dir.join("values")).expect("the file just written"),
            places,
        }
    }

    fn with<T>(&self, key: &Key, look: impl FnOnce(&[u8]) -> T) -> T {
        let at = self.places.binary_search_by(|place| place.0.cmp(key));
        let (_, at, bytes) = self.places[at.expect("a key of the index")];
        let mut value = vec![0; bytes];
        self.file
            .read_exact_at(&mut value, at)
            .expect("a value of the file");
        look(&value)
    }
}
