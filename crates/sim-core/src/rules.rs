//! A world's systems, and the way of events through a tick.

use std::sync::Mutex;

use spatial_core::{Column, Component, EntityId, RegisterError};

use crate::event::{Despawn, Event, EventData, Pending, Spawn};
use crate::near::{Neighbour, Scene};
use crate::outbox::{Outbox, number};
use crate::rooms::Rooms;
use crate::system::{AnySystem, Stage, System, SystemError, check};
use crate::world::World;

/// The systems of a world, and room for their events. Not state.
#[derive(Default)]
pub(crate) struct Rules {
    systems: Vec<Box<dyn AnySystem>>,
    ids: Vec<EntityId>, // by row, while systems run
    pub(crate) arrived: Vec<Event>,
    pub(crate) heard: Vec<(Event, usize)>, // scratch: those of a system, each with its target's row
    pub(crate) outboxes: Rooms<Outbox>,    // scratch
    lists: Rooms<Vec<Neighbour>>,          // scratch
    pub(crate) sent: Mutex<Vec<Pending>>,
}

/// Most systems of a world: their events are told apart by a byte, whose last value is the step's own.
const SYSTEMS_MAX: usize = 254;

impl World {
    /// Adds a column of the game's own. It is part of the state, and zero for who is spawned.
    ///
    /// # Errors
    /// [`RegisterError`] when a column of this name is another one.
    pub fn register<C: Component>(&mut self) -> Result<(), RegisterError> {
        self.table.register::<C>().map(drop)
    }

    /// Adds a system; it runs after those that were added before. Systems are not saved: a world that was loaded needs them again,
    /// in the same order.
    ///
    /// # Errors
    /// [`SystemError`] when its columns are not there or not its to write, or it looks too far.
    pub fn add_system<S: System>(&mut self, system: S) -> Result<(), SystemError> {
        if self.rules.systems.len() >= SYSTEMS_MAX {
            return Err(SystemError::TooMany);
        }
        check(&system, &self.table)?;
        self.rules.systems.push(Box::new(system));
        Ok(())
    }

    /// An agent's value of a column of the game's own.
    ///
    /// # Panics
    /// When the column is not registered.
    pub fn value<C: Component>(&self, entity: EntityId) -> Option<C> {
        Some(self.table.get::<C>(self.row_of(entity)?))
    }

    /// A column in row order.
    ///
    /// # Panics
    /// When the column is not registered.
    pub fn column<C: Component>(&self) -> C::Lanes<'_> {
        self.table.lanes::<C>()
    }

    /// All columns, those of the simulation and those of the game, in row order.
    pub fn columns(&self) -> &[Column] {
        self.table.columns()
    }

    /// The events that arrived in the last tick, in their order.
    pub fn arrived(&self) -> &[Event] {
        &self.rules.arrived
    }

    /// An event from outside arrives in this tick.
    pub(crate) fn post_now(&mut self, event: Event) -> bool {
        let sent = self.rules.sent.get_mut().expect("nobody panics with it");
        let order = sent.len() as u32;
        sent.push(Pending {
            due: self.tick,
            sent: self.tick,
            order,
            event,
        });
        true
    }

    /// Takes the events that arrive in this tick, and does what the simulation itself does about them: spawns and despawns. Gives how
    /// many came to nothing.
    pub(crate) fn collect_mail(&mut self) -> u32 {
        let sent = self.rules.sent.get_mut().expect("nobody panics with it");
        self.mail.post(sent);
        let mut arrived = core::mem::take(&mut self.rules.arrived);
        self.mail.take_due(self.tick, &mut arrived);
        let mut lost = 0;
        for n in 0..arrived.len() {
            let event = arrived[n];
            let is_done = match (event.data::<Spawn>(), event.kind) {
                (Some(spawn), _) => {
                    let spawned = self.spawn_leased(&event, &spawn);
                    arrived.extend(spawned);
                    spawned.is_some()
                }
                (_, Despawn::KIND) => self.despawn(event.target),
                _ => self.row_of(event.target).is_some(),
            };
            lost += u32::from(!is_done);
        }
        self.rules.arrived = arrived;
        lost
    }

    fn spawn_leased(&mut self, event: &Event, spawn: &Spawn) -> Option<Event> {
        let entity = self.leases.next()?;
        let is_spawned = self.spawn(entity, &spawn.agent());
        is_spawned.then(|| Event::new(entity, event.source, spawn.spawned()))
    }

    /// Lets systems receive what has arrived.
    pub(crate) fn deliver(&mut self) {
        if self.rules.arrived.is_empty() {
            return;
        }
        self.with_systems(|number, system, scene, table, rules| {
            system.receive(scene, number, table, rules);
        });
    }

    /// Runs the systems of a stage.
    pub(crate) fn run_systems(&mut self, stage: Stage) {
        self.with_systems(|number, system, scene, table, rules| {
            if system.stage() == stage {
                system.run(scene, number, table, rules);
            }
        });
    }

    /// Puts what was sent in this tick on its way.
    pub(crate) fn post(&mut self) {
        let sent = self.rules.sent.get_mut().expect("nobody panics with it");
        number(sent);
        self.mail.post(sent);
    }

    fn with_systems(
        &mut self,
        mut each: impl FnMut(usize, &dyn AnySystem, &Scene<'_>, &mut spatial_core::Table, &mut Rules),
    ) {
        if self.rules.systems.is_empty() {
            return;
        }
        let mut rules = core::mem::take(&mut self.rules);
        let systems = core::mem::take(&mut rules.systems);
        rules.ids.clear();
        rules.ids.extend_from_slice(self.table.ids());
        let ids = core::mem::take(&mut rules.ids);
        let mut lists = core::mem::take(&mut rules.lists);
        lists.prepare();
        rules.outboxes.prepare();
        let scene = Scene {
            tick: self.tick,
            tick_rate_hz: self.start.tick_rate_hz,
            planet: self.start.planet,
            roll: &self.roll,
            frames: &self.frames,
            ground: &self.ground,
            slots: &self.slots,
            ids: &ids,
            lists: &lists,
        };
        for (number, system) in systems.iter().enumerate() {
            each(number, &**system, &scene, &mut self.table, &mut rules);
        }
        (rules.systems, rules.ids, rules.lists) = (systems, ids, lists);
        self.rules = rules;
    }
}
