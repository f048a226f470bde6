//! What each player sees, and the snapshots that tell them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use net_proto::{
    Baselines, ColumnsError, Digest, EntityState, Epoch, OwnValuesWriter, ServerMessage,
    WireColumns,
};
use rayon::prelude::*;
use sim_core::World;
use spatial_core::{
    Anchor, Audience, Column, Ecef, EntityId, Hit, MovingIndex, Sense, Sighting, WatchEvents,
    WatchHandle, WatcherId, Watches, Wire,
};

use super::packer::{Packer, Scene, Told};
use super::players::{Player, Players};
use super::tally::StopWatch;
use super::throttle::Level;
use crate::gateway::Batch;

/// For fewer players than this no other thread is woken.
const PLAYERS_A_THREAD: usize = 64;
/// The row of who is in the world no more.
const GONE: u32 = u32::MAX;
/// Rows that one task describes.
const ROWS_A_TASK: usize = 4_096;

/// The state of the world in the wire's terms, and scratch space for packing.
pub(super) struct Views {
    index: MovingIndex,
    /// Every welcomed player watches from its avatar.
    watches: Watches,
    watchers: BTreeMap<EntityId, WatchHandle>,
    sense: Sense,
    /// Who is nearer may touch a player before it is looked at again.
    pub(super) near_m: f64,
    /// Who is farther is told of at epochs alone when ticks take too long.
    pub(super) far_m: f64,
    pub(super) baselines: Baselines,
    /// One for each thread that packs.
    packers: Vec<Packer>,
    /// The world's ids as of the last order: rows change only when these do.
    ids: Vec<EntityId>,
    /// They are others than when watchers were looked through.
    is_resorted: bool,
    /// Somebody has been welcomed since watchers were looked through.
    has_newcomers: bool,
    /// Places are those of the newest step.
    looks: bool,
    pub(super) places: Vec<Ecef>,
    /// By row, the tick in which whom its entity sees was last found to be others.
    changed: Vec<u64>,
    /// The tick of the newest look, and that of the one before it.
    looked: u64,
    followed: u64,
    /// Whether rows were others then; the rows of now of those of then.
    is_renamed: bool,
    renamed: Vec<u32>,
    states: Vec<EntityState>,
    pub(super) sources: Vec<Source>,
    codes: Vec<u64>,
    events: WatchEvents,
    pub(super) level: Level,
    /// By row, whether some player saw them at the last epoch; kept only while agents whom nobody sees sleep.
    watched: Vec<AtomicBool>,
    pub(super) totals: Totals,
    pub(super) times: ShowTimes,
}

/// What has been spent on showing, since the start of the process, summed over threads.
#[derive(Clone, Copy, Default)]
pub(super) struct ShowTimes {
    /// The index, and who sees whom.
    pub(super) interest: Duration,
    /// Baselines and snapshots.
    pub(super) encode: Duration,
}

/// Sums since they were last taken.
#[derive(Clone, Copy, Default)]
pub(super) struct Totals {
    pub(super) snapshots: u64,
    pub(super) bytes: u64,
    pub(super) seen: u64,
}

/// A durable state hash that digests carry: everything up to the tick is on the disk.
#[derive(Clone, Copy, Default)]
pub(super) struct DurableHash {
    pub(super) tick: u64,
    pub(super) hash: u64,
}

impl Totals {
    fn add(&mut self, other: &Self) {
        self.snapshots += other.snapshots;
        self.bytes += other.bytes;
        self.seen += other.seen;
    }
}

impl Views {
    /// Of a world, for players who see as `sense` says, are crowded by those within `near_m`, and can do without news of those beyond `far_m`.
    pub(super) fn new(
        world: &World,
        sense: Sense,
        (near_m, far_m): (f64, f64),
    ) -> Result<Self, ColumnsError> {
        let columns = WireColumns::new(world.columns().iter().map(Column::schema))?;
        let sources = sources(&columns, world);
        Ok(Self {
            index: MovingIndex::new(),
            watches: Watches::new(),
            watchers: BTreeMap::new(),
            sense,
            near_m,
            far_m,
            baselines: Baselines::with_columns(Arc::new(columns), world.start().tick_rate_hz),
            packers: Vec::new(),
            ids: Vec::new(),
            is_resorted: false,
            has_newcomers: false,
            looks: false,
            places: Vec::new(),
            changed: Vec::new(),
            looked: 0,
            followed: 0,
            is_renamed: false,
            renamed: Vec::new(),
            states: Vec::new(),
            sources,
            codes: Vec::new(),
            events: WatchEvents::default(),
            level: Level::Nothing,
            watched: Vec::new(),
            totals: Totals::default(),
            times: ShowTimes::default(),
        })
    }

