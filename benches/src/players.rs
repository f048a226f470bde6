//! Ten thousand players, five hundred of them in one crowd: what some of them are sent, and what they are shown of it.
//!
//! The world is the simulation's, and every player walks. Who is in view, what of it is sent and what that may take, is decided as the
//! server decides it, by the same parts. Each of the viewers has a client that decodes, acknowledges and draws, a round trip of 100 ms away.

use std::collections::VecDeque;
use std::time::Duration;

use client::{Seen, View};
use net_proto::{
    Avatar, Baselines, Datagrams, EntityState, Epoch, OwnState, Replica, Replicator, SendBudget,
    SnapshotRequest, UpdateCache, Welcome, WorldId,
};
use sim_core::WorldStart;
use spatial_core::{
    Anchor, DVec3, Ecef, EntityId, Hit, MovingIndex, Planet, Sense, WatchEvents, WatchHandle,
    WatcherId, Watches,
};

use crate::case::Size;
use crate::strollers::{Land, RATE_HZ, Strollers, Town, direction};

/// Bytes a second that a player is sent at most, in the long run.
const BUDGET_BYTES_S: u32 = 20_000;
/// As the server's defaults.
const ENTER_M: f64 = 100.0;
const LEAVE_M: f64 = 110.0;
const DATAGRAMS_MAX: u8 = 4;
/// One way, and until an acknowledgement is back.
const DELAY: Duration = Duration::from_millis(50);
const ROUND_TRIP_TICKS: u64 = 2;
/// The exact state of the own entity goes out with every new datagram of inputs, which is every second tick's.
const OWN_TICKS: u64 = 2;
/// Whose updates are counted on their own.
const NEAREST: usize = 16;
/// How far away what is shown is compared.
const NEAR_M: f64 = 50.0;
/// A pair counts that has been in view for so many ticks.
const PAIR_TICKS: u32 = 4 * RATE_HZ as u32;
const TICK_S: f64 = 1.0 / RATE_HZ as f64;

/// How many of everything.
struct Scale {
    towns: usize,
    people: usize, // of a town, and of the crowd
    viewers: usize,
    settling_s: u64,
    seconds: u64,
}

impl Scale {
    fn of(size: Size) -> Self {
        match size {
            Size::Tiny => Self {
                towns: 2,
                people: 30,
                viewers: 4,
                settling_s: 1,
                seconds: 5,
            },
            Size::Full => Self {
                towns: 19,
                people: 500,
                viewers: 64,
                settling_s: 5,
                seconds: 20,
            },
        }
    }

    /// The crowd first, and towns in rows.
    fn places(&self) -> Vec<Town> {
        let town = |n: usize| Town {
            middle: direction(44.1 + 0.08 * (n / 5) as f64, -71.8 + 0.12 * (n % 5) as f64),
            radius_m: if n == 0 { 100.0 } else { 300.0 },
            people: self.people,
        };
        (0..=self.towns).map(town).collect()
    }

    /// Half of them of the crowd, the others of all towns.
    fn viewers(&self) -> Vec<EntityId> {
        let half = self.viewers / 2;
        let crowd = (0..half).map(|n| n * self.people / half);
        let towns = self.towns * self.people;
        let others = (0..half).map(|n| self.people + n * towns / half);
        crowd
            .chain(others)
            .map(|n| EntityId(n as u64 + 1))
            .collect()
    }
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// Of viewers in the crowd, and of the others: bytes of each of their seconds.
    pub(crate) seconds: [Vec<usize>; 2],
    /// Of each viewer: updates a second of the nearest, when they were in the nearest.
    pub(crate) nearest_hz: Vec<f64>,
    /// Of each pair: updates a second while it was in view.
    pub(crate) pairs_hz: Vec<f64>,
    /// The longest that somebody in view was not as the client had it.
    pub(crate) oldest_s: f64,
    /// Metres between where somebody near was shown and where it was, at the time that its client shows it at, and at that of all others.
    pub(crate) errors_m: [Vec<f32>; 2],
    /// Whether clients decoded what the world was.
    pub(crate) is_exact: bool,
    pub(crate) is_real: bool,
}

