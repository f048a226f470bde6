//! What the project promises: promises.toml, the one place of promised figures.

use core::fmt;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a case must reach. It is kept if either figure holds: the absolute one depends on the machine, the ratio on
/// the peer.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promise {
    /// Ours is at most this, in the row's unit.
    pub absolute: Option<f64>,
    /// The peer's figure is at least so many times ours.
    pub ratio: Option<f64>,
}

impl Promise {
    pub(crate) fn is_kept(&self, ours: Option<f64>, ratio: Option<f64>) -> bool {
        let holds = |must: Option<f64>, is: Option<f64>, test: fn(&f64, &f64) -> bool| {
            must.zip(is).is_some_and(|(must, is)| test(&is, &must))
        };
        holds(self.absolute, ours, f64::le) || holds(self.ratio, ratio, f64::ge)
    }
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.absolute, self.ratio) {
            (Some(absolute), Some(ratio)) => write!(f, "<= {absolute} or {ratio}x"),
            (Some(absolute), None) => write!(f, "<= {absolute}"),
            (None, Some(ratio)) => write!(f, "{ratio}x"),
            (None, None) => f.write_str("nothing"),
        }
    }
}

/// All promises, by case.
#[derive(Clone, PartialEq, Debug, Default, Deserialize)]
pub(crate) struct Promises(BTreeMap<String, Promise>);

impl Promises {
    pub(crate) fn load() -> anyhow::Result<Self> {
        Ok(toml::from_str(include_str!("../../promises.toml"))?)
    }

    pub(crate) fn of(&self, case: &str) -> Option<&Promise> {
        self.0.get(case)
    }

    #[cfg(test)]
    pub(crate) fn cases(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_figure_keeps_a_promise() {
        let promise = Promise {
            absolute: Some(250.0),
            ratio: Some(4.0),
        };
        assert!(promise.is_kept(Some(250.0), Some(1.0)));
        assert!(promise.is_kept(Some(900.0), Some(4.0)));
        assert!(!promise.is_kept(Some(900.0), Some(3.9)));
        assert!(!promise.is_kept(None, None));
        let alone = Promise {
            absolute: Some(33.0),
            ratio: None,
        };
        assert!(alone.is_kept(Some(33.0), None));
        assert!(!alone.is_kept(Some(33.1), Some(100.0)));
    }

    #[test]
    fn every_promise_is_of_a_case_and_promises_something() {
        let promises = Promises::load().unwrap();
        let mut out = Vec::new();
        let options = super::super::Options {
            group: None,
            json: true,
            tiny: true,
        };
        super::super::run(&options, &mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        for case in promises.cases() {
            let promise = promises.of(case).unwrap();
            assert!(promise.absolute.is_some() || promise.ratio.is_some());
            assert!(out.contains(&format!("{{\"case\":\"{case}\",")), "{case}");
        }
    }
}
