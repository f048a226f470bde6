//! The program under a bad day: a process of its own, so that what it takes is not mixed up with what its attackers do.

use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{ChildStdout, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::{Place, Reaped, program};

/// A running server.
pub(crate) struct Served {
    pub(crate) place: Arc<Place>,
    child: Reaped,
    lines: Lines<BufReader<ChildStdout>>,
    pub(crate) addr: SocketAddr,
    http: SocketAddr,
}

impl Served {
    pub(crate) fn start(args: &[&str], env: &[(&str, &str)]) -> Self {
        let place = Arc::new(Place::new());
        let mut command = program();
        command.args(["serve", "--json", "--status-s=0"]);
        command.args([
            "--listen=127.0.0.1:0",
            "--http-listen=127.0.0.1:0",
            "--planet",
        ]);
        command.arg(place.planet()).arg("--data").arg(place.data());
        command.args(args).envs(env.iter().copied());
        let mut child = Reaped(command.stdout(Stdio::piped()).spawn().unwrap());
        let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
        let first: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        let addr = |what: &str| first[what].as_str().unwrap().parse().unwrap();
        Self {
            addr: addr("addr"),
            http: addr("http"),
            place,
            child,
            lines,
        }
    }

    /// Its memory that is resident, bytes.
    pub(crate) fn resident(&self) -> u64 {
        resident(self.child.0.id())
    }

    /// The sum of a metric over its labels.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let mut stream = TcpStream::connect(self.http).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream
            .write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n")
            .unwrap();
        let mut all = String::new();
        stream.read_to_string(&mut all).unwrap();
        let full = format!("bluemarble_{name}");
        let is_it = |line: &&str| {
            line.strip_prefix(full.as_str())
                .is_some_and(|rest| rest.starts_with(['{', ' ']))
        };
        let number = |line: &str| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap();
        let found: Vec<f64> = all.lines().filter(is_it).map(number).collect();
        assert!(!found.is_empty(), "no metric {name}: {all}");
        found.into_iter().sum()
    }

    /// Ends it; its last status.
    pub(crate) fn stop(mut self) -> Value {
        kill_process(Pid::from_child(&self.child.0), Signal::TERM).unwrap();
        let last = self.lines.by_ref().map_while(Result::ok).last().unwrap();
        assert_eq!(self.child.0.wait().unwrap().code(), Some(0));
        let last: Value = serde_json::from_str(&last).unwrap();
        assert_eq!(last["event"], "stopped");
        last["status"].clone()
    }
}

/// Memory of a process that is resident, bytes.
pub(crate) fn resident(process: u32) -> u64 {
    let pages = std::fs::read_to_string(format!("/proc/{process}/statm")).unwrap();
    let pages: u64 = pages.split(' ').nth(1).unwrap().parse().unwrap();
    pages * rustix::param::page_size() as u64
}
