//! The tracks of all entities in view.

use net_proto::{EntityState, Replica, SnapshotInfo, Tracked};
use spatial_core::{EntityId, Frame, Planet};

use crate::roster::Roster;
use crate::track::{Pace, Sample, Track};
use crate::view::Seen;

/// Tracks of exactly the entities that a replica has in view.
///
/// About 700 B an entity, and room for as many as there ever were at once; nothing is allocated while no more come.
#[derive(Clone, Debug)]
pub(crate) struct Tracks {
    frames: LastFrame,
    pace: Pace,
    rows: Vec<Row>, // ascending by id
    tracks: Vec<Track>,
    free: Vec<u32>, // of the tracks, those that are nobody's
    scratch: Vec<Row>,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    id: EntityId,
    track: u32,
}

impl Tracks {
    pub(crate) fn new(planet: Planet, pace: Pace) -> Self {
        Self {
            frames: LastFrame { planet, last: None },
            pace,
            rows: Vec::new(),
            tracks: Vec::new(),
            free: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// Takes in what a snapshot has changed, and notes who has come and gone.
    pub(crate) fn take_in(&mut self, info: &SnapshotInfo, replica: &Replica, roster: &mut Roster) {
        let tracked = replica.tracked();
        let is_same = self.rows.len() == tracked.len()
            && (self.rows.iter().zip(tracked)).all(|(row, t)| row.id == t.state.id());
        if !is_same {
            self.match_rows(tracked, info.tick, roster);
        }
        for (n, entity) in tracked.iter().enumerate() {
            self.add(n, entity.tick, &entity.state);
        }
        if let Some(epoch) = info.completed.filter(|_| !info.is_newest) {
            // A complete set that comes late has states that are no entity's newest.
            let mut n = 0;
            for state in replica.epoch_set(epoch).unwrap_or_default() {
                n += (self.rows[n..].iter())
                    .take_while(|row| row.id < state.id())
                    .count();
                if self.rows.get(n).is_some_and(|row| row.id == state.id()) {
                    self.add(n, epoch.tick(), state);
                }
            }
        }
    }

    /// Lets everybody leave.
    pub(crate) fn clear(&mut self, tick: u64, roster: &mut Roster) {
        for row in core::mem::take(&mut self.rows) {
            self.leave(row, tick, roster);
        }
    }

    /// Replaces what `out` held by where everybody is at a tick, `passed_s` after the time before; ascending by id.
    pub(crate) fn draw(&mut self, tick: f64, passed_s: f64, out: &mut Vec<Seen>) {
        out.clear();
        for row in &self.rows {
            let track = &mut self.tracks[row.track as usize];
            let newest = track.newest().map(|state| state.tick);
            let Some((place, heading, shown)) = track.draw(tick, passed_s, &self.pace) else {
                continue;
            };
            let [x, y, z] = place.to_array();
            if let (Ok(place), Some(tick)) = (spatial_core::Ecef::new(x, y, z), newest) {
                out.push(Seen {
                    id: row.id,
                    place,
                    heading,
                    tick,
                    shown,
                });
            }
        }
    }

    fn add(&mut self, n: usize, tick: u64, state: &EntityState) {
        let track = &mut self.tracks[self.rows[n].track as usize];
        if track.newest().is_some_and(|newest| newest.tick == tick) {
            return;
        }
        if let Some(place) = self.frames.place(state) {
            let heading = state.heading_u16();
            let sample = Sample {
                tick,
                place,
                heading,
            };
            track.add(sample, &self.pace);
        }
    }

    /// Makes the rows those of the replica: both ascend by id.
    fn match_rows(&mut self, tracked: &[Tracked], tick: u64, roster: &mut Roster) {
        core::mem::swap(&mut self.rows, &mut self.scratch);
        self.rows.clear();
        let old = core::mem::take(&mut self.scratch);
        let mut gone = old.iter().copied().peekable();
        for entity in tracked {
            let id = entity.state.id();
            while let Some(row) = gone.next_if(|row| row.id < id) {
                self.leave(row, tick, roster);
            }
            let row = match gone.next_if(|row| row.id == id) {
                Some(row) => row,
                None => self.enter(id, tick, roster),
            };
            self.rows.push(row);
        }
        gone.for_each(|row| self.leave(row, tick, roster));
        self.scratch = old;
    }

    fn enter(&mut self, id: EntityId, tick: u64, roster: &mut Roster) -> Row {
        roster.enters(id, tick);
        let track = match self.free.pop() {
            Some(track) => track,
            None => {
                self.tracks.push(Track::new());
                // At most ENTITIES_MAX are in view.
                self.tracks.len() as u32 - 1
            }
        };
        self.tracks[track as usize] = Track::new();
        Row { id, track }
    }

    fn leave(&mut self, row: Row, tick: u64, roster: &mut Roster) {
        roster.leaves(row.id, tick);
        self.free.push(row.track);
    }
}

/// Neighbours in a list mostly share their frame.
#[derive(Clone, Debug)]
struct LastFrame {
    planet: Planet,
    last: Option<Frame>,
}

impl LastFrame {
    /// Planet-fixed metres; none where this planet has no such frame.
    fn place(&mut self, state: &EntityState) -> Option<spatial_core::DVec3> {
        let frame = match self.last {
            Some(frame) if frame.id() == state.frame() => frame,
            _ => Frame::new(self.planet, state.frame()).ok()?,
        };
        self.last = Some(frame);
        Some(frame.to_ecef(state.position()).to_vec())
    }
}