    /// Takes in the state after a step. Places are looked at, and who sees whom, where it is said, once in every so many ticks at least, and where rows are others.
    pub(super) fn advance(&mut self, world: &World, (is_look, every): (bool, u64)) {
        let mut watch = StopWatch::start();
        if self.ids != world.ids() {
            self.is_resorted = true;
            self.rename(world);
            self.watched.clear();
            self.ids.clear();
            self.ids.extend_from_slice(world.ids());
        }
        let welcomes = self.has_newcomers && Epoch::starting_at(world.tick()).is_some();
        let is_due = is_look || welcomes || world.tick() >= self.looked + every;
        self.looks = is_due || self.is_resorted;
        self.times.interest += watch.lap();
        let looks = self.looks;
        let (index, places) = (&mut self.index, &mut self.places);
        let (baselines, states, codes) = (&mut self.baselines, &mut self.states, &mut self.codes);
        let sources = &self.sources;
        let (interest, encode) = rayon::join(
            || {
                let mut watch = StopWatch::start();
                if looks {
                    world.places_into(places);
                    index.rebuild(world.ids(), places);
                }
                watch.lap()
            },
            || {
                let mut watch = StopWatch::start();
                describe(world, (baselines.columns(), sources), states, codes);
                baselines.advance_with(world.tick(), states, codes);
                watch.lap()
            },
        );
        self.times.interest += interest;
        self.times.encode += encode;
    }

    /// For a new player.
    pub(super) fn own_values(&self, tick_rate_hz: u16) -> OwnValuesWriter {
        OwnValuesWriter::new(self.baselines.columns(), tick_rate_hz)
    }

    /// The columns that are told of, as a control frame; none where there are none.
    pub(super) fn columns(&self) -> Option<Vec<u8>> {
        let columns = self.baselines.columns();
        let mut frame = Vec::new();
        let is_any = !columns.schemas().is_empty();
        is_any.then(|| {
            ServerMessage::Columns(columns.as_ref().clone()).encode(&mut frame);
            frame
        })
    }

    /// Somebody has been welcomed, and watches from the next look on.
    pub(super) fn welcome(&mut self) {
        self.has_newcomers = true;
    }

    /// How much is left undone from now on.
    pub(super) fn set_level(&mut self, level: Level) {
        self.level = level;
    }

    /// Whether a player saw somebody when it was last looked; of whom nothing is known, yes.
    pub(super) fn is_watched(&self, world: &World, entity: EntityId) -> bool {
        let row = world.row_of(entity);
        let row = row.filter(|row| self.ids.get(*row) == Some(&entity));
        let watched = row.and_then(|row| self.watched.get(row));
        watched.is_none_or(|watched| watched.load(Ordering::Relaxed))
    }

    /// Notes whom a player sees, by row.
    pub(super) fn note_watched(&self, rows: &[u32]) {
        if self.watched.is_empty() {
            return;
        }
        for row in rows {
            self.watched[*row as usize].store(true, Ordering::Relaxed);
        }
    }

    /// Brings whom a player sees up to date: their rows, ascending by id.
    pub(super) fn look(&self, world: &World, row: usize, player: &mut Player) {
        if self.changed[row] <= player.seen_tick {
            player.seen_tick = world.tick();
            return;
        }
        if player.seen_tick < self.followed {
            self.list(player.entity, &mut player.seen);
        } else {
            if self.is_renamed {
                player.seen.retain_mut(|row| {
                    *row = self.renamed[*row as usize];
                    *row != GONE
                });
            }
            self.follow(world, player.entity, &mut player.seen);
        }
        player.seen_tick = world.tick();
        debug_assert_eq!(player.seen, {
            let mut listed = Vec::new();
            self.list(player.entity, &mut listed);
            listed
        });
    }

    /// Finds the rows of now of those who had others: mostly a few, for who goes leaves a gap that is filled.
    fn rename(&mut self, world: &World) {
        let (old, new) = (&self.ids, world.ids());
        self.renamed.clear();
        self.renamed.extend((0u32..).zip(old).map(|(row, id)| {
            match new.get(row as usize) == Some(id) {
                true => row,
                false => world.row_of(*id).map_or(GONE, |row| row as u32),
            }
        }));
    }

