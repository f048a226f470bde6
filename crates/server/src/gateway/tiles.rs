//! Ground for clients that have none: found, packed and kept by a thread of its own.
//!
//! What is answered is what the world collides with: the same store, refined in the same way. At most [`QUEUE`] questions wait; at the bound
//! whoever asks is told to ask again. The answers of [`ANSWERS`] tiles are kept, 20 MB at most.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};

use net_proto::{BulkAnswer, GroundInfo, TILE_BYTES_MAX, TileAnswer, TileAsk, pack};
use spatial_core::{CellId, Codec, HeightTile, Manifest, StoreError, StoredTile, TileStore};
use tokio::sync::oneshot;
use xxhash_rust::xxh3::xxh3_64;

use crate::crew::{Crew, Work, next};

pub(crate) const QUEUE: usize = 256;
const ANSWERS: usize = 512;

/// An answer as it travels.
pub(super) type Frame = Arc<[u8]>;

/// Where ground is asked for.
#[derive(Debug)]
pub(crate) struct TileDesk {
    info: GroundInfo,
    jobs: SyncSender<Job>,
    pub(super) counters: TileCounters,
}

struct Job {
    ask: TileAsk,
    reply: oneshot::Sender<Frame>,
}

/// What was answered since the start of the process.
#[derive(Debug, Default)]
pub(crate) struct TileCounters {
    sent: AtomicU64,
    bytes: AtomicU64,
    refused: AtomicU64,
}

impl TileDesk {
    /// Starts answering, which ends when this is dropped.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub(crate) fn start(store: Arc<dyn TileStore>, crew: &Crew) -> io::Result<Self> {
        let info = GroundInfo {
            planet: identity(store.manifest()),
            lattice: *store.manifest().lattice(),
        };
        let (jobs, asked) = sync_channel(QUEUE);
        let clerk = Clerk {
            store,
            asked,
            answers: Answers::default(),
        };
        crew.employ("tiles", clerk)?;
        Ok(Self {
            info,
            jobs,
            counters: TileCounters::default(),
        })
    }

    /// What the terrain is.
    pub(super) fn info(&self) -> GroundInfo {
        self.info
    }

    /// Asks for a tile; none when too many others do.
    pub(super) fn ask(&self, ask: TileAsk) -> Option<oneshot::Receiver<Frame>> {
        let (reply, answer) = oneshot::channel();
        let job = Job { ask, reply };
        self.jobs.try_send(job).ok().map(|()| answer)
    }

    /// Tiles sent, their bytes, and requests refused.
    pub(crate) fn counts(&self) -> [u64; 3] {
        let counters = &self.counters;
        [&counters.sent, &counters.bytes, &counters.refused].map(|c| c.load(Ordering::Relaxed))
    }
}

impl TileCounters {
    pub(super) fn send(&self, bytes: usize) {
        self.sent.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn refuse(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }
}

/// Tells planets apart; two of one name are told apart by their tiles' names all the same.
fn identity(manifest: &Manifest) -> u64 {
    // A manifest was read from a file or fits one; if not, its lattice says enough.
    let text = manifest.encode().unwrap_or_default();
    xxh3_64(&text) ^ manifest.lattice().fingerprint()
}

/// Answers, one question after the other.
struct Clerk {
    store: Arc<dyn TileStore>,
    asked: Receiver<Job>,
    answers: Answers,
}

impl Work for Clerk {
    fn turn(&mut self, may_wait: bool) -> bool {
        match next(&self.asked, may_wait) {
            Ok(Job { ask, reply }) => {
                // The session may have ended.
                let _ = reply.send(self.answers.answer(&*self.store, ask));
                true
            }
            Err(gone) => gone == TryRecvError::Empty,
        }
    }
}

/// Answers that are kept: the oldest goes when there is one more.
#[derive(Default)]
struct Answers {
    kept: BTreeMap<CellId, (u64, Frame)>, // with the name of the samples
    order: VecDeque<CellId>,
}

impl Answers {
    fn answer(&mut self, store: &dyn TileStore, ask: TileAsk) -> Frame {
        let absent = BulkAnswer::Tile(ask.cell, TileAnswer::Absent);
        let tile = match store.load_refined(ask.cell) {
            Ok(tile) => tile,
            Err(StoreError::Missing { .. }) => return frame(&absent),
            Err(error) => {
                tracing::error!(%error, "a client cannot be told of this ground");
                return frame(&absent);
            }
        };
        let name = tile.checksum();
        if ask.known == name {
            return frame(&BulkAnswer::Tile(ask.cell, TileAnswer::Unchanged));
        }
        match self.kept.get(&ask.cell) {
            Some((kept, frame)) if *kept == name => Arc::clone(frame),
            _ => {
                let answer = written(store, &tile).unwrap_or_else(|| frame(&absent));
                self.keep(ask.cell, name, &answer);
                answer
            }
        }
    }