/// Plays it.
pub(crate) fn play(size: Size) -> Outcome {
    let scale = Scale::of(size);
    let towns = scale.places();
    let middles: Vec<DVec3> = towns.iter().map(|town| town.middle).collect();
    let land = Land::new(&middles);
    let mut scene = Scene::new(&scale, Strollers::new(&land, &towns, 11));
    let mut outcome = Outcome {
        is_exact: true,
        is_real: land.is_real(),
        ..Outcome::default()
    };
    for second in 0..scale.settling_s + scale.seconds {
        let is_counted = second >= scale.settling_s;
        for _ in 0..RATE_HZ {
            scene.tick(is_counted.then_some(&mut outcome));
        }
        for viewer in &mut scene.viewers {
            let bytes = core::mem::take(&mut viewer.bytes);
            if is_counted {
                outcome.seconds[viewer.group].push(bytes);
            }
        }
    }
    scene
        .viewers
        .iter_mut()
        .for_each(|viewer| viewer.end(&mut outcome));
    outcome
}

/// The server's side of all viewers, and the viewers.
struct Scene {
    strollers: Strollers,
    index: MovingIndex,
    watches: Watches,
    events: WatchEvents,
    places: Vec<Ecef>, // by the world's rows
    states: Vec<EntityState>,
    world: Baselines,
    cache: UpdateCache,
    out: Datagrams,
    past: Past,
    viewers: Vec<Viewer>,
    scratch: Scratch,
}

#[derive(Default)]
struct Scratch {
    members: Vec<Hit>,
    nearest: Vec<Hit>,
    visible: Vec<u32>,
    distances_dm: Vec<u32>,
    seen: Vec<Seen>,
}

impl Scene {
    fn new(scale: &Scale, strollers: Strollers) -> Self {
        let mut watches = Watches::new();
        let sense = Sense::around(ENTER_M, LEAVE_M).expect("legal radii");
        let people = (scale.towns + 1) * scale.people;
        let viewers = scale.viewers().into_iter().enumerate().map(|(n, me)| {
            let watch = watches.watch(WatcherId(me.0), Anchor::On(me), sense);
            let group = usize::from(n >= scale.viewers / 2);
            Viewer::new(me, watch, (group, people), strollers.world().tick())
        });
        let viewers = viewers.collect();
        Self {
            index: MovingIndex::new(),
            watches,
            events: WatchEvents::default(),
            places: Vec::new(),
            states: Vec::new(),
            world: Baselines::new(),
            cache: UpdateCache::new(),
            out: Datagrams::new(),
            past: Past::default(),
            viewers,
            scratch: Scratch::default(),
            strollers,
        }
    }

    fn tick(&mut self, mut outcome: Option<&mut Outcome>) {
        self.strollers.step();
        self.strollers.states_into(&mut self.states);
        let world = self.strollers.world();
        world.places_into(&mut self.places);
        self.index.rebuild(world.ids(), &self.places);
        let view = self.index.view(world.ids(), &self.places);
        self.watches.update(view, &mut self.events);
        self.world.advance(world.tick(), &self.states);
        self.past.push(world.tick(), world.ids(), &self.places);
        for viewer in &mut self.viewers {
            let row = world.row_of(viewer.me).expect("nobody leaves");
            self.scratch.see(&self.watches, viewer, (row, &self.places));
            viewer.pack(
                &self.world,
                (&mut self.cache, &mut self.out),
                &mut self.scratch,
            );
            let is_right = viewer.hear(world.tick(), &self.out);
            viewer.judge(
                (world.tick(), &self.states),
                &self.scratch.members,
                outcome.as_deref_mut(),
            );
            viewer.draw(
                world.tick(),
                &self.past,
                &mut self.scratch.seen,
                outcome.as_deref_mut(),
            );
            if let Some(outcome) = &mut outcome {
                outcome.is_exact &= is_right && viewer.is_whole(&self.world);
            }
        }
    }
}

impl Scratch {
    /// Whom a viewer sees, ascending by id.
    fn see(&mut self, watches: &Watches, viewer: &Viewer, (row, places): (usize, &[Ecef])) {
        let members = watches.members(viewer.watch);
        self.members.clear();
        self.members
            .extend(members.expect("it watches").map(|member| Hit {
                id: member.id,
                row: member.row,
                distance_m: places[member.row as usize].distance_m(places[row]),
            }));
        self.members.sort_unstable_by_key(|hit| hit.id);
    }