    /// Does to whom an avatar saw before the last look what has happened at that.
    fn follow(&self, world: &World, avatar: EntityId, seen: &mut Vec<u32>) {
        let watcher = WatcherId(avatar.0);
        let place = |seen: &[u32], entity| {
            seen.binary_search_by_key(&entity, |row| self.ids[*row as usize])
        };
        for sighting in of_watcher(&self.events.left, watcher) {
            if let Ok(n) = place(seen, sighting.entity) {
                seen.remove(n);
            }
        }
        for sighting in of_watcher(&self.events.entered, watcher) {
            if let (Err(n), Some(row)) =
                (place(seen, sighting.entity), world.row_of(sighting.entity))
            {
                seen.insert(n, row as u32);
            }
        }
    }

    /// Replaces whom an avatar sees.
    fn list(&self, avatar: EntityId, seen: &mut Vec<u32>) {
        seen.clear();
        let watcher = self.watchers.get(&avatar);
        let members = watcher.and_then(|watcher| self.watches.members(*watcher).ok());
        let members = members.into_iter().flatten();
        seen.extend(members.map(|member| member.row));
        seen.sort_unstable_by_key(|row| self.ids[*row as usize]);
    }

    /// Packs the snapshots of all players whose turn it is, on the threads of the pool that it is called in.
    ///
    /// Each thread has a run of the players, in the order of the world's rows, which is that of places: who is seen by one of them is mostly seen by the
    /// next, and its updates are at hand. A cache is a thread's own, so who is seen from two runs is encoded twice.
    pub(super) fn pack(
        &mut self,
        world: &World,
        players: &mut Players,
        durable_tick: u64,
    ) -> Batch {
        let is_epoch = Epoch::starting_at(world.tick()).is_some();
        if is_epoch {
            self.begin_watched();
        }
        let told = (players.iter_mut()).filter(|(_, player)| player.is_turn);
        let told = told.filter_map(|(session, player)| {
            let row = world.row_of(player.entity)?;
            let watches = player.seen_tick > 0 || self.watchers.contains_key(&player.entity);
            watches.then_some(Told {
                row,
                session,
                player,
            })
        });
        let mut told: Vec<Told<'_>> = told.collect();
        told.sort_unstable_by_key(|told| told.row);
        let threads = match told.len() < PLAYERS_A_THREAD {
            true => 1,
            false => rayon::current_num_threads(),
        };
        let mut packers = core::mem::take(&mut self.packers);
        packers.resize_with(threads.max(packers.len()), Packer::default);
        let scene = Scene {
            views: self,
            world,
            durable_tick,
            is_epoch,
        };
        let chunk = told.len().div_ceil(threads).max(1);
        let runs = told.chunks_mut(chunk).zip(&mut packers);
        match threads {
            1 => runs.for_each(|(run, packer)| packer.pack(&scene, run)),
            _ => rayon::scope(|scope| {
                for (run, packer) in runs {
                    scope.spawn(|_| packer.pack(&scene, run));
                }
            }),
        }
        let mut snapshots = Vec::with_capacity(told.len());
        for packer in &mut packers {
            snapshots.append(&mut packer.tells);
            self.totals.add(&core::mem::take(&mut packer.totals));
            let times = core::mem::take(&mut packer.times);
            self.times.interest += times.interest;
            self.times.encode += times.encode;
        }
        self.packers = packers;
        Batch {
            is_epoch,
            snapshots,
        }
    }

    fn begin_watched(&mut self) {
        let count = match self.level >= Level::Idle {
            true => self.ids.len(),
            false => 0,
        };
        self.watched.clear();
        self.watched.resize_with(count, || AtomicBool::new(false));
    }

    /// Whoever has been welcomed watches, and nobody whose avatar has gone.
    fn exchange_watchers(&mut self, world: &World, players: &mut Players) {
        let watches = &mut self.watches;
        self.watchers.retain(|avatar, watcher| {
            let is_there = world.row_of(*avatar).is_some();
            if !is_there {
                watches.remove(*watcher).expect("it is removed only here");
            }
            is_there
        });
        for (_, player) in players.iter_mut().filter(|(_, player)| player.is_welcome) {
            let (avatar, sense) = (player.entity, self.sense);
            if world.row_of(avatar).is_some() {
                self.watchers.entry(avatar).or_insert_with(|| {
                    watches.watch(WatcherId(avatar.0), Anchor::On(avatar), sense)
                });
            }
        }
    }

    /// Brings all sets up to date, those of who has just been welcomed among them, without those whose avatars have gone. Only where places
    /// have been looked at.
    pub(super) fn watch(&mut self, world: &World, players: &mut Players) {
        if !self.looks {
            return;
        }
        let mut watch = StopWatch::start();
        let is_resorted = core::mem::take(&mut self.is_resorted);
        if core::mem::take(&mut self.has_newcomers) | is_resorted {
            self.exchange_watchers(world, players);
        }
        let view = self.index.view(world.ids(), &self.places);
        self.watches.update(view, &mut self.events);
        (self.followed, self.looked) = (self.looked.max(1), world.tick());
        self.is_renamed = is_resorted;
        self.note_changes(world, is_resorted);
        self.times.interest += watch.lap();
    }

