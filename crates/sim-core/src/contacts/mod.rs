//! Contacts: who touches whom in one block, and how they push each other.
//!
//! ```text
//!          block                         agents of the block and its guests, sorted by cell: a counting sort in the first
//!   ┌───┬───┬───┬───┬───┐                cache. A cell holds about four.
//!   │   ╔═══╪═══╪═══╗   │ guests
//!   ├───╫───┼───┼───╫───┤                who comes after i and may touch it lies in one run of the sorted arrays for each row of
//!   │   ║   │ │i┼─│ ║   │                cells that its reach covers: mostly one, seldom two
//!   ├───╫─┼─┼───┼─┼─╫───┤
//!   │   ╚═══╪═══╪═══╝   │
//!   └───┴───┴───┴───┴───┘
//! ```
//! Few of them are within reach along both axes: these are the pairs, found once and looked at from either side. An overlap is half
//! each one's to give way. Pushes are integers, so their sums have no order.

mod cells;
mod pair;
mod touching;

use spatial_core::EntityId;

use crate::kernels::Kernels;
use crate::kinds::Kinds;
use crate::rooms::{grow, resize};

pub(crate) use cells::LANES;
pub(crate) use cells::{BlockAgents, CellSort};
pub(crate) use pair::Push;
use pair::{Bodies, Body, Touches};

/// Two who may touch, by their numbers in the block.
type Pair = [u32; 2];

/// The specification of [`Kernels::near`]: one after the other.
#[inline(always)]
pub(crate) fn near([x, y]: [&[i32]; 2], at: usize, place: [i32; 2], further: u32) -> u32 {
    let mut bits = 0;
    for (lane, (x, y)) in x[at..at + LANES].iter().zip(&y[at..at + LANES]).enumerate() {
        let beyond = |units: i32, from: i32| units.wrapping_sub(from).cast_unsigned();
        let furthest = beyond(*x, place[0]).max(beyond(*y, place[1]));
        bits |= u32::from(furthest <= further) << lane;
    }
    bits
}

/// Hits are looked at when there are so many: a heap of people takes time but no memory.
const HITS: usize = 512;

/// Eight neighbours of somebody, some of whom are near.
#[derive(Clone, Copy, Default)]
struct Hit {
    own: u32,  // place in the sorted arrays
    at: u32,   // that of the first of the eight
    bits: u32, // who is near
}

/// Room for what is found; kept from block to block.
#[derive(Default)]
pub(crate) struct Found {
    hits: Vec<Hit>,
    count: usize, // of hits
    pairs: Vec<Pair>,
}

/// The contacts of a block.
pub(crate) struct Contacts<'a> {
    pub(crate) agents: BlockAgents<'a>,
    pub(crate) kinds: &'a Kinds,
    /// How far the planet's up turns in a grid unit: 1 / radius.
    pub(crate) up: f32,
    /// Who lies in each row.
    pub(crate) ids: &'a [EntityId],
}

impl Contacts<'_> {
    /// Adds up what is done to each of a block's own agents, whom `cells` hold; gives how many overlaps they feel.
    ///
    /// # Safety
    /// As [`Kernels`].
    #[inline(always)]
    pub(crate) unsafe fn push_apart<K: Kernels>(
        &self,
        cells: &CellSort,
        found: &mut Found,
        pushes: &mut [Push],
    ) -> u32 {
        let mut contacts = 0;
        found.begin(cells);
        let mut from = 0;
        while from < cells.count() {
            // SAFETY: as the caller promises.
            unsafe {
                from = K::search(cells, from, found);
                contacts += K::part(self, cells, found, pushes);
            }
        }
        contacts
    }

    fn id(&self, number: u32) -> EntityId {
        self.ids[self.agents.row(number)]
    }

    /// Looks at pairs from both sides.
    #[inline(always)]
    pub(crate) fn part_all(&self, cells: &CellSort, found: &mut Found, pushes: &mut [Push]) -> u32 {
        found.list_pairs(cells);
        let mut contacts = 0;
        let mut both = [Bodies::default(); 2];
        for pairs in found.pairs.chunks(LANES) {
            for (lane, pair) in pairs.iter().enumerate() {
                for (bodies, number) in both.iter_mut().zip(pair) {
                    bodies.set(lane, &self.agents.get(*number as usize, self.kinds));
                }
            }
            for side in 0..2 {
                let (own, other) = (&both[side], &both[1 - side]);
                let touches = Touches::new(own, other, self.up);
                for (lane, pair) in pairs.iter().enumerate() {
                    let Some(sum) = pushes.get_mut(pair[side] as usize) else {
                        continue; // a guest
                    };
                    sum.add(touches.push(lane));
                    contacts += touches.touching(lane);
                    if touches.is_same_spot(lane) {
                        let ids = [pair[side], pair[1 - side]].map(|number| self.id(number));
                        sum.add(part(ids, &own.get(lane), &other.get(lane), self.up));
                    }
                }
            }
        }
        contacts
    }
}

