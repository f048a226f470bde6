//! Sets of shapes, each kept once.

use std::collections::BTreeMap;

use super::NONE;

/// Ascending lists of shapes by number; 0 is the empty one.
#[derive(Clone, Debug)]
pub(super) struct Sets {
    starts: Vec<u32>,
    shapes: Vec<u32>,
    /// The first of each, or [`NONE`]: what most queries want.
    firsts: Vec<u32>,
}

impl Sets {
    #[inline(always)]
    pub(super) fn first(&self, set: u32) -> u32 {
        self.firsts[set as usize]
    }

    pub(super) fn get(&self, set: u32) -> &[u32] {
        let set = set as usize;
        &self.shapes[self.starts[set] as usize..self.starts[set + 1] as usize]
    }

    pub(super) fn heap_bytes(&self) -> usize {
        4 * (self.starts.capacity() + self.shapes.capacity() + self.firsts.capacity())
    }
}

/// Makes [`Sets`].
pub(super) struct SetsBuilder {
    sets: Sets,
    numbers: BTreeMap<Vec<u32>, u32>,
}

impl SetsBuilder {
    pub(super) fn new() -> Self {
        let sets = Sets {
            starts: vec![0, 0],
            shapes: Vec::new(),
            firsts: vec![NONE],
        };
        Self {
            sets,
            numbers: BTreeMap::from([(Vec::new(), 0)]),
        }
    }

    /// The number of an ascending list.
    pub(super) fn number(&mut self, shapes: &[u32]) -> u32 {
        if let Some(number) = self.numbers.get(shapes) {
            return *number;
        }
        let number = self.sets.firsts.len() as u32;
        self.sets.firsts.push(shapes[0]); // the empty list has a number
        self.sets.shapes.extend_from_slice(shapes);
        self.sets.starts.push(self.sets.shapes.len() as u32);
        self.numbers.insert(shapes.to_vec(), number);
        number
    }

    /// The first of a set.
    pub(super) fn first(&self, set: u32) -> u32 {
        self.sets.first(set)
    }

    pub(super) fn finish(self) -> Sets {
        self.sets
    }
}