    /// Notes who sees others, or by other rows.
    fn note_changes(&mut self, world: &World, is_resorted: bool) {
        let tick = world.tick();
        if is_resorted {
            self.changed.clear();
            self.changed.resize(self.ids.len(), tick);
            return;
        }
        for sighting in self.events.entered.iter().chain(&self.events.left) {
            if let Some(row) = world.row_of(EntityId(sighting.watcher.0)) {
                self.changed[row] = tick;
            }
        }
    }

    /// Appends who was within a distance of a place in the newest snapshot.
    pub(super) fn near(&self, place: Ecef, radius_m: f64, out: &mut Vec<EntityId>) {
        let view = self.index.view(&self.ids, &self.places);
        let mut hits = Vec::new();
        if view.radius(place, radius_m, &mut hits).is_ok() {
            out.extend(hits.iter().map(|hit: &Hit| hit.id));
        }
    }

    /// A digest of what a player acknowledged, as a control frame.
    pub(super) fn digest(&self, player: &Player, durable: DurableHash) -> Option<Vec<u8>> {
        let pick = self.baselines.tick().wrapping_mul(0x9e37_79b9) ^ player.entity.0;
        let (epoch, entities) = player.replicator.digest(&self.baselines, pick)?;
        let mut frame = Vec::new();
        ServerMessage::Digest(Digest {
            epoch,
            durable_tick: durable.tick,
            state_hash: durable.hash,
            entities,
        })
        .encode(&mut frame);
        Some(frame)
    }
}

/// Where the codes of a lane come from.
pub(super) struct Source {
    audience: Audience,
    column: usize, // of the world's
    lane: usize,
    wire: Wire,
}

impl Source {
    fn code(&self, world: &World, row: usize) -> u64 {
        world.columns()[self.column].lanes()[self.lane].code(self.wire, row)
    }
}

/// Of all lanes that are told of, in order.
fn sources(columns: &WireColumns, world: &World) -> Vec<Source> {
    let named = |name: &str| {
        let found = world.columns().iter().position(|c| c.schema().name == name);
        found.expect("it is told of what there is")
    };
    let mut sources = Vec::new();
    for schema in columns.schemas() {
        let column = named(&schema.name);
        sources.extend(schema.lanes.iter().enumerate().map(|(lane, info)| Source {
            audience: schema.replication.audience,
            column,
            lane,
            wire: info.wire,
        }));
    }
    sources
}

/// Writes down everybody's state and codes, in the order of rows, which is that of places: those who are seen together lie together.
fn describe(
    world: &World,
    (columns, sources): (&WireColumns, &[Source]),
    states: &mut Vec<EntityState>,
    codes: &mut Vec<u64>,
) {
    let (ids, headings) = (world.ids(), world.headings());
    let rows = (0..ids.len()).into_par_iter().with_min_len(ROWS_A_TASK);
    rows.map(|row| EntityState::new(ids[row], world.position(row), headings[row]))
        .collect_into_vec(states);
    let lanes = columns.shared_lanes();
    codes.resize(lanes * ids.len(), 0);
    if lanes == 0 {
        return;
    }
    let tasks = codes.par_chunks_mut(lanes * ROWS_A_TASK).enumerate();
    tasks.for_each(|(task, codes)| {
        for (row, codes) in (task * ROWS_A_TASK..).zip(codes.chunks_exact_mut(lanes)) {
            shared_codes(sources, world, row, codes);
        }
    });
}

/// Those of a watcher among all, which ascend.
fn of_watcher(all: &[Sighting], watcher: WatcherId) -> &[Sighting] {
    let start = all.partition_point(|sighting| sighting.watcher < watcher);
    let rest = &all[start..];
    &rest[..rest.partition_point(|sighting| sighting.watcher == watcher)]
}

/// What all may know of a row, a code a lane.
fn shared_codes(sources: &[Source], world: &World, row: usize, out: &mut [u64]) {
    let shared = sources.iter().filter(|of| of.audience == Audience::All);
    for (of, out) in shared.zip(out) {
        *out = of.code(world, row);
    }
}

/// What its owner may know of a row.
pub(super) fn owned_codes<'a>(
    sources: &'a [Source],
    world: &'a World,
    row: usize,
) -> impl Iterator<Item = u64> + 'a {
    let owned = sources.iter().filter(|of| of.audience == Audience::Owner);
    owned.map(move |of| of.code(world, row))
}