    fn keep(&mut self, cell: CellId, name: u64, frame: &Frame) {
        if self.kept.insert(cell, (name, Arc::clone(frame))).is_none() {
            self.order.push_back(cell);
        }
        if self.order.len() > ANSWERS
            && let Some(oldest) = self.order.pop_front()
        {
            self.kept.remove(&oldest);
        }
    }
}

/// A tile as it travels: where it lies encoded and needs no other tile, those bytes; else, or where packing them is of no use, the codec that
/// is made for this, which takes some milliseconds.
fn written(store: &dyn TileStore, tile: &HeightTile) -> Option<Frame> {
    let cell = tile.cell();
    let stored = store.tile(cell).ok();
    let bytes = stored.as_ref().and_then(StoredTile::bytes);
    let mut room = Vec::new();
    let packed = bytes.and_then(|bytes| pack(bytes, &mut room));
    if let Some(packed) = packed {
        return Some(frame(&BulkAnswer::Tile(cell, TileAnswer::Packed(packed))));
    }
    let bytes = match bytes {
        Some(bytes) if bytes.len() <= STORED_BYTES_MAX => Cow::Borrowed(bytes),
        _ => Cow::Owned(tile.encode(Codec::Wire, None).ok()?),
    };
    // No codec needs more than raw samples do by half as much; a store's tiles are its own.
    let answer = TileAnswer::Plain(bytes.get(..).filter(|b| b.len() <= TILE_BYTES_MAX)?);
    Some(frame(&BulkAnswer::Tile(cell, answer)))
}

/// Bytes of a stored tile that are worth sending as they are.
const STORED_BYTES_MAX: usize = 16 << 10;

pub(super) fn frame(answer: &BulkAnswer<'_>) -> Frame {
    let mut out = Vec::new();
    answer.encode(&mut out);
    out.into()
}

#[cfg(test)]
mod tests {
    use spatial_core::{LatticeSpec, MemoryStore, MissingTile, PackStore, PackWriter, Planet};

    use super::*;

    const INTERVALS: u16 = 128;

    fn tile(cell: CellId, height: impl Fn(usize) -> i16) -> HeightTile {
        let side = usize::from(INTERVALS) + 1;
        let samples = (0..side * side).map(height).collect();
        HeightTile::new(cell, INTERVALS, samples).unwrap()
    }

    fn rough(cell: CellId) -> HeightTile {
        let mut seed = cell.to_u64();
        let mut random = move || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            seed >> 62
        };
        let noise: Vec<i16> = (0..129 * 129).map(|_| random() as i16).collect();
        tile(cell, |n| (n % 129) as i16 * 3 + noise[n])
    }

    fn faces() -> [CellId; 6] {
        core::array::from_fn(|face| CellId::from_face_ij(face as u8, 0, 0, 0))
    }

