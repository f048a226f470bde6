//! What is known of a case.

use serde::Serialize;

use super::promises::{Promise, Promises};

/// Units of time that cases are told in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Unit {
    Ns,
    Us,
    Ms,
}

impl Unit {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ns => "ns",
            Self::Us => "us",
            Self::Ms => "ms",
        }
    }

    pub(crate) fn of_ns(self, ns: f64) -> f64 {
        match self {
            Self::Ns => ns,
            Self::Us => ns / 1e3,
            Self::Ms => ns / 1e6,
        }
    }
}

/// What was measured.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Measured {
    /// The case's name.
    pub(crate) case: String,
    /// Our figure; none where it cannot be had.
    pub(crate) ours: Option<f64>,
    /// The unit of all figures. Where there is a peer or a promise, less is better, unless it ends in `/s`.
    pub(crate) unit: &'static str,
    /// Whom it is compared with: a row each.
    pub(crate) rivals: Vec<Rival>,
}

/// A peer's part in a case.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Rival {
    /// Library and version; and why there is no figure, if there is none.
    pub(crate) name: String,
    pub(crate) figure: Option<f64>,
    /// Whether it gave our answers; none where they cannot be compared.
    pub(crate) agree: Option<bool>,
}

impl Measured {
    /// A figure of ours that nobody is compared with.
    pub(crate) fn alone(case: &str, ours: Option<f64>, unit: &'static str) -> Self {
        Self {
            case: case.to_owned(),
            ours,
            unit,
            rivals: Vec::new(),
        }
    }

    /// A case that cannot be prepared before `make data` has fetched the towns.
    pub(crate) fn without_towns(case: String, unit: Unit) -> Self {
        Self::skipped(case, unit, "the towns are not there, see `make data`")
    }

    /// A case that cannot be prepared before `make data` has fetched the countries.
    pub(crate) fn without_countries(case: &str, unit: Unit) -> Self {
        Self::skipped(
            case.to_owned(),
            unit,
            "the countries are not there, see `make data`",
        )
    }

    /// A case that cannot be prepared, and why.
    pub(crate) fn skipped(case: String, unit: Unit, why: &str) -> Self {
        Self {
            case,
            ours: None,
            unit: unit.name(),
            rivals: vec![Rival {
                name: format!("SKIPPED: {why}"),
                figure: None,
                agree: None,
            }],
        }
    }

    /// A row for each peer, or one for ours alone.
    pub(crate) fn rows(self, promises: &Promises) -> Vec<Row> {
        let must = promises.of(&self.case).cloned();
        // What could not be measured is neither kept nor broken.
        let met = must.as_ref().filter(|_| self.ours.is_some());
        let met = met.map(|must| self.keeps(must));
        let row = |rival: Option<&Rival>| Row {
            case: self.case.clone(),
            ours: self.ours,
            peer: rival.and_then(|rival| rival.figure),
            peer_name: rival.map(|rival| rival.name.clone()),
            unit: self.unit,
            ratio: rival.and_then(|rival| self.ratio(rival)),
            agree: rival.and_then(|rival| rival.agree),
            must: must.clone(),
            met,
        };
        if self.rivals.is_empty() {
            return vec![row(None)];
        }
        self.rivals.iter().map(|rival| row(Some(rival))).collect()
    }

    /// Wrong answers keep no promise, however fast.
    fn keeps(&self, must: &Promise) -> bool {
        let named = |rival: &&Rival| must.peer.as_ref().is_some_and(|peer| rival.name == *peer);
        let ratio = self.rivals.iter().find(named);
        let ratio = ratio.and_then(|rival| self.ratio(rival));
        let wrong = self.rivals.iter().any(|rival| rival.agree == Some(false));
        !wrong && must.is_kept(self.ours, ratio)
    }

    /// Of figures a second more is better, of all others less.
    fn ratio(&self, rival: &Rival) -> Option<f64> {
        let (ours, theirs) = (self.ours?, rival.figure?);
        Some(if self.unit.ends_with("/s") {
            ours / theirs
        } else {
            theirs / ours
        })
    }
}

/// A line of the table.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(crate) struct Row {
    case: String,
    ours: Option<f64>,
    peer: Option<f64>,
    peer_name: Option<String>,
    unit: &'static str,
    /// Above 1, ours is better.
    ratio: Option<f64>,
    agree: Option<bool>,
    must: Option<Promise>,
    met: Option<bool>,
}

impl Row {
    /// What is wrong with it, if anything.
    pub(crate) fn complaint(&self) -> Option<String> {
        if self.agree == Some(false) {
            let peer = self.peer_name.as_deref().unwrap_or_default();
            Some(format!("answers differ: {}, {peer}", self.case))
        } else if let (Some(false), Some(must), Some(ours)) = (self.met, &self.must, self.ours) {
            let (case, unit) = (&self.case, self.unit);
            Some(format!(
                "promise not kept: {case}: {ours:.2} {unit}, promised {must}"
            ))
        } else {
            None
        }
    }

    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a row has only strings and numbers")
    }

    /// The columns of the table, in the order of its heading.
    pub(crate) fn columns(&self) -> [String; 9] {
        let number = |value: Option<f64>| value.map_or_else(dash, |value| format!("{value:.2}"));
        let yes = |value: Option<bool>| match value {
            Some(true) => "yes".to_owned(),
            Some(false) => "NO".to_owned(),
            None => dash(),
        };
        [
            self.case.clone(),
            number(self.ours),
            number(self.peer),
            self.unit.to_owned(),
            number(self.ratio),
            yes(self.agree),
            self.must.as_ref().map_or_else(dash, ToString::to_string),
            yes(self.met),
            self.peer_name.clone().unwrap_or_default(),
        ]
    }
}

fn dash() -> String {
    "-".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(agree: Option<bool>) -> Measured {
        let rival = |name: &str, figure| Rival {
            name: name.to_owned(),
            figure,
            agree,
        };
        Measured {
            case: "a case".to_owned(),
            ours: Some(10.0),
            unit: "ns",
            rivals: vec![rival("slow", Some(50.0)), rival("gone", None)],
        }
    }

    fn promises(text: &str) -> Promises {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn a_ratio_counts_against_the_named_peer_alone() {
        let met = |text: &str| measured(Some(true)).rows(&promises(text))[0].met;
        assert_eq!(
            met("[\"a case\"]\nratio = 5.0\npeer = \"slow\""),
            Some(true)
        );
        assert_eq!(
            met("[\"a case\"]\nratio = 5.1\npeer = \"slow\""),
            Some(false)
        );
        assert_eq!(
            met("[\"a case\"]\nratio = 5.0\npeer = \"gone\""),
            Some(false)
        );
        assert_eq!(met("[\"another\"]\nratio = 5.0\npeer = \"slow\""), None);
    }

    #[test]
    fn wrong_answers_keep_no_promise_and_are_named() {
        let promises = promises("[\"a case\"]\nabsolute = 10.0");
        assert!(
            measured(Some(true)).rows(&promises)[1]
                .complaint()
                .is_none()
        );
        let rows = measured(Some(false)).rows(&promises);
        assert_eq!(rows[0].met, Some(false));
        let slow =
            measured(Some(true)).rows(&toml::from_str("[\"a case\"]\nabsolute = 9.5").unwrap());
        assert_eq!(
            slow[0].complaint().as_deref(),
            Some("promise not kept: a case: 10.00 ns, promised <= 9.5")
        );
        assert_eq!(
            rows[0].complaint().as_deref(),
            Some("answers differ: a case, slow")
        );
    }
}
