//! What records do to a world.

use std::sync::Arc;

use spatial_core::{DQuat, Ecef, EntityId, Frame, FrameChange, FrameId, Pose, UNITS_PER_M};

use crate::agent::{Agent, Body, Heading, State, Tier, Velocity, Wish};
use crate::crossing::Crossing;
use crate::kind::{Kind, KindId};
use crate::mode::Mode;
use crate::record::{CarrierPose, Input, Record};
use crate::rows::Rows;
use crate::world::World;

/// Inputs whose rows are looked up together.
const INPUTS: usize = 256;

impl World {
    /// Obeys records in their order; gives how many cannot be.
    ///
    /// Most are inputs. Their rows are looked up many at a time.
    pub(crate) fn obey(&mut self, records: &[Record]) -> usize {
        let mut refused = 0;
        let mut rest = records;
        while let Some((first, others)) = rest.split_first() {
            let is_input = |record: &&Record| matches!(record, Record::Input { .. });
            let count = rest.iter().take(INPUTS).take_while(is_input).count();
            if count == 0 {
                refused += usize::from(!self.apply(first));
                rest = others;
                continue;
            }
            let (inputs, others) = rest.split_at(count);
            let (mut ids, mut rows) = ([EntityId(0); INPUTS], [None; INPUTS]);
            for (id, record) in ids.iter_mut().zip(inputs) {
                if let Record::Input { entity, .. } = record {
                    *id = *entity;
                }
            }
            self.table.rows(&ids[..count], &mut rows[..count]);
            let obeyed = rows[..count].iter().zip(inputs);
            let obeyed = obeyed.filter_map(|(row, record)| match record {
                Record::Input { input, .. } => Some(((*row)?, input)),
                _ => None,
            });
            refused += count - obeyed.clone().count();
            self.input(obeyed);
            rest = others;
        }
        refused
    }

    /// Obeys a record; false when it cannot be.
    fn apply(&mut self, record: &Record) -> bool {
        match *record {
            Record::Kind { id, kind } => self.define(id, kind),
            Record::Spawn { entity, agent } => self.spawn(entity, &agent),
            Record::Despawn { entity } => self.despawn(entity),
            Record::Input { entity, ref input } => {
                let row = self.table.row(entity);
                self.input(row.map(|row| (row, input)).into_iter());
                row.is_some()
            }
            Record::Tier { entity, tier } => self.set_tier(entity, tier),
            Record::Carrier { entity, pose } => {
                pose_of(&pose).is_some_and(|pose| self.frames.set_carrier(entity, pose))
            }
            Record::CarrierGone { entity } => self.remove_carrier(entity),
            Record::Board { entity, carrier } => self.board(entity, carrier),
            Record::Leave { entity } => self.leave(entity),
            Record::Build { id, ref obstacle } => self.statics.build(id, obstacle),
            Record::Raze { id } => self.statics.raze(id),
            Record::Lease { first, count } => self.leases.add(first, count),
            Record::Event { event } => self.post_now(event),
            Record::Transfer(ref transfer) => {
                Arc::make_mut(&mut self.ledger).transfer(transfer).is_ok()
            }
            Record::Resident { tile, checksum } => {
                self.ground.admit(tile, checksum);
                true
            }
        }
    }

    pub(crate) fn spawn(&mut self, entity: EntityId, agent: &Agent) -> bool {
        let Some(slot) = self.frames.slot_of(agent.position.frame) else {
            return false;
        };
        let ground = self.frames.border(slot).ground.as_ref();
        let is_left = |f: &Frame| f.is_left(f.to_ecef(agent.position));
        let is_legal = !ground.is_some_and(is_left) && self.kinds.get(agent.kind).is_some();
        if !is_legal || self.table.spawn(entity).is_err() {
            return false;
        }
        let row = self.table.len() - 1;
        self.table.set(row, Body::from(agent.position));
        self.table.set(row, Wish::default());
        let [x, y, z] = agent.velocity;
        self.table.set(row, Velocity { x, y, z });
        let turn = agent.heading;
        self.table.set(row, Heading { turn });
        let kind = agent.kind.0;
        self.table.set(
            row,
            State {
                kind,
                mode: Mode::default() as u8,
                ..State::default()
            },
        );
        self.slots.push(slot);
        self.roll.touch(row);
        true
    }

    pub(crate) fn despawn(&mut self, entity: EntityId) -> bool {
        let Some(row) = self.table.row(entity) else {
            return false;
        };
        let last = self.table.len() - 1;
        self.roll.touch(row);
        self.roll.touch(last);
        self.raise(row);
        let is_last_asleep = row != last && self.raise(last);
        self.slots.swap_remove(row);
        self.table.despawn(entity).expect("it has a row");
        if is_last_asleep {
            self.lay(row);
        }
        true
    }

    /// Tells what a kind is. The widest one sets how far everybody who sleeps reaches.
    fn define(&mut self, id: KindId, kind: Kind) -> bool {
        let reach = self.kinds.reach();
        let is_told = self.kinds.define(id, kind);
        if self.kinds.reach() != reach && !self.sleepers.is_empty() {
            self.lay_all();
        }
        is_told
    }

