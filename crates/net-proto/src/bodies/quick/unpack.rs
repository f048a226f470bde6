//! Bits to a frame.

use super::super::body::{Body, COMPONENT_USUAL, FLAG, LARGEST, Lanes, PLACE, TURN};
use super::super::set::{List, Set};
use super::bits::{BitSource, Window};
use super::forecast::{Forecast, Ranks};
use super::{GAP_RANK, GAP_ZEROS_MAX, Past, ZEROS_MAX};
use crate::error::WireError;

pub(super) fn unpack(
    past: &Past<'_>,
    bodies: &mut [Body],
    source: &mut BitSource<'_>,
) -> Result<(), WireError> {
    let newcomers = unpack_newcomers(&past.moved, bodies.len(), source)?;
    bodies.copy_from_slice(past.base);
    for n in List::of(&past.moved, &newcomers).numbers() {
        let n = usize::from(*n);
        unpack_body(&past.base[n], &past.before[n], &mut bodies[n], source)?;
    }
    Ok(())
}

fn unpack_newcomers(
    moved: &Set,
    count: usize,
    source: &mut BitSource<'_>,
) -> Result<Set, WireError> {
    let mut newcomers = Set::default();
    let mut next = 0;
    loop {
        let mut window = Window::new(source.peek());
        let gap = window.rice(GAP_RANK, GAP_ZEROS_MAX);
        let gap = gap.ok_or(WireError::Field("newcomer"))?;
        source.skip(window.used);
        let n = next + usize::from(gap);
        if n == count {
            return Ok(newcomers);
        }
        let bit = 1 << (n % 64);
        if n > count || moved[n / 64] & bit != 0 {
            return Err(WireError::Field("newcomer"));
        }
        newcomers[n / 64] |= bit;
        next = n + 1;
    }
}

#[inline]
fn unpack_body(
    base: &Body,
    before: &Body,
    body: &mut Body,
    source: &mut BitSource<'_>,
) -> Result<(), WireError> {
    let forecast = Forecast::of(base, before);
    let Ranks { along, up, turn } = forecast.ranks();
    let mut lanes = forecast.lanes;
    let mut window = Window::new(source.peek());
    let mut turned = false;
    if window.bits & 1 != 0 {
        window.skip(1);
    } else {
        let head = (window.bits >> 1) & 0b111;
        window = match head {
            0b000 | 0b100 => {
                source.skip(3);
                return Ok(());
            }
            0b111 => {
                source.skip(4);
                *body = unpack_raw(source)?;
                return Ok(());
            }
            _ => {
                source.skip(if head == 0b011 { 4 } else { 3 });
                Window::new(source.peek())
            }
        };
        turned = head & 0b010 != 0;
        lanes[FLAG] ^= i16::from(head & 0b001 != 0);
    }
    add(&mut lanes[PLACE], [along, along, up], &mut window)?;
    source.skip(window.used);
    if turned {
        unpack_turn(&mut lanes, source);
    } else {
        let mut window = Window::new(source.peek());
        add(&mut lanes[TURN], [turn; 3], &mut window)?;
        source.skip(window.used);
    }
    let legal = Body::of(lanes).filter(|body| body.has_components_to(COMPONENT_USUAL));
    *body = legal.ok_or(WireError::Field("body"))?;
    Ok(())
}

/// Adds how far off a forecast was.
#[inline]
fn add(lanes: &mut [i16], ranks: [u8; 3], window: &mut Window) -> Result<(), WireError> {
    for (lane, rank) in lanes.iter_mut().zip(ranks) {
        let off = window.rice(rank, ZEROS_MAX);
        let off = off.ok_or(WireError::Field("body"))?;
        let off = (off >> 1).cast_signed() ^ -(off & 1).cast_signed();
        *lane = lane.wrapping_add(off);
    }
    Ok(())
}

#[cold]
fn unpack_raw(source: &mut BitSource<'_>) -> Result<Body, WireError> {
    let mut lanes = [0; 8];
    for place in &mut lanes[PLACE] {
        *place = (field(source, 15) << 1) >> 1;
    }
    unpack_turn(&mut lanes, source);
    lanes[FLAG] = field(source, 1);
    Body::of(lanes).ok_or(WireError::Field("body"))
}

#[inline]
fn unpack_turn(lanes: &mut Lanes, source: &mut BitSource<'_>) {
    lanes[LARGEST] = field(source, 2);
    for lane in TURN {
        lanes[lane] = field(source, 9);
    }
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "of at most 15 bits")]
fn field(source: &mut BitSource<'_>, bits: u32) -> i16 {
    source.take(bits) as i16
}
