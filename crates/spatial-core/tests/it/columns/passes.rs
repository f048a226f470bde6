//! Passes in blocks, alone and in parallel.

use rayon::ThreadPoolBuilder;
use spatial_core::{BLOCK_ROWS, Marked, Table};

use super::{Body, Motion, filled};

const SIZES: [u64; 6] = [0, 1, 4_095, 4_096, 4_097, 30_000];

#[test]
fn blocks_cover_all_rows_once_in_order() {
    for size in SIZES {
        let mut table = filled(1..=size);
        let mut next = 0;
        table.blocks::<(&Body, &mut Motion)>(|block, (body, motion)| {
            assert_eq!(block.first_row, next);
            assert!(block.ids.len() <= BLOCK_ROWS && !block.ids.is_empty());
            assert_eq!(block.ids.len(), body.x.len());
            for (n, id) in block.ids.iter().enumerate() {
                assert_eq!(i64::from(body.x[n]), id.0 as i64);
                motion.energy[n] = (block.first_row + n) as f64;
            }
            next += block.ids.len();
        });
        assert_eq!(next, table.len());
        let energy = table.lanes::<Motion>().energy;
        assert!(energy.iter().enumerate().all(|(n, e)| *e == n as f64));
    }
}

/// A pass that writes, marks and sums floats of very different sizes.
fn pass(table: &mut Table) -> Option<f64> {
    table.par_fold::<(&Body, Marked<Motion>), f64>(
        |block, (body, (motion, mut marks))| {
            let mut sum = 0.0;
            for (n, id) in block.ids.iter().enumerate() {
                let value = f64::from(body.x[n]) * 1e-7 + 1e9 / (id.0 as f64);
                motion.energy[n] = value;
                if id.0 % 3 == 0 {
                    marks.row(n);
                }
                sum += value;
            }
            sum
        },
        |a, b| a + b,
    )
}

#[test]
fn threads_change_no_bit() {
    for size in SIZES {
        let results = [1, 2, 3, 8].map(|threads| {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build();
            let mut table = filled(1..=size);
            let column = table.column_named("motion").unwrap();
            let consumer = table.add_consumer(column).unwrap();
            table.drain_changes(consumer, |_| ()).unwrap();
            let sum = pool.unwrap().install(|| pass(&mut table));
            let mut changed = Vec::new();
            table
                .drain_changes(consumer, |row| changed.push(row))
                .unwrap();
            let multiples = (0..size as usize).filter(|row| (row + 1) % 3 == 0);
            assert!(changed.into_iter().eq(multiples));
            table.assert_well_formed();
            (sum.map(f64::to_bits), table.hash_rows())
        });
        assert_eq!(results[0].0.is_some(), size > 0);
        assert!(results.iter().all(|result| *result == results[0]));
    }
}

#[test]
fn a_parallel_pass_is_the_same_as_one_after_another() {
    let add = |body: <Body as spatial_core::Component>::LanesMut<'_>, speed: &[f32]| {
        for (x, speed) in body.x.iter_mut().zip(speed) {
            *x += *speed as i32;
        }
    };
    let (mut one, mut other) = (filled(1..=20_000), filled(1..=20_000));
    one.blocks::<(&mut Body, &Motion)>(|_, (body, motion)| add(body, motion.speed));
    other.par_blocks::<(&mut Body, &Motion)>(|_, (body, motion)| add(body, motion.speed));
    assert_eq!(one.hash_rows(), other.hash_rows());
    assert_ne!(one.hash_rows(), filled(1..=20_000).hash_rows());
}
