//! What the derive makes and what it refuses.

use syn::parse_quote;

use super::*;

fn error(input: &DeriveInput) -> String {
    expand(input)
        .err()
        .map_or_else(|| "none".to_owned(), |e| e.to_string())
}

#[test]
fn lanes_have_the_fields_names_and_types_in_order() {
    let made = expand(&parse_quote! {
        #[component(kind = angle, version = 3, name = "nose")]
        pub(crate) struct Nose { turn: u16, tilt: u16 }
    });
    let made = made.map_or_else(|e| e.to_string(), |tokens| tokens.to_string());
    for part in [
        "pub (crate) struct NoseLanes < 'a >",
        "pub (crate) turn : & 'a mut [u16]",
        "const NAME : & 'static str = \"nose\"",
        "Kind :: Angle",
        "const VERSION : u16 = 3",
        "impl :: spatial_core :: Component for Nose",
        "Durability :: Durable",
    ] {
        assert!(made.contains(part), "{part} in {made}");
    }
    assert!(made.find("\"turn\"") < made.find("\"tilt\""), "{made}");
}

/// Rust's keywords are names like others, elsewhere.
#[test]
fn lanes_of_raw_fields_have_plain_names() {
    let made = expand(&component(RAW, "r#type: u8"));
    let made = made.map_or_else(|e| e.to_string(), |tokens| tokens.to_string());
    assert!(made.contains("name : \"type\""), "{made}");
}

