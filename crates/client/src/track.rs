//! The last states of one entity, and where it was between them.

use spatial_core::DVec3;

/// States that are kept of an entity.
pub(crate) const STATES_MAX: usize = 16;

/// Where an entity was at a tick.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Sample {
    pub(crate) tick: u64,
    pub(crate) place: DVec3, // planet-fixed, metres
    pub(crate) heading: u16,
}

/// How entities are drawn, in ticks of the world.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Pace {
    /// Ticks a second.
    pub(crate) rate_hz: f64,
    /// Ticks from snapshot to snapshot.
    pub(crate) snapshot_ticks: u64,
}

/// An entity's last states.
///
/// ```text
/// states    ●─────●─────────●────●╌╌╌╌╌╌╌┤      straight between them, curved where they lie far apart; beyond the newest on
///           t₀    t₁        t₂   t₃   + 250 ms   along the last two for a quarter of a second, then it stands
///                       ▲    ▲
///            its own time    everybody's time: who is told of seldom is drawn later, by what its states lie farther apart
/// ```
/// When a state comes that says otherwise than what was drawn, the difference is kept and fades: nothing jumps.
#[derive(Clone, Debug)]
pub(crate) struct Track {
    states: [Sample; STATES_MAX], // the first `count` ascend strictly by tick
    count: usize,
    lag: f64,           // ticks that it is drawn behind others
    drawn: Option<f64>, // its own tick when it was drawn last
    offset: DVec3,      // what was drawn then, less what the states say
}

impl Track {
    /// A track of nothing.
    pub(crate) fn new() -> Self {
        let nothing = Sample {
            tick: 0,
            place: DVec3::ZERO,
            heading: 0,
        };
        Self {
            states: [nothing; STATES_MAX],
            count: 0,
            lag: 0.0,
            drawn: None,
            offset: DVec3::ZERO,
        }
    }

    /// The newest state.
    pub(crate) fn newest(&self) -> Option<&Sample> {
        self.states().last()
    }

    /// Takes in a state, in whatever order they come. Of its tick the first counts; what is older than all of a full track is forgotten.
    pub(crate) fn add(&mut self, state: Sample, pace: &Pace) {
        let at = self.states().partition_point(|s| s.tick < state.tick);
        let is_known = self.states().get(at).is_some_and(|s| s.tick == state.tick);
        if is_known || (at == 0 && self.count == STATES_MAX) {
            return;
        }
        let before = self.drawn.and_then(|tick| self.at(tick, pace));
        self.insert(at, state);
        let after = self.drawn.and_then(|tick| self.at(tick, pace));
        if let (Some((before, _)), Some((after, _))) = (before, after) {
            self.offset += before - after;
            if self.offset.length_squared() > OFFSET_MAX_M * OFFSET_MAX_M {
                self.offset = DVec3::ZERO; // whoever is so far off has been moved
            }
        }
    }

    /// Draws it while everybody is at a tick, `passed_s` after it was drawn before: place, heading and its own tick.
    pub(crate) fn draw(
        &mut self,
        tick: f64,
        passed_s: f64,
        pace: &Pace,
    ) -> Option<(DVec3, u16, f64)> {
        if self.drawn.is_some() {
            let passed = passed_s * pace.rate_hz;
            let aim = self.lag_wanted(pace) - self.lag;
            self.lag += aim.clamp(-passed * LAG_SHRINKS, passed * LAG_GROWS);
        }
        let tick = tick - self.lag;
        let (place, heading) = self.at(tick, pace)?;
        self.fade(passed_s);
        self.drawn = Some(tick);
        Some((place + self.offset, heading, tick))
    }

    /// Where the states say that it was.
    fn at(&self, tick: f64, pace: &Pace) -> Option<(DVec3, u16)> {
        let states = self.states();
        let newest = states.last()?;
        let next = match states.iter().rposition(|s| s.tick as f64 <= tick) {
            Some(last) => last + 1,
            None => 0,
        };
        let Some(from) = next.checked_sub(1).map(|n| &states[n]) else {
            return Some((states[0].place, states[0].heading));
        };
        let since = tick - from.tick as f64;
        match states.get(next) {
            Some(_) => Some(self.between(next - 1, since, pace)),
            None => {
                let on = since.min(ON_S * pace.rate_hz);
                Some((newest.place + self.velocity(pace) * on, newest.heading))
            }
        }
    }

