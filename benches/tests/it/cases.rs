//! Every bench works, and gives the same twice.

use bluemarble_benches::{BENCHES, Size};

fn hash_after(bench: &bluemarble_benches::Bench, runs: usize) -> Option<u64> {
    let mut case = (bench.prepare)(Size::Tiny)?;
    assert!(case.operations() > 0);
    (0..runs).for_each(|_| case.run());
    Some(case.hash())
}

fn named(group: &str, name: &str) -> u64 {
    let bench = BENCHES.iter().find(|b| b.name == (group, name));
    hash_after(bench.unwrap(), 1).unwrap()
}

#[test]
fn every_case_gives_the_same_twice() {
    for bench in BENCHES {
        let (group, name) = bench.name;
        match hash_after(bench, 3) {
            Some(hash) => {
                println!("{group}/{name}: {hash:016x}");
                assert_eq!(hash_after(bench, 3), Some(hash), "{group}/{name}");
                assert_ne!(hash, 0, "{group}/{name}");
            }
            None => println!("{group}/{name}: SKIPPED, its input is not there"),
        }
    }
}

#[test]
fn neither_order_nor_threads_nor_stores_matter() {
    let radius = |name| named("radius", name);
    assert_eq!(
        radius("10,000 in random order"),
        radius("10,000 in cell order")
    );
    let tick = |threads| named("sim", &format!("tick, 10,000 in towns, {threads}"));
    assert_eq!(tick("1 thread"), tick("2 threads"));
    assert_eq!(
        named("sim", "tick, 1 M in one crowd"),
        named("sim", "tick, 1 M in one crowd, 2 threads")
    );
    assert_eq!(
        named("height", "Ecef, memory"),
        named("height", "Ecef, raw pack")
    );
    assert_eq!(named("encode", "fresh"), named("encode", "shared"));
}
