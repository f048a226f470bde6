//! What the project promises: promises.toml, the one place of promised figures.

use core::fmt;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a case must reach. It is kept if either figure holds: the absolute one depends on the machine, the ratio on
/// the peer.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Promise {
    /// Ours is at most this, in the row's unit.
    pub(crate) absolute: Option<f64>,
    /// Ours is at least this, where more is better.
    pub(crate) least: Option<f64>,
    /// The named peer's figure is at least so many times ours.
    pub(crate) ratio: Option<f64>,
    /// Whose figure, as in the row's `peer_name`.
    pub(crate) peer: Option<String>,
}

impl Promise {
    pub(crate) fn is_kept(&self, ours: Option<f64>, ratio: Option<f64>) -> bool {
        let holds = |must: Option<f64>, is: Option<f64>, test: fn(&f64, &f64) -> bool| {
            must.zip(is).is_some_and(|(must, is)| test(&is, &must))
        };
        holds(self.absolute, ours, f64::le)
            || holds(self.least, ours, f64::ge)
            || holds(self.ratio, ratio, f64::ge)
    }
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figures = [
            self.absolute.map(|most| format!("<= {most}")),
            self.least.map(|least| format!(">= {least}")),
            self.ratio.map(|ratio| format!("{ratio}x")),
        ];
        let figures: Vec<_> = figures.into_iter().flatten().collect();
        f.write_str(&figures.join(" or "))
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
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::{Options, run};
    use super::*;

    #[test]
    fn either_figure_keeps_a_promise() {
        let promise = Promise {
            absolute: Some(250.0),
            least: None,
            ratio: Some(4.0),
            peer: Some("somebody".to_owned()),
        };
        assert!(promise.is_kept(Some(250.0), Some(1.0)));
        assert!(promise.is_kept(Some(900.0), Some(4.0)));
        assert!(!promise.is_kept(Some(900.0), Some(3.9)));
        assert!(!promise.is_kept(None, None));
        let alone = Promise {
            absolute: Some(33.0),
            least: None,
            ratio: None,
            peer: None,
        };
        assert!(alone.is_kept(Some(33.0), None));
        assert!(!alone.is_kept(Some(33.1), Some(100.0)));
        let more = Promise {
            absolute: None,
            least: Some(33.0),
            ..alone
        };
        assert!(more.is_kept(Some(33.0), None));
        assert!(!more.is_kept(Some(32.9), None));
    }

    /// Peers that this machine lacks have their rows, too.
    #[test]
    fn every_promise_is_of_a_row_and_promises_something() {
        let mut out = Vec::new();
        let options = Options {
            json: true,
            tiny: true,
            ..Options::default()
        };
        run(&options, &mut out, &mut std::io::sink()).unwrap();
        let out = String::from_utf8(out).unwrap();
        let rows: Vec<Value> = out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        for (case, promise) in &Promises::load().unwrap().0 {
            assert!(
                promise.absolute.is_some() || promise.least.is_some() || promise.ratio.is_some(),
                "{case}"
            );
            assert_eq!(promise.ratio.is_some(), promise.peer.is_some(), "{case}");
            let is_kept_here = |row: &&Value| {
                let name = row["peer_name"].as_str().unwrap_or_default();
                let peer = promise.peer.as_deref().unwrap_or(name);
                // Towns may not be there, nor the vector instructions of a level.
                let is_there = name.starts_with(peer) || row["ours"].is_null();
                row["case"] == **case && is_there
            };
            assert!(
                rows.iter().any(|row| is_kept_here(&row)),
                "{case}: {promise}"
            );
        }
    }
}
