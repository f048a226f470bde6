//! Which way three directions turn.

use std::io;

use spatial_core::{DVec3, orientation};

use super::super::batch::{Batch, fill};
use super::super::rivals::{s2_cpp, s2_rust};
use super::super::{Pace, Tell};
use crate::seeded::Seeded;

const TRIPLES: usize = 10_000;

type Triple = [DVec3; 3];

pub(crate) fn race(pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
    let count = pace.size.of(TRIPLES);
    race_random(pace, &random(count), tell)?;
    race_degenerate(pace, &degenerate(count), tell)
}

fn random(count: usize) -> Vec<Triple> {
    let mut seeded = Seeded(31);
    let mut triple = |_| [0; 3].map(|_| seeded.direction());
    (0..count).map(&mut triple).collect()
}

/// Three on a great circle: exactly, on one that halves a face, or as nearly as doubles allow.
fn degenerate(count: usize) -> Vec<Triple> {
    let mut seeded = Seeded(32);
    let mut triple = |n: usize| {
        let [a, b, c] = [0; 3].map(|_| seeded.direction());
        match n % 3 {
            0 => [a, b, c].map(|p| DVec3::new(p.x, p.y, 0.0).normalize()),
            1 => [a, b, c].map(|p| DVec3::new(0.0, p.y, p.z).normalize()),
            _ => [a, (a * c.x.abs() + b * c.y.abs()).normalize(), b],
        }
    };
    (0..count).map(&mut triple).collect()
}

fn ours(triples: &[Triple]) -> impl FnMut(&mut [i8]) {
    |out| fill(out, triples, |[a, b, c]| orientation(*a, *b, *c) as i8)
}

fn race_random(pace: &Pace, triples: &[Triple], tell: Tell<'_>) -> io::Result<()> {
    let case = "orientation: random";
    if !pace.wants(case) {
        return Ok(());
    }
    let points = s2_points(triples);
    let batch = Batch::new(case, triples.len(), 0, ours(triples));
    let run = |out: &mut [i8]| fill(out, &points, s2_rust::orientation);
    let batch = batch.against(s2_rust::NAME, 0, run, |a, b| a == b);
    tell(with_cpp(batch, triples).run(pace))
}

/// The Rust crate's answers are not compared here: it has no exact arithmetic, gives up on some and errs on others.
fn race_degenerate(pace: &Pace, triples: &[Triple], tell: Tell<'_>) -> io::Result<()> {
    let case = "orientation: degenerate";
    if !pace.wants(case) {
        return Ok(());
    }
    let points = s2_points(triples);
    let batch = Batch::new(case, triples.len(), 0, ours(triples));
    let run = |out: &mut [i8]| fill(out, &points, s2_rust::orientation);
    let batch = batch.beside(s2_rust::NAME, 0, run);
    tell(with_cpp(batch, triples).run(pace))
}

fn with_cpp<'a>(batch: Batch<'a, i8>, triples: &[Triple]) -> Batch<'a, i8> {
    if !s2_cpp::IS_INSTALLED {
        return batch.without(s2_cpp::NAME);
    }
    let arrays: Vec<_> = triples.iter().map(|t| t.map(|p| p.to_array())).collect();
    let run = move |out: &mut [i8]| s2_cpp::orientations(&arrays, out);
    batch.against(s2_cpp::NAME, 0, run, |a, b| a == b)
}

fn s2_points(triples: &[Triple]) -> Vec<[::s2::point::Point; 3]> {
    let points = triples
        .iter()
        .map(|t| t.map(|p| s2_rust::point(p.to_array())));
    points.collect()
}
