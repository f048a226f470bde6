//! One body of a packet, the same for both directions.

use super::body::{Body, PLACES};
use super::frame::{Past, Trace};
use super::model::{Model, Residuals, scale_of};
use super::neighbours::{Nearby, Neighbours};
use super::orientation;
use super::position::Known;
use crate::entropy::{Coder, integer};
use crate::error::WireError;

/// What codes a packet's bodies, one after the other.
pub(super) struct Packet<'a, C> {
    pub(super) coder: C,
    pub(super) model: &'a mut Model,
    pub(super) neighbours: &'a mut Neighbours,
    pub(super) past: Past<'a>,
    /// Whether the body before differed.
    pub(super) is_row: bool,
}

/// A body that differs: what it is coded by.
struct Scene {
    nearby: Nearby,
    trace: Trace,
    /// What of it moved, as the context of both flags.
    moved: usize,
    closeness: usize,
}

impl<C: Coder> Packet<'_, C> {
    /// Codes whether body `n` differs from the baseline's; most bodies lie still.
    #[inline]
    pub(super) fn differs(&mut self, n: usize, body: &Body) -> bool {
        let base = &self.past.base[n];
        let closeness = closeness(base, &self.past.base[0]);
        let model = &mut self.model.differs[self.moved(n)][closeness][usize::from(self.is_row)];
        self.is_row = self.coder.bit(model, body != base);
        self.is_row
    }

    /// What of it moved: in the packet of the baseline; in the last frame; in the last three.
    #[inline]
    fn moved(&self, n: usize) -> usize {
        let base = &self.past.base[n];
        usize::from(self.past.traces[n].differed) * 4
            + usize::from(*base != self.past.one_before[n]) * 2
            + usize::from(*base != self.past.three_before[n])
    }

    /// Codes body `n`, which differs: an encoder is told it, a decoder finds it. Leaves what packets against this one will want to know.
    pub(super) fn code(
        &mut self,
        n: usize,
        body: &mut Body,
        trace: &mut Trace,
    ) -> Result<(), WireError> {
        let base = &self.past.base[n];
        let scene = Scene {
            nearby: self.neighbours.around(base.position()),
            trace: self.past.traces[n],
            moved: self.moved(n),
            closeness: closeness(base, &self.past.base[0]),
        };
        (*body, *trace) = self.code_changed(n, body, &scene)?;
        Ok(())
    }

    fn code_changed(
        &mut self,
        n: usize,
        body: &Body,
        scene: &Scene,
    ) -> Result<(Body, Trace), WireError> {
        let base = self.past.base[n];
        let (mut pull, mut shift, mut turn) = ([0; 3], 0, 0);
        let model = &mut self.model.position_differs[scene.moved];
        let shifts = self.coder.bit(model, body.position() != base.position());
        let mut position = base.position();
        if shifts {
            (position, pull) = self.code_position(n, body, scene, &mut shift)?;
        }
        let model = &mut self.model.orientation_differs[usize::from(shifts)];
        let mut orientation = (base.largest(), base.components());
        if self.coder.bit(model, !body.has_orientation_of(&base)) {
            orientation = self.code_orientation(n, body, (scene, shift), &mut turn)?;
        }
        let flags = &mut self.model.flag[usize::from(base.flag())][scene.closeness];
        let flag = self
            .coder
            .bit(&mut flags[usize::from(scene.moved & 2 != 0)], body.flag());
        let coded = Body::new(position, orientation.0, orientation.1, flag);
        let coded = coded.map_err(|_| WireError::Field("body"))?;
        self.neighbours.push(base.position(), pull, turn);
        let differed = true;
        Ok((
            coded,
            Trace {
                differed,
                shift,
                turn,
            },
        ))
    }

    /// The height first: what falls or lands, does so along all axes. Gives the position, and how far the velocity alone was off.
    fn code_position(
        &mut self,
        n: usize,
        body: &Body,
        scene: &Scene,
        shift: &mut u32,
    ) -> Result<([i16; 3], [i32; 3]), WireError> {
        let (mut position, mut pull) = ([0; 3], [0; 3]);
        for (turn, axis) in (0..).zip([2, 0, 1]) {
            let base = i32::from(self.past.base[n].position()[axis]);
            let way = |frame: &[Body]| base - i32::from(frame[n].position()[axis]);
            let known = Known {
                ways: [
                    self.past.one_before,
                    self.past.three_before,
                    self.past.six_before,
                ]
                .map(way),
                pull: scene.nearby.pull[axis],
            };
            let lead = &mut self.model.leads[axis];
            let (far, added) = lead.predict(&known);
            let guess = (base + far + added).clamp(*PLACES.start(), *PLACES.end());
            // Each axis that is coded tells of the next.
            let expected = (scene.trace.shift + scene.nearby.shift + *shift * 2) / (turn + 1);
            let off = i32::from(body.position()[axis]) - guess;
            let sign = (1 + added.signum()).unsigned_abs() as usize;
            let off = self
                .model
                .positions
                .code(&mut self.coder, axis, (expected, sign), off);
            lead.learn(&known, off);
            let place = guess + off;
            if !PLACES.contains(&place) {
                return Err(WireError::Field("position"));
            }
            position[axis] = i16::try_from(place).map_err(|_| WireError::Field("position"))?;
            pull[axis] = place - base - far;
            *shift += off.unsigned_abs();
        }
        Ok((position, pull))
    }

    fn code_orientation(
        &mut self,
        n: usize,
        body: &Body,
        (scene, shift): (&Scene, u32),
        turn: &mut u32,
    ) -> Result<(u8, [u16; 3]), WireError> {
        let past = &self.past;
        let base = &past.base[n];
        let now = orientation::quaternion(base);
        let guess = orientation::predict(&now, &past.two_before[n], &past.three_before[n]);
        let order = orientation::order(&guess);
        let clear = orientation::lead(&guess, order).unsigned_abs() / 64;
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
        let [now, guess] = [now, guess].map(|q| orientation::components(&q, order[rank]));
        let mut components = [0; 3];
        for (place, part) in (1..).zip(0..3) {
            let known = scene.trace.turn + 2 * scene.nearby.turn + shift + *turn * 9 / 2;
            let expected = known / place;
            let off = i32::from(body.components()[part]) - guess[part];
            // A rotation that is misjudged is so along its way.
            let sign = (1 + (guess[part] - now[part]).signum()).unsigned_abs() as usize;
            let off = self
                .model
                .orientations
                .code(&mut self.coder, part, (expected, sign), off);
            components[part] = match u16::try_from(guess[part] + off) {
                Ok(value) if value < 512 => value,
                _ => return Err(WireError::Field("orientation")),
            };
            *turn += off.unsigned_abs();
        }
        Ok((order[rank], components))
    }
}

impl Residuals {
    #[inline]
    fn code(
        &mut self,
        coder: &mut impl Coder,
        component: usize,
        (expected, sign): (u32, usize),
        off: i32,
    ) -> i32 {
        let class = &mut self.class[component][scale_of(expected)];
        let sign = &mut self.sign[component][sign];
        integer::code(coder, (class, &mut self.mantissa[component], sign), off)
    }
}

/// How near the first body is, the one that a player steers: within 2,048 units on every axis, within 1,024, or not.
fn closeness(body: &Body, first: &Body) -> usize {
    let distance = |axis: usize| body.position()[axis].abs_diff(first.position()[axis]);
    let distance = distance(0).max(distance(1)).max(distance(2));
    usize::from(distance < 2_048) + usize::from(distance < 1_024)
}
