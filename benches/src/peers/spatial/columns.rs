//! Columns of entities against archetypes.

use std::io;
use std::time::Duration;

use super::super::clock::cpu_time_of;
use super::super::contest::Contest;
use super::super::rivals::{EntityStore, Mover, bevy, hecs};
use super::super::row::Unit;
use super::super::{Pace, Tell};
use super::table::{Ours, Watched};
use crate::seeded::Seeded;

/// Entities of a batch that is spawned or despawned.
const BATCH: usize = 10_000;

pub(crate) fn race(pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
    let sizes = [(10_000, "10,000"), (1_000_000, "1 M")];
    for (count, name) in sizes {
        let count = pace.size.of(count);
        race_advance(pace, count, name, tell)?;
        race_look_up(pace, count, name, tell)?;
    }
    let few = (Half::Spawn, "columns: spawn, 10,000");
    race_churn(pace, 10_000, few, tell)?;
    let few = (Half::Despawn, "columns: despawn, 10,000");
    race_churn(pace, 10_000, few, tell)?;
    let many = (Half::Spawn, "columns: spawn, 10,000 beside 1 M");
    race_churn(pace, 1_000_000, many, tell)?;
    let many = (Half::Despawn, "columns: despawn, 10,000 of 1 M");
    race_churn(pace, 1_000_000, many, tell)?;
    race_changed(pace, tell)
}

/// Ours first, all with the same entities.
fn stores(count: usize) -> Vec<Box<dyn EntityStore>> {
    let (numbers, movers) = movers(count);
    let mut stores: Vec<Box<dyn EntityStore>> = vec![
        Box::new(Ours::default()),
        Box::<hecs::Store>::default(),
        Box::<bevy::Store>::default(),
    ];
    for store in &mut stores {
        store.spawn(&movers);
        store.assign(&numbers);
    }
    stores
}

fn movers(count: usize) -> (Vec<u32>, Vec<Mover>) {
    let mut seeded = Seeded(21);
    let mut triple = || [0; 3].map(|_| seeded.signed() as f32);
    let mover = |_| Mover {
        place: triple(),
        velocity: triple(),
    };
    ((0..count as u32).collect(), (0..count).map(mover).collect())
}

/// Whether everybody is at the same places, bit for bit, here and there.
fn agree(ours: &mut dyn EntityStore, theirs: &mut dyn EntityStore, count: usize) -> bool {
    let lengths = [ours.len(), theirs.len()];
    let same = |number| ours.place(number) == theirs.place(number);
    lengths[0] == lengths[1] && (0..count as u32).all(same)
}

fn race_advance(pace: &Pace, count: usize, name: &str, tell: Tell<'_>) -> io::Result<()> {
    let case = format!("columns: place += velocity, {name}");
    if !pace.wants(&case) {
        return Ok(());
    }
    let mut stores = stores(count);
    stores.iter_mut().for_each(|store| store.advance());
    let (ours, rivals) = stores.split_first_mut().expect("ours is there");
    let agreements: Vec<_> = rivals
        .iter_mut()
        .map(|rival| agree(ours.as_mut(), rival.as_mut(), count))
        .collect();
    let mut contest = Contest::new(case, Unit::Ns, count, || ours.advance());
    for (rival, agree) in rivals.iter_mut().zip(agreements) {
        contest = contest.against(rival.name(), Some(agree), || rival.advance());
    }
    tell(contest.run(pace))
}

/// Handles in random order, and a value of each.
fn race_look_up(pace: &Pace, count: usize, name: &str, tell: Tell<'_>) -> io::Result<()> {
    let case = format!("columns: look-up by handle, {name}");
    if !pace.wants(&case) {
        return Ok(());
    }
    let mut stores = stores(count);
    let numbers = random(count, pace.size.of(BATCH));
    let (ours, rivals) = stores.split_first_mut().expect("ours is there");
    ours.select(&numbers);
    let sum = ours.look_up();
    let mut contest = Contest::new(case, Unit::Ns, numbers.len(), || ours.look_up());
    for rival in rivals {
        rival.select(&numbers);
        let agree = rival.look_up().to_bits() == sum.to_bits();
        contest = contest.against(rival.name(), Some(agree), || rival.look_up());
    }
    tell(contest.run(pace))
}

