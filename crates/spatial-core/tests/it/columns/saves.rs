//! Tables as bytes: old formats, and bytes that are none.

use spatial_core::{
    Component, Durability, EntityId, LoadError, RegisterError, Table, TagError, TagId,
};

use super::{Body, Motion, body, filled, motion, saved};
use crate::allocations;

/// Bodies 1 to n + 1 without the second; every third is asleep, the last in sight.
fn tagged(n: u64) -> Table {
    let mut table = filled(1..=n + 1);
    table.despawn(EntityId(2)).unwrap();
    let [asleep, seen] = ["asleep", "seen"].map(|name| table.register_tag(name).unwrap());
    for row in (0..table.len()).step_by(3) {
        table.set_tag(asleep, row);
    }
    table.set_tag(seen, table.len() - 1);
    table
}

fn rows_of(table: &Table, tag: TagId) -> Vec<usize> {
    table.tagged(tag).collect()
}

#[test]
fn tags_are_saved_and_found_by_name() {
    let table = tagged(200);
    let again = Table::load(&saved(&table)).unwrap();
    again.assert_well_formed();
    assert_eq!(saved(&again), saved(&table));
    assert!(again.tag_names().eq(["asleep", "seen"]));
    for name in ["asleep", "seen"] {
        let tag = again.tag_named(name).unwrap();
        assert_eq!(Some(tag), table.tag_named(name));
        assert_eq!(rows_of(&again, tag), rows_of(&table, tag));
        assert!(again.has_tag(tag, 0) == (name == "asleep"));
    }
    assert_eq!(again.tag_named("awake"), None);
}

#[test]
fn tags_are_part_of_the_state() {
    let (plain, mut table) = (filled([4, 5]), filled([4, 5]));
    let tag = table.register_tag("asleep").unwrap();
    assert_eq!(table.hash_rows(), plain.hash_rows()); // a tag that nobody has changes nothing
    table.set_tag(tag, 0);
    let of_first = table.hash_rows();
    assert_ne!(of_first, plain.hash_rows());
    table.clear_tag(tag, 0);
    table.set_tag(tag, 1);
    assert_ne!(of_first, table.hash_rows());
    table.clear_tags(tag);
    assert_eq!(table.hash_rows(), plain.hash_rows());
}

#[test]
fn names_of_tags_are_bounded() {
    let mut table = Table::new();
    assert_eq!(table.register_tag(""), Err(TagError::Name(0)));
    assert_eq!(
        table.register_tag(&"x".repeat(256)),
        Err(TagError::Name(256))
    );
    for n in 0..256 {
        table.register_tag(&format!("tag {n}")).unwrap();
    }
    let full = TagError::Full("one more".to_owned());
    assert_eq!(table.register_tag("one more"), Err(full));
    assert_eq!(
        table.register_tag("tag 7"),
        Ok(table.tag_named("tag 7").unwrap())
    );
}

/// Written by the first version, with `Body` and `Motion` as they are here: ids 3, 6, … 210, of which 6, 30, 210 and
/// 99 are despawned, then 30 spawned again. The hash is what that version computed.
#[test]
fn the_first_format_is_still_read() {
    let golden = include_bytes!("../../data/table_format1.bin");
    let mut table = Table::load(golden).unwrap();
    table.assert_well_formed();
    assert_eq!((table.len(), table.tag_names().len()), (67, 0));
    assert_eq!(table.hash_rows(), 0xe268_9e21_9699_a00c);
    table.register::<Body>().unwrap();
    table.register::<Motion>().unwrap();
    for n in (1..=70).map(|n| 3 * n) {
        let row = table.row(EntityId(n as u64));
        match n {
            6 | 210 | 99 => assert_eq!(row, None),
            30 => assert_eq!(table.get::<Body>(row.unwrap()), Body::default()),
            _ => {
                assert_eq!(table.get::<Body>(row.unwrap()), body(n));
                assert_eq!(table.get::<Motion>(row.unwrap()), motion(n));
            }
        }
    }
    let again = Table::load(&saved(&table)).unwrap();
    assert_eq!(again.hash_rows(), table.hash_rows());
    assert_eq!(again.ids(), table.ids());
    for end in 0..golden.len() {
        assert!(Table::load(&golden[..end]).is_err(), "{end}");
    }
}

