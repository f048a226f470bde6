//! What each player sees, and the snapshots that tell them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use net_proto::{
    Baselines, ColumnsError, Datagrams, Digest, EntityState, Epoch, OwnValuesWriter, ServerMessage,
    SnapshotRequest, UpdateCache, WireColumns, weight_at,
};
use sim_core::World;
use spatial_core::{
    Anchor, Audience, Column, Ecef, EntityId, Hit, MovingIndex, Sense, WatchEvents, WatchHandle,
    WatcherId, Watches, Wire,
};

use super::own;
use super::players::{Player, Players};
use super::tally::StopWatch;
use super::throttle::Level;
use crate::gateway::{Batch, Tell};

/// Datagrams of a snapshot between epochs; who does not fit has the better claim to the next.
const DATAGRAMS_MAX: u8 = 4;

/// The state of the world in the wire's terms, and scratch space for packing.
pub(super) struct Views {
    index: MovingIndex,
    /// Every welcomed player watches from its avatar.
    watches: Watches,
    watchers: BTreeMap<EntityId, WatchHandle>,
    sense: Sense,
    /// Who is nearer may touch a player before it is looked at again.
    near_m: f64,
    /// Who is farther is told of at epochs alone when ticks take too long.
    far_m: f64,
    baselines: Baselines,
    cache: UpdateCache,
    datagrams: Datagrams,
    /// The world's ids as of the last order: rows change only when these do.
    ids: Vec<EntityId>,
    /// World rows by ascending id, and for each world row its place in that order.
    order: Vec<u32>,
    rank: Vec<u32>,
    places: Vec<Ecef>,
    states: Vec<EntityState>,
    sources: Vec<Source>,
    codes: Vec<u64>,
    visible: Vec<u32>,
    weights: Vec<u16>,
    members: Vec<Hit>,
    nearest: Vec<Hit>,
    events: WatchEvents,
    level: Level,
    /// By rank, whether some player saw them at the last epoch; kept only while agents whom nobody sees sleep.
    watched: Vec<bool>,
    pub(super) totals: Totals,
    pub(super) times: ShowTimes,
}

