//! `bluemarble replay bisect` on what a server has left.

use bluemarble_server::Server;
use serde_json::Value;

use crate::support::{Place, program, wait_for};

fn bisect(place: &Place, args: &[&str]) -> (i32, String, String) {
    let mut command = program();
    command.args(["replay", "bisect", "--planet"]);
    let out = command.arg(place.planet()).args(args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        out.status.code().unwrap(),
        text(out.stdout),
        text(out.stderr),
    )
}

#[test]
fn a_served_world_is_the_same_in_all_manners() {
    let place = Place::new();
    let server = Server::start(place.config(|_| {})).unwrap();
    wait_for(&server, "agents", |s| s.entities >= 50 && s.tick >= 60);
    let last = server.stop().unwrap();
    let data = place.data();
    let data = data.to_str().unwrap();

    let (code, out, error) = bisect(&place, &[data, "--json"]);
    assert_eq!(code, 0, "{error}");
    let found: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(found["equal"], true, "{found}");
    assert_eq!(found["next_tick"], last.tick, "{found}");
    assert!(found["left_diverged"].is_null() && found["records_differ"].is_null());

    let (code, out, _) = bisect(
        &place,
        &[data, data, "--threads=2", "--level=sse2", "--until=9"],
    );
    assert_eq!(code, 0, "{out}");
    assert!(
        out.contains("no difference") && out.contains("before tick 10"),
        "{out}"
    );
}

#[test]
fn misuse_is_named() {
    let place = Place::new();
    let nowhere = place.path().join("nowhere");
    let nowhere = nowhere.to_str().unwrap();
    for (args, code, expected) in [
        (vec![nowhere], 1, "nowhere"),
        (vec![nowhere, "--threads=1,2,3"], 2, "--threads"),
        (vec![nowhere, "--level=fast"], 2, "--level"),
        (vec![], 2, "LEFT"),
    ] {
        let (found, _, error) = bisect(&place, &args);
        assert!(
            found == code && error.contains(expected),
            "{args:?}: {found} {error}"
        );
    }
}
