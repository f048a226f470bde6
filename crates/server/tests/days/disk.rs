//! A full disk: the world goes on in the reserve and promises nothing new, then stands still, and heals by itself.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bluemarble_server::{Server, Status};
use net_proto::{AnswerCode, ClientMessage, Command, RefuseCode, ServerMessage};

use crate::day;
use crate::shim::run;
use crate::support::{Place, Raw, program, runtime};

/// A small disk with the place's data on it.
struct Disk(PathBuf);

impl Disk {
    fn new(place: &Place) -> Result<Self, String> {
        let mount = place.path().join("disk");
        std::fs::create_dir(&mount).unwrap();
        run(
            "mount",
            &[
                "-t",
                "tmpfs",
                "-o",
                "size=24m",
                "tmpfs",
                mount.to_str().unwrap(),
            ],
        )?;
        let disk = Self(mount);
        std::fs::create_dir(disk.0.join("data")).unwrap();
        std::os::unix::fs::symlink(disk.0.join("data"), place.data()).unwrap();
        Ok(disk)
    }

    /// Takes all the room that there is now, and none that is given up because of it.
    fn fill(&self) {
        let mut filler = self.filler();
        let disk = rustix::fs::statvfs(&self.0).unwrap();
        let zeros = vec![0; disk.f_bsize as usize];
        for _ in 0..disk.f_bavail {
            if !filler.write(&zeros).is_ok_and(|n| n == zeros.len()) {
                break;
            }
        }
    }

    fn filler(&self) -> File {
        let path = self.0.join("filler");
        OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
            .unwrap()
    }

    fn clear(&self) {
        std::fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = run("umount", &["-l", self.0.to_str().unwrap()]);
    }
}

