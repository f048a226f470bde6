//! Messages, datagrams, frames.

use std::sync::Arc;

use net_proto::{
    Bodies, Body, BulkAnswer, BulkRequest, ClientMessage, ENTITIES_MAX, FrameReader, InputBuffer,
    InputDatagram, InputHead, OwnState, OwnValues, PROTOCOL_VERSION, PROTOCOL_VERSION_OLDEST,
    QuickBodies, Replica, Said, Say, ServerMessage, TILE_BYTES_MAX, TILE_PACKING_MAX, TileAnswer,
    WireError, sound_tile,
};
use spatial_core::{CellId, LatticeSpec};

mod seeds;

pub use seeds::seeds;
use seeds::tumbling;

/// First byte: 0 a client's message, 1 a server's, 2 input datagrams and 3 snapshots, each with its length,
/// 4 a stream of frames, 5 an own state, 6 packets of bodies and 7 such at a fixed cost, each with its length,
/// 12 snapshots with columns in front and values of one's own between: the first is a server's message that tells of them,
/// 13 what a client says to others and 14 what it hears,
/// 8 a request on the bulk stream, 9 an answer, 10 a cell and a tile that came or was kept on the disk, 11 one that is then sealed.
pub fn run(data: &[u8]) -> bool {
    match data.split_first() {
        Some((0, frame)) => client_message(frame),
        Some((1, frame)) => server_message(frame),
        Some((2, datagrams)) => inputs(datagrams),
        Some((3, datagrams)) => snapshots(datagrams),
        Some((4, stream)) => frames(stream),
        Some((5, datagram)) => own(datagram),
        Some((6, packets)) => bodies(packets),
        Some((7, packets)) => quick_bodies(packets),
        Some((8, frame)) => bulk_request(frame),
        Some((9, frame)) => bulk_answer(frame),
        Some((10, bytes)) => kept_tile(bytes.to_vec(), false),
        Some((11, bytes)) => kept_tile(bytes.to_vec(), true),
        Some((12, messages)) => told(messages),
        Some((13, frame)) => say(frame),
        Some((14, frame)) => said(frame),
        _ => false,
    }
}

/// There is one spelling of every message.
fn client_message(frame: &[u8]) -> bool {
    ClientMessage::decode(frame).is_ok_and(|message| {
        let mut again = Vec::new();
        message.encode(&mut again);
        assert_eq!(&again[2..], frame);
        true
    })
}

fn server_message(frame: &[u8]) -> bool {
    ServerMessage::decode(frame).is_ok_and(|message| {
        let mut again = Vec::new();
        message.encode(&mut again);
        assert_eq!(&again[2..], frame);
        true
    })
}

fn say(frame: &[u8]) -> bool {
    Say::decode(frame).is_ok_and(|say| {
        let mut again = Vec::new();
        say.encode(&mut again);
        assert_eq!(&again[2..], frame);
        true
    })
}

fn said(frame: &[u8]) -> bool {
    Said::decode(frame).is_ok_and(|said| {
        let mut again = Vec::new();
        said.encode(&mut again);
        assert_eq!(&again[2..], frame);
        true
    })
}

fn bulk_request(frame: &[u8]) -> bool {
    BulkRequest::decode(frame).is_ok_and(|request| {
        let mut again = Vec::new();
        request.encode(&mut again);
        assert_eq!(&again[2..], frame);
        true
    })
}

/// There is one spelling of every answer, and what is packed never yields more than it says.
fn bulk_answer(frame: &[u8]) -> bool {
    let Ok(answer) = BulkAnswer::decode(frame) else {
        return false;
    };
    let mut again = Vec::new();
    answer.encode(&mut again);
    assert_eq!(&again[2..], frame);
    match answer {
        BulkAnswer::Tile(_, TileAnswer::Packed(packed)) => {
            let mut buffer = [0; TILE_BYTES_MAX];
            packed
                .unpack(&mut buffer)
                .is_ok_and(|plain| plain.len() <= TILE_PACKING_MAX * frame.len())
        }
        _ => true,
    }
}

/// What is taken for a tile is one of that cell and lattice, sound in itself.
fn kept_tile(mut bytes: Vec<u8>, seals: bool) -> bool {
    if bytes.len() < 8 {
        return false;
    }
    let mut tile = bytes.split_off(8);
    if seals {
        crate::seal::tile(&mut tile);
    }
    let number = u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
    let Ok(cell) = CellId::new(number) else {
        return false;
    };
    let lattice = LatticeSpec::new(4, 8, 0.0, 1.0).expect("a legal lattice");
    sound_tile(&tile, cell, &lattice).is_some_and(|tile| {
        assert_eq!((tile.cell(), tile.intervals()), (cell, 8));
        let again = sound_tile(&tile.encode_raw(), cell, &lattice);
        assert_eq!(again.as_ref(), Some(&tile));
        true
    })
}

/// A server's queue stays short and uses every input at most once, in order.
fn inputs(datagrams: &[u8]) -> bool {
    let mut buffer = InputBuffer::new();
    crate::chunks(datagrams).fold(true, |so_far, bytes| {
        let Ok(datagram) = InputDatagram::decode(bytes) else {
            return false;
        };
        let mut again = Vec::new();
        datagram.encode(&mut again);
        assert_eq!(again, bytes);
        let before = buffer.applied_seq();
        let (head, now) = (datagram.head(), 1 << 33);
        assert!(head.seen_tick(now).is_none_or(|tick| tick <= now));
        assert!(
            head.shown(now)
                .is_none_or(|parts| parts <= now * InputHead::PARTS_PER_TICK)
        );
        buffer.push(&datagram, !(head.behind & head.seen as u16), now);
        let mut waiting = buffer.clone();
        let taken = core::iter::from_fn(|| waiting.take()).count();
        assert!(taken <= InputBuffer::WAITING_MAX);
        buffer.take();
        assert!(buffer.applied_seq() >= before);
        so_far
    })
}

