//! What a ring must answer, from all players one by one, by other formulas.

use sim_core::{Kind, Moment};
use spatial_core::{DVec3, EntityId};

use super::town::{KINDS, Person};

/// Everybody at a moment: who is in both ticks on the straight way between them, unless that is a leap.
pub(super) fn people(history: &[Vec<Person>], moment: Moment) -> Vec<Person> {
    let now = &history[moment.tick as usize];
    if moment.fraction == 0 {
        return now.clone();
    }
    let next = &history[moment.tick as usize + 1];
    let part = f64::from(moment.fraction) / 65_536.0;
    let walk = |person: &Person| {
        let to = next.iter().find(|other| other.id == person.id);
        let to = to
            .map(|to| to.feet)
            .filter(|to| (*to - person.feet).length() < 16.0);
        let feet = person.feet + (to.unwrap_or(person.feet) - person.feet) * part;
        Person { feet, ..*person }
    };
    now.iter().map(walk).collect()
}

/// A capsule's axis and radius.
fn axis(person: &Person) -> (DVec3, DVec3, f64) {
    let kind: &Kind = &KINDS[usize::from(person.kind.0)];
    let up = person.feet.normalize();
    let (radius, height) = (kind.radius_m(), kind.height_m());
    (
        person.feet + up * radius,
        person.feet + up * (height - radius),
        radius,
    )
}

/// The upper end of a capsule's axis.
pub(super) fn eyes(person: &Person) -> DVec3 {
    axis(person).1
}

/// How far a point is from a person's axis, and the axis' point that is nearest to it.
pub(super) fn nearest(person: &Person, point: DVec3) -> (f64, DVec3) {
    let (low, high, _) = axis(person);
    let way = high - low;
    let square = way.length_squared();
    let part = if square > 0.0 {
        (point - low).dot(way) / square
    } else {
        0.0
    };
    let at = low + way * part.clamp(0.0, 1.0);
    ((at - point).length(), at)
}

/// How far a point is outside of a person's capsule.
pub(super) fn distance_m(person: &Person, point: DVec3) -> f64 {
    nearest(person, point).0 - axis(person).2
}

/// When a ball first touches a person, by halving: its distance from the axis is convex along the way. And by how much it comes nearer than
/// that, or misses when negative.
pub(super) fn reached_m(
    person: &Person,
    (from, direction): (DVec3, DVec3),
    reach_m: f64,
    radius_m: f64,
) -> (f64, f64) {
    let at = |t: f64| distance_m(person, from + direction * t) - radius_m;
    let (mut low, mut high) = (0.0, reach_m);
    for _ in 0..200 {
        let (a, b) = (low + (high - low) / 3.0, high - (high - low) / 3.0);
        if at(a) < at(b) { high = b } else { low = a }
    }
    let depth = -at(low);
    let (mut out, mut inside) = (0.0, low);
    if at(0.0) <= 0.0 {
        return (0.0, depth);
    }
    for _ in 0..200 {
        let middle = 0.5 * (out + inside);
        if at(middle) <= 0.0 {
            inside = middle
        } else {
            out = middle
        }
    }
    (inside, depth)
}

/// The first who is met; `None` in place of an answer where a millimetre decides.
pub(super) fn first(
    people: &[Person],
    way: (DVec3, DVec3),
    (reach_m, radius_m): (f64, f64),
    except: &[EntityId],
) -> Option<Option<(EntityId, f64)>> {
    const CLOSE_M: f64 = 1e-3;
    let mut met: Vec<(f64, EntityId)> = Vec::new();
    for person in people.iter().filter(|person| !except.contains(&person.id)) {
        let along = (person.feet - way.0).dot(way.1).clamp(0.0, reach_m);
        if (way.0 + way.1 * along - person.feet).length() > 10.0 + radius_m {
            continue;
        }
        let (distance, depth) = reached_m(person, way, reach_m, radius_m);
        if depth.abs() < CLOSE_M {
            return None;
        }
        if depth > 0.0 {
            met.push((distance, person.id));
        }
    }
    met.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    match met[..] {
        [] => Some(None),
        [a, b, ..] if b.0 - a.0 < CLOSE_M => None,
        [a, ..] => Some(Some((a.1, a.0))),
    }
}
