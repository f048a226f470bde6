//! A frame to bits.

use super::super::body::{Body, COMPONENT_USUAL, FLAG, LARGEST, Lanes, PLACE};
use super::super::set::{List, Set, differing, members};
use super::bits::{BitSink, Bits};
use super::forecast::{Forecast, Ranks};
use super::{GAP_RANK, Past};

/// `None` when a component of a body that differs is more than this format has.
pub(super) fn pack<'a>(
    past: &Past<'_>,
    bodies: &[Body],
    mut sink: BitSink<'a>,
) -> Option<BitSink<'a>> {
    let changed = differing(bodies, past.base);
    pack_newcomers(&past.moved, &changed, bodies.len(), &mut sink);
    let told = List::of(&past.moved, &changed);
    // Two passes: the first one is vectors, the second one is not.
    let mut offs = [Off::default(); 64];
    let mut excess = 0;
    for told in told.numbers().chunks(offs.len()) {
        for (off, n) in offs.iter_mut().zip(told) {
            let n = usize::from(*n);
            off.set(&past.base[n], &past.before[n], &bodies[n]);
            excess |= excess_of(&bodies[n]);
        }
        for (off, n) in offs.iter().zip(told) {
            let n = usize::from(*n);
            if (changed[n / 64] >> (n % 64)) & 1 == 0 {
                sink.put(Bits::new(0b000, 3));
            } else {
                off.pack(&bodies[n], &mut sink);
            }
        }
    }
    (excess == 0).then_some(sink)
}

/// Bits of components that are beyond this format's nine.
#[inline]
fn excess_of(body: &Body) -> u16 {
    let [a, b, c] = body.components();
    (a | b | c) & !COMPONENT_USUAL
}

/// How far off a forecast was.
#[derive(Clone, Copy, Default)]
struct Off {
    forecast: Forecast,
    /// 0, −1, 1, −2, 2 as 0, 1, 2, 3, 4.
    lanes: [u16; 8],
}

fn pack_newcomers(moved: &Set, changed: &Set, count: usize, sink: &mut BitSink<'_>) {
    let mut next = 0;
    let mut put = |n: usize| {
        let gap = u16::try_from(n - next).expect("at most BODIES_MAX");
        sink.put(Bits::rice((gap, GAP_RANK)));
        next = n + 1;
    };
    for (word, (moved, changed)) in moved.iter().zip(changed).enumerate() {
        members(word, changed & !moved).for_each(&mut put);
    }
    put(count);
}

impl Off {
    #[inline]
    fn set(&mut self, base: &Body, before: &Body, body: &Body) {
        self.forecast = Forecast::of(base, before);
        let (lanes, forecast) = (body.lanes(), &self.forecast.lanes);
        self.lanes = core::array::from_fn(|lane| {
            let off = lanes[lane].wrapping_sub(forecast[lane]);
            ((off << 1) ^ (off >> 15)).cast_unsigned()
        });
    }

    #[inline]
    fn pack(&self, body: &Body, sink: &mut BitSink<'_>) {
        let Ranks { along, up, turn } = self.forecast.ranks();
        let [x, y, z, a, b, c, turned, flagged] = self.lanes;
        let head = 2 * usize::from(turned != 0) + usize::from(flagged != 0);
        let place = Bits::rice_three([(x, along), (y, along), (z, up)]);
        let turn = if head < 2 {
            Bits::rice_three([(a, turn), (b, turn), (c, turn)])
        } else {
            Some(turn_as_it_is(body.lanes()))
        };
        match (place, turn) {
            (Some(place), Some(turn)) => {
                sink.put(HEADS[head].then(place));
                sink.put(turn);
            }
            _ => pack_raw(body.lanes(), sink),
        }
    }
}

const HEADS: [Bits; 4] = [
    Bits::new(1, 1),
    Bits::new(0b010, 3),
    Bits::new(0b100, 3),
    Bits::new(0b0110, 4),
];

#[cold]
fn pack_raw(lanes: &Lanes, sink: &mut BitSink<'_>) {
    sink.put(Bits::new(0b1110, 4));
    for place in &lanes[PLACE] {
        sink.put(field(*place & 0x7FFF, 15));
    }
    sink.put(turn_as_it_is(lanes).then(field(lanes[FLAG], 1)));
}

/// The largest, and the components as they are.
#[inline]
fn turn_as_it_is(lanes: &Lanes) -> Bits {
    let [a, b, c] = [3, 4, 5].map(|lane| field(lanes[lane], 9));
    field(lanes[LARGEST], 2).then(a).then(b).then(c)
}

#[inline]
fn field(value: i16, count: u32) -> Bits {
    Bits::new(u64::from(value.cast_unsigned()), count)
}
