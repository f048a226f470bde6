//! One body of a packet, the same for both directions.

use super::BodiesError;
use super::body::{Body, FLAG, LARGEST, Lanes, PLACES, TURN};
use super::frame::{Past, Trace};
use super::model::Model;
use super::neighbours::{Nearby, Neighbours, Spot};
use super::orientation::{Rotations, Unit};
use super::position::{Axes, Leads, Lessons, known, whole, within};
use super::scene::{GROUP, Scene, closeness};
use super::set::{List, Set, members};
use super::sizes::{code_three, scale_of};
use crate::entropy::Coder;
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
    /// As they were after the baseline's packet.
    pub(super) leads: Leads,
    pub(super) lessons: Lessons,
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
        self.model.leads.learn(&self.lessons);
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
            // The one in its middle stands for the group.
            let closeness = closeness(&self.past, (first + GROUP / 2).min(count - 1));
            let is_busy = self.scene.is_busy(first);
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
            let closeness = closeness(&self.past, first + n);
            let model = &mut self.model.newcomers[closeness][usize::from(is_row)];
            is_row = self.coder.bit(model, (told >> n) & 1 != 0);
            newcomers |= u64::from(is_row) << n;
        }
        newcomers
    }

    /// Codes body `n`, if it differs, and says whether it does. Leaves what packets against this one will want to know. What an encoder is told
    /// it takes for coded at once.
    fn code_body(
        &mut self,
        (place, n): (usize, usize),
        body: &mut Body,
        trace: &mut Trace,
    ) -> Result<bool, WireError> {
        let base = self.past.base[n];
        let (moved, closeness) = (self.scene.moved(&self.past, n), closeness(&self.past, n));
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
        let spot = Spot::of(base.lanes());
        let nearby = self.neighbours.around(&spot);
        let (mut pull, mut shift, mut turn) = ([0.0; 4], 0, 0);
        let mut lanes = *base.lanes();
        if kind & 1 != 0 {
            pull = self.code_position(n, body, &nearby, (&mut lanes, &mut shift));
        }
        if kind & 2 != 0 {
            self.code_orientation((place, n), body, (&nearby, shift), (&mut lanes, &mut turn));
        }
        if !C::IS_TOLD {
            lanes[FLAG] ^= i16::from(kind & 4 != 0);
            *body = Body::of(lanes).ok_or(WireError::Field("body"))?;
        }
        if !body.has_components_to(self.component_max) {
            return Err(WireError::Field("orientation"));
        }
        self.neighbours.push(&spot, &pull, turn);
        *trace = Trace { shift, turn };
        Ok(true)
    }

    /// The height first: what falls or lands, does so along all axes. Gives how far the velocity alone was off.
    #[inline]
    fn code_position(
        &mut self,
        n: usize,
        body: &Body,
        nearby: &Nearby,
        (lanes, shift): (&mut Lanes, &mut u32),
    ) -> Axes<f32> {
        let past = &self.past;
        let now = &past.base[n];
        let known = known(
            now,
            [
                &past.one_before[n],
                &past.three_before[n],
                &past.six_before[n],
            ],
        );
        let alone = self.leads.alone(now, &known);
        let added = self.leads.added(&nearby.pull);
        let (least, most) = (*PLACES.start() as f32, *PLACES.end() as f32);
        let guess: Axes<i32> =
            core::array::from_fn(|n| whole(within(alone[n] + added[n], least, most)));
        let told = body.lanes();
        let mut off: Axes<i32> =
            core::array::from_fn(|n| i32::from(told[n]).wrapping_sub(guess[n]));
        let lasting = past.traces[n].shift.wrapping_mul(2);
        let sizes = &mut self.model.positions;
        let expected = (lasting.wrapping_add(nearby.shift) / 32, 3);
        let [z, x, y] = code_three(&mut self.coder, sizes, expected, [off[2], off[0], off[1]]);
        if C::IS_TOLD {
            *lanes = *told;
        } else {
            off = [x, y, z, 0];
            for n in 0..3 {
                lanes[n] = saturated(guess[n].wrapping_add(off[n]));
            }
        }
        self.lessons.add(&known, &nearby.pull, &off);
        *shift = sum_of_magnitudes([x, y, z]);
        core::array::from_fn(|n| f32::from(lanes[n]) - alone[n])
    }

    #[inline]
    fn code_orientation(
        &mut self,
        (place, n): (usize, usize),
        body: &Body,
        (nearby, shift): (&Nearby, u32),
        (lanes, turn): (&mut Lanes, &mut u32),
    ) {
        let past = &self.past;
        let (base, trace) = (&past.base[n], past.traces[n]);
        let turn_to = self.rotations.of(place);
        let was = base.lanes()[LARGEST];
        let is_lower = usize::from(was != turn_to.ranked(0));
        let base_rank = is_lower + (is_lower & usize::from(was != turn_to.ranked(1)));
        let models = &mut self.model.largest[scale_of(turn_to.clear).min(19)][base_rank];
        let told = body.lanes();
        let is_ranked = |rank| told[LARGEST] == turn_to.ranked(rank);
        let mut rank = 0;
        while rank < 3 && !self.coder.bit(&mut models[rank], is_ranked(rank)) {
            rank += 1;
        }
        let guess = turn_to.components(rank, Unit::new(self.component_max));
        let off = |n: usize| i32::from(told[TURN.start + n]).wrapping_sub(guess[n]);
        let lasting = trace.turn.wrapping_add(nearby.turn);
        let sizes = &mut self.model.orientations;
        let expected = (lasting.wrapping_add(shift) / 32, 8);
        let off = code_three(&mut self.coder, sizes, expected, [off(0), off(1), off(2)]);
        if !C::IS_TOLD {
            lanes[LARGEST] = turn_to.ranked(rank);
            for n in 0..3 {
                lanes[TURN.start + n] = saturated(guess[n].wrapping_add(off[n]));
            }
        }
        *turn = sum_of_magnitudes(off);
    }
}

#[inline]
fn sum_of_magnitudes([a, b, c]: [i32; 3]) -> u32 {
    let [a, b, c] = [a, b, c].map(i32::unsigned_abs);
    a.wrapping_add(b).wrapping_add(c)
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "within 16 bits")]
fn saturated(value: i32) -> i16 {
    value.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
}