    /// The nearest of them, if there is not room for all.
    fn choose(&mut self, count_max: usize) {
        self.nearest.clone_from(&self.members);
        if self.nearest.len() > count_max {
            self.nearest.select_nth_unstable_by(count_max, |a, b| {
                a.distance_m.total_cmp(&b.distance_m).then(a.id.cmp(&b.id))
            });
            self.nearest.truncate(count_max);
            self.nearest.sort_unstable_by_key(|hit| hit.id);
        }
        self.visible.clear();
        self.distances_dm.clear();
        for hit in &self.nearest {
            self.visible.push(row_of(hit.id) as u32);
            self.distances_dm.push((hit.distance_m * 10.0) as u32);
        }
    }
}

/// People are numbered from 1 on, and nobody comes or goes.
fn row_of(id: EntityId) -> usize {
    id.0 as usize - 1
}

/// A player who is looked at closely.
struct Viewer {
    me: EntityId,
    watch: WatchHandle,
    group: usize,
    replicator: Replicator,
    budget: SendBudget,
    bytes: usize, // of this second
    coming: VecDeque<(u64, Epoch)>,
    replica: Replica,
    view: View,
    pairs: Vec<Pair>,  // by number
    nearest: [u64; 2], // of pairs and ticks: all, and updated
}

/// Somebody in a viewer's view.
#[derive(Clone, Copy, Default)]
struct Pair {
    ticks: u32, // in view until now, while it counted
    fresh: u32, // and as the client had it
    right_tick: u64,
    seen_tick: u64,
}

impl Viewer {
    fn new(me: EntityId, watch: WatchHandle, (group, people): (usize, usize), tick: u64) -> Self {
        let welcome = Welcome {
            world: WorldId(1),
            player: me,
            tick,
            tick_rate_hz: RATE_HZ,
            snapshot_ticks: 1,
            radius_mm: (Planet::EARTH.radius_m() * 1e3) as u64,
            interest_dm: (ENTER_M * 10.0) as u32,
            speed_limit: 1_024,
            gravity: WorldStart::EARTH_GRAVITY,
            avatar: Avatar::default(),
            lattice: 0,
        };
        Self {
            me,
            watch,
            group,
            replicator: Replicator::of(me),
            budget: SendBudget::new(BUDGET_BYTES_S, RATE_HZ),
            bytes: 0,
            coming: VecDeque::new(),
            replica: Replica::new(),
            view: View::new(&welcome, Planet::EARTH),
            pairs: vec![Pair::default(); people],
            nearest: [0; 2],
        }
    }

    /// As the server does it.
    fn pack(
        &mut self,
        world: &Baselines,
        (cache, out): (&mut UpdateCache, &mut Datagrams),
        scratch: &mut Scratch,
    ) {
        let tick = world.tick();
        while let Some((_, epoch)) = self.coming.pop_front_if(|(due, _)| *due <= tick) {
            self.replicator.acknowledge(epoch);
        }
        let count_max = self.budget.entities_max();
        scratch.choose(count_max.min(world.columns().entities_max()));
        let request = SnapshotRequest {
            visible: &scratch.visible,
            distances_dm: &scratch.distances_dm,
            bytes_max: self.budget.at(tick),
            last_input_seq: tick as u32,
            durable_tick: tick,
            datagrams_max: DATAGRAMS_MAX,
        };
        let stats = self.replicator.pack(world, cache, &request, out);
        let mut bytes = out.byte_count();
        match Epoch::starting_at(tick) {
            Some(_) => self.budget.spend_set(bytes, stats.updates),
            None => self.budget.spend(bytes),
        }
        if tick.is_multiple_of(OWN_TICKS) {
            self.budget.spend(OwnState::BYTES);
            bytes += OwnState::BYTES;
        }
        self.bytes += bytes;
    }

    /// The client takes in what it is sent, all of which comes. Says whether it can.
    fn hear(&mut self, tick: u64, out: &Datagrams) -> bool {
        let now = Duration::from_secs_f64(tick as f64 * TICK_S) + DELAY;
        out.iter().all(|datagram| {
            let Ok(info) = self.replica.handle_snapshot(datagram) else {
                return false;
            };
            self.view.take_in(now, &info, &self.replica);
            if let Some(epoch) = info.completed {
                self.coming.push_back((tick + ROUND_TRIP_TICKS, epoch));
            }
            info.dropped + info.repeated == 0
        })
    }

    /// Of an epoch that has come whole, everybody is as in the world.
    fn is_whole(&self, world: &Baselines) -> bool {
        let Some(epoch) = Epoch::starting_at(world.tick()) else {
            return true;
        };
        let set = self.replica.epoch_set(epoch);
        set.is_some_and(|set| {
            let is_right = |state: &EntityState| world.current()[row_of(state.id())] == *state;
            set.iter().all(is_right)
        })
    }