    fn manifest(levels: u8) -> Manifest {
        let lattice = LatticeSpec::new(levels, INTERVALS, 0.0, 1.0).unwrap();
        Manifest::new(Planet::EARTH, lattice, "drawn for a test", "CC0")
            .with_missing(MissingTile::Coarser)
    }

    /// The tile of an answer, and the bytes of its frame.
    fn got(
        answers: &mut Answers,
        store: &dyn TileStore,
        cell: CellId,
        known: u64,
    ) -> Result<(HeightTile, usize), String> {
        let frame = answers.answer(store, TileAsk { cell, known });
        let mut buffer = [0; TILE_BYTES_MAX];
        let bytes = match BulkAnswer::decode(&frame[2..]).unwrap() {
            BulkAnswer::Tile(at, TileAnswer::Plain(bytes)) if at == cell => bytes,
            BulkAnswer::Tile(at, TileAnswer::Packed(packed)) if at == cell => {
                packed.unpack(&mut buffer).unwrap()
            }
            other => return Err(format!("{other:?}")),
        };
        Ok((HeightTile::decode(bytes, None).unwrap(), frame.len()))
    }

    fn pack_file(codec: Codec) -> (tempfile::NamedTempFile, PackStore) {
        let file = tempfile::NamedTempFile::new().unwrap();
        let manifest = manifest(1).with_tiles(6);
        let mut writer = PackWriter::new(file.reopen().unwrap(), &manifest).unwrap();
        for (n, cell) in faces().into_iter().enumerate() {
            let tile = if n == 0 {
                tile(cell, |_| 7)
            } else {
                rough(cell)
            };
            writer
                .push(cell, &tile.encode(codec, None).unwrap())
                .unwrap();
        }
        writer.finish().unwrap();
        let store = PackStore::open(file.path()).unwrap();
        (file, store)
    }

    #[test]
    fn whatever_is_stored_arrives_small_and_as_it_is() {
        for (codec, bytes_max) in [
            (Codec::Raw, 24_000),
            (Codec::Hot, 14_000),
            (Codec::Wire, 9_000),
            (Codec::Archive, 9_000),
        ] {
            let (_file, store) = pack_file(codec);
            let mut answers = Answers::default();
            for cell in faces() {
                let (tile, bytes) = got(&mut answers, &store, cell, 0).unwrap();
                assert_eq!(tile.samples(), store.load(cell).unwrap().samples());
                let bytes_max = if cell.face() == 0 { 400 } else { bytes_max };
                assert!(bytes < bytes_max, "{codec:?} {cell}: {bytes} B");
                let unchanged = got(&mut answers, &store, cell, tile.checksum());
                assert!(unchanged.unwrap_err().contains("Unchanged"));
            }
        }
    }

    #[test]
    fn ground_that_is_known_no_finer_is_what_the_world_has_there() {
        let store = MemoryStore::new(manifest(3), faces().map(rough)).unwrap();
        let fine = CellId::from_face_ij(4, 5 << 27, 3 << 28, 2);
        let mut answers = Answers::default();
        let (tile, _) = got(&mut answers, &store, fine, 1).unwrap();
        assert_eq!(
            tile.checksum(),
            store.load_refined(fine).unwrap().checksum()
        );
        let beyond = CellId::from_face_ij(4, 0, 0, 3);
        let absent = got(&mut answers, &store, beyond, 0).unwrap_err();
        assert!(absent.contains("Absent"), "{absent}");
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let store = MemoryStore::new(manifest(7), faces().map(rough)).unwrap();
        let mut answers = Answers::default();
        for n in 0..ANSWERS as u32 + 40 {
            let cell = CellId::from_face_ij(2, (n % 64) << 24, (n / 64) << 24, 6);
            let ask = TileAsk { cell, known: 0 };
            let first = answers.answer(&store, ask);
            assert!(Arc::ptr_eq(&first, &answers.answer(&store, ask)));
        }
        assert_eq!(
            (answers.kept.len(), answers.order.len()),
            (ANSWERS, ANSWERS)
        );
    }
}
