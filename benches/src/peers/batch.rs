//! A contest of functions that give an answer for each of many questions.

use super::Pace;
use super::contest::Contest;
use super::row::{Measured, Unit};

/// Ours, its answers, and everybody else.
pub(crate) struct Batch<'a, T> {
    answers: Vec<T>,
    contest: Contest<'a>,
}

impl<'a, T: Clone + 'a> Batch<'a, T> {
    /// Ours fills as many answers as there are questions; figures are nanoseconds an answer.
    pub(crate) fn new(
        case: impl Into<String>,
        count: usize,
        blank: T,
        mut ours: impl FnMut(&mut [T]) + 'a,
    ) -> Self {
        let mut answers = vec![blank; count];
        ours(&mut answers);
        let mut out = answers.clone();
        Self::answered(case, answers, move || ours(&mut out))
    }

    /// Ours has given its answers, in whatever form, and gives them again when it runs.
    pub(crate) fn answered<R>(
        case: impl Into<String>,
        answers: Vec<T>,
        ours: impl FnMut() -> R + 'a,
    ) -> Self {
        Self {
            contest: Contest::new(case, Unit::Ns, answers.len(), ours),
            answers,
        }
    }

    /// A peer, with answers of its own kind, each of which is `same` as ours.
    pub(crate) fn against<U: Clone + 'a>(
        self,
        name: &str,
        blank: U,
        mut run: impl FnMut(&mut [U]) + 'a,
        same: impl Fn(&T, &U) -> bool,
    ) -> Self {
        let mut out = vec![blank; self.answers.len()];
        run(&mut out);
        let agree = self.answers.iter().zip(&out).all(|(a, b)| same(a, b));
        Self {
            contest: self
                .contest
                .against(name, Some(agree), move || run(&mut out)),
            ..self
        }
    }

    /// A peer whose answers are of another nature.
    pub(crate) fn beside<U: Clone + 'a>(
        self,
        name: &str,
        blank: U,
        mut run: impl FnMut(&mut [U]) + 'a,
    ) -> Self {
        let mut out = vec![blank; self.answers.len()];
        Self {
            contest: self.contest.against(name, None, move || run(&mut out)),
            ..self
        }
    }

    /// A peer that is not on this machine.
    pub(crate) fn without(self, name: &str) -> Self {
        Self {
            contest: self.contest.without(name),
            ..self
        }
    }

    /// Times them.
    pub(crate) fn run(self, pace: &Pace) -> Measured {
        self.contest.run(pace)
    }
}

/// Answers all questions, one call each.
pub(crate) fn fill<Q, T>(out: &mut [T], questions: &[Q], answer: impl Fn(&Q) -> T) {
    for (slot, question) in out.iter_mut().zip(questions) {
        *slot = answer(question);
    }
}
