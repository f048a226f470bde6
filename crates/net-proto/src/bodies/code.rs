//! One body of a packet, the same for both directions.

use super::BodiesError;
use super::body::{Body, PLACES};
use super::frame::{Past, Trace};
use super::model::{Model, SCALES, scale_of};
use super::neighbours::{Nearby, Neighbours};
use super::orientation::{self, Rotations, Unit};
use super::position::Known;
use super::scene::{GROUP, Scene};
use super::set::{List, Set, members};
use crate::entropy::{AdaptiveSymbol, Coder, RAW_BITS_MAX};
use crate::error::WireError;

/// What codes a packet's bodies, one after the other.
pub(super) struct Packet<'a, C> {
    pub(super) coder: C,
    pub(super) model: &'a mut Model,
    pub(super) neighbours: &'a mut Neighbours,
    pub(super) rotations: &'a mut Rotations,
    pub(super) component_max: u16,
    pub(super) scene: Scene,
    pub(super) past: Past<'a>,
}

/// What is coded: an encoder is told it; a decoder is given the baseline's bodies and finds it. Traces of bodies that do not differ are
/// those of no body.
pub(super) struct Slots<'a> {
    pub(super) bodies: &'a mut [Body],
    pub(super) traces: &'a mut [Trace],
    pub(super) differed: &'a mut Set,
}

