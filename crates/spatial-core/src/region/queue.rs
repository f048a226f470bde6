//! The queue of a covering's search.

/// A binary heap: the least cost first. Among equal costs the order is that of the heap, which is a part of what
/// coverings are: this one moves as `std::push_heap` and `std::pop_heap` of libstdc++ do, so that coverings are those
/// of the C++ library.
#[derive(Clone, Default, Debug)]
pub(crate) struct Queue {
    heap: Vec<(u32, u32)>, // (cost, item); a parent costs no more than its children
}

impl Queue {
    pub(crate) fn clear(&mut self) {
        self.heap.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }

    pub(crate) fn push(&mut self, cost: u32, item: u32) {
        self.heap.push((cost, item));
        self.rise(self.heap.len() - 1);
    }

    pub(crate) fn pop(&mut self) -> Option<u32> {
        let last = self.heap.pop()?;
        let Some(top) = self.heap.first().copied() else {
            return Some(last.1);
        };
        // The hole goes all the way down along the cheaper children, then the last one rises from there.
        let mut hole = 0;
        while 2 * hole + 2 < self.heap.len() {
            let right = 2 * hole + 2;
            let child = if self.heap[right].0 > self.heap[right - 1].0 {
                right - 1
            } else {
                right
            };
            self.heap[hole] = self.heap[child];
            hole = child;
        }
        if 2 * hole + 2 == self.heap.len() {
            self.heap[hole] = self.heap[2 * hole + 1];
            hole = 2 * hole + 1;
        }
        self.heap[hole] = last;
        self.rise(hole);
        Some(top.1)
    }

    fn rise(&mut self, mut at: usize) {
        let entry = self.heap[at];
        while at > 0 && self.heap[(at - 1) / 2].0 > entry.0 {
            self.heap[at] = self.heap[(at - 1) / 2];
            at = (at - 1) / 2;
        }
        self.heap[at] = entry;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_come_out_ascending() {
        let (mut queue, mut seed, mut costs) =
            (Queue::default(), 0x1234_5678_9abc_def1u64, Vec::new());
        for item in 0..1_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let cost = (seed >> 40) as u32 % 300;
            queue.push(cost, item);
            costs.push(cost);
        }
        let out: Vec<_> = core::iter::from_fn(|| queue.pop())
            .map(|item| costs[item as usize])
            .collect();
        costs.sort_unstable();
        assert_eq!(out, costs);
        assert_eq!(queue.len(), 0);
    }

    /// Worked out by hand from the algorithm's definition.
    #[test]
    fn equals_come_out_as_the_heap_has_them() {
        let mut queue = Queue::default();
        (0..5).for_each(|item| queue.push(7, item));
        let out: Vec<_> = core::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(out, [0, 2, 4, 1, 3]);
    }
}
