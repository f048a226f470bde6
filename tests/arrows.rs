//! The dependency arrows of ARCHITECTURE.md, checked against `cargo metadata`.
//!
//! `violations` is a pure function over the parsed graph; besides the real graph it is given
//! forbidden ones, each of which must be caught.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

const PREFIX: &str = "bluemarble-";

/// Who may depend on whom, names without the prefix. A package that is not a row is refused.
const ARROWS: &[(&str, &[&str])] = &[
    ("derive", &[]),
    ("spatial-core", &["derive"]),
    ("sim-core", &["spatial-core"]),
    ("net-proto", &["spatial-core"]),
    ("client", &["spatial-core", "sim-core", "net-proto"]),
    (
        "server",
        &["spatial-core", "sim-core", "net-proto", "client"],
    ),
    ("ffi", &["client", "spatial-core", "sim-core"]),
    (
        "bluemarble",
        &["spatial-core", "sim-core", "net-proto", "client", "server"],
    ),
];

/// Crates that only certain packages may name.
const GUARDED: &[(&[&str], &[Home])] = &[
    (
        &["tokio", "quinn", "quinn-proto", "quinn-udp"],
        &[
            Home::behind("net-proto", "quic"),
            Home::of("client"),
            Home::of("server"),
        ],
    ),
    (
        &["rocksdb", "librocksdb-sys"],
        &[Home::behind("spatial-core", "rocksdb"), Home::of("server")],
    ),
    (
        &["bluemarble-server"],
        &[Home::behind("bluemarble", "server")],
    ),
];

/// Features that are off by default, and the packages that may switch them on in others.
const SWITCHES: &[(&str, &str, &[&str])] = &[
    ("spatial-core", "rocksdb", &["server"]),
    // Behind the facade's features of the same names.
    ("spatial-core", "import", &["server", "bluemarble"]),
    ("spatial-core", "maps", &["server", "bluemarble"]),
    ("net-proto", "quic", &["client", "server"]),
    ("bluemarble", "server", &[]),
    ("bluemarble", "import", &[]),
    ("bluemarble", "maps", &[]),
];

/// A package that may name a guarded crate.
struct Home {
    package: &'static str,
    /// Where the crate is optional: the one feature that may switch it on.
    feature: Option<&'static str>,
}

impl Home {
    const fn of(package: &'static str) -> Self {
        let feature = None;
        Self { package, feature }
    }

    const fn behind(package: &'static str, feature: &'static str) -> Self {
        let feature = Some(feature);
        Self { package, feature }
    }
}

struct Package {
    name: String,
    features: BTreeMap<String, Vec<String>>,
    dependencies: Vec<Dependency>,
}

struct Dependency {
    /// The package's name, and the name it goes by in the manifest.
    name: String,
    alias: String,
    test_only: bool,
    optional: bool,
    features: Vec<String>,
}

fn violations(packages: &[Package]) -> Vec<String> {
    let mut found = Vec::new();
    for package in packages {
        foreign_arrows(package, &mut found);
        unguarded_crates(package, &mut found);
        open_switches(package, &mut found);
    }
    found
}

fn foreign_arrows(package: &Package, found: &mut Vec<String>) {
    let Some((_, allowed)) = ARROWS.iter().find(|row| row.0 == package.name) else {
        found.push(format!("{} is not in the table of arrows", package.name));
        return;
    };
    for dependency in &package.dependencies {
        let Some(target) = own_name(&dependency.name) else {
            continue;
        };
        // Tests of a package may ask for more of its own features.
        let itself = dependency.test_only && target == package.name;
        if !allowed.contains(&target) && !itself {
            found.push(format!("{} -> {target}", package.name));
        }
    }
}

fn unguarded_crates(package: &Package, found: &mut Vec<String>) {
    for dependency in &package.dependencies {
        let guard = GUARDED
            .iter()
            .find(|(names, _)| names.contains(&dependency.name.as_str()));
        let Some((_, homes)) = guard else { continue };
        let Some(home) = homes.iter().find(|home| home.package == package.name) else {
            found.push(format!("{} names {}", package.name, dependency.name));
            continue;
        };
        if let (Some(feature), false) = (home.feature, dependency.test_only) {
            only_behind(package, dependency, feature, found);
        }
    }
}

fn only_behind(package: &Package, dependency: &Dependency, feature: &str, found: &mut Vec<String>) {
    let name = &dependency.alias;
    if !dependency.optional {
        found.push(format!("{}: {name} is not optional", package.name));
    }
    let marks = [format!("dep:{name}"), name.clone()];
    for (other, entries) in &package.features {
        // Who has the feature may ask for more of the crate.
        let more = format!("{name}/");
        let is_behind = entries.iter().any(|e| e == feature);
        let switched = entries
            .iter()
            .any(|e| marks.contains(e) || e.starts_with(&more) && !is_behind);
        if switched && other != feature {
            found.push(format!("{}: feature {other} pulls {name}", package.name));
        }
    }
}

