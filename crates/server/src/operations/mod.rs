//! What operators see of a server: its health and its metrics, over HTTP, on a listener of its own.
//!
//! | path | answers | reads |
//! | --- | --- | --- |
//! | `/health/live` | 200 while the worlds' threads turn, else 503: restart it | atomics |
//! | `/health/ready` | 200 while players may come, else 503: send them elsewhere | atomics |
//! | `/health` | every check, as JSON; 503 where one fails | the status, the disk |
//! | `/metrics` | all counters, in the text format of OpenMetrics, which Prometheus reads | the status |
//!
//! A thread of its own with a runtime of its own: neither players nor ticks make it wait, and nobody who reads it makes them.

mod health;
mod http;
mod measures;
mod metrics;
mod notify;
#[cfg(test)]
mod tests;
mod vitals;

pub(crate) use http::{Desk, Listener};
pub(crate) use measures::Measures;
pub(crate) use notify::Supervisor;
pub(crate) use vitals::{Beat, Vitals, WorldVitals};