/// Waits for a status while clients' connections go on.
async fn until(server: &Server, is: impl Fn(&Status) -> bool) -> Result<Status, String> {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let status = server.status();
        if is(&status) {
            return Ok(status);
        }
        if !server.is_running() || Instant::now() > deadline {
            return Err(format!("{status:?}"));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn refused(place: &Place, server: &Server, player: u64) -> Result<(), String> {
    let ticket = place.ticket(player);
    let mut raw = Raw::open(server.local_addr(), ticket.cert_sha256).await;
    raw.show(&ticket).await;
    let refuse = raw.refusal().await;
    let is_right = refuse.code == RefuseCode::FULL && refuse.text.as_str().contains("disk is full");
    is_right.then_some(()).ok_or(format!("{refuse:?}"))
}

async fn answer(raw: &mut Raw, operation: u64) -> AnswerCode {
    let mut bytes = Vec::new();
    let command = Command {
        operation,
        kind: 300,
        body: Vec::new(),
    };
    ClientMessage::Command(command).encode(&mut bytes);
    raw.write(&bytes).await;
    loop {
        if let ServerMessage::Answer(answer) = raw.read().await {
            assert_eq!(answer.operation, operation);
            return answer.code;
        }
    }
}

/// The whole day; the last tick of the reserve, and what it ended with.
async fn full_day(place: &Place, disk: &Disk, server: &Server) -> Result<String, String> {
    let ticket = place.ticket(1);
    let (mut raw, _) = Raw::enter(server.local_addr(), &ticket).await;
    assert_eq!(answer(&mut raw, 1).await, AnswerCode::UNKNOWN);
    let (second, _) = Raw::enter(server.local_addr(), &place.ticket(8)).await;
    let mut queued = Raw::open(server.local_addr(), ticket.cert_sha256).await;
    queued.show(&place.ticket(9)).await;
    let before = until(server, |s| s.room == "ample" && s.queue.waiting == 1).await?;
    assert!(before.entities > 100 && before.players == 2, "{before:?}");
    disk.fill();
    let reserve = until(server, |s| s.room == "reserve").await?;
    refused(place, server, 2).await?;
    // There is a place for who waits, but nothing to put it down on.
    second.leave().await;
    assert_eq!(answer(&mut raw, 2).await, AnswerCode::STORAGE);
    // The world goes on, and what it does is durable.
    let later = until(server, |s| s.durable_tick > reserve.tick + 90).await?;
    assert!(later.room == "reserve" && later.players == 1, "{later:?}");
    assert!(later.queue.waiting == 1, "{later:?}");
    disk.fill();
    let out = until(server, |s| s.room == "out").await?;
    let told = loop {
        if let ServerMessage::Maintenance(told) = raw.read().await {
            break told;
        }
    };
    assert!(told.text.as_str().contains("disk is full"), "{told:?}");
    let still = until(server, |s| s.stalled_ms > 0).await?;
    assert!(
        still.room == "out" && still.durable_tick < still.tick,
        "{still:?}"
    );
    refused(place, server, 3).await?;
    disk.clear();
    let healed = until(server, |s| {
        s.room == "ample" && s.durable_tick > out.tick + 150
    })
    .await?;
    assert!(healed.storage_refused >= 3, "{healed:?}");
    while !matches!(queued.read().await, ServerMessage::Welcome(_)) {}
    queued.leave().await;
    until(server, |s| s.leaves == 2).await?;
    let (other, _) = Raw::enter(server.local_addr(), &place.ticket(4)).await;
    assert_eq!(answer(&mut raw, 3).await, AnswerCode::UNKNOWN);
    other.leave().await;
    raw.leave().await;
    Ok(format!(
        "ran {} ticks in the reserve, stood still at tick {}, went on by itself; {} requests refused",
        out.tick - before.tick,
        out.tick,
        healed.storage_refused
    ))
}

fn serve(place: &Place, reserve_bytes: u64) -> Server {
    Server::start(place.config(|s| {
        s.agents = Some(500);
        s.tick_rate_hz = Some(120); // the queue to the disk is full after a second
        (s.players_max, s.queue_max) = (Some(2), Some(2));
        s.journal_bytes_max = Some(2 << 20);
        s.reserve_bytes = Some(reserve_bytes);
        s.checkpoint_s = Some(3600);
    }))
    .unwrap()
}

fn replayed(data: &Path, place: &Place) -> serde_json::Value {
    let mut command = program();
    command
        .args(["replay", "run", "--json", "--planet"])
        .arg(place.planet());
    let out = command.arg(data).output().unwrap();
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    serde_json::from_slice(&out.stdout).unwrap()
}

#[test]
fn a_full_disk_loses_nothing_and_heals() {
    let place = Place::new();
    let disk = match Disk::new(&place) {
        Ok(disk) => disk,
        Err(why) => return day("full disk", format!("skipped: {why}")),
    };
    let server = serve(&place, 4 << 20);
    let figure = runtime()
        .block_on(full_day(&place, &disk, &server))
        .unwrap();
    let last = server.stop().unwrap();
    let again = replayed(&place.data(), &place);
    assert_eq!(again["hash"].as_str().unwrap(), last.state_hash);
    day("full disk", figure);
}

#[test]
fn a_server_without_a_reserve_is_found_by_the_same_harness() {
    let place = Place::new();
    let disk = match Disk::new(&place) {
        Ok(disk) => disk,
        Err(why) => return day("full disk: planted fault", format!("skipped: {why}")),
    };
    let server = serve(&place, 0);
    let found = runtime().block_on(async {
        let (day, stands) = (
            full_day(&place, &disk, &server),
            until(&server, |s| s.room == "out"),
        );
        tokio::select! {
            day = day => day.map(drop),
            _ = stands => Err("it stood still at once".to_owned()),
        }
    });
    assert!(found.is_err(), "a world without a reserve went on");
    // It acknowledged nothing that is not there: what waits is given up when it is asked to end.
    let durable = server.status().durable_tick;
    let error = server.stop().unwrap_err();
    assert_eq!(error.exit_code(), 1, "{error}");
    assert!(
        replayed(&place.data(), &place)["journal_end"]
            .as_u64()
            .unwrap()
            >= durable
    );
    day(
        "full disk: planted fault",
        "a server without a reserve was found",
    );
}
