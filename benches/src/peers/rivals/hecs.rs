//! Archetypes of hecs.

use ::hecs::{Entity, World};

use super::{EntityStore, Handles, Mover};

/// Entities of two components.
#[derive(Default)]
pub(crate) struct Store {
    world: World,
    entities: Handles<Entity>,
}

struct Place([f32; 3]);

struct Velocity([f32; 3]);

impl EntityStore for Store {
    fn name(&self) -> &'static str {
        "hecs 0.11.2"
    }

    fn select(&mut self, numbers: &[u32]) {
        self.entities.select(numbers);
    }

    fn assign(&mut self, numbers: &[u32]) {
        self.entities.assign(numbers);
    }

    fn spawn(&mut self, movers: &[Mover]) {
        let bundles = movers
            .iter()
            .map(|m| (Place(m.place), Velocity(m.velocity)));
        self.entities.selected.clear();
        let spawned = self.world.spawn_batch(bundles);
        self.entities.selected.extend(spawned);
    }

    /// One by one: it has no batches of these.
    fn despawn(&mut self) {
        for entity in &self.entities.selected {
            self.world.despawn(*entity).expect("it is there");
        }
    }

    fn advance(&mut self) {
        for (place, velocity) in self.world.query_mut::<(&mut Place, &Velocity)>() {
            for (x, v) in place.0.iter_mut().zip(velocity.0) {
                *x += v;
            }
        }
    }

    fn look_up(&mut self) -> f32 {
        let view = self.world.view_mut::<&Place>();
        let x = |entity: &Entity| view.get(*entity).expect("it is there").0[0];
        self.entities.selected.iter().map(x).sum()
    }

    fn place(&mut self, number: u32) -> [f32; 3] {
        let entity = self.entities.by_number[number as usize];
        self.world.get::<&Place>(entity).expect("it is there").0
    }

    fn len(&mut self) -> usize {
        self.world.len() as usize
    }
}
