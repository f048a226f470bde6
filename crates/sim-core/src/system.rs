//! Systems: a team's own rules, run within the step under the rules of the step.
//!
//! ```text
//! records ──► events of this tick ──► Stage::Before ──► movement ──► Stage::After
//!             each system's receive    in the order in which systems were added
//! ```
//! A system says which columns of its own rows it reads and writes; it gets them block by block, in parallel. Others it sees as they
//! were before the tick, and what it does to them is sent as events. So its result depends neither on threads nor on the order of rows.

use spatial_core::{Access, Block, Component, Table};

use crate::event::{Event, EventKind};
use crate::near::Near;
use crate::outbox::Outbox;
use crate::rules::Rules;

/// When in a tick a system runs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Stage {
    /// Before agents move: what it writes to wishes and velocities counts in this tick.
    Before,
    /// After they have moved.
    After,
}

/// A rule of the game.
///
/// Whatever it computes must come from its arguments and from constants: no clocks, no random numbers but of the state, no order of
/// hash maps, of floats only + − × ÷ √. [`prove`](crate::prove) finds out.
pub trait System: Send + Sync + 'static {
    /// Columns of its own rows: `(&mut Health, &State)`. It may not write those of bodies and states, which belong to the step.
    type Own: Access;
    /// A column of others that it may look at, as it was before the system ran; one that it does not write. [`State`](crate::State) if
    /// nothing else.
    type Others: Component;

    /// When it runs.
    fn stage(&self) -> Stage;

    /// How far it looks, metres: queries of [`Near`] reach no further. At most [`Near::REACH_MAX_M`].
    fn reach_m(&self) -> f64 {
        0.0
    }

    /// Does its work on a block of rows.
    fn run(
        &self,
        near: &Near<'_, Self::Others>,
        rows: Block<'_>,
        own: <Self::Own as Access>::View<'_>,
        out: &mut Outbox,
    );

    /// Kinds of events that it receives.
    fn hears(&self) -> &[EventKind] {
        &[]
    }

    /// Receives an event that has arrived, at the row of its target; `own` are all rows.
    fn receive(
        &self,
        _near: &Near<'_, Self::Others>,
        _event: &Event,
        _row: usize,
        _own: &mut <Self::Own as Access>::View<'_>,
        _out: &mut Outbox,
    ) {
    }
}

/// Why a system was not added.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SystemError {
    /// A column it names is not registered: `World::register` does that.
    #[error("column {0} is not registered")]
    Unregistered(&'static str),
    /// It would write a column that belongs to the step.
    #[error("column {0} belongs to the step, and no system writes it")]
    Reserved(&'static str),
    /// It would write the column of others that it looks at, or names a column twice.
    #[error("column {0} is named twice")]
    Twice(&'static str),
    /// The world has as many systems as it can have.
    #[error("a world has at most 254 systems")]
    TooMany,
    /// It looks too far.
    #[error("a system looks at most {max} m far, not {0} m", max = Near::<crate::State>::REACH_MAX_M)]
    Reach(String),
}

/// A system whose columns are forgotten.
pub(crate) trait AnySystem: Send + Sync {
    fn stage(&self) -> Stage;
    fn run(&self, scene: &crate::near::Scene<'_>, number: usize, table: &mut Table, rules: &Rules);
    fn receive(
        &self,
        scene: &crate::near::Scene<'_>,
        number: usize,
        table: &mut Table,
        rules: &mut Rules,
    );
}

/// Columns that only the step writes.
const RESERVED: [&str; 2] = ["body", "state"];

/// Refuses a system that could break the step's own rules.
pub(crate) fn check<S: System>(system: &S, table: &Table) -> Result<(), SystemError> {
    let others = (S::Others::NAME, false);
    let named: Vec<_> = S::Own::parts().into_iter().chain([others]).collect();
    for (n, (name, writes)) in named.iter().enumerate() {
        if table.column_named(name).is_none() {
            return Err(SystemError::Unregistered(name));
        }
        if *writes && RESERVED.contains(name) {
            return Err(SystemError::Reserved(name));
        }
        if named[..n].iter().any(|(before, _)| before == name) {
            return Err(SystemError::Twice(name));
        }
    }
    match (0.0..=Near::<S::Others>::REACH_MAX_M).contains(&system.reach_m()) {
        true => Ok(()),
        false => Err(SystemError::Reach(system.reach_m().to_string())),
    }
}

impl<S: System> AnySystem for S {
    fn stage(&self) -> Stage {
        System::stage(self)
    }

    fn run(&self, scene: &crate::near::Scene<'_>, number: usize, table: &mut Table, rules: &Rules) {
        table.beside::<S::Others, _>(|table, others| {
            let look = |row: usize| <S::Others as Component>::get(&others, row);
            let near = Near::new(scene, &look, self.reach_m());
            table.par_blocks::<S::Own>(|rows, own| {
                rules.outboxes.with(|out| {
                    out.begin(scene.tick, number);
                    System::run(self, &near, rows, own, out);
                    if !out.is_empty() {
                        out.hand_over(&mut rules.sent.lock().expect("nobody panics with it"));
                    }
                });
            });
        });
    }

    fn receive(
        &self,
        scene: &crate::near::Scene<'_>,
        number: usize,
        table: &mut Table,
        rules: &mut Rules,
    ) {
        let kinds = self.hears();
        let heard = rules.arrived.iter().filter(|e| kinds.contains(&e.kind));
        let heard = heard.filter_map(|event| Some((*event, table.row(event.target)?)));
        rules.heard.clear();
        rules.heard.extend(heard);
        if rules.heard.is_empty() {
            return;
        }
        let sent = rules.sent.get_mut().expect("nobody panics with it");
        table.beside::<S::Others, _>(|table, others| {
            let look = |row: usize| <S::Others as Component>::get(&others, row);
            let near = Near::new(scene, &look, self.reach_m());
            let (_, mut own) = table.split_mut::<S::Own>();
            rules.outboxes.with(|out| {
                out.begin(scene.tick, number);
                for (event, row) in &rules.heard {
                    System::receive(self, &near, event, *row, &mut own, out);
                }
                out.hand_over(sent);
            });
        });
    }
}
