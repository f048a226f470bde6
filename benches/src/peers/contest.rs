//! A case: ours and everybody it is compared with, on the same input.

use std::time::Duration;

use super::Pace;
use super::clock::{Runner, ns_each, race, runner};
use super::row::{Measured, Rival, Unit};

/// Who takes part in a case. Answers are compared before anybody is added; then all take turns.
pub(crate) struct Contest<'a> {
    case: String,
    unit: Unit,
    operations: u64,
    runners: Vec<Runner<'a>>, // ours first
    rivals: Vec<Entrant>,
}

struct Entrant {
    name: String,
    runner: Option<usize>, // none when it is not here
    agree: Option<bool>,
}

impl<'a> Contest<'a> {
    /// A case of so many operations a run, what its time is divided by.
    pub(crate) fn new<T>(
        case: impl Into<String>,
        unit: Unit,
        operations: usize,
        ours: impl FnMut() -> T + 'a,
    ) -> Self {
        Self::timed(case, unit, operations, runner(ours))
    }

    /// As [`Contest::new`], of a runner that knows what of its work counts.
    pub(crate) fn timed(
        case: impl Into<String>,
        unit: Unit,
        operations: usize,
        ours: impl FnMut() -> Duration + 'a,
    ) -> Self {
        Self {
            case: case.into(),
            unit,
            operations: operations as u64,
            runners: vec![Box::new(ours)],
            rivals: Vec::new(),
        }
    }

    /// A peer, and whether it gave our answers; `None` where they cannot be compared.
    pub(crate) fn against<T>(
        self,
        name: impl Into<String>,
        agree: Option<bool>,
        run: impl FnMut() -> T + 'a,
    ) -> Self {
        self.against_timed(name, agree, runner(run))
    }

    /// As [`Contest::against`], of a runner that knows what of its work counts.
    pub(crate) fn against_timed(
        mut self,
        name: impl Into<String>,
        agree: Option<bool>,
        run: impl FnMut() -> Duration + 'a,
    ) -> Self {
        self.rivals.push(Entrant {
            name: name.into(),
            runner: Some(self.runners.len()),
            agree,
        });
        self.runners.push(Box::new(run));
        self
    }

    /// A peer that is not on this machine: a row all the same.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.rivals.push(Entrant {
            name: format!("{name}: not installed"),
            runner: None,
            agree: None,
        });
        self
    }

    /// What is no peer, takes no time, and has compared our answers with its own.
    pub(crate) fn checked_by(mut self, name: &str, agree: bool) -> Self {
        self.rivals.push(Entrant {
            name: name.to_owned(),
            runner: None,
            agree: Some(agree),
        });
        self
    }

    /// Times them.
    pub(crate) fn run(mut self, pace: &Pace) -> Measured {
        let times = race(pace.budget, &mut self.runners);
        let figure = |n: usize| self.unit.of_ns(ns_each(times[n], self.operations));
        let rival = |entrant: Entrant| Rival {
            figure: entrant.runner.map(figure),
            name: entrant.name,
            agree: entrant.agree,
        };
        Measured {
            ours: Some(figure(0)),
            rivals: self.rivals.into_iter().map(rival).collect(),
            case: self.case,
            unit: self.unit.name(),
        }
    }
}
