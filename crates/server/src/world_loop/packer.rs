//! What one thread packs: the snapshots of a run of players.

use bytes::Bytes;
use net_proto::{Datagrams, SnapshotRequest, UpdateCache, weight_at};
use sim_core::World;
use spatial_core::WatchHandle;

use super::own;
use super::players::Player;
use super::tally::StopWatch;
use super::throttle::Level;
use super::views::{ShowTimes, Totals, Views};
use crate::gateway::{SessionId, Tell};

/// Datagrams of a snapshot between epochs; who does not fit has the better claim to the next.
const DATAGRAMS_MAX: u8 = 4;

/// What all who pack read.
pub(super) struct Scene<'a> {
    pub(super) views: &'a Views,
    pub(super) world: &'a World,
    pub(super) durable_tick: u64,
    pub(super) is_epoch: bool,
}

/// Who is told.
pub(super) struct Told<'a> {
    /// The avatar's.
    pub(super) row: usize,
    pub(super) watcher: WatchHandle,
    pub(super) session: SessionId,
    pub(super) player: &'a mut Player,
}

/// Packs, with room of its own.
#[derive(Default)]
pub(super) struct Packer {
    cache: UpdateCache,
    datagrams: Datagrams,
    visible: Vec<u32>,
    weights: Vec<u16>,
    members: Vec<u64>,
    nearest: Vec<u64>,
    /// What it has packed.
    pub(super) tells: Vec<Tell>,
    pub(super) totals: Totals,
    pub(super) times: ShowTimes,
}

impl Packer {
    /// Packs what players are told.
    pub(super) fn pack(&mut self, scene: &Scene<'_>, run: &mut [Told<'_>]) {
        let mut watch = StopWatch::start();
        for told in run {
            let is_crowded = self.see(scene.views, (told.row, told.watcher));
            told.player.is_crowded = is_crowded;
            self.times.interest += watch.lap();
            let tell = self.tell(scene, told);
            self.tells.push(tell);
            self.times.encode += watch.lap();
        }
    }

    /// Collects whom a player sees, ascending by rank; whether somebody of them is near.
    fn see(&mut self, views: &Views, (row, watcher): (usize, WatchHandle)) -> bool {
        let members = views.watches.members(watcher);
        let members = members.expect("it is removed only with its entry");
        let place = views.places[row];
        let mut is_crowded = false;
        self.members.clear();
        self.members.extend(members.map(|member| {
            let other = member.row as usize;
            let distance_m = views.places[other].distance_m(place);
            is_crowded |= distance_m <= views.near_m && other != row;
            seen(views.rank[other], distance_m)
        }));
        self.members.sort_unstable();
        is_crowded
    }

    /// Everything that a player is told in this tick.
    fn tell(&mut self, scene: &Scene<'_>, told: &mut Told<'_>) -> Tell {
        let (row, player) = (told.row, &mut *told.player);
        self.pack_one(scene, player);
        let Scene { views, world, .. } = scene;
        let (own, heard) = own::news(world, player).unzip();
        let columns = views.baselines.columns();
        let values = own::values((world, row), (columns, &views.sources), player);
        let mut datagrams = Vec::with_capacity(2 + self.datagrams.len());
        datagrams.extend(own.into_iter().chain(values));
        let bytes = datagrams.iter().map(Bytes::len).sum();
        player.budget.spend(bytes);
        self.totals.bytes += bytes as u64;
        datagrams.extend(self.datagrams.iter().map(Bytes::copy_from_slice));
        Tell {
            session: told.session,
            datagrams,
            heard: heard.flatten(),
        }
    }

    fn pack_one(&mut self, scene: &Scene<'_>, player: &mut Player) {
        let Scene {
            views,
            durable_tick,
            is_epoch,
            ..
        } = *scene;
        let tick = views.baselines.tick();
        let count_max = player.budget.entities_max();
        let count_max = count_max.min(views.baselines.columns().entities_max());
        let members = nearest(&self.members, count_max, &mut self.nearest);
        let told_dm = match views.level >= Level::Far && !is_epoch {
            true => (views.far_m * 10.0) as u32,
            false => u32::MAX,
        };
        self.visible.clear();
        self.weights.clear();
        for seen in members.iter().filter(|seen| distance_dm(**seen) <= told_dm) {
            self.visible.push(rank_of(*seen));
            self.weights.push(weight_at(distance_dm(*seen)));
        }
        if is_epoch {
            views.note_watched(&self.visible);
        }
        let request = SnapshotRequest {
            visible: &self.visible,
            weights: &self.weights,
            bytes_max: player.budget.at(tick),
            last_input_seq: player.inputs.applied_seq(),
            durable_tick,
            datagrams_max: DATAGRAMS_MAX,
        };
        let (cache, datagrams) = (&mut self.cache, &mut self.datagrams);
        let stats = (player.replicator).pack(&views.baselines, cache, &request, datagrams);
        let bytes = datagrams.byte_count();
        match is_epoch {
            true => player.budget.spend_set(bytes, stats.updates),
            false => player.budget.spend(bytes),
        }
        self.totals.snapshots += 1;
        self.totals.seen += members.len().saturating_sub(1) as u64;
        self.totals.bytes += bytes as u64;
    }
}

/// Somebody who is seen: the rank, and how far away, decimetres. Those of one player are put in order, and that often, so it is one number.
fn seen(rank: u32, distance_m: f64) -> u64 {
    u64::from(rank) << 32 | u64::from((distance_m * 10.0) as u32)
}

fn rank_of(seen: u64) -> u32 {
    (seen >> 32) as u32
}

fn distance_dm(seen: u64) -> u32 {
    seen as u32
}

/// The nearest of those in view, still ascending by rank; oneself, at no distance, is among them. Costs nothing while
/// there are no more than `count_max`.
fn nearest<'a>(members: &'a [u64], count_max: usize, scratch: &'a mut Vec<u64>) -> &'a [u64] {
    if members.len() <= count_max {
        return members;
    }
    scratch.clear();
    scratch.extend_from_slice(members);
    // By distance, then rank.
    scratch.select_nth_unstable_by_key(count_max, |seen| seen.rotate_left(32));
    scratch.truncate(count_max);
    scratch.sort_unstable();
    scratch
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_a_crowd_the_nearest_are_seen() {
        let distances = [9.0, 2.0, 8.0, 1.0, 7.0, 0.0];
        let members: Vec<u64> = (0..).zip(distances).map(|(n, m)| seen(n, m)).collect();
        let mut scratch = Vec::new();
        let ranks = |all: &[u64]| all.iter().map(|seen| rank_of(*seen)).collect::<Vec<_>>();
        assert_eq!(ranks(nearest(&members, 3, &mut scratch)), [1, 3, 5]);
        assert_eq!(
            ranks(nearest(&members, 6, &mut scratch)),
            [0, 1, 2, 3, 4, 5]
        );
        assert_eq!(distance_dm(members[4]), 70);
    }
}