    /// Between the state with a number and the next one, at a time after the first. Who was moved stays until it is there.
    fn between(&self, n: usize, since: f64, pace: &Pace) -> (DVec3, u16) {
        let (from, to) = (&self.states[n], &self.states[n + 1]);
        if is_jump(from, to, pace) {
            return (from.place, from.heading);
        }
        let span = (to.tick - from.tick) as f64;
        let share = since / span;
        let way = to.heading.wrapping_sub(from.heading).cast_signed(); // the shorter one
        // Within ±32768, so the cast cuts nothing but the fraction.
        let heading = from
            .heading
            .wrapping_add_signed((f64::from(way) * share) as i16);
        let straight = from.place + (to.place - from.place) * share;
        if span < CURVED_S * pace.rate_hz {
            return (straight, heading);
        }
        // What Hermite's cubic has beyond the straight line: tangents along the states on either side.
        let along = (to.place - from.place) / span;
        let bend = |before: Option<&Sample>, after: Option<&Sample>| match (before, after) {
            (Some(a), Some(b)) if !is_jump(a, b, pace) => {
                (b.place - a.place) / (b.tick - a.tick) as f64 - along
            }
            _ => DVec3::ZERO,
        };
        let before = n.checked_sub(1).map(|n| &self.states[n]);
        let bend_from = bend(before, Some(to));
        let bend_to = bend(Some(from), self.states().get(n + 2));
        let rest = 1.0 - share;
        let curve = bend_from * (since * rest * rest) - bend_to * (since * share * rest);
        (straight + curve, heading)
    }

    /// Metres a tick along the last two states; 0 if there are none, or it was moved between them.
    fn velocity(&self, pace: &Pace) -> DVec3 {
        match self.states() {
            [.., from, to] if !is_jump(from, to, pace) => {
                (to.place - from.place) / (to.tick - from.tick) as f64
            }
            _ => DVec3::ZERO,
        }
    }

    /// By how much its states lie farther apart than snapshots do: the middle one of the last gaps, so that a state that was lost
    /// counts as little as a rest. Who rests is not told of; such gaps do not count.
    fn lag_wanted(&self, pace: &Pace) -> f64 {
        let mut gaps = [0u64; GAPS];
        let mut count = 0;
        for pair in self.states().windows(2).rev() {
            if count == GAPS {
                break;
            }
            if pair[0].place != pair[1].place {
                gaps[count] = pair[1].tick - pair[0].tick;
                count += 1;
            }
        }
        if count < GAPS_MIN {
            return self.lag;
        }
        gaps[..count].sort_unstable();
        let gap = gaps[(count - 1) / 2];
        let lag = gap.saturating_sub(pace.snapshot_ticks) as f64;
        lag.min(LAG_MAX_S * pace.rate_hz)
    }

    fn fade(&mut self, passed_s: f64) {
        let length = self.offset.length();
        if length < 1e-4 {
            self.offset = DVec3::ZERO;
            return;
        }
        let share = passed_s / (passed_s + FADES_IN_S);
        let step = (length * share).min(FADES_MPS * passed_s);
        self.offset *= 1.0 - step / length;
    }

    /// Puts a state where it belongs; of a full track the oldest goes.
    fn insert(&mut self, at: usize, state: Sample) {
        if self.count == STATES_MAX {
            self.states.copy_within(1..at, 0);
            self.states[at - 1] = state;
        } else {
            self.states.copy_within(at..self.count, at + 1);
            self.states[at] = state;
            self.count += 1;
        }
    }

    fn states(&self) -> &[Sample] {
        &self.states[..self.count]
    }
}

/// Whether nobody goes from one place to the other in this time.
fn is_jump(from: &Sample, to: &Sample, pace: &Pace) -> bool {
    let passed_s = (to.tick - from.tick) as f64 / pace.rate_hz;
    let reach_m = JUMP_MPS * passed_s;
    from.place.distance_squared(to.place) > reach_m * reach_m
}