fn open_switches(package: &Package, found: &mut Vec<String>) {
    for (owner, feature, users) in SWITCHES {
        if package.name == *owner && reachable(package, "default", feature) {
            found.push(format!("{owner}: {feature} is on by default"));
        }
        if users.contains(&package.name.as_str()) {
            continue;
        }
        for dependency in &package.dependencies {
            let is_owner = own_name(&dependency.name) == Some(*owner);
            if is_owner && !dependency.test_only && switches(package, dependency, feature) {
                found.push(format!("{} switches on {owner}/{feature}", package.name));
            }
        }
    }
}

/// Whether the package asks the dependency for the feature, at once or through its own features.
fn switches(package: &Package, dependency: &Dependency, feature: &str) -> bool {
    let marks = [
        format!("{}/{feature}", dependency.alias),
        format!("{}?/{feature}", dependency.alias),
    ];
    dependency.features.iter().any(|f| f == feature)
        || package
            .features
            .values()
            .flatten()
            .any(|e| marks.contains(e))
}

/// Whether `from` switches on `to`, within one package.
fn reachable(package: &Package, from: &str, to: &str) -> bool {
    let mut open = vec![from];
    let mut seen = Vec::new();
    while let Some(feature) = open.pop() {
        if seen.contains(&feature) {
            continue;
        }
        seen.push(feature);
        let entries = package.features.get(feature).into_iter().flatten();
        open.extend(entries.map(String::as_str));
    }
    seen.contains(&to)
}

/// The name without the prefix, if it is one of our packages.
fn own_name(name: &str) -> Option<&str> {
    match name {
        "bluemarble" => Some(name),
        _ => name.strip_prefix(PREFIX),
    }
}

fn parse(metadata: &Value) -> Vec<Package> {
    array(metadata, "packages").map(parse_package).collect()
}

fn parse_package(package: &Value) -> Package {
    let name = text(package, "name").expect("every package has a name");
    let features = package["features"].as_object().into_iter().flatten();
    Package {
        name: own_name(&name).unwrap_or(&name).to_owned(),
        features: features.map(|(k, v)| (k.clone(), strings(v))).collect(),
        dependencies: array(package, "dependencies")
            .map(parse_dependency)
            .collect(),
    }
}

fn parse_dependency(dependency: &Value) -> Dependency {
    let name = text(dependency, "name").expect("every dependency has a name");
    Dependency {
        alias: text(dependency, "rename").unwrap_or_else(|| name.clone()),
        name,
        test_only: dependency["kind"] == "dev",
        optional: dependency["optional"] == true,
        features: strings(&dependency["features"]),
    }
}

fn array<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value[key].as_array().into_iter().flatten()
}

fn text(value: &Value, key: &str) -> Option<String> {
    value[key].as_str().map(str::to_owned)
}

fn strings(value: &Value) -> Vec<String> {
    let items = value.as_array().into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn workspace() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version=1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo metadata: {errors}");
    serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON")
}

fn manifests() -> Vec<(String, String)> {
    let metadata = workspace();
    let paths: Vec<_> = array(&metadata, "packages")
        .filter_map(|package| text(package, "manifest_path"))
        .collect();
    paths
        .into_iter()
        .map(|path| {
            let content = std::fs::read_to_string(&path).expect("a manifest is readable");
            (path, content)
        })
        .collect()
}

/// Whether a manifest's `[lints]` table is the workspace's.
fn inherits_lints(manifest: &str) -> bool {
    let mut lines = manifest.lines().map(str::trim);
    lines.any(|line| line == "[lints]")
        && lines
            .take_while(|line| !line.starts_with('['))
            .any(|line| line.replace(' ', "") == "workspace=true")
}

#[test]
fn the_workspace_has_only_the_arrows_of_the_design() {
    let packages = parse(&workspace());
    assert_eq!(packages.len(), ARROWS.len(), "rows without a package");
    assert_eq!(violations(&packages), Vec::<String>::new());
}

/// One package `name` with one dependency; `extra` overrides the dependency's fields.
fn graph(name: &str, features: Value, dependency: &str, extra: &Value) -> Vec<Package> {
    let mut edge = json!({ "name": dependency, "kind": null, "optional": false, "features": [] });
    for (key, value) in extra.as_object().into_iter().flatten() {
        edge[key.as_str()] = value.clone();
    }
    let package = json!({ "name": name, "features": features, "dependencies": [edge] });
    parse(&json!({ "packages": [package] }))
}

fn check(name: &str, features: Value, dependency: &str, extra: Value, expected: &[&str]) {
    let found = violations(&graph(name, features, dependency, &extra));
    assert_eq!(found, expected, "{name} with {dependency} {extra}");
}

