//! Where a layer ends: the parts of its rasters' edges beyond which it has no neighbour.
//!
//! ```text
//! ┌───┬───┐╎   The height of a layer counts fully inside and fades towards its border ╎, where the layer beneath takes over.
//! │   │   │╎   Edges between neighbours are no border, so nothing coarser shows between them.
//! ├───┼───┘╎
//! │   │╌╌╌╌
//! ```

use super::georef::Crs;
use super::layer::Layer;

/// Gives each tile of a layer the borders within so many samples of it.
pub(super) fn find_borders(layer: &mut Layer, feather_samples: f64) {
    let metric = layer.metric;
    let mut found: Vec<[f64; 4]> = Vec::new();
    for n in 0..layer.tiles.len() {
        match layer.tiles[n].part.georef.is_aligned() {
            true => open_edges(layer, n, &mut found),
            false => found.extend(outline(layer, n)),
        }
    }
    let reach = metric.map(|per| feather_samples / per);
    let mut all: Vec<Vec<[f64; 4]>> = vec![Vec::new(); layer.tiles.len()];
    for border in found {
        for turn in layer.turns() {
            let [x0, y0, x1, y1] = [border[0] + turn, border[1], border[2] + turn, border[3]];
            let around = [
                x0.min(x1) - reach[0],
                y0.min(y1) - reach[1],
                x0.max(x1) + reach[0],
                y0.max(y1) + reach[1],
            ];
            for near in layer.buckets.near(around) {
                let rect = layer.tiles[near as usize].rect();
                if (0..2).all(|n| rect[n] <= around[n + 2] && rect[n + 2] >= around[n]) {
                    all[near as usize].push([x0, y0, x1, y1]);
                }
            }
        }
    }
    for (tile, borders) in layer.tiles.iter_mut().zip(all) {
        tile.borders = borders;
    }
}

/// The edges of a raster that does not lie along the axes: it has no neighbours.
fn outline(layer: &Layer, n: usize) -> [[f64; 4]; 4] {
    let tile = &layer.tiles[n];
    let [x, y] = tile.size().map(|n| f64::from(n) - 0.5);
    let corners = [[-0.5, -0.5], [x, -0.5], [x, y], [-0.5, y]];
    let corners = corners.map(|at| tile.part.georef.place(at));
    [0, 1, 2, 3].map(|k| {
        let ([x0, y0], [x1, y1]) = (corners[k], corners[(k + 1) % 4]);
        [x0, y0, x1, y1]
    })
}

/// The parts of a raster's four edges that no neighbour covers.
fn open_edges(layer: &Layer, n: usize, found: &mut Vec<[f64; 4]>) {
    let rect = layer.tiles[n].rect();
    let step = layer.metric.map(|per| 1.0 / per);
    for (axis, side) in [(0, 0), (0, 2), (1, 0), (1, 2)] {
        let at = rect[axis + side];
        if layer.crs == Crs::Degrees && axis == 1 && at.abs() >= 90.0 - 0.6 * step[1] {
            continue; // a pole is nobody's border
        }
        let across = 1 - axis;
        let mut open = vec![[rect[across], rect[across + 2]]];
        for [from, to] in covers(layer, n, axis, side, at) {
            open = open
                .into_iter()
                .flat_map(|part| without(part, [from, to]))
                .collect();
        }
        for [from, to] in open
            .into_iter()
            .filter(|[from, to]| to - from > 1e-3 * step[across])
        {
            found.push(match axis {
                0 => [at, from, at, to],
                _ => [from, at, to, at],
            });
        }
    }
}