#[derive(Clone, Copy, PartialEq, Debug, Component)]
#[component(name = "glow", kind = scalar, version = 1, durability = transient)]
struct Glow {
    lumens: f32,
}

#[derive(Clone, Copy, PartialEq, Debug, Component)]
#[component(name = "height", kind = scalar, version = 1, durability = derived)]
struct Height {
    above_m: f32,
}

/// `Glow` when it was state.
#[derive(Clone, Copy, PartialEq, Debug, Component)]
#[component(name = "glow", kind = scalar, version = 1)]
struct DurableGlow {
    lumens: f32,
}

#[test]
fn only_what_is_durable_is_saved_and_hashed() {
    let plain = filled(1..=5);
    let mut table = plain.clone();
    table.register::<Glow>().unwrap();
    table.register::<Height>().unwrap();
    table.set(2, Glow { lumens: 7.0 });
    table.set(3, Height { above_m: 2.0 });
    assert_eq!(table.hash_rows(), plain.hash_rows());
    assert_eq!(saved(&table), saved(&plain));
    let mut again = Table::load(&saved(&table)).unwrap();
    again.register::<Glow>().unwrap();
    assert_eq!(again.get::<Glow>(2), Glow { lumens: 0.0 });
}

/// What a load brings of a component that is not kept any more is forgotten, and so it is not saved again.
#[test]
fn a_column_may_stop_being_durable() {
    let mut table = filled(1..=5);
    table.register::<DurableGlow>().unwrap();
    table.set(2, DurableGlow { lumens: 7.0 });
    let clash = RegisterError::Taken("glow".to_owned());
    assert_eq!(table.register::<Glow>(), Err(clash));
    let mut again = Table::load(&saved(&table)).unwrap();
    let glow = again.register::<Glow>().unwrap();
    assert_eq!(again.get::<Glow>(2), Glow { lumens: 0.0 });
    assert_eq!(again.column(glow).durability(), Durability::Transient);
    assert_eq!(saved(&again), saved(&filled(1..=5)));
}

/// Loading takes at most six times the bytes and 4 MB, whatever they are.
#[test]
fn memory_of_a_load_is_bounded() {
    let check = |bytes: &[u8]| {
        let (peak, loaded) = allocations::peak(|| Table::load(bytes));
        let bound = 6 * bytes.len() + 4_000_000;
        assert!(peak <= bound, "{peak} for {} bytes", bytes.len());
        loaded
    };
    check(&saved(&filled(1..=100_000))).unwrap();
    check(&many_columns(256)).unwrap();
    let mut vacant = filled(1..=100_000);
    vacant.clear();
    check(&saved(&vacant)).unwrap();
    check(&many_lanes()).unwrap();
    for counts in [
        [u32::MAX; 5],
        [1 << 30, 1 << 30, 0, 256, 256],
        [0, u32::MAX, 0, 0, 0],
    ] {
        let mut bytes = b"BMTABLE\x02".to_vec();
        bytes.extend(counts.iter().flat_map(|n| n.to_le_bytes()));
        bytes.resize(10_000, 1);
        assert_eq!(
            check(&bytes).err(),
            Some(LoadError::Truncated),
            "{counts:?}"
        );
    }
}

/// A table of one row with as many columns and lanes as there can be.
fn many_lanes() -> Vec<u8> {
    let mut bytes = b"BMTABLE\x02".to_vec();
    bytes.extend([1u32, 1, 0, 256, 0].iter().flat_map(|n| n.to_le_bytes()));
    bytes.extend(1u64.to_le_bytes());
    bytes.extend([0; 8]); // slot 0 of generation 0
    for n in 0..=255 {
        bytes.extend([1, b'!' + n % 90, 6, 1, 0, 32]);
        let at = bytes.len() - 6;
        if n >= 90 {
            bytes.splice(at..at + 2, [2, b'!' + n % 90, b'a' + n / 90]);
        }
        bytes.extend((0..32).flat_map(|lane| [1, b'!' + lane, 5])); // u8
        bytes.extend([n; 32]);
    }
    bytes
}

