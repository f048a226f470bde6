//! How many bits a walker costs.

use net_proto::{Baselines, Datagrams, Epoch, Replicator, SnapshotRequest, UpdateCache};

use crate::walkers::Walkers;

/// 100 of 1,000 walkers at 1.4 m/s, seen at 15 Hz for 60 s; acknowledgements take `delay` ticks.
/// Returns mean bits an update, id included, and bytes a second.
fn measure(delay: u64) -> (f64, f64) {
    let mut world = Walkers::new(21, 1_000, 3);
    let (mut baselines, mut cache) = (Baselines::new(), UpdateCache::new());
    let (mut client, mut out) = (Replicator::new(), Datagrams::new());
    let visible: Vec<u32> = (0..1_000).filter(|row| row % 10 == 3).collect();
    let (mut updates, mut bits, mut bytes) = (0, 0, 0);
    for tick in 1..=1_800u64 {
        world.walk();
        if let Some(epoch) = tick.checked_sub(delay).and_then(Epoch::starting_at) {
            client.acknowledge(epoch);
        }
        if tick.is_multiple_of(2) {
            baselines.advance(tick, &world.states());
            let request = SnapshotRequest {
                visible: &visible,
                last_input_seq: 0,
                durable_tick: 0,
                datagrams_max: 8,
                ..SnapshotRequest::default()
            };
            let stats = client.pack(&baselines, &mut cache, &request, &mut out);
            updates += stats.updates;
            bits += stats.bits;
            bytes += out.byte_count();
        }
    }
    (bits as f64 / updates as f64, bytes as f64 / 60.0)
}

#[test]
fn a_walker_costs_at_most_25_bits() {
    for (delay, bits_max) in [(1, 15.0), (4, 17.0), (10, 24.0)] {
        let (bits, bytes) = measure(delay);
        println!(
            "acknowledged after {delay} ticks: {bits:.2} bits an update, {bytes:.0} B/s for 100"
        );
        assert!(bits < bits_max, "{bits} bits after {delay} ticks");
    }
}