impl<C: Coder> Packet<'_, C> {
    pub(super) fn code(mut self, slots: Slots<'_>) -> Result<C, BodiesError> {
        let newcomers = self.code_newcomers(slots.bodies.len(), slots.differed);
        let list = List::of(&self.scene.active, &newcomers);
        let mut differed = Set::default();
        let past = &self.past;
        let frames = [past.base, past.two_before, past.three_before];
        let unit = Unit::new(self.component_max);
        self.rotations.forecast(frames, list.numbers(), unit);
        for (place, n) in list.numbers().iter().enumerate() {
            let n = usize::from(*n);
            if self.code_body((place, n), &mut slots.bodies[n], &mut slots.traces[n])? {
                differed[n / 64] |= 1 << (n % 64);
            }
        }
        *slots.differed = differed;
        Ok(self.coder)
    }

    /// Codes who differs of those that lay still: nearly nobody, and most groups are done with one bit.
    fn code_newcomers(&mut self, count: usize, differed: &Set) -> Set {
        let mut newcomers = Set::default();
        let mut is_row = false;
        for first in (0..count).step_by(GROUP) {
            let (word, shift) = (first / 64, first % 64);
            let all = u64::MAX >> (64 - GROUP.min(count - first));
            let still = (!self.scene.active[word] >> shift) & all;
            if still == 0 {
                continue;
            }
            let told = (differed[word] >> shift) & still;
            let (closeness, is_busy) = self.scene.group(first, still);
            let model = &mut self.model.groups[closeness][is_busy][usize::from(is_row)];
            is_row = self.coder.bit(model, told != 0);
            if is_row {
                newcomers[word] |= self.code_group(first, still, told) << shift;
            }
        }
        newcomers
    }

    fn code_group(&mut self, first: usize, still: u64, told: u64) -> u64 {
        let (mut newcomers, mut is_row) = (0, false);
        for n in members(0, still) {
            let closeness = self.scene.closeness(&self.past, first + n);
            let model = &mut self.model.newcomers[closeness][usize::from(is_row)];
            is_row = self.coder.bit(model, (told >> n) & 1 != 0);
            newcomers |= u64::from(is_row) << n;
        }
        newcomers
    }

    /// Codes body `n`, if it differs, and says whether it does. Leaves what packets against this one will want to know.
    fn code_body(
        &mut self,
        (place, n): (usize, usize),
        body: &mut Body,
        trace: &mut Trace,
    ) -> Result<bool, WireError> {
        let base = self.past.base[n];
        let (moved, closeness) = (
            self.scene.moved(&self.past, n),
            self.scene.closeness(&self.past, n),
        );
        let kind = usize::from(body.position() != base.position())
            + 2 * usize::from(!body.has_orientation_of(&base))
            + 4 * usize::from(body.flag() != base.flag());
        let model = &mut self.model.kinds[moved][closeness][usize::from(base.flag())];
        let kind = self.coder.symbol(model, kind);
        match kind {
            0 => return Ok(false),
            1..8 => {}
            _ => return Err(WireError::Field("body")),
        }
        let nearby = self.neighbours.around(base.position());
        let (mut pull, mut shift, mut turn) = ([0; 3], 0, 0);
        let mut position = base.position();
        if kind & 1 != 0 {
            (position, pull) = self.code_position(n, body, &nearby, &mut shift)?;
        }
        let mut orientation = (base.largest(), base.components());
        if kind & 2 != 0 {
            orientation = self.code_orientation((place, n), body, (&nearby, shift), &mut turn)?;
        }
        let flag = base.flag() ^ (kind & 4 != 0);
        let coded = Body::new(position, orientation.0, orientation.1, flag);
        *body = coded.map_err(|_| WireError::Field("body"))?;
        self.neighbours.push(base.position(), pull, turn);
        *trace = Trace { shift, turn };
        Ok(true)
    }

    /// The height first: what falls or lands, does so along all axes. Gives the position, and how far the velocity alone was off.
    fn code_position(
        &mut self,
        n: usize,
        body: &Body,
        nearby: &Nearby,
        shift: &mut u32,
    ) -> Result<([i16; 3], [i32; 3]), WireError> {
        let (past, trace) = (&self.past, self.past.traces[n]);
        let frames = [
            past.base,
            past.one_before,
            past.three_before,
            past.six_before,
        ];
        let [now, one, three, six] = frames.map(|frame| frame[n].position());
        let mut guesses = [Guess::default(); 3];
        let mut expected = trace.shift + nearby.shift;
        for (turn, axis) in (1..).zip([2, 0, 1]) {
            let way = |frame: [i16; 3]| f32::from(now[axis]) - f32::from(frame[axis]);
            let known = [way(one), way(three), way(six), nearby.pull[axis]];
            let (far, added) = self.model.leads[axis].predict(&known);
            let alone = i32::from(now[axis]) + far;
            let guess = (alone + added).clamp(*PLACES.start(), *PLACES.end());
            let off = i32::from(body.position()[axis]) - guess;
            let sizes = &mut self.model.positions.sizes[axis];
            let size = Size::code(&mut self.coder, sizes, expected / turn, off);
            // Each axis that is coded tells of the next.
            expected += 2 * size.about();
            guesses[axis] = Guess {
                guess,
                alone,
                known,
                off,
                size,
            };
        }
        let offs = Size::code_rests(
            &mut self.coder,
            guesses.map(|guess| (guess.size, guess.off)),
        );
        let (mut position, mut pull) = ([0; 3], [0; 3]);
        for axis in 0..3 {
            let (guess, off) = (&guesses[axis], offs[axis]);
            self.model.leads[axis].learn(&guess.known, off);
            let place = guess.guess + off;
            if !PLACES.contains(&place) {
                return Err(WireError::Field("position"));
            }
            position[axis] = i16::try_from(place).map_err(|_| WireError::Field("position"))?;
            pull[axis] = place - guess.alone;
            *shift += off.unsigned_abs();
        }
        Ok((position, pull))
    }

    fn code_orientation(
        &mut self,
        (place, n): (usize, usize),
        body: &Body,
        (nearby, shift): (&Nearby, u32),
        turn: &mut u32,
    ) -> Result<(u8, [u16; 3]), WireError> {
        let past = &self.past;
        let (base, trace) = (&past.base[n], past.traces[n]);
        let guess = self.rotations.of(place);
        let (order, clear) = orientation::order(&guess);
        let base_rank = order.iter().position(|at| *at == base.largest());
        let models =
            &mut self.model.largest[scale_of(clear).min(19)][base_rank.unwrap_or(2).min(2)];
        let mut rank = 0;
        while rank < 3
            && !self
                .coder
                .bit(&mut models[rank], body.largest() == order[rank])
        {
            rank += 1;
        }
        let guess = orientation::components(&guess, order[rank], Unit::new(self.component_max));
        let mut parts = [(Size::default(), 0); 3];
        let mut expected = trace.turn + 2 * nearby.turn + shift;
        for (turns, part) in (1..).zip(0..3) {
            let off = i32::from(body.components()[part]) - guess[part];
            let sizes = &mut self.model.orientations.sizes[part];
            let size = Size::code(&mut self.coder, sizes, expected / turns, off);
            expected += size.about() * 9 / 2;
            parts[part] = (size, off);
        }
        let offs = Size::code_rests(&mut self.coder, parts);
        let mut components = [0; 3];
        for part in 0..3 {
            components[part] = match u16::try_from(guess[part] + offs[part]) {
                Ok(value) if value <= self.component_max => value,
                _ => return Err(WireError::Field("orientation")),
            };
            *turn += offs[part].unsigned_abs();
        }
        Ok((order[rank], components))
    }
}

