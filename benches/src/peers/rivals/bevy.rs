//! Archetypes of bevy_ecs.

use ::bevy_ecs::prelude::{Changed, Component, Entity, QueryState, World};

use super::{EntityStore, Handles, Mover};

pub(crate) const NAME: &str = "bevy_ecs 0.20.1";

/// Entities of two components.
pub(crate) struct Store {
    world: World,
    entities: Handles<Entity>,
    movers: QueryState<(&'static mut Place, &'static Velocity)>,
    places: QueryState<&'static Place>,
}

#[derive(Component)]
struct Place([f32; 3]);

#[derive(Component)]
struct Velocity([f32; 3]);

impl Default for Store {
    fn default() -> Self {
        let mut world = World::new();
        Self {
            movers: world.query(),
            places: world.query(),
            entities: Handles::default(),
            world,
        }
    }
}

impl EntityStore for Store {
    fn name(&self) -> &'static str {
        NAME
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
            assert!(self.world.despawn(*entity));
        }
    }

    fn advance(&mut self) {
        // Inside, so that its loop over a table has no borders in it.
        self.movers
            .iter_mut(&mut self.world)
            .for_each(|(mut place, velocity)| {
                for (x, v) in place.0.iter_mut().zip(velocity.0) {
                    *x += v;
                }
            });
    }

    fn look_up(&mut self) -> f32 {
        let places = self.places.query(&self.world);
        let x = |entity: &Entity| places.get(*entity).expect("it is there").0[0];
        self.entities.selected.iter().map(x).sum()
    }

    fn place(&mut self, number: u32) -> [f32; 3] {
        let entity = self.entities.by_number[number as usize];
        self.world.get::<Place>(entity).expect("it is there").0
    }

    fn len(&mut self) -> usize {
        // The world counts entities of its own as well.
        self.places.iter(&self.world).count()
    }
}

/// Entities of one component, of which few change.
pub(crate) struct Watched {
    world: World,
    entities: Vec<Entity>, // by number
    changed: QueryState<(Entity, &'static Number), Changed<Value>>,
}

#[derive(Component)]
struct Number(u32);

#[derive(Component)]
struct Value(f32);

impl Watched {
    pub(crate) fn new(count: usize) -> Self {
        let mut world = World::new();
        let bundles = (0..count as u32).map(|n| (Number(n), Value(0.0)));
        Self {
            entities: world.spawn_batch(bundles).collect(),
            changed: world.query_filtered(),
            world,
        }
    }

    /// Forgets older changes, and makes new ones.
    pub(crate) fn change(&mut self, numbers: &[u32]) {
        self.world.clear_trackers();
        for number in numbers {
            let entity = self.entities[*number as usize];
            let mut value = self.world.get_mut::<Value>(entity).expect("it is there");
            value.0 += 1.0;
        }
    }

    /// The numbers of those that have changed.
    pub(crate) fn changed(&mut self, numbers: &mut Vec<u32>) {
        numbers.clear();
        let changed = self.changed.iter(&self.world);
        numbers.extend(changed.map(|(_, number)| number.0));
    }
}