/// The spans along an edge at `at` behind which a neighbour goes on, up to a sample away.
fn covers(layer: &Layer, n: usize, axis: usize, side: usize, at: f64) -> Vec<[f64; 2]> {
    let slack = layer.metric.map(|per| 1.0 / per);
    let rect = layer.tiles[n].rect();
    let mut spans = Vec::new();
    for turn in layer.turns() {
        let mut around = rect;
        around[axis] = at - slack[axis];
        around[axis + 2] = at + slack[axis];
        let around = [around[0] - turn, around[1], around[2] - turn, around[3]];
        for other in layer.buckets.near(around) {
            if other as usize == n && turn == 0.0 {
                continue;
            }
            let mut other = layer.tiles[other as usize].rect();
            other[0] += turn;
            other[2] += turn;
            let goes_on = match side {
                0 => other[axis] < at - slack[axis] && other[axis + 2] >= at - slack[axis],
                _ => other[axis + 2] > at + slack[axis] && other[axis] <= at + slack[axis],
            };
            if goes_on {
                let across = 1 - axis;
                // Edges that touch may round apart.
                let touch = 0.01 * slack[across];
                spans.push([other[across] - touch, other[across + 2] + touch]);
            }
        }
    }
    spans
}

/// What is left of a span without another.
fn without([a, b]: [f64; 2], [from, to]: [f64; 2]) -> impl Iterator<Item = [f64; 2]> {
    let parts = [[a, b.min(from)], [a.max(to), b]];
    parts.into_iter().filter(|[a, b]| a < b)
}

/// How much of the height of a layer counts at a place of a tile: 1 inside, smoothly to 0 at its border.
#[inline]
pub(super) fn weight(
    borders: &[[f64; 4]],
    place: [f64; 2],
    metric: [f64; 2],
    feather_samples: f64,
) -> f64 {
    let mut nearest = feather_samples * feather_samples;
    for border in borders {
        nearest = nearest.min(squared_distance(*border, place, metric));
    }
    let x = nearest.sqrt() / feather_samples;
    if x >= 1.0 || feather_samples == 0.0 {
        1.0
    } else {
        x * x * (3.0 - 2.0 * x)
    }
}

/// From a place to a segment, squared, in samples.
fn squared_distance([x0, y0, x1, y1]: [f64; 4], place: [f64; 2], metric: [f64; 2]) -> f64 {
    let along = [(x1 - x0) * metric[0], (y1 - y0) * metric[1]];
    let to = [(place[0] - x0) * metric[0], (place[1] - y0) * metric[1]];
    let length = along[0] * along[0] + along[1] * along[1];
    let dot = to[0] * along[0] + to[1] * along[1];
    let t = if length > 0.0 {
        (dot / length).clamp(0.0, 1.0)
    } else {
        0.0
    };
    let off = [to[0] - t * along[0], to[1] - t * along[1]];
    off[0] * off[0] + off[1] * off[1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_cut() {
        let cut = |a, b| without(a, b).collect::<Vec<_>>();
        assert_eq!(cut([0.0, 4.0], [1.0, 2.0]), [[0.0, 1.0], [2.0, 4.0]]);
        assert_eq!(cut([0.0, 4.0], [-1.0, 2.0]), [[2.0, 4.0]]);
        assert_eq!(cut([0.0, 4.0], [3.0, 9.0]), [[0.0, 3.0]]);
        assert!(cut([0.0, 4.0], [-1.0, 5.0]).is_empty());
        assert_eq!(cut([0.0, 4.0], [5.0, 6.0]), [[0.0, 4.0]]);
    }

    #[test]
    fn weights_fall_from_the_inside_to_the_border() {
        let border = [[0.0, 0.0, 0.0, 1.0]];
        let at = |x: f64, y: f64| weight(&border, [x, y], [10.0, 20.0], 4.0);
        assert_eq!(at(0.0, 0.5), 0.0);
        assert_eq!(at(0.2, 0.5), 0.5);
        assert_eq!(at(0.4, 0.5), 1.0);
        assert_eq!(at(0.0, 1.1), 0.5);
        assert_eq!(weight(&border, [0.0, 0.5], [10.0, 20.0], 0.0), 1.0);
        assert_eq!(weight(&[], [0.0, 0.5], [10.0, 20.0], 4.0), 1.0);
    }
}
