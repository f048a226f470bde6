//! Descriptions: what the derive says, and columns without a type.

use spatial_core::{
    ColumnSchema, Component, Durability, EntityId, Kind, LaneSchema, LaneType, RegisterError,
    Replication, SchemaError, Table, Wire, WireParts,
};

use super::{Body, body, filled, saved};

#[derive(Clone, Copy, PartialEq, Debug, Component)]
#[component(name = "wind", kind = vector, version = 2, durability = derived)]
struct Wind {
    #[lane(bits = 10, quantum = 0.25)]
    east: f32,
    #[lane(quantum = 0.5, min = -20, max = 20.0)]
    north: f32,
    up: f32,
}

#[test]
fn the_derive_says_how_values_travel() {
    assert_eq!((Wind::VERSION, Wind::DURABILITY), (2, Durability::Derived));
    assert_eq!(Body::DURABILITY, Durability::Durable);
    let wires = [0, 1, 2].map(|n| Wind::LANES[n].wire);
    let Wire::Steps(east) = wires[0] else {
        panic!("{wires:?}");
    };
    assert_eq!((east.min(), east.max()), (-128.0, 127.75));
    assert_eq!(wires.map(|wire| wire.bits(LaneType::F32)), [10, 7, 32]);
    assert_eq!(wires[1].decode::<f32>(wires[1].encode(3.7f32)), 3.5);
    assert_eq!(wires[1].decode::<f32>(wires[1].encode(1e9f32)), 20.0);
}

/// Names that the derive's own code has variables of, and a keyword.
#[derive(Clone, Copy, PartialEq, Debug, Component)]
#[component(name = "street", kind = scalar, version = 1)]
struct Street {
    row: u16,
    lanes: u8,
    value: f64,
    r#type: i8,
}

#[test]
fn fields_have_any_names() {
    let names = Street::schema().lanes.into_iter().map(|lane| lane.name);
    assert!(names.eq(["row", "lanes", "value", "type"]));
    let mut table = Table::new();
    table.register::<Street>().unwrap();
    let street = |n: u16| Street {
        row: n,
        lanes: 4,
        value: 0.5,
        r#type: -3,
    };
    for n in 0..5_000 {
        table.spawn(EntityId(u64::from(n) + 1)).unwrap();
        table.set(usize::from(n), street(n));
    }
    let mut seen = 0;
    table.blocks::<(&mut Street,)>(|block, (streets,)| {
        assert_eq!(usize::from(streets.row[0]), block.first_row);
        seen += streets.r#type.len();
    });
    table.blocks::<(&Street,)>(|block, (streets,)| {
        assert_eq!(Street::get(&streets, 7), street(block.first_row as u16 + 7));
    });
    assert_eq!(seen, 5_000);
}

/// What generators of other languages read.
#[test]
fn a_description_is_plain_json() {
    let json = serde_json::to_string(&Wind::schema()).unwrap();
    let want = concat!(
        r#"{"name":"wind","kind":"vector","version":2,"durability":"derived","replication":{"audience":"nobody","rate_hz":0,"priority":1},"lanes":["#,
        r#"{"name":"east","type":"f32","wire":{"steps":{"bits":10,"quantum":0.25,"min":-128.0,"max":127.75}}},"#,
        r#"{"name":"north","type":"f32","wire":{"steps":{"bits":7,"quantum":0.5,"min":-20.0,"max":20.0}}},"#,
        r#"{"name":"up","type":"f32","wire":"whole"}]}"#,
    );
    assert_eq!(json, want);
    let mut table = filled([1]);
    table.register_tag("asleep").unwrap();
    let schema = table.schema();
    assert_eq!(schema.columns[0], Body::schema());
    assert_eq!(schema.tags, ["asleep"]);
}

fn lane(name: &str, lane_type: LaneType) -> LaneSchema {
    LaneSchema {
        name: name.to_owned(),
        lane_type,
        wire: Wire::Whole,
    }
}

fn described(kind: Kind, lanes: Vec<LaneSchema>) -> ColumnSchema {
    ColumnSchema {
        name: "cargo".to_owned(),
        kind,
        version: 1,
        durability: Durability::Durable,
        replication: Replication::NONE,
        lanes,
    }
}