/// Finds who is within reach along both axes, for the agents from a place in the sorted arrays on, until there are many hits; gives the
/// place of the next.
///
/// # Safety
/// As [`Kernels`].
#[inline(always)]
pub(crate) unsafe fn search<K: Kernels>(cells: &CellSort, from: usize, found: &mut Found) -> usize {
    let reach = cells.reach();
    let further = reach.cast_unsigned().wrapping_mul(2);
    let (x, y) = (&cells.x[..], &cells.y[..]);
    let (hits, mut count) = (&mut found.hits[..], 0);
    let last = cells.count();
    let mut at = from;
    let (mut row_end, mut low) = (0, 0);
    for cell in cells.cell_of(from)..cells.cell_count() {
        let near = cells.neighbours(cell);
        if at == near.own_end {
            continue;
        }
        if cell >= row_end {
            (row_end, low) = cells.row_of(cell);
        }
        while at < near.own_end {
            let place = [x[at].wrapping_sub(reach), y[at].wrapping_sub(reach)];
            let is_low = y[at].wrapping_sub(low) >= 0;
            let below_end = if is_low {
                near.below.end
            } else {
                near.below.start
            };
            for run in [at + 1..near.beside_end, near.below.start..below_end] {
                let mut start = run.start;
                while start < run.end {
                    // SAFETY: as the caller promises; runs end before the padding of a vector.
                    let bits = unsafe { K::near([x, y], start, place, further) };
                    let there = (run.end - start).min(LANES) as u32;
                    // Always written, counted if it is something: a jump that may be taken costs more than one that is not.
                    hits[count] = Hit {
                        own: at as u32,
                        at: start as u32,
                        bits: bits & ((1 << there) - 1),
                    };
                    count += usize::from(hits[count].bits != 0);
                    start += LANES;
                }
            }
            at += 1;
            if count >= HITS {
                found.count = count;
                return at;
            }
        }
    }
    found.count = count;
    last
}

impl Found {
    /// Makes room for all that another one has room for.
    pub(crate) fn grow_to(&mut self, other: &Self) {
        grow(&mut self.hits, &other.hits);
        grow(&mut self.pairs, &other.pairs);
    }

    /// Begins a block.
    #[inline(always)]
    fn begin(&mut self, cells: &CellSort) {
        self.count = 0;
        // As many as one agent may add to those that are looked at then.
        let hits = HITS + cells.count() / 2 + 4;
        resize(&mut self.hits, hits, Hit::default());
        self.pairs.reserve(4 * HITS);
    }

    /// Lists the pairs of all hits, which are forgotten.
    #[inline(always)]
    fn list_pairs(&mut self, cells: &CellSort) {
        self.pairs.clear();
        for hit in &self.hits[..self.count] {
            let own = cells.entry[hit.own as usize];
            let mut bits = hit.bits;
            while bits != 0 {
                let other = hit.at + bits.trailing_zeros();
                self.pairs.push([own, cells.entry[other as usize]]);
                bits &= bits - 1;
            }
        }
        self.count = 0;
    }
}

/// Those who stand in one spot part along an axis, by the order of their ids.
#[cold]
fn part([id, other_id]: [EntityId; 2], own: &Body, other: &Body, up: f32) -> Push {
    let half = pair::overlap_half(own, other, up);
    // Along no axis of the grid, so that rows of people do not part into rows.
    let (x, y) = ((half * 0.8) as i32, (half * 0.6) as i32);
    match id < other_id {
        true => Push { x: -x, y: -y },
        false => Push { x, y },
    }
}