/// There is one spelling of every state.
fn own(datagram: &[u8]) -> bool {
    OwnState::decode(datagram).is_ok_and(|state| {
        let mut again = Vec::new();
        state.encode(&mut again);
        assert_eq!(again, datagram);
        true
    })
}

/// What comes is legal, is sent on, and comes again; a bad packet changes nothing.
fn bodies(packets: &[u8]) -> bool {
    let (mut receiver, mut sender, mut next) = (few_bodies(), few_bodies(), few_bodies());
    let mut number = 0;
    crate::chunks(packets).fold(true, |so_far, bytes| {
        let Ok(came) = receiver
            .decode(number + 1, number, bytes)
            .map(<[Body]>::to_vec)
        else {
            return false;
        };
        number += 1;
        let mut again = [0; 512];
        let count = sender
            .encode(number, number - 1, &came, &mut again)
            .expect("legal, and few");
        let once_more = next.decode(number, number - 1, &again[..count]);
        assert_eq!(once_more, Ok(&came[..]));
        so_far
    })
}

/// As [`bodies`].
fn quick_bodies(packets: &[u8]) -> bool {
    let (mut receiver, mut sender, mut next) = (few_quick(), few_quick(), few_quick());
    let mut number = 0;
    crate::chunks(packets).fold(true, |so_far, bytes| {
        let Ok(came) = receiver
            .decode(number + 1, number, bytes)
            .map(<[Body]>::to_vec)
        else {
            return false;
        };
        number += 1;
        let mut again = [0; 512];
        sender.keep(number, &came).expect("as many");
        let count = sender
            .encode(number, number - 1, &mut again)
            .expect("kept, and few");
        let once_more = next.decode(number, number - 1, &again[..count]);
        assert_eq!(once_more, Ok(&came[..]));
        so_far
    })
}

fn few_quick() -> QuickBodies {
    QuickBodies::new(0, &tumbling(0)).expect("few")
}

fn few_bodies() -> Bodies {
    Bodies::new(0, &tumbling(0)).expect("few")
}

/// A client's view keeps its order and its bounds, and a bad datagram changes nothing. The first says which version is spoken.
fn snapshots(datagrams: &[u8]) -> bool {
    let is_plain = crate::chunks(datagrams)
        .next()
        .and_then(|first| first.first())
        == Some(&2);
    let version = if is_plain {
        PROTOCOL_VERSION_OLDEST
    } else {
        PROTOCOL_VERSION
    };
    seen(Replica::new().speaking(version), crate::chunks(datagrams))
}

/// So it does where more is told than place and heading.
fn told(messages: &[u8]) -> bool {
    let mut messages = crate::chunks(messages);
    let Some(Ok(ServerMessage::Columns(columns))) = messages.next().map(ServerMessage::decode)
    else {
        return false;
    };
    let columns = Arc::new(columns);
    let is_own = |bytes: &&[u8]| bytes.first() == Some(&OwnValues::KIND);
    let (own, others): (Vec<_>, Vec<_>) = messages.partition(is_own);
    let are_own = own.iter().all(|bytes| {
        OwnValues::decode(&columns, bytes).is_ok_and(|values| {
            assert_eq!(values.codes.len(), columns.owned_lanes());
            let mut again = Vec::new();
            values.encode(&columns, &mut again);
            assert_eq!(&again, bytes);
            true
        })
    });
    are_own && seen(Replica::with_columns(columns), others.into_iter())
}

fn seen<'a>(mut replica: Replica, datagrams: impl Iterator<Item = &'a [u8]>) -> bool {
    datagrams.fold(true, |so_far, bytes| {
        let before = replica.clone();
        match replica.handle_snapshot(bytes) {
            Ok(info) => assert_eq!(replica.newest().is_some_and(|n| *n == info), info.is_newest),
            Err(_) => assert_same(&before, &replica),
        }
        assert!(replica.tracked().len() <= ENTITIES_MAX);
        assert!(
            replica
                .tracked()
                .is_sorted_by(|a, b| a.state.id() < b.state.id())
        );
        assert!(replica.tracked().iter().all(|t| t.previous_tick <= t.tick));
        assert!(replica.tracked().iter().all(|t| {
            let codes = replica.codes(t.state.id());
            codes.is_some_and(|codes| codes.len() == replica.columns().shared_lanes())
        }));
        assert!(replica.newest_complete() >= before.newest_complete());
        so_far && replica.stats().datagrams > before.stats().datagrams
    })
}

fn assert_same(before: &Replica, after: &Replica) {
    assert_eq!(before.tracked(), after.tracked());
    assert_eq!(before.stats(), after.stats());
    assert_eq!(before.newest(), after.newest());
    assert_eq!(before.newest_complete(), after.newest_complete());
    if let Some(epoch) = before.newest_complete() {
        assert_eq!(before.epoch_set(epoch), after.epoch_set(epoch));
    }
}

/// A stream gives the same frames in one piece and in many.
fn frames(stream: &[u8]) -> bool {
    let whole = frames_of([stream].into_iter());
    assert_eq!(whole, frames_of(stream.chunks(1)));
    assert_eq!(whole, frames_of(stream.chunks(3)));
    whole.is_ok_and(|frames| !frames.is_empty())
}

fn frames_of<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Result<Vec<Vec<u8>>, WireError> {
    let mut reader = FrameReader::new(1_024);
    let mut frames = Vec::new();
    for mut piece in pieces {
        while let Some(frame) = reader.next(&mut piece)? {
            frames.push(frame.to_vec());
        }
        assert!(piece.is_empty());
    }
    Ok(frames)
}
