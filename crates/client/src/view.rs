//! What is around the player, where it is to be drawn.

use net_proto::{EntityState, Tracked};
use spatial_core::{Ecef, EntityId, Frame, Planet};

/// An entity as it is to be drawn.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Seen {
    /// The entity.
    pub id: EntityId,
    /// Where.
    pub place: Ecef,
    /// Heading, 0 = north, clockwise, 65536 = full turn.
    pub heading: u16,
    /// The tick of its newest state.
    pub tick: u64,
}

/// Entities at a time between ticks, on the straight line between their last two states; before or after these,
/// where the nearer of the two is. Replaces what `out` held, in the same order (ascending id).
///
/// An entity whose frame this planet does not have is left out.
pub fn seen_at(planet: Planet, tracked: &[Tracked], tick: f64, out: &mut Vec<Seen>) {
    out.clear();
    let mut frames = LastFrame { planet, last: None };
    out.extend(tracked.iter().filter_map(|entity| {
        let newest = frames.place(&entity.state)?;
        let previous = frames.place(&entity.previous)?;
        let t = fraction(entity, tick);
        let [from, to] = [entity.previous.heading_u16(), entity.state.heading_u16()];
        Some(Seen {
            id: entity.state.id(),
            place: between(previous, newest, t)?,
            heading: turned(from, to, t),
            tick: entity.tick,
        })
    }));
}

/// How far a time is between an entity's last two states: 0 at the previous, 1 at the newest.
fn fraction(entity: &Tracked, tick: f64) -> f64 {
    let span = entity.tick.saturating_sub(entity.previous_tick) as f64;
    let since = tick - entity.previous_tick as f64;
    if since < span {
        (since / span).max(0.0)
    } else {
        1.0
    }
}

fn between(from: Ecef, to: Ecef, t: f64) -> Option<Ecef> {
    let [x, y, z] = (from.to_vec() + (to.to_vec() - from.to_vec()) * t).to_array();
    Ecef::new(x, y, z).ok()
}

/// Turns the shorter way.
fn turned(from: u16, to: u16, t: f64) -> u16 {
    let way = to.wrapping_sub(from).cast_signed();
    // Within ±32768, so the cast cuts nothing but the fraction.
    from.wrapping_add_signed((f64::from(way) * t) as i16)
}

/// Neighbours in a list mostly share their frame.
struct LastFrame {
    planet: Planet,
    last: Option<Frame>,
}

impl LastFrame {
    fn place(&mut self, state: &EntityState) -> Option<Ecef> {
        let frame = match self.last {
            Some(frame) if frame.id() == state.frame() => frame,
            _ => Frame::new(self.planet, state.frame()).ok()?,
        };
        self.last = Some(frame);
        Some(frame.to_ecef(state.position()))
    }
}

#[cfg(test)]
mod tests {
    use spatial_core::{FrameId, Geodetic, Position};

    use super::*;

    const EARTH: Planet = Planet::EARTH;

    fn tracked(from: Position, to: Position, headings: [u16; 2]) -> Tracked {
        Tracked {
            state: EntityState::new(EntityId(1), to, headings[1]),
            tick: 12,
            previous: EntityState::new(EntityId(1), from, headings[0]),
            previous_tick: 10,
        }
    }

    fn seen(entity: Tracked, tick: f64) -> Option<Seen> {
        let mut out = Vec::new();
        seen_at(EARTH, &[entity], tick, &mut out);
        out.pop()
    }

    fn somewhere() -> Position {
        let place = EARTH.ecef(Geodetic::from_degrees(27.95, 86.95, 5_800.0).unwrap());
        EARTH.position(place).unwrap()
    }

    #[test]
    fn places_lie_between_the_last_two_states() {
        let from = somewhere();
        let to = Position {
            x: from.x + (4 << 16),
            ..from
        };
        let entity = tracked(from, to, [0x1000, 0xf000]);
        let start = seen(entity, 10.0).unwrap();
        for (tick, metres, heading) in [
            (3.0, 0.0, 0x1000),
            (10.5, 1.0, 0x0800),
            (11.0, 2.0, 0),
            (12.0, 4.0, 0xf000),
            (99.0, 4.0, 0xf000),
        ] {
            let seen = seen(entity, tick).unwrap();
            let moved = seen.place.distance_m(start.place);
            assert!((moved - metres).abs() < 1e-6, "{moved} m at {tick}");
            assert_eq!(seen.heading, heading, "at {tick}");
        }
        assert_eq!(
            seen(entity, f64::NAN).unwrap().place,
            seen(entity, 12.0).unwrap().place
        );
    }

    #[test]
    fn a_change_of_frame_is_a_straight_line_too() {
        let from = somewhere();
        let frame = Frame::new(EARTH, from.frame).unwrap();
        let neighbour = frame.cell().to_u64()
            + 2 * (frame.cell().to_u64() & frame.cell().to_u64().wrapping_neg());
        let other = Frame::new(EARTH, FrameId(neighbour)).unwrap();
        let to = other.to_position(frame.to_ecef(from)).unwrap();
        let entity = tracked(from, to, [0, 0]);
        let place = seen(entity, 11.0).unwrap().place;
        assert!(place.distance_m(frame.to_ecef(from)) < 0.02); // two roundings to 8 mm
    }

    #[test]
    fn entities_in_no_frame_are_left_out() {
        let nowhere = Position {
            frame: FrameId(5),
            ..somewhere()
        };
        assert_eq!(seen(tracked(somewhere(), nowhere, [0, 0]), 11.0), None);
    }

    #[test]
    fn one_state_is_enough() {
        let mut entity = tracked(somewhere(), somewhere(), [0, 0]);
        entity.previous_tick = 12;
        assert!(seen(entity, 11.0).is_some());
    }
}