#[test]
fn only_structs_with_named_fields_are_components() {
    let shape = "a component is a struct with named fields";
    let refused: [DeriveInput; 5] = [
        parse_quote! { #[component(name = "a", kind = raw, version = 1)] struct A(u8); },
        parse_quote! { #[component(name = "a", kind = raw, version = 1)] struct A; },
        parse_quote! { #[component(name = "a", kind = raw, version = 1)] struct A {} },
        parse_quote! { #[component(name = "a", kind = raw, version = 1)] enum A { B } },
        parse_quote! { #[component(name = "a", kind = raw, version = 1)] union A { b: u8 } },
    ];
    for input in &refused {
        assert_eq!(error(input), shape);
    }
}

#[test]
fn generics_are_refused() {
    let refused: [DeriveInput; 3] = [
        parse_quote! { #[component(name = "a", kind = raw, version = 1)] struct A<T> { b: T } },
        parse_quote! { #[component(name = "a", kind = raw, version = 1)] struct A<'x> { b: &'x u8 } },
        parse_quote! { #[component(name = "a", kind = raw, version = 1)] struct A<const N: u8> { b: u8 } },
    ];
    for input in &refused {
        assert_eq!(error(input), "a component has no generics");
    }
}

#[test]
fn every_attribute_is_wanted() {
    let refused: [DeriveInput; 5] = [
        parse_quote! { struct A { b: u8 } },
        parse_quote! { #[component()] struct A { b: u8 } },
        parse_quote! { #[component(kind = raw, version = 1)] struct A { b: u8 } },
        parse_quote! { #[component(name = "a", version = 1)] struct A { b: u8 } },
        parse_quote! { #[component(name = "a", kind = raw)] struct A { b: u8 } },
    ];
    for input in &refused {
        let want = "want #[component(name = \"…\", kind = …, version = …)]";
        assert_eq!(error(input), want);
    }
}

#[test]
fn attributes_that_make_no_sense_are_named() {
    let kind =
        parse_quote! { #[component(name = "a", kind = Point, version = 1)] struct A { b: u8 } };
    assert_eq!(
        error(&kind),
        "want point, vector, rotation, angle, scalar or raw"
    );
    let key = parse_quote! { #[component(name = "a", kind = raw, size = 1)] struct A { b: u8 } };
    assert_eq!(
        error(&key),
        "want name, kind, version, durability, replicate, rate, priority or crate"
    );
    let text = parse_quote! { #[component(name = 7, kind = raw, version = 1)] struct A { b: u8 } };
    assert_eq!(error(&text), "expected string literal");
    let number =
        parse_quote! { #[component(name = "a", kind = raw, version = "1")] struct A { b: u8 } };
    assert_eq!(error(&number), "expected integer literal");
}

/// Names are saved with one byte of length.
#[test]
fn names_that_cannot_be_saved_are_refused() {
    let want = "names of components and of their fields have 1 to 255 bytes";
    for (length, refused) in [(255, false), (256, true)] {
        let long = "x".repeat(length);
        let field = format_ident!("{long}");
        let by_field = parse_quote! { #[component(name = "a", kind = raw, version = 1)] struct A { #field: u8 } };
        let by_name =
            parse_quote! { #[component(name = #long, kind = raw, version = 1)] struct A { b: u8 } };
        for input in [by_field, by_name] {
            assert_eq!(error(&input), if refused { want } else { "none" });
        }
    }
    let empty =
        parse_quote! { #[component(name = "", kind = raw, version = 1)] struct A { b: u8 } };
    assert_eq!(error(&empty), want);
}

fn component(attribute: &str, fields: &str) -> DeriveInput {
    let text = format!("#[component({attribute})] struct A {{ {fields} }}");
    syn::parse_str(&text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

const RAW: &str = "name = \"a\", kind = raw, version = 1";

#[test]
fn durability_may_be_said() {
    for (word, variant) in [
        ("durable", "Durable"),
        ("transient", "Transient"),
        ("derived", "Derived"),
    ] {
        let input = component(&format!("{RAW}, durability = {word}"), "b: u8");
        let made = expand(&input).map_or_else(|e| e.to_string(), |tokens| tokens.to_string());
        assert!(made.contains(&format!("Durability :: {variant}")), "{made}");
    }
    let unknown = component(&format!("{RAW}, durability = eternal"), "b: u8");
    assert_eq!(error(&unknown), "want durable, transient or derived");
}

#[test]
fn nothing_is_said_twice() {
    let name = component(&format!("{RAW}, name = \"b\""), "b: u8");
    assert_eq!(error(&name), "said twice");
    let bits = component(RAW, "#[lane(bits = 3, bits = 4)] b: u8");
    assert_eq!(error(&bits), "said twice");
}

#[test]
fn versions_have_16_bits() {
    let version = component("name = \"a\", kind = raw, version = 65536", "b: u8");
    assert_eq!(error(&version), "versions are 0 to 65535");
}

#[test]
fn a_lane_says_how_it_travels() {
    let input = component(
        RAW,
        "#[lane(bits = 20, quantum = 0.0625, min = -100)] b: f32, c: u8",
    );
    let made = expand(&input).map_or_else(|e| e.to_string(), |tokens| tokens.to_string());
    for part in [
        "bits : :: core :: option :: Option :: Some (20u32)",
        "quantum : :: core :: option :: Option :: Some (0.0625f64)",
        "min : :: core :: option :: Option :: Some (- 100f64)",
        "max : :: core :: option :: Option :: None",
        "bits : :: core :: option :: Option :: None",
    ] {
        assert!(made.contains(part), "{part} in {made}");
    }
}

#[test]
fn lanes_that_make_no_sense_are_named() {
    let bits = "a lane's bits are 1 to 52; without #[lane] all bits of its type travel";
    for (said, want) in [
        ("bits = 0", bits),
        ("bits = 53", bits),
        ("bits = 3.5", bits),
        ("bits = -4", bits),
        ("quantum = 0.0", "a lane's quantum is greater than 0"),
        ("quantum = -1", "a lane's quantum is greater than 0"),
        ("min = 2, max = 2", "a lane's min is less than its max"),
        ("min = \"low\"", "want a number"),
        ("max = HIGH", "want a number"),
        ("width = 3", "want bits, quantum, min or max"),
    ] {
        let input = component(RAW, &format!("#[lane({said})] b: f32"));
        assert_eq!(error(&input), want, "{said}");
    }
}

/// The check itself runs when the component is compiled: see the doc tests of `spatial_core::Component`.
#[test]
fn the_kind_says_what_lanes_it_wants() {
    for (kind, want) in [
        ("point", "a point has"),
        ("vector", "a vector has"),
        ("rotation", "a rotation has"),
        ("angle", "an angle has"),
    ] {
        let input = component(
            &format!("name = \"a\", kind = {kind}, version = 1"),
            "b: u8",
        );
        let made = expand(&input).map_or_else(|e| e.to_string(), |tokens| tokens.to_string());
        assert!(made.contains(want), "{want} in {made}");
    }
}

#[test]
fn replication_may_be_said() {
    let made = |more: &str| expand(&component(&format!("{RAW}{more}"), "b: u8"));
    for (more, parts) in [
        ("", ["Audience :: Nobody", "rate_hz : 0", "priority : 1"]),
        (
            ", replicate = all, rate = 5, priority = 3",
            ["Audience :: All", "rate_hz : 5", "priority : 3"],
        ),
        (
            ", replicate = owner",
            ["Audience :: Owner", "rate_hz : 0", "priority : 1"],
        ),
    ] {
        let made = made(more).map_or_else(|e| e.to_string(), |tokens| tokens.to_string());
        for part in parts {
            assert!(made.contains(part), "{part} in {made}");
        }
    }
    for (more, want) in [
        (", replicate = some", "want all or owner"),
        (
            ", rate = 5",
            "only what is replicated has a rate or a priority: want replicate = …",
        ),
        (
            ", replicate = all, rate = 0",
            "rates are 1 to 1000 a second",
        ),
        (", replicate = all, priority = 16", "priorities are 1 to 15"),
    ] {
        assert_eq!(error(&component(&format!("{RAW}{more}"), "b: u8")), want);
    }
}

/// A crate that depends on the facade alone has no `spatial_core`.
#[test]
fn the_crate_may_be_elsewhere() {
    let made = |more: &str| {
        let more = format!("{RAW}, replicate = all{more}");
        let made = expand(&component(&more, "#[lane(bits = 3)] b: u8, c: u16"));
        made.map_or_else(|e| e.to_string(), |tokens| tokens.to_string())
    };
    assert!(made("").contains("impl :: spatial_core :: Component for A"));
    let elsewhere = made(", crate = \"bluemarble::space\"");
    let component = "impl bluemarble :: space :: Component for A";
    assert!(elsewhere.contains(component), "{elsewhere}");
    assert!(!elsewhere.contains("spatial_core"), "{elsewhere}");

    let no_path = component_error(", crate = \"1\"");
    assert!(no_path.contains("expected identifier"), "{no_path}");
    let twice = component_error(", crate = \"a\", crate = \"b\"");
    assert_eq!(twice, "said twice");
}

fn component_error(more: &str) -> String {
    error(&component(&format!("{RAW}{more}"), "b: u8"))
}