    /// Who of those in view is as the client has it.
    fn judge(
        &mut self,
        (tick, states): (u64, &[EntityState]),
        members: &[Hit],
        mut outcome: Option<&mut Outcome>,
    ) {
        let mut by_distance: Vec<&Hit> = members.iter().filter(|hit| hit.id != self.me).collect();
        by_distance.sort_unstable_by(|a, b| a.distance_m.total_cmp(&b.distance_m));
        for (n, hit) in by_distance.into_iter().enumerate() {
            let row = row_of(hit.id);
            let tracked = self.replica.get(hit.id);
            let is_fresh = tracked.is_some_and(|tracked| tracked.state == states[row]);
            let pair = &mut self.pairs[row];
            if pair.seen_tick + 1 != tick {
                if let Some(outcome) = &mut outcome {
                    pair.end(outcome);
                }
                *pair = Pair {
                    right_tick: tick,
                    ..Pair::default()
                };
            }
            pair.seen_tick = tick;
            if is_fresh {
                pair.right_tick = tick;
            }
            let Some(outcome) = &mut outcome else {
                continue;
            };
            pair.ticks += 1;
            pair.fresh += u32::from(is_fresh);
            let age_s = (tick - pair.right_tick) as f64 * TICK_S;
            outcome.oldest_s = outcome.oldest_s.max(age_s);
            if n < NEAREST {
                self.nearest[0] += 1;
                self.nearest[1] += u64::from(is_fresh);
            }
        }
    }

    /// Two frames a tick, of which those near are compared with the truth.
    fn draw(
        &mut self,
        tick: u64,
        past: &Past,
        seen: &mut Vec<Seen>,
        mut outcome: Option<&mut Outcome>,
    ) {
        for part in [0.25, 0.75] {
            let now = Duration::from_secs_f64((tick as f64 + part) * TICK_S) + DELAY;
            let shown = self.view.draw(now, seen);
            let Some(outcome) = &mut outcome else {
                continue;
            };
            let me = past.at(self.me, tick as f64);
            for seen in &*seen {
                let truth = past.at(seen.id, seen.shown);
                if seen.id != self.me && truth.distance(me) <= NEAR_M {
                    let error = |truth: DVec3| seen.place.to_vec().distance(truth) as f32;
                    outcome.errors_m[0].push(error(truth));
                    outcome.errors_m[1].push(error(past.at(seen.id, shown)));
                }
            }
        }
    }

    fn end(&mut self, outcome: &mut Outcome) {
        self.pairs.iter().for_each(|pair| pair.end(outcome));
        let [all, updated] = self.nearest.map(|count| count as f64);
        outcome.nearest_hz.push(updated / all * f64::from(RATE_HZ));
    }
}

impl Pair {
    /// It has left the view, or all is over.
    fn end(&self, outcome: &mut Outcome) {
        if self.ticks >= PAIR_TICKS {
            let share = f64::from(self.fresh) / f64::from(self.ticks);
            outcome.pairs_hz.push(share * f64::from(RATE_HZ));
        }
    }
}

/// Where everybody was lately, by number.
#[derive(Default)]
struct Past {
    ticks: VecDeque<Vec<DVec3>>,
    newest: u64,
}

impl Past {
    /// Three seconds: nobody is drawn later.
    const TICKS: usize = 60;

    fn push(&mut self, tick: u64, ids: &[EntityId], places: &[Ecef]) {
        let mut all = match self.ticks.len() {
            Self::TICKS => self.ticks.pop_front().unwrap_or_default(),
            _ => Vec::new(),
        };
        all.resize(ids.len(), DVec3::ZERO);
        for (id, place) in ids.iter().zip(places) {
            all[row_of(*id)] = place.to_vec();
        }
        self.ticks.push_back(all);
        self.newest = tick;
    }

    /// At a time between ticks.
    fn at(&self, id: EntityId, tick: f64) -> DVec3 {
        let last = self.ticks.len() - 1;
        let back = (self.newest as f64 - tick).clamp(0.0, last as f64);
        let at = last as f64 - back;
        let (low, share) = (at.floor(), at - at.floor());
        let of = |n: usize| self.ticks[n.min(last)][row_of(id)];
        of(low as usize).lerp(of(low as usize + 1), share)
    }
}