/// Where a body is guessed to be along an axis.
#[derive(Clone, Copy, Default)]
struct Guess {
    guess: i32,
    /// By its velocity alone.
    alone: i32,
    known: Known,
    off: i32,
    size: Size,
}

/// What a symbol tells of how far a guess is off.
#[derive(Clone, Copy, Default)]
struct Size {
    /// The least magnitude.
    first: u32,
    /// Bits that it leaves open, and the sign; none of what is not off.
    count: u32,
}

impl Size {
    /// A symbol tells the magnitude's scale, after what is expected is taken into account by leaving out low bits; the bits that
    /// this leaves open, and the sign, are as likely 1 as 0.
    #[inline]
    fn code(
        coder: &mut impl Coder,
        sizes: &mut [AdaptiveSymbol; SCALES],
        expected: u32,
        off: i32,
    ) -> Self {
        let scale = scale_of(expected);
        let left_out = expected.max(1).ilog2().min(13).saturating_sub(6);
        let symbol = scale_of(off.unsigned_abs() >> left_out).min(OPEN.len() - 1);
        let symbol = coder.symbol(&mut sizes[scale], symbol);
        let (first, bits) = OPEN[symbol];
        let left_out = if symbol == OPEN.len() - 1 {
            0
        } else {
            left_out
        };
        let (first, bits) = (first << left_out, bits + left_out);
        let count = bits + u32::from(first | bits != 0);
        Self { first, count }
    }

    /// Half way between the least and the greatest magnitude.
    #[inline]
    fn about(self) -> u32 {
        self.first + ((1 << self.count) >> 2)
    }

    /// Codes what three sizes leave open; of both directions that is a good part, and three at once take less time than one by one.
    #[inline]
    fn code_rests(coder: &mut impl Coder, parts: [(Self, i32); 3]) -> [i32; 3] {
        let rests = parts.map(|(size, off)| {
            let rest = (off.unsigned_abs().wrapping_sub(size.first) << 1) | u32::from(off < 0);
            rest & !(u32::MAX << size.count)
        });
        let [a, b, c] = parts.map(|(size, _)| size.count);
        let rests = if a + b + c <= RAW_BITS_MAX {
            let all = rests[0] | (rests[1] << a) | (rests[2] << (a + b));
            let all = coder.raw(all, a + b + c);
            [
                all & !(u32::MAX << a),
                (all >> a) & !(u32::MAX << b),
                all >> (a + b),
            ]
        } else {
            [0, 1, 2].map(|n| coder.raw(rests[n], parts[n].0.count))
        };
        core::array::from_fn(|n| {
            let magnitude = (parts[n].0.first + (rests[n] >> 1)).cast_signed();
            let sign = -(rests[n] & 1).cast_signed(); // 0 or −1
            (magnitude ^ sign).wrapping_sub(sign)
        })
    }
}

/// Of a symbol the least magnitude and the bits that it leaves open; of the last they are all that a magnitude has.
const OPEN: [(u32, u32); 16] = [
    (0, 0),
    (1, 0),
    (2, 0),
    (3, 0),
    (4, 1),
    (6, 1),
    (8, 2),
    (12, 2),
    (16, 3),
    (24, 3),
    (32, 4),
    (48, 4),
    (64, 5),
    (96, 5),
    (128, 6),
    (0, 15),
];