#[test]
fn columns_need_no_type() {
    let mut table = filled(1..=3);
    let schema = described(
        Kind::Raw,
        vec![lane("tons", LaneType::F64), lane("what", LaneType::U8)],
    );
    let cargo = table.register_column(&schema).unwrap();
    assert_eq!(table.register_column(&schema), Ok(cargo));
    table.column_lanes_mut(cargo)[1].values_mut::<u8>()[2] = 9;
    table.despawn(EntityId(1)).unwrap();
    assert_eq!(table.column(cargo).lanes()[1].values::<u8>(), [9, 0]);
    let mut again = Table::load(&saved(&table)).unwrap();
    let found = again.register_column(&schema).unwrap();
    assert_eq!(again.column(found).schema(), &schema);
    assert_eq!(again.hash_rows(), table.hash_rows());
    again.assert_well_formed();
}

/// A component's column is reached by its description too, for languages that have no types of ours.
#[test]
fn a_component_is_found_by_its_description() {
    let mut table = filled([4]);
    let column = table.register_column(&Body::schema()).unwrap();
    assert_eq!(table.column(column).lanes()[1].values::<i32>(), [body(4).x]);
    assert_eq!(table.get::<Body>(0), body(4));
    let mut other = Body::schema();
    other.durability = Durability::Transient;
    let layout = RegisterError::Layout("body".to_owned());
    assert_eq!(table.register_column(&other), Err(layout));
}

#[test]
fn descriptions_of_no_column_are_refused() {
    let one = || vec![lane("a", LaneType::U8)];
    let long = "x".repeat(256);
    let steps = Wire::new(
        LaneType::F32,
        WireParts {
            bits: Some(20),
            quantum: Some(0.5),
            ..WireParts::default()
        },
    );
    let mut wire = one();
    wire[0].wire = steps.unwrap();
    let many = (0..33)
        .map(|n| lane(&format!("l{n}"), LaneType::U8))
        .collect();
    for (schema, cause) in [
        (described(Kind::Raw, vec![]), SchemaError::Lanes(0)),
        (described(Kind::Raw, many), SchemaError::Lanes(33)),
        (
            described(Kind::Raw, vec![lane("", LaneType::U8)]),
            SchemaError::Name(String::new()),
        ),
        (
            described(Kind::Raw, vec![lane(&long, LaneType::U8)]),
            SchemaError::Name(long.clone()),
        ),
        (
            described(Kind::Raw, [one(), one()].concat()),
            SchemaError::Twice("a".to_owned()),
        ),
        (
            described(Kind::Raw, wire),
            SchemaError::Wire("a".to_owned()),
        ),
        (
            described(Kind::Angle, one()),
            SchemaError::Kind(Kind::Angle),
        ),
    ] {
        let name = "cargo".to_owned();
        let refused = RegisterError::Schema { name, cause };
        assert_eq!(Table::new().register_column(&schema), Err(refused));
    }
}

#[test]
fn kinds_have_their_lanes() {
    use LaneType::{F32, F64, I8, I16, I32, I64, U16, U64};
    for (kind, lanes, accepts) in [
        (Kind::Point, vec![I32; 3], true),
        (Kind::Point, vec![U64, F64, F64, F64], true),
        (Kind::Point, vec![U64, F64, F64], false),
        (Kind::Point, vec![F32; 2], false),
        (Kind::Point, vec![I16; 3], false),
        (Kind::Point, vec![I32, I32, F32], false),
        (Kind::Vector, vec![I16; 2], true),
        (Kind::Vector, vec![I8; 3], true),
        (Kind::Vector, vec![I64; 3], false),
        (Kind::Vector, vec![F32; 4], false),
        (Kind::Rotation, vec![I16; 4], true),
        (Kind::Rotation, vec![F32; 3], false),
        (Kind::Angle, vec![U16; 2], true),
        (Kind::Angle, vec![F32], false),
        (Kind::Scalar, vec![U64, I8], true),
        (Kind::Raw, vec![F32], true),
    ] {
        let named = lanes.iter().enumerate();
        let lanes: Vec<_> = named.map(|(n, t)| lane(&format!("l{n}"), *t)).collect();
        let registered = Table::new().register_column(&described(kind, lanes.clone()));
        assert_eq!(registered.is_ok(), accepts, "{kind:?} {lanes:?}");
    }
}
