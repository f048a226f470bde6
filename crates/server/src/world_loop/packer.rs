//! What one thread packs: the snapshots of a run of players.

use bytes::Bytes;
use net_proto::{Datagrams, SnapshotRequest, UpdateCache};
use sim_core::World;

use super::own;
use super::players::Player;
use super::sheets::Sheets;
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
    pub(super) session: SessionId,
    pub(super) player: &'a mut Player,
}

/// Packs, with room of its own.
#[derive(Default)]
pub(super) struct Packer {
    cache: UpdateCache,
    datagrams: Datagrams,
    sheets: Sheets,
    visible: Vec<u32>,
    /// How far away those are whom the player sees, decimetres.
    distances: Vec<u32>,
    nearest: Vec<u32>, // of those who are told of
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
            self.see(scene, told);
            self.times.interest += watch.lap();
            let tell = self.tell(scene, told);
            self.tells.push(tell);
            self.times.encode += watch.lap();
        }
    }

    /// Finds out whom a player sees, how far away each is, and whether somebody is near.
    fn see(&mut self, scene: &Scene<'_>, told: &mut Told<'_>) {
        let (views, player) = (scene.views, &mut *told.player);
        views.look(scene.world, told.row, player);
        let place = views.places[told.row].to_vec();
        self.distances.clear();
        self.distances.extend(player.seen.iter().map(|row| {
            let other = views.places[*row as usize].to_vec();
            // Good for 24 bits, which is a millimetre in view.
            (((other - place).length_squared() as f32).sqrt() * 10.0) as u32
        }));
        let near_dm = (views.near_m * 10.0).ceil() as u32;
        let near = self.distances.iter().filter(|dm| **dm <= near_dm);
        player.is_crowded = near.count() > 1; // oneself is there
    }

    /// Everything that a player is told in this tick.
    fn tell(&mut self, scene: &Scene<'_>, told: &mut Told<'_>) -> Tell {
        let (row, player) = (told.row, &mut *told.player);
        self.pack_one(scene, player);
        let Scene { views, world, .. } = scene;
        let (own, heard) = own::news(world, player).unzip();
        let own = own.map(|own| self.sheets.keep(&own));
        let columns = views.baselines.columns();
        let values = own::values((world, row), (columns, &views.sources), player);
        let mut datagrams = Vec::with_capacity(2 + self.datagrams.len());
        datagrams.extend(own.into_iter().chain(values));
        let bytes = datagrams.iter().map(Bytes::len).sum();
        player.budget.spend(bytes);
        self.totals.bytes += bytes as u64;
        let sheets = &mut self.sheets;
        datagrams.extend(self.datagrams.iter().map(|bytes| sheets.keep(bytes)));
        Tell {
            session: told.session,
            datagrams,
            heard: heard.flatten(),
        }
    }

    /// Chooses those of whom a player is told: the nearest, so many, and nobody farther than so.
    fn choose(&mut self, seen: &[u32], count_max: usize, told_dm: u32) {
        let mut reach = Reach::of(&self.distances, count_max, &mut self.nearest);
        self.visible.clear();
        self.nearest.clear();
        for (row, distance_dm) in seen.iter().zip(&self.distances) {
            if reach.holds(*distance_dm) && *distance_dm <= told_dm {
                self.visible.push(*row);
                self.nearest.push(*distance_dm);
            }
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
        let told_dm = match views.level >= Level::Far && !is_epoch {
            true => (views.far_m * 10.0) as u32,
            false => u32::MAX,
        };
        let is_whole = self.distances.len() <= count_max && told_dm == u32::MAX;
        if !is_whole {
            self.choose(&player.seen, count_max, told_dm);
        }
        let (visible, distances_dm) = match is_whole {
            true => (&player.seen, &self.distances),
            false => (&self.visible, &self.nearest),
        };
        if is_epoch {
            views.note_watched(visible);
        }
        let request = SnapshotRequest {
            visible,
            distances_dm,
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
        let seen = self.distances.len().min(count_max);
        self.totals.seen += seen.saturating_sub(1) as u64;
        self.totals.bytes += bytes as u64;
    }
}

/// The nearest of those in view, so many; oneself, at no distance, is among them.
struct Reach {
    farthest_dm: u32,
    at_farthest: usize, // how many more at this very distance
}

impl Reach {
    /// Costs nothing while there are no more than `count_max`.
    fn of(distances: &[u32], count_max: usize, scratch: &mut Vec<u32>) -> Self {
        if distances.len() <= count_max {
            return Self {
                farthest_dm: u32::MAX,
                at_farthest: usize::MAX,
            };
        }
        scratch.clear();
        scratch.extend_from_slice(distances);
        let (nearer, farthest, _) = scratch.select_nth_unstable(count_max - 1);
        let at_farthest = nearer.iter().filter(|distance| *distance == farthest);
        Self {
            farthest_dm: *farthest,
            at_farthest: 1 + at_farthest.count(),
        }
    }

    /// Whether one is among them, of all in turn.
    fn holds(&mut self, distance_dm: u32) -> bool {
        if distance_dm != self.farthest_dm {
            return distance_dm < self.farthest_dm;
        }
        let holds = self.at_farthest > 0;
        self.at_farthest = self.at_farthest.saturating_sub(1);
        holds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_a_crowd_the_nearest_are_seen() {
        let distances = [90, 20, 80, 10, 80, 0, 80];
        let held = |count_max| {
            let mut reach = Reach::of(&distances, count_max, &mut Vec::new());
            let held = (0..).zip(distances).filter(|(_, dm)| reach.holds(*dm));
            held.map(|(n, _)| n).collect::<Vec<usize>>()
        };
        assert_eq!(held(3), [1, 3, 5]);
        assert_eq!(held(5), [1, 2, 3, 4, 5]);
        assert_eq!(held(7), [0, 1, 2, 3, 4, 5, 6]);
    }
}
