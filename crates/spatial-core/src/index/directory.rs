//! Where a key stands among sorted keys, without searching all of them.
//!
//! ```text
//! starts   0   3   3   9  …          the range of keys, cut into equal buckets, four keys each on average;
//!          │   │   │   │             starts[b] = how many keys stand before bucket b
//! keys     ···┘···─┘······┘          a look-up searches within one bucket
//! ```
//! Searching all of 1 M keys instead makes a radius query of 16 hits two to three times as slow. A table of all
//! cells would be as fast, but as large as the level is fine.

/// Buckets over sorted keys. Half to one byte a key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Directory {
    base: u64, // the least key
    shift: u32,
    starts: Vec<u32>, // one a bucket, and the number of keys at the end; empty without keys
}

/// Keys in a bucket, on average over the range, at the fewest.
const BUCKET_KEYS: usize = 4;

impl Directory {
    /// Describes these ascending keys: fewer than 2³², each below 2⁶³. Allocates only when there are more than ever before.
    pub(crate) fn rebuild(&mut self, keys: &[u64]) {
        self.starts.clear();
        let (Some(base), Some(last)) = (keys.first(), keys.last()) else {
            return;
        };
        let buckets_max = keys.len().div_ceil(BUCKET_KEYS);
        self.base = *base;
        self.shift = (0..u64::BITS)
            .find(|shift| (last - base) >> shift < buckets_max as u64)
            .expect("a range below 2⁶³ is nothing after 63 halvings");
        self.starts.reserve(buckets_max + 1);
        for (n, key) in keys.iter().enumerate() {
            let bucket = self.bucket(*key);
            while self.starts.len() <= bucket {
                self.starts.push(n as u32);
            }
        }
        self.starts.push(keys.len() as u32);
    }

    /// The first position whose key is at least `key`, in the keys that the directory describes.
    pub(crate) fn seek(&self, keys: &[u64], key: u64) -> usize {
        if key <= self.base {
            return 0;
        }
        let bucket = self.bucket(key);
        match self.starts.get(bucket..bucket.saturating_add(2)) {
            Some(&[start, end]) => {
                let (start, end) = (start as usize, end as usize);
                start + keys[start..end].partition_point(|other| *other < key)
            }
            _ => keys.len(),
        }
    }

    fn bucket(&self, key: u64) -> usize {
        ((key - self.base) >> self.shift) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(keys: &[u64]) {
        let mut directory = Directory::default();
        directory.rebuild(&[5; 100]); // something to forget
        directory.rebuild(keys);
        assert!(directory.starts.len() <= keys.len().div_ceil(BUCKET_KEYS) + 1);
        let beside = |key: &u64| [key.saturating_sub(1), *key, key.saturating_add(1)];
        for key in keys
            .iter()
            .flat_map(beside)
            .chain([0, 77, 1 << 40, u64::MAX])
        {
            let want = keys.iter().take_while(|other| **other < key).count();
            assert_eq!(directory.seek(keys, key), want, "{key} in {keys:?}");
        }
    }

    #[test]
    fn seek_is_a_lower_bound() {
        check(&[]);
        check(&[0]);
        check(&[9; 30]);
        check(&[0, u64::MAX >> 1]);
        check(&[0, 1, 1, 1, 1, 1, 2, 3, u64::MAX >> 1]);
        check(&[1, 3, 3, 3, 7, 9, 9, 20, 21, 22, 30, 1 << 50]);
        let spread: Vec<u64> = (0..1_000).map(|n| n * n * n).collect();
        check(&spread);
    }
}
