//! Which sources lie side by side, and which above others.

use std::sync::Arc;

use super::Relief;
use super::buckets::Buckets;
use super::layer::{Layer, Part, rect_of};
use super::plane::Plane;
use super::raster::Numbered;
use super::source::ReliefSource;
use crate::region::LatLngRect;

/// Layers from the top: by priority, and of equal ones those given first.
pub(super) fn layers_of(sources: Vec<(ReliefSource, i32)>) -> Vec<Layer> {
    let mut numbered: Vec<_> = (0..).zip(sources).collect();
    numbered.sort_by_key(|(number, (_, priority))| (-i64::from(*priority), *number));
    let mut groups: Vec<Group> = Vec::new();
    let mut first_of_priority = 0;
    let mut last_priority = None;
    for (number, (source, priority)) in numbered {
        if last_priority.replace(priority) != Some(priority) {
            first_of_priority = groups.len();
        }
        let bounds = source.bounds();
        let part = renumbered(source.part(), number);
        let mut fitting = groups[first_of_priority..].iter_mut();
        match fitting.find(|group| group.has_room_for(&part)) {
            Some(group) => group.add(part, &bounds),
            None => groups.push(Group::new(part, bounds)),
        }
    }
    groups.into_iter().map(Group::into_layer).collect()
}

/// The part under a number of its own, for the cache that all share.
fn renumbered(part: &Part, number: u32) -> Part {
    let raster = Arc::new(Numbered {
        number,
        name: part.raster.name.clone(),
        raster: part.raster.raster.clone(),
        shape: part.raster.shape,
    });
    let georef = part.georef;
    Part { raster, georef }
}

/// Sources that will be a layer.
struct Group {
    parts: Vec<Part>,
    buckets: Buckets,
    bounds: LatLngRect,
}

impl Group {
    fn new(part: Part, bounds: LatLngRect) -> Self {
        let [west, south, east, north] = rect_of(&part);
        let mut group = Self {
            parts: Vec::new(),
            buckets: Buckets::new([east - west, north - south]),
            bounds,
        };
        group.add(part, &bounds);
        group
    }

    fn add(&mut self, part: Part, bounds: &LatLngRect) {
        self.buckets.insert(rect_of(&part), self.parts.len() as u32);
        self.bounds = self.bounds.union(bounds);
        self.parts.push(part);
    }

    /// Whether a part is of the same plane, along its axes, and overlaps none by more than a sample.
    fn has_room_for(&self, part: &Part) -> bool {
        let crs = part.georef.crs;
        if self.parts[0].georef.crs != crs
            || !self.parts[0].georef.is_aligned()
            || !part.georef.is_aligned()
        {
            return false;
        }
        let turn = crs.turn().unwrap_or(0.0);
        [0.0, turn, -turn].into_iter().all(|turn| {
            let rect = shifted(rect_of(part), turn);
            let near = self.buckets.near(rect);
            near.into_iter()
                .all(|n| !overlap(&self.parts[n as usize], part, turn))
        })
    }

    fn into_layer(self) -> Layer {
        let plane = Plane::new(self.parts[0].georef.crs, Some(&self.bounds));
        Layer::new(self.parts, plane)
    }
}

fn shifted([west, south, east, north]: [f64; 4], turn: f64) -> [f64; 4] {
    [west + turn, south, east + turn, north]
}

/// Whether the samples of two parts overlap by more than one of the larger steps, along both axes.
fn overlap(a: &Part, b: &Part, turn: f64) -> bool {
    let (a_rect, b_rect) = (rect_of(a), shifted(rect_of(b), turn));
    let (a_step, b_step) = (a.georef.spacing(), b.georef.spacing());
    (0..2).all(|n| {
        // Rectangles have half a step about the samples.
        let insets = 0.5 * (a_step[n] + b_step[n]);
        let common = a_rect[n + 2].min(b_rect[n + 2]) - a_rect[n].max(b_rect[n]) - insets;
        common > 0.01 * a_step[n].max(b_step[n])
    })
}
