//! Decoded chunks of all sources of a mosaic, within one bound of memory.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash};
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use memmap2::MmapMut;

/// Decoded samples. Large ones lie on pages of their own, which the system has back as soon as they are dropped: an allocator's
/// heaps, of a thread each, keep twice of what they were asked for in the end.
pub(super) enum Chunk {
    Small(Vec<f32>),
    Large(MmapMut), // whole samples
}

/// Bytes of a large chunk.
const LARGE_BYTES: usize = 128 << 10;

impl From<Vec<f32>> for Chunk {
    fn from(samples: Vec<f32>) -> Self {
        let bytes: &[u8] = bytemuck::cast_slice(&samples);
        if bytes.len() < LARGE_BYTES {
            return Self::Small(samples);
        }
        match MmapMut::map_anon(bytes.len()) {
            Ok(mut pages) => {
                pages.copy_from_slice(bytes);
                Self::Large(pages)
            }
            Err(_) => Self::Small(samples),
        }
    }
}

impl Deref for Chunk {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match self {
            Self::Small(samples) => samples,
            Self::Large(pages) => bytemuck::cast_slice(pages), // they begin where a page does
        }
    }
}

/// Keeps what was decoded last. Threads that want the same chunk wait for one that decodes it.
pub(super) struct ChunkCache<K> {
    bytes_max: usize,
    kept: Mutex<Kept<K>>,
    decoding: [Mutex<()>; 64], // held while a chunk whose key falls here is decoded
    decoding_large: Mutex<()>, // the same of chunks of which only one is decoded at a time, to bound memory
}

struct Kept<K> {
    chunks: HashMap<K, (Arc<Chunk>, u64)>, // and when it was used last
    bytes: usize,
    clock: u64,
}

impl<K: Copy + Ord + Hash> ChunkCache<K> {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            kept: Mutex::new(Kept {
                chunks: HashMap::new(),
                bytes: 0,
                clock: 0,
            }),
            decoding: [const { Mutex::new(()) }; 64],
            decoding_large: Mutex::default(),
        }
    }

    /// The chunk of a key, decoded if need be. Of large ones only one is decoded at a time.
    pub(super) fn get<E>(
        &self,
        key: K,
        is_large: bool,
        decode: impl FnOnce() -> Result<Vec<f32>, E>,
    ) -> Result<Arc<Chunk>, E> {
        if let Some(chunk) = lock(&self.kept).find(key) {
            return Ok(chunk);
        }
        let at = BuildHasherDefault::<DefaultHasher>::default().hash_one(key) % 64;
        let _decoding = lock(match is_large {
            true => &self.decoding_large,
            false => &self.decoding[at as usize],
        });
        if let Some(chunk) = lock(&self.kept).find(key) {
            return Ok(chunk);
        }
        let chunk = Arc::new(Chunk::from(decode()?));
        lock(&self.kept).keep(key, &chunk, self.bytes_max);
        Ok(chunk)
    }
}

impl<K: Copy + Ord + Hash> Kept<K> {
    fn find(&mut self, key: K) -> Option<Arc<Chunk>> {
        self.clock += 1;
        let (chunk, used) = self.chunks.get_mut(&key)?;
        *used = self.clock;
        Some(chunk.clone())
    }

    fn keep(&mut self, key: K, chunk: &Arc<Chunk>, bytes_max: usize) {
        let bytes = size_of_val::<[f32]>(chunk);
        if bytes > bytes_max {
            return;
        }
        if self.bytes + bytes > bytes_max {
            self.forget(bytes_max.saturating_sub(bytes) / 4 * 3);
        }
        self.bytes += bytes;
        self.chunks.insert(key, (chunk.clone(), self.clock));
    }

    /// Drops what was used longest ago until so much is left: a quarter at a time, for the order is found by sorting.
    fn forget(&mut self, bytes_max: usize) {
        let mut ages: Vec<(u64, K)> = self
            .chunks
            .iter()
            .map(|(key, (_, used))| (*used, *key))
            .collect();
        ages.sort_unstable();
        for (_, key) in ages {
            if self.bytes <= bytes_max {
                break;
            }
            if let Some((chunk, _)) = self.chunks.remove(&key) {
                self.bytes -= size_of_val::<[f32]>(&chunk);
            }
        }
    }
}

/// What a mutex guards is whole after every statement, so a panic of another thread leaves it whole.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_hold_what_they_are_made_of() {
        for count in [0, 1, LARGE_BYTES / 4 - 1, LARGE_BYTES / 4, 100_003] {
            let samples: Vec<f32> = (0..count).map(|k| k as f32 * 0.5).collect();
            let chunk = Chunk::from(samples.clone());
            assert_eq!(chunk[..], samples);
            assert_eq!(matches!(chunk, Chunk::Large(_)), 4 * count >= LARGE_BYTES);
        }
    }

    #[test]
    fn what_was_used_last_stays_and_the_bound_holds() {
        let cache = ChunkCache::new(4 * 100);
        let get = |key: u64, count: usize| {
            let mut is_decoded = false;
            let chunk = cache.get(key, count > 50, || {
                is_decoded = true;
                Ok::<_, ()>(vec![key as f32; count])
            });
            assert_eq!(chunk.unwrap()[..], vec![key as f32; count]);
            is_decoded
        };
        for key in 0..1_000 {
            assert!(get(key, 10));
            assert!(!get(key, 10));
            if key > 2 {
                assert!(!get(key - 1, 10), "used just before");
            }
            assert!(lock(&cache.kept).bytes <= 400);
        }
        assert!(get(0, 10), "long forgotten");
        assert!(get(2_000, 1_000), "larger than the bound: passed on");
        let failed = cache.get(3_000, false, || Err::<Vec<f32>, _>(7));
        assert_eq!(failed.err(), Some(7));
        assert!(get(3_000, 1), "a failure is not kept");
    }
}
