//! Rectangles of a plane in a grid of buckets, to find those at a place.

use std::collections::HashMap;

/// Numbered rectangles [west, south, east, north].
pub(super) struct Buckets {
    size: [f64; 2], // of a bucket; positive
    lists: HashMap<[i32; 2], Vec<u32>>,
    around: [f64; 4], // all rectangles
}

/// Buckets that one rectangle may fill along an axis; beyond, it is found everywhere.
const ACROSS_MAX: i32 = 64;

impl Buckets {
    /// Buckets as large as the largest of the rectangles to come, roughly.
    pub(super) fn new(size: [f64; 2]) -> Self {
        let size = size.map(|x| if x > 0.0 { x } else { 1.0 });
        Self {
            size,
            lists: HashMap::new(),
            around: [
                f64::INFINITY,
                f64::INFINITY,
                f64::NEG_INFINITY,
                f64::NEG_INFINITY,
            ],
        }
    }

    pub(super) fn insert(&mut self, rect: [f64; 4], number: u32) {
        // A place on the edge may round to either side of it.
        let slack = self.size.map(|x| 1e-6 * x);
        let [low, high] = [0, 2].map(|n| [rect[n], rect[n + 1]]);
        let low = [0, 1].map(|n| low[n] - slack[n]);
        let high = [0, 1].map(|n| high[n] + slack[n]);
        for n in 0..2 {
            self.around[n] = self.around[n].min(low[n]);
            self.around[n + 2] = self.around[n + 2].max(high[n]);
        }
        let (from, to) = (self.bucket(low), self.bucket(high));
        if (0..2).any(|n| to[n].saturating_sub(from[n]) > ACROSS_MAX) {
            // No bucket is so far out: a list for those that are in all.
            self.lists.entry(EVERYWHERE).or_default().push(number);
            return;
        }
        for i in from[0]..=to[0] {
            for j in from[1]..=to[1] {
                self.lists.entry([i, j]).or_default().push(number);
            }
        }
    }

    /// The numbers of all rectangles that contain a place, and of some near it; ascending in each of the two lists.
    pub(super) fn at(&self, place: [f64; 2]) -> impl Iterator<Item = u32> {
        let [west, south, east, north] = self.around;
        // Most places that are in none are beyond all.
        let is_near = (west..=east).contains(&place[0]) && (south..=north).contains(&place[1]);
        let lists = [self.bucket(place), EVERYWHERE].map(|key| match is_near {
            true => self.lists.get(&key),
            false => None,
        });
        lists.into_iter().flatten().flatten().copied()
    }

    /// The numbers of all rectangles that touch one, and of some near it; ascending, without repetition.
    pub(super) fn near(&self, rect: [f64; 4]) -> Vec<u32> {
        let from = self.bucket([rect[0], rect[1]]);
        let to = self.bucket([rect[2], rect[3]]);
        let mut numbers: Vec<u32> = self
            .lists
            .get(&EVERYWHERE)
            .into_iter()
            .flatten()
            .copied()
            .collect();
        if (0..2).all(|n| to[n].saturating_sub(from[n]) <= ACROSS_MAX) {
            for i in from[0]..=to[0] {
                for j in from[1]..=to[1] {
                    numbers.extend(self.lists.get(&[i, j]).into_iter().flatten());
                }
            }
        } else {
            numbers.extend(self.lists.values().flatten());
        }
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    fn bucket(&self, place: [f64; 2]) -> [i32; 2] {
        // Saturates, short of the key that is kept for other things.
        [0, 1].map(|n| ((place[n] / self.size[n]).floor() as i32).max(i32::MIN + 1))
    }
}

const EVERYWHERE: [i32; 2] = [i32::MIN; 2];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_contains_a_place_is_found() {
        let mut buckets = Buckets::new([1.0, 0.5]);
        let rects: Vec<[f64; 4]> = (0..400)
            .map(|k| {
                let (x, y) = (f64::from(k * 37 % 101), f64::from(k * 53 % 89));
                let size = if k % 100 == 7 {
                    1_000.0
                } else {
                    f64::from(k % 7)
                };
                [x, y, x + size, y + 0.5 * size]
            })
            .collect();
        for (n, rect) in rects.iter().enumerate() {
            buckets.insert(*rect, n as u32);
        }
        for k in 0..3_000 {
            let place = [
                f64::from(k * 7 % 1_013) / 9.0,
                f64::from(k * 11 % 1_009) / 10.0,
            ];
            let is_in = |n: &u32| {
                let [west, south, east, north] = rects[*n as usize];
                (west..=east).contains(&place[0]) && (south..=north).contains(&place[1])
            };
            let mut found: Vec<u32> = buckets.at(place).filter(is_in).collect();
            found.sort_unstable();
            let want: Vec<u32> = (0..400).filter(is_in).collect();
            assert_eq!(found, want);
            let near = buckets.near([place[0], place[1], place[0], place[1]]);
            assert_eq!(near.into_iter().filter(is_in).collect::<Vec<_>>(), want);
        }
        assert!(buckets.at([f64::NAN; 2]).count() <= 400);
    }
}