/// Twice the highest speed that the wire has.
const JUMP_MPS: f64 = 512.0;
/// What is drawn goes on for so long beyond the newest state.
const ON_S: f64 = 0.25;
/// Ways between states are curved where these lie so far apart: then errors are smaller by a tenth to a fifth; below, rounding makes them larger.
const CURVED_S: f64 = 0.1;
/// Gaps between states that are looked at, and fewer say nothing.
const GAPS: usize = 5;
const GAPS_MIN: usize = 2;
/// Nobody is drawn later than everybody else by more than this, and it comes and goes by these shares of the pace.
const LAG_MAX_S: f64 = 0.75;
const LAG_GROWS: f64 = 0.25;
const LAG_SHRINKS: f64 = 0.05;
/// A surprise fades to the half in this time, but no faster than so; whoever is off by more than this has been moved.
const FADES_IN_S: f64 = 0.15;
const FADES_MPS: f64 = 12.0;
const OFFSET_MAX_M: f64 = 8.0;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PACE: Pace = Pace {
        rate_hz: 20.0,
        snapshot_ticks: 1,
    };
    const ORIGIN: DVec3 = DVec3::new(4e6, -3e6, 4e6);

    fn state(tick: u64, x_m: f64) -> Sample {
        Sample {
            tick,
            place: ORIGIN + DVec3::X * x_m,
            heading: 0,
        }
    }

    fn track(states: &[(u64, f64)]) -> Track {
        let mut track = Track::new();
        for (tick, x_m) in states {
            track.add(state(*tick, *x_m), &PACE);
        }
        track
    }

    fn x_at(track: &Track, tick: f64) -> f64 {
        (track.at(tick, &PACE).unwrap().0 - ORIGIN).x
    }

    #[test]
    fn between_states_it_is_between_them_and_beyond_it_goes_on_for_a_while() {
        let track = track(&[(10, 0.0), (11, 0.2), (12, 0.2), (13, 0.4)]);
        for (tick, x_m) in [
            (3.0, 0.0),
            (10.25, 0.05),
            (11.5, 0.2),
            (12.5, 0.3),
            (13.0, 0.4),
            (15.0, 0.8),
            (18.0, 1.4), // 250 ms
            (99.0, 1.4),
        ] {
            assert!((x_at(&track, tick) - x_m).abs() < 1e-6, "{tick}");
        }
        assert_eq!(Track::new().at(5.0, &PACE), None);
    }

    #[test]
    fn curves_go_through_the_states_and_straight_ways_stay_straight() {
        let bent = track(&[(0, 0.0), (4, 0.0), (8, 1.0), (12, 2.0)]);
        for (tick, x_m) in [(4, 0.0), (8, 1.0), (12, 2.0)] {
            assert!((x_at(&bent, f64::from(tick)) - x_m).abs() < 1e-6);
            assert!((x_at(&bent, f64::from(tick) - 1e-6) - x_m).abs() < 1e-3);
        }
        // Slower at first, as who begins to walk.
        assert!(x_at(&bent, 5.0) < 0.25);
        let straight = track(&[(0, 0.0), (4, 1.0), (10, 2.5), (16, 4.0)]);
        assert!((x_at(&straight, 7.0) - 1.75).abs() < 1e-6);
    }

    #[test]
    fn headings_turn_the_shorter_way() {
        let mut track = track(&[(0, 0.0)]);
        track.states[0].heading = 0x1000;
        track.add(
            Sample {
                heading: 0xf000,
                ..state(1, 0.0)
            },
            &PACE,
        );
        let heading = |tick: f64| track.at(tick, &PACE).unwrap().1;
        assert_eq!(
            [0.25, 0.5, 1.0, 9.0].map(heading),
            [0x0800, 0, 0xf000, 0xf000]
        );
    }

    #[test]
    fn who_was_moved_is_not_drawn_on_the_way() {
        let track = track(&[(0, 0.0), (1, 0.1), (2, 500.0)]);
        assert!((x_at(&track, 1.9) - 0.1).abs() < 1e-6);
        assert!((x_at(&track, 2.0) - 500.0).abs() < 1e-6);
        assert!((x_at(&track, 4.0) - 500.0).abs() < 1e-6);
    }

    #[test]
    fn who_is_told_of_seldom_is_drawn_later_and_who_rests_is_not() {
        let mut seldom = track(&[]);
        let mut resting = track(&[]);
        let frame = |track: &mut Track, tick: f64| track.draw(tick, 0.01, &PACE).unwrap().2;
        for n in 0..100u64 {
            seldom.add(state(5 * n, n as f64), &PACE);
            resting.add(state(5 * n, 7.0), &PACE);
            for part in 0..25u64 {
                let tick = (5 * n) as f64 + part as f64 / 5.0;
                let (a, b) = (frame(&mut seldom, tick), frame(&mut resting, tick));
                assert_eq!(b, tick);
                assert!(n < 20 || (a - (tick - 4.0)).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn surprises_fade() {
        let mut track = track(&[(0, 0.0), (1, 0.2)]);
        let mut drawn = Vec::new();
        for n in 0..60 {
            if n == 20 {
                track.add(state(5, 0.0), &PACE); // it had turned back
                track.add(state(6, -0.2), &PACE);
            }
            let (place, _, _) = track.draw(f64::from(n) / 3.0, 1.0 / 60.0, &PACE).unwrap();
            drawn.push((place - ORIGIN).x);
        }
        let largest = drawn
            .windows(2)
            .map(|w| (w[1] - w[0]).abs())
            .fold(0.0, f64::max);
        assert!(largest < 0.25, "{largest}");
        assert!((drawn[59] - x_at(&track, 59.0 / 3.0)).abs() < 0.1);
    }

    proptest! {
        /// In whatever order they come: the newest ones, ascending, each once.
        #[test]
        fn states_are_kept_in_order(ticks in prop::collection::vec(0u64..60, 1..80)) {
            let mut track = Track::new();
            let mut kept = std::collections::BTreeMap::new();
            for (n, tick) in ticks.iter().enumerate() {
                let is_old = kept.len() == STATES_MAX && kept.first_key_value().is_some_and(|(t, _)| tick < t);
                track.add(state(*tick, n as f64), &PACE);
                if !is_old && !kept.contains_key(tick) {
                    kept.insert(*tick, state(*tick, n as f64));
                    if kept.len() > STATES_MAX {
                        kept.pop_first();
                    }
                }
                prop_assert_eq!(track.states(), kept.values().copied().collect::<Vec<_>>());
            }
        }
    }
}