#[test]
fn a_forbidden_arrow_is_found() {
    let (core, sim) = ("bluemarble-spatial-core", "bluemarble-sim-core");
    let (net, server) = ("bluemarble-net-proto", "bluemarble-server");
    let none = || json!({});
    check(core, none(), sim, none(), &["spatial-core -> sim-core"]);
    check(sim, none(), net, none(), &["sim-core -> net-proto"]);
    check(net, none(), sim, none(), &["net-proto -> sim-core"]);
    let dev = json!({ "kind": "dev" });
    check(net, none(), sim, dev.clone(), &["net-proto -> sim-core"]);
    let build = json!({ "kind": "build" });
    check(sim, none(), net, build, &["sim-core -> net-proto"]);
    let both = ["ffi -> server", "ffi names bluemarble-server"];
    check("bluemarble-ffi", none(), server, dev.clone(), &both);
    check(net, none(), net, dev, &[]);
    let unknown = ["extra is not in the table of arrows"];
    check("bluemarble-extra", none(), core, none(), &unknown);
}

#[test]
fn a_crate_outside_its_home_is_found() {
    let (core, net) = ("bluemarble-spatial-core", "bluemarble-net-proto");
    let none = || json!({});
    check(core, none(), "tokio", none(), &["spatial-core names tokio"]);
    let ffi = ["ffi names quinn"];
    check("bluemarble-ffi", none(), "quinn", none(), &ffi);
    let client = ["client names rocksdb"];
    check("bluemarble-client", none(), "rocksdb", none(), &client);
    check("bluemarble-server", none(), "rocksdb", none(), &[]);
    let plain = ["net-proto: tokio is not optional"];
    check(net, none(), "tokio", none(), &plain);

    let optional = || json!({ "optional": true });
    let good = json!({ "quic": ["dep:quinn"] });
    check(net, good, "quinn", optional(), &[]);
    let more = json!({ "quic": ["dep:quinn"], "simulated": ["quic", "quinn/more"] });
    check(net, more, "quinn", optional(), &[]);
    let implicit = json!({ "quinn": ["dep:quinn"], "quic": ["quinn"] });
    let found = ["net-proto: feature quinn pulls quinn"];
    check(net, implicit, "quinn", optional(), &found);
    let default = json!({ "default": ["quic"], "quic": ["dep:quinn"] });
    let found = ["net-proto: quic is on by default"];
    check(net, default, "quinn", optional(), &found);
    let renamed = json!({ "optional": true, "rename": "db" });
    let features = json!({ "default": ["db/lz4"], "rocksdb": ["dep:db"] });
    let found = ["spatial-core: feature default pulls db"];
    check(core, features, "rocksdb", renamed, &found);
}

#[test]
fn a_switch_in_the_wrong_hands_is_found() {
    let core = "bluemarble-spatial-core";
    let asked = || json!({ "features": ["rocksdb"] });
    let found = ["sim-core switches on spatial-core/rocksdb"];
    check("bluemarble-sim-core", json!({}), core, asked(), &found);
    check("bluemarble-server", json!({}), core, asked(), &[]);
    let forwarded = json!({ "fast": ["spatial_core?/rocksdb"] });
    let rename = json!({ "rename": "spatial_core" });
    let found = ["client switches on spatial-core/rocksdb"];
    check("bluemarble-client", forwarded, core, rename, &found);
}

#[test]
fn the_facades_server_is_optional_and_off() {
    let server = "bluemarble-server";
    let edge = |optional: bool| json!({ "rename": "server", "optional": optional });
    let feature = || json!({ "server": ["dep:server"] });
    check("bluemarble", feature(), server, edge(true), &[]);
    let found = ["bluemarble: server is not optional"];
    check("bluemarble", feature(), server, edge(false), &found);
    let default = json!({ "default": ["all"], "all": ["server"], "server": ["dep:server"] });
    let found = [
        "bluemarble: feature all pulls server",
        "bluemarble: server is on by default",
    ];
    check("bluemarble", default, server, edge(true), &found);
}

#[test]
fn every_crate_inherits_the_workspace_lints() {
    let manifests = manifests();
    assert_eq!(manifests.len(), ARROWS.len());
    for (path, content) in manifests {
        assert!(inherits_lints(&content), "{path} lacks the workspace lints");
    }
    assert!(inherits_lints(
        "[package]\n\n[lints]\nworkspace = true\n[x]\n"
    ));
    assert!(!inherits_lints("[package]\nworkspace = true\n"));
    assert!(!inherits_lints("[lints]\n[x]\nworkspace = true\n"));
    assert!(!inherits_lints("[lints]\nworkspace = false\n"));
}

#[test]
fn unsafe_code_is_forbidden_where_strangers_are_read() {
    for crate_root in [
        "net-proto/src/lib.rs",
        "server/src/lib.rs",
        "server/src/main.rs",
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("crates")
            .join(crate_root);
        let source = std::fs::read_to_string(path).expect("a crate root is readable");
        assert!(
            source.contains("#![forbid(unsafe_code)]"),
            "{crate_root} does not forbid unsafe code"
        );
    }
}