/// Numbers below `count`, drawn at random, each at most once.
fn random(count: usize, drawn: usize) -> Vec<u32> {
    let mut numbers: Vec<u32> = (0..count as u32).collect();
    Seeded(22).shuffle(&mut numbers);
    numbers.truncate(drawn);
    numbers
}

/// A batch goes, in any order, and others come: another batch every time, the same ones for all.
fn race_churn(
    pace: &Pace,
    count: usize,
    (half, case): (Half, &str),
    tell: Tell<'_>,
) -> io::Result<()> {
    if !pace.wants(case) {
        return Ok(());
    }
    let (count, size) = (pace.size.of(count), pace.size.of(BATCH));
    let mut crowds: Vec<_> = stores(count)
        .into_iter()
        .map(|store| Churning::new(store, count, size))
        .collect();
    crowds.iter_mut().for_each(|crowd| {
        crowd.churn(half);
    });
    let (ours, rivals) = crowds.split_first_mut().expect("ours is there");
    let agreements: Vec<_> = rivals
        .iter_mut()
        .map(|rival| agree(ours.store.as_mut(), rival.store.as_mut(), count))
        .collect();
    let mut contest = Contest::timed(case, Unit::Ns, size, || ours.churn(half));
    for (rival, agree) in rivals.iter_mut().zip(agreements) {
        let name = rival.store.name();
        contest = contest.against_timed(name, Some(agree), || rival.churn(half));
    }
    tell(contest.run(pace))
}

/// Which half of a coming and going is timed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Half {
    Spawn,
    Despawn,
}

/// A store some of whose entities are replaced, again and again.
struct Churning {
    store: Box<dyn EntityStore>,
    numbers: Vec<u32>, // all; those of the batch come first
    movers: Vec<Mover>,
    seeded: Seeded,
}

impl Churning {
    fn new(store: Box<dyn EntityStore>, count: usize, size: usize) -> Self {
        let (numbers, mut movers) = movers(count);
        movers.truncate(size);
        Self {
            store,
            numbers,
            movers,
            seeded: Seeded(23),
        }
    }

    fn churn(&mut self, timed: Half) -> Duration {
        for n in 0..self.movers.len() {
            let other = n + self.seeded.below(self.numbers.len() - n);
            self.numbers.swap(n, other);
        }
        let batch = &self.numbers[..self.movers.len()];
        self.store.select(batch);
        let despawn = cpu_time_of(|| self.store.despawn());
        let spawn = cpu_time_of(|| self.store.spawn(&self.movers));
        self.store.assign(batch);
        match timed {
            Half::Spawn => spawn,
            Half::Despawn => despawn,
        }
    }
}

/// A few of very many change, anywhere, and are looked for. hecs does not know what has changed.
fn race_changed(pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
    let case = "columns: find 5,000 changed of 4.5 M";
    if !pace.wants(case) {
        return Ok(());
    }
    let count = pace.size.of(4_500_000);
    let changing = random(count, pace.size.of(5_000));
    let mut ours = Watched::new(count);
    let mut bevy = bevy::Watched::new(count);
    let (mut found, mut bevy_found) = (Vec::new(), Vec::new());
    ours.change(&changing);
    ours.changed(&mut found);
    bevy.change(&changing);
    bevy.changed(&mut bevy_found);
    let mut sorted = changing.clone();
    sorted.sort_unstable();
    bevy_found.sort_unstable();
    let agree = found == sorted && bevy_found == sorted;
    let rows = &changing;
    let run_ours = || {
        ours.change(rows);
        cpu_time_of(|| ours.changed(&mut found))
    };
    let contest = Contest::timed(case, Unit::Us, 1, run_ours).against(
        bevy::NAME,
        Some(agree),
        || bevy.changed(&mut bevy_found), // they stay changed until it is told otherwise
    );
    tell(contest.run(pace))
}