/// What has been spent on showing, since the start of the process.
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
            cache: UpdateCache::new(),
            datagrams: Datagrams::new(),
            ids: Vec::new(),
            order: Vec::new(),
            rank: Vec::new(),
            places: Vec::new(),
            states: Vec::new(),
            sources,
            codes: Vec::new(),
            visible: Vec::new(),
            weights: Vec::new(),
            members: Vec::new(),
            nearest: Vec::new(),
            events: WatchEvents::default(),
            level: Level::Nothing,
            watched: Vec::new(),
            totals: Totals::default(),
            times: ShowTimes::default(),
        })
    }

    /// Takes in the state after a step.
    pub(super) fn advance(&mut self, world: &World) {
        let mut watch = StopWatch::start();
        world.places_into(&mut self.places);
        self.index.rebuild(world.ids(), &self.places);
        if self.ids != world.ids() {
            self.sort(world.ids());
        }
        self.times.interest += watch.lap();
        let (ids, headings) = (world.ids(), world.headings());
        self.states.clear();
        self.states.extend(self.order.iter().map(|&row| {
            let row = row as usize;
            EntityState::new(ids[row], world.position(row), headings[row])
        }));
        self.codes.clear();
        for &row in &self.order {
            shared_codes(&self.sources, world, row as usize, &mut self.codes);
        }
        self.baselines
            .advance_with(world.tick(), &self.states, &self.codes);
        self.times.encode += watch.lap();
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

    fn sort(&mut self, ids: &[EntityId]) {
        self.watched.clear();
        self.ids.clear();
        self.ids.extend_from_slice(ids);
        self.order.clear();
        self.order.extend(0..ids.len() as u32);
        self.order.sort_unstable_by_key(|&row| ids[row as usize]);
        self.rank.resize(ids.len(), 0);
        for (rank, &row) in self.order.iter().enumerate() {
            self.rank[row as usize] = rank as u32;
        }
    }

    /// How much is left undone from now on.
    pub(super) fn set_level(&mut self, level: Level) {
        self.level = level;
    }

    /// Whether a player saw somebody when it was last looked; of whom nothing is known, yes.
    pub(super) fn is_watched(&self, entity: EntityId) -> bool {
        let id_of = |row: &u32| self.ids[*row as usize];
        let rank = self.order.binary_search_by_key(&entity, id_of);
        let watched = rank.ok().and_then(|rank| self.watched.get(rank));
        watched.is_none_or(|watched| *watched)
    }

    /// Packs the snapshots of all players who have been welcomed.
    pub(super) fn pack(
        &mut self,
        world: &World,
        players: &mut Players,
        durable_tick: u64,
    ) -> Batch {
        let mut watch = StopWatch::start();
        self.watch(world, players);
        let mut batch = Batch {
            is_epoch: Epoch::starting_at(world.tick()).is_some(),
            snapshots: Vec::with_capacity(players.len()),
        };
        if batch.is_epoch {
            self.watched.clear();
            let count = if self.level >= Level::Idle {
                self.ids.len()
            } else {
                0
            };
            self.watched.resize(count, false);
        }
        for (session, player) in players.iter_mut() {
            if player.is_lost || !player.is_welcome {
                continue;
            }
            let row = world.row_of(player.entity);
            let watcher = self.watchers.get(&player.entity).copied();
            let (Some(row), Some(watcher)) = (row, watcher) else {
                continue;
            };
            self.see(row, watcher);
            player.is_crowded = self.is_crowded(player.entity);
            self.times.interest += watch.lap();
            self.pack_one(player, durable_tick);
            let (own, heard) = own::news(world, player).unzip();
            let columns = self.baselines.columns();
            let values = own::values((world, row), (columns, &self.sources), player);
            let mut all = Vec::with_capacity(2 + self.datagrams.len());
            all.extend(own.into_iter().chain(values));
            let bytes = all.iter().map(Bytes::len).sum();
            player.budget.spend(bytes);
            self.totals.bytes += bytes as u64;
            all.extend(self.datagrams.iter().map(Bytes::copy_from_slice));
            batch.snapshots.push(Tell {
                session,
                datagrams: all,
                heard: heard.flatten(),
            });
            self.times.encode += watch.lap();
        }
        batch
    }

    /// Brings all sets up to date, those of who has just been welcomed among them, without those whose avatars have gone.
    fn watch(&mut self, world: &World, players: &mut Players) {
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
        let view = self.index.view(world.ids(), &self.places);
        self.watches.update(view, &mut self.events);
    }

    /// Collects whom a player sees, ascending by id.
    fn see(&mut self, row: usize, watcher: WatchHandle) {
        let places = &self.places;
        let members = self.watches.members(watcher);
        let members = members.expect("it is removed only with its entry");
        self.members.clear();
        self.members.extend(members.map(|member| Hit {
            id: member.id,
            row: member.row,
            distance_m: places[member.row as usize].distance_m(places[row]),
        }));
        self.members.sort_unstable_by_key(|hit| hit.id);
    }

    /// Appends who was within a distance of a place in the newest snapshot.
    pub(super) fn near(&self, place: Ecef, radius_m: f64, out: &mut Vec<EntityId>) {
        let view = self.index.view(&self.ids, &self.places);
        let mut hits = Vec::new();
        if view.radius(place, radius_m, &mut hits).is_ok() {
            out.extend(hits.iter().map(|hit: &Hit| hit.id));
        }
    }

    /// Whether anybody of those seen is near.
    fn is_crowded(&self, player: EntityId) -> bool {
        let mut others = self.members.iter().filter(|hit| hit.id != player);
        others.any(|hit| hit.distance_m <= self.near_m)
    }

    fn pack_one(&mut self, player: &mut Player, durable_tick: u64) {
        let tick = self.baselines.tick();
        let count_max = player.budget.entities_max();
        let count_max = count_max.min(self.baselines.columns().entities_max());
        let is_epoch = Epoch::starting_at(tick).is_some();
        let members = nearest(&self.members, count_max, &mut self.nearest);
        let told_m = match self.level >= Level::Far && !is_epoch {
            true => self.far_m,
            false => f64::INFINITY,
        };
        self.visible.clear();
        self.weights.clear();
        for hit in members.iter().filter(|hit| hit.distance_m <= told_m) {
            self.visible.push(self.rank[hit.row as usize]);
            self.weights.push(weight_at((hit.distance_m * 10.0) as u32));
        }
        if is_epoch && !self.watched.is_empty() {
            for rank in &self.visible {
                self.watched[*rank as usize] = true;
            }
        }
        let request = SnapshotRequest {
            visible: &self.visible,
            weights: &self.weights,
            bytes_max: player.budget.at(tick),
            last_input_seq: player.inputs.applied_seq(),
            durable_tick,
            datagrams_max: DATAGRAMS_MAX,
        };
        let stats = player.replicator.pack(
            &self.baselines,
            &mut self.cache,
            &request,
            &mut self.datagrams,
        );
        let bytes = self.datagrams.byte_count();
        match is_epoch {
            true => player.budget.spend_set(bytes, stats.updates),
            false => player.budget.spend(bytes),
        }
        self.totals.snapshots += 1;
        self.totals.seen += members.len().saturating_sub(1) as u64;
        self.totals.bytes += self.datagrams.byte_count() as u64;
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

/// Appends what all may know of a row.
fn shared_codes(sources: &[Source], world: &World, row: usize, out: &mut Vec<u64>) {
    let shared = sources.iter().filter(|of| of.audience == Audience::All);
    out.extend(shared.map(|of| of.code(world, row)));
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

/// The nearest of those in view, still ascending by id; oneself, at no distance, is among them. Costs nothing while
/// there are no more than `count_max`.
fn nearest<'a>(members: &'a [Hit], count_max: usize, scratch: &'a mut Vec<Hit>) -> &'a [Hit] {
    if members.len() <= count_max {
        return members;
    }
    scratch.clear();
    scratch.extend_from_slice(members);
    scratch.select_nth_unstable_by(count_max, |a, b| {
        a.distance_m.total_cmp(&b.distance_m).then(a.id.cmp(&b.id))
    });
    scratch.truncate(count_max);
    scratch.sort_unstable_by_key(|hit| hit.id);
    scratch
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_a_crowd_the_nearest_are_seen() {
        let distances = [9.0, 2.0, 8.0, 1.0, 7.0, 0.0];
        let hit = |(n, distance_m): (usize, &f64)| Hit {
            id: EntityId(10 + n as u64),
            row: n as u32,
            distance_m: *distance_m,
        };
        let members: Vec<Hit> = distances.iter().enumerate().map(hit).collect();
        let mut scratch = Vec::new();
        let rows = |hits: &[Hit]| hits.iter().map(|hit| hit.row).collect::<Vec<_>>();
        assert_eq!(rows(nearest(&members, 3, &mut scratch)), [1, 3, 5]);
        assert_eq!(rows(nearest(&members, 6, &mut scratch)), [0, 1, 2, 3, 4, 5]);
    }
}