    /// Files a row among those who are asleep, where it is.
    fn lay(&mut self, row: usize) {
        let rows = Rows::new(&self.table, &self.slots);
        let scene = (&self.frames, &self.kinds);
        self.sleepers.lay(row, &rows, scene);
    }

    /// Takes a row from among those who are asleep, if it is; before it moves.
    fn raise(&mut self, row: usize) -> bool {
        let rows = Rows::new(&self.table, &self.slots);
        let is_asleep = !rows.is_awake(row);
        if is_asleep {
            let scene = (&self.frames, &self.kinds);
            self.sleepers.raise(row, &rows, scene);
        }
        is_asleep
    }

    pub(crate) fn lay_all(&mut self) {
        let rows = Rows::new(&self.table, &self.slots);
        let asleep = (0..self.table.len()).filter(|row| !rows.is_awake(*row));
        let scene = (&self.frames, &self.kinds);
        self.sleepers.lay_all(asleep, &rows, scene);
    }

    /// Rows get their inputs: column by column, so that one waits for another as little as can be.
    fn input<'a>(&mut self, inputs: impl Iterator<Item = (usize, &'a Input)> + Clone) {
        let rows = || inputs.clone().map(|(row, _)| row);
        let mut next = inputs.clone().map(|(_, input)| input);
        self.table.write_rows::<Wish>(rows(), |row, wish| {
            let input = next.next().expect("as many as rows");
            (wish.east[row], wish.north[row], wish.up[row]) = (input.east, input.north, input.up);
        });
        let mut next = inputs.clone().map(|(_, input)| input);
        self.table.write_rows::<Heading>(rows(), |row, heading| {
            heading.turn[row] = next.next().expect("as many as rows").heading;
        });
        let mut next = inputs.clone().map(|(_, input)| input);
        self.table.write_rows::<State>(rows(), |row, state| {
            state.buttons[row] = next.next().expect("as many as rows").buttons;
        });
    }

    fn set_tier(&mut self, entity: EntityId, tier: Tier) -> bool {
        let Some(row) = self.table.row(entity) else {
            return false;
        };
        let was_asleep = self.raise(row);
        let state = self.table.get::<State>(row);
        self.table.set(
            row,
            State {
                tier: tier.0,
                ..state
            },
        );
        let is_asleep = tier == Tier::ASLEEP;
        if is_asleep {
            self.lay(row);
        }
        if was_asleep != is_asleep {
            self.roll.touch(row);
        }
        true
    }

    fn board(&mut self, entity: EntityId, carrier: EntityId) -> bool {
        let Some(row) = self.table.row(entity) else {
            return false;
        };
        let change = self
            .frames
            .carriers()
            .board(entity, self.position(row), carrier);
        change.is_ok_and(|change| self.change_frame(row, &change))
    }

    fn leave(&mut self, entity: EntityId) -> bool {
        let Some(row) = self.table.row(entity) else {
            return false;
        };
        let at = self.position(row);
        let change = self.frames.carriers().leave(at);
        at.frame.carrier().is_some() && change.is_ok_and(|change| self.change_frame(row, &change))
    }

    /// Brings a row, who may be asleep, into another frame.
    fn change_frame(&mut self, row: usize, change: &FrameChange) -> bool {
        let is_asleep = self.raise(row);
        let is_done = Crossing(change).apply(self, row);
        self.roll.touch(row);
        if is_asleep {
            self.lay(row);
        }
        is_done
    }

    /// Takes everybody off a carrier, which is none any more. False, and nothing changes, when somebody is too far out for any other
    /// frame. Looks at every row.
    fn remove_carrier(&mut self, entity: EntityId) -> bool {
        let Some(carrier) = self.frames.carriers().carrier(entity) else {
            return false;
        };
        let id = carrier.id();
        let aboard = |row: &usize| self.position(*row).frame == id;
        let rows: Vec<_> = (0..self.len()).filter(aboard).collect();
        let change = |row: usize| {
            let change = self.frames.carriers().leave(self.position(row)).ok()?;
            let fits = change.position(self.position(row)).is_ok();
            fits.then_some(change)
        };
        let changes: Option<Vec<_>> = rows.iter().map(|row| change(*row)).collect();
        let Some(changes) = changes else {
            return false;
        };
        for (row, change) in rows.into_iter().zip(changes) {
            let is_changed = self.change_frame(row, &change);
            assert!(is_changed, "it has been found to fit");
        }
        self.frames.remove_carrier(entity)
    }

    /// A row is in another frame now.
    pub(crate) fn set_frame(&mut self, row: usize, frame: FrameId) -> bool {
        let slot = self.frames.slot_of(frame);
        slot.inspect(|slot| self.slots[row] = *slot).is_some()
    }
}

/// The pose of a record; `None` when it is none.
pub(crate) fn pose_of(pose: &CarrierPose) -> Option<Pose> {
    let [x, y, z] = pose.at.map(|units| units as f64 / UNITS_PER_M);
    let turn = pose
        .turn
        .map(|part| f64::from(part) / CarrierPose::TURN_ONE);
    let turn = DQuat::from_array(turn);
    let length = turn.length();
    let is_unit = (length - 1.0).abs() < 1e-3;
    let at = Ecef::new(x, y, z).ok().filter(|_| is_unit)?;
    Pose::new(at, turn * (1.0 / length)).ok()
}
