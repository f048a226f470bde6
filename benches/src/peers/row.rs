//! What is known of a case.

use serde::Serialize;

use super::promises::{Promise, Promises};

/// What was measured.
#[derive(Clone, PartialEq, Debug)]
pub struct Measured {
    /// The case's name.
    pub case: String,
    /// Our figure; none where it cannot be had.
    pub ours: Option<f64>,
    /// The peer's figure, in the same unit.
    pub peer: Option<f64>,
    /// Who the peer is.
    pub peer_name: Option<&'static str>,
    /// The unit of both. Where there is a peer or a promise, less is better.
    pub unit: &'static str,
    /// Whether both gave the same answers.
    pub agree: Option<bool>,
}

impl Measured {
    /// A figure of ours that nobody is compared with.
    pub(crate) fn alone(case: &str, ours: Option<f64>, unit: &'static str) -> Self {
        Self {
            case: case.to_owned(),
            ours,
            peer: None,
            peer_name: None,
            unit,
            agree: None,
        }
    }

    fn ratio(&self) -> Option<f64> {
        Some(self.peer? / self.ours?)
    }
}

/// A line of the table.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Row {
    case: String,
    ours: Option<f64>,
    peer: Option<f64>,
    peer_name: Option<&'static str>,
    unit: &'static str,
    /// Above 1, ours is better.
    ratio: Option<f64>,
    agree: Option<bool>,
    must: Option<Promise>,
    met: Option<bool>,
}

impl Row {
    pub(crate) fn new(measured: Measured, promises: &Promises) -> Self {
        let must = promises.of(&measured.case).cloned();
        let ratio = measured.ratio();
        Self {
            met: must.as_ref().map(|must| must.is_kept(measured.ours, ratio)),
            ratio,
            case: measured.case,
            ours: measured.ours,
            peer: measured.peer,
            peer_name: measured.peer_name,
            unit: measured.unit,
            agree: measured.agree,
            must,
        }
    }

    /// Whether nothing is wrong: answers agree, and the promise is kept, as far as there are any.
    pub(crate) fn is_kept(&self) -> bool {
        self.agree != Some(false) && self.met != Some(false)
    }

    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a row has only strings and numbers")
    }

    /// The columns of the table, in the order of its heading.
    pub(crate) fn columns(&self) -> [String; 8] {
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
        ]
    }

    pub(crate) fn peer_name(&self) -> &'static str {
        self.peer_name.unwrap_or("")
    }
}

fn dash() -> String {
    "-".to_owned()
}