#[test]
fn two_lanes_of_one_name_are_refused() {
    let mut bytes = many_lanes();
    assert!(Table::load(&bytes).is_ok());
    let second = bytes.windows(6).position(|w| w == b"\x01!\x05\x01\"\x05");
    bytes[second.unwrap() + 4] = b'!';
    let refused = Table::load(&bytes).err();
    assert_eq!(refused, Some(LoadError::Column("!".to_owned())));
}

#[test]
fn every_truncation_and_extension_is_refused() {
    let bytes = saved(&tagged(9));
    for end in 0..bytes.len() {
        assert!(Table::load(&bytes[..end]).is_err(), "{end}");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert_eq!(Table::load(&longer).err(), Some(LoadError::Trailing(1)));
    let mut later = bytes.clone();
    later[7] = 3;
    assert_eq!(Table::load(&later).err(), Some(LoadError::Format(3)));
    let mut twin = bytes.clone();
    twin.copy_within(28..36, 36); // the first id again
    assert_eq!(Table::load(&twin).err(), Some(LoadError::Ids));
}

/// A damaged table is refused or well formed, never a panic.
#[test]
fn flipped_bits_never_panic() {
    let bytes = saved(&tagged(3));
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        if let Ok(table) = Table::load(&damaged) {
            table.assert_well_formed();
            assert_eq!(saved(&table), damaged);
        }
    }
}

/// An empty table's bytes with this many columns of one lane, and no tags.
fn many_columns(count: u32) -> Vec<u8> {
    let mut bytes = b"BMTABLE\x02".to_vec();
    for n in [0, 0, 0, count, 0] {
        bytes.extend(n.to_le_bytes());
    }
    for n in 0..count {
        let name = format!("c{n}");
        bytes.push(name.len() as u8);
        bytes.extend(name.bytes());
        bytes.extend([5, 1, 0, 1]); // scalar, version 1, one lane
        bytes.extend(*b"\x01x\x03"); // x, i32
    }
    bytes
}

/// Columns are compared with each other by name, so their number is bounded before that is done.
#[test]
fn a_table_has_at_most_256_columns() {
    let mut full = Table::load(&many_columns(256)).unwrap();
    assert_eq!(full.columns().len(), 256);
    assert_eq!(
        full.register::<Body>(),
        Err(RegisterError::Full("body".to_owned()))
    );
    for count in [257, 50_000, u32::MAX] {
        let bytes = many_columns(count.min(50_000));
        let mut bytes = bytes;
        bytes[20..24].copy_from_slice(&count.to_le_bytes());
        assert_eq!(Table::load(&bytes).err(), Some(LoadError::Columns(count)));
    }
}

#[test]
fn tags_that_are_none_are_refused() {
    let load = |words: &[(&str, u64)]| {
        let mut bytes = saved(&filled(1..=3));
        bytes[24..28].copy_from_slice(&(words.len() as u32).to_le_bytes());
        for (name, word) in words {
            bytes.push(name.len() as u8);
            bytes.extend(name.bytes());
            bytes.extend(word.to_le_bytes());
        }
        Table::load(&bytes).err()
    };
    assert_eq!(load(&[("a", 0b101), ("b", 0)]), None);
    let refused = Some(LoadError::Tag("b".to_owned()));
    assert_eq!(load(&[("a", 0), ("b", 0b1000)]), refused);
    assert_eq!(load(&[("b", 0), ("b", 0)]), refused);
    assert_eq!(load(&[("", 0)]), Some(LoadError::Name));
    assert_eq!(load(&vec![("a", 0); 257]), Some(LoadError::Tags(257)));
}
