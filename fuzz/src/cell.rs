//! Ids and tokens of cells.

use spatial_core::CellId;

/// First byte: 0 a token, 1 an id and steps along the curve, 16 bytes.
pub fn run(data: &[u8]) -> bool {
    match data.split_first() {
        Some((0, text)) => core::str::from_utf8(text).is_ok_and(parse),
        Some((1, numbers)) => walk(numbers),
        _ => false,
    }
}

/// A token is read as one cell, whose own token is the same text but for case and zeros at the end.
fn parse(text: &str) -> bool {
    match CellId::from_token(text) {
        Ok(cell) => {
            let token = cell.to_token();
            let text = text.to_ascii_lowercase();
            let same = text.trim_end_matches('0') == token.trim_end_matches('0');
            assert!(same, "{text} became {token}");
            assert_eq!(CellId::from_token(&token), Ok(cell));
            look_around(cell);
            true
        }
        Err(error) => {
            assert!(error.to_string().len() < 200);
            false
        }
    }
}

fn walk(numbers: &[u8]) -> bool {
    let Some((id, rest)) = numbers.split_first_chunk() else {
        return false;
    };
    let Some(steps) = rest.first_chunk() else {
        return false;
    };
    let Ok(cell) = CellId::new(u64::from_le_bytes(*id)) else {
        return false;
    };
    look_around(cell);
    let steps = i64::from_le_bytes(*steps);
    if let Some(there) = cell.advance(steps) {
        assert_eq!(there.level(), cell.level());
        let back = steps.checked_neg().and_then(|back| there.advance(back));
        assert!(steps == i64::MIN || back == Some(cell));
    }
    assert_eq!(cell.advance_wrap(steps).level(), cell.level());
    true
}

/// What holds for every cell.
fn look_around(cell: CellId) {
    let level = cell.level();
    assert!(cell.contains(CellId::from_direction(cell.center())));
    assert!(cell.range_min() <= cell && cell <= cell.range_max());
    for parent in (0..=level).map(|level| cell.parent(level)) {
        assert!(parent.contains(cell));
    }
    for child in cell.children().into_iter().flatten() {
        assert_eq!(child.parent(level), cell);
    }
    let around = cell.neighbors();
    for beside in cell.edge_neighbors() {
        assert!(level == 0 || around.contains(&beside));
        assert!(beside.edge_neighbors().contains(&cell));
    }
    for next in [cell.next(), cell.prev()].into_iter().flatten() {
        assert!(!next.intersects(cell));
    }
}

/// Tokens as they are written, and ids.
pub fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let cell = CellId::from_token("89c25").expect("a token");
    let id = [cell.to_u64().to_le_bytes(), 1_000i64.to_le_bytes()].concat();
    vec![
        ("face", crate::seed(0, b"1")),
        ("leaf", crate::seed(0, b"89c2588f6a4e5c41")),
        ("token", crate::seed(0, cell.to_token().as_bytes())),
        ("steps", crate::seed(1, &id)),
    ]
}
