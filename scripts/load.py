"""Runs the rows of the load table and writes it into docs/operations.md: see load.sh."""

import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PROGRAM, RESULTS = sys.argv[1], sys.argv[2]
SECONDS = int(os.environ.get("LOAD_SECONDS", "300"))
DOCUMENT, BEGIN, END = "docs/operations.md", "<!-- load table -->", "<!-- end of the load table -->"
# 30 ticks and inputs a second in datagrams at 15 Hz, updates at 20 Hz.
STEADY = ["--tick-rate-hz=30", "--snapshot-hz=20"]
# Of the bots that carry much on one core a tenth read everything.
TENTH = "--whole-one-in=10"


def row(name, count, server, bots, judge, *, cores=("0", "1"), warm=30, what=""):
    return dict(name=name, count=count, server=server, bots=bots, judge=judge, cores=cores, warm=warm, what=what)


def worst(result, key, quantile="p99"):
    """The worst of the ten-second windows after the warm-up."""
    return max((s[key][quantile] for s in result["statuses"] if s[key]["count"]), default=float("nan"))


def share(result, *threads):
    return sum(us for name, us in result["cpu_us"].items() if name.startswith(threads))


def tick(result, must, stretch=None):
    p99 = worst(result, "tick_recent_ms")
    text = f"tick work p99 {p99:.1f} ms (worst 10 s), {result['bots']['disconnects']} disconnects"
    kept = p99 <= must and result["bots"]["disconnects"] == 0
    return [("tick p99 ≤ " + f"{must} ms, 0 disconnects" + (f" / {stretch}" if stretch else ""), text, kept)]


def cpu(result):
    ticks = result["tick_rate"]
    stages = result["statuses"][-1]["stages_ms"]
    each = {k: v * 1e3 * ticks / result["count"] for k, v in stages.items()}
    all_in = sum(result["cpu_us"].values())
    text = (f"{all_in:.0f} µs: network threads {share(result, 'gateway'):.0f}, simulation {each['step']:.0f}, "
            f"inputs {each['gather']:.0f}, interest {each['interest']:.0f}, encoding {each['encode']:.0f}, "
            f"journal {each['journal'] + share(result, 'store'):.0f}")
    return [("CPU a player and second ≤ 300 µs / 150", text, all_in <= 300)]


def one_core(result):
    bots = result["bots"]
    effect = bots["effect_ms"]["p99"]
    socket = worst(result, "effect_recent_ms")
    return tick(result, 16, "5,000 players") + [
        ("input to effect p99 < 50 ms / 38", f"{effect:.0f} ms at the bots, {socket:.0f} ms socket to socket (worst 10 s)",
         effect < 50)]


def storm(result):
    login = result["second"]["login_ms"]
    before, during = result["tick_p99_before"], worst(result, "tick_recent_ms")
    return [("3,000 logins in 10 s with p99 < 2 s, tick p99 ≤ 1.2 times that before",
             f"{login['count']} logins, p99 {login['p99']:.0f} ms; tick p99 {before:.1f} before, {during:.1f} ms at worst",
             login["count"] == 3000 and login["p99"] < 2000 and during <= 1.2 * before)]


def memory(result):
    each = (result["rss_after"] - result["rss_before"]) / result["count"] / 1024
    return [("memory ≤ 64 KB a player", f"{each:.0f} KB", each <= 64)]


def soak(result):
    slope = result["rss_slope_mb_h"]
    return [("≤ 1 MB an hour after minute 10", f"{slope:.2f} MB an hour", slope <= 1.0)] + tick(result, 16)


def inside(result):
    bots = result["bots"]
    text = (f"tick work p99 {bots['tick_p99_ms']:.1f} ms (worst 10 s), {bots['ticks_skipped']} ticks skipped, "
            f"{bots['throttle']} steps of the order of what is left undone")
    return [("tick p99 ≤ 33 ms at 30 Hz / 16 ms at 60 Hz", text,
             bots["tick_p99_ms"] <= 33 and bots["ticks_skipped"] == 0 and bots["throttle"] == 0 and bots["digest_mismatches"] == 0)]


ROWS = [
    row("player", 1000, [*STEADY, "--towns=15", "--interest-radius-m=400"], ["--pattern=even", "--hz=15"],
        lambda r: cpu(r) + memory(r), what="1,000 players"),
    row("one-core", 2500, [*STEADY, "--interest-radius-m=36"], ["--pattern=even", "--hz=15", TENTH], one_core,
        what="2,500 players, server on one core"),
    row("one-core-1500", 1500, [*STEADY, "--interest-radius-m=100"], ["--pattern=even", "--hz=15", TENTH], one_core,
        what="the same with 1,500"),
    row("five-hz", 10000, ["--tick-rate-hz=20", "--snapshot-ticks=4", "--interest-radius-m=10", "--interest-hysteresis-m=2"],
        ["--pattern=even", "--hz=5", TENTH, "--spread=64"], lambda r: tick(r, 33), cores=("0,1", "0,1"), warm=60,
        what="10,000 players, inputs and updates 5 Hz, server and bots on two cores"),
    row("crowd", 1000, ["--tick-rate-hz=30", "--towns=1"], ["--pattern=crowd", "--within-m=30", TENTH],
        lambda r: tick(r, 16, "2,000 players"), what="1,000 players within 100 m, 30 Hz"),
    row("fast", 200, ["--tick-rate-hz=120", "--snapshot-ticks=4", "--towns=2"], ["--pattern=even", "--hz=30"],
        lambda r: tick(r, 8.3), what="200 players, 120 Hz"),
    row("logins", 1000, [*STEADY, "--towns=16", "--interest-radius-m=100"], ["--pattern=even", "--hz=15", TENTH], storm,
        what="3,000 log in beside 1,000 players"),
    row("in-process", 10000, ["tick_rate_hz = 30", "snapshot_hz = 20", "agents = 100000", "towns = 20", "threads = 2",
                              "interest_radius_m = 60.0"],
        ["--pattern=even", "--hz=15"], inside, cores=("0,1", ""), what="in-process, no sockets: 10,000 players and 100,000 agents, 30 Hz, two cores"),
    row("soak", 1250, [*STEADY, "--interest-radius-m=100"], ["--pattern=even", "--hz=15", TENTH], soak,
        what="1,250 players, an hour"),
]


def seconds_of(spec):
    return int(os.environ.get("SOAK_SECONDS", "3600")) if spec["name"] == "soak" else SECONDS


def cpu_ticks(pid):
    total = {}
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            name = open(f"/proc/{pid}/task/{task}/comm").read().strip()
            fields = open(f"/proc/{pid}/task/{task}/stat").read().rsplit(")", 1)[1].split()
        except OSError:
            continue  # it has ended
        total[name] = total.get(name, 0) + int(fields[11]) + int(fields[12])
    return total


def resident(pid):
    return int(open(f"/proc/{pid}/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def lines_of(path):
    with open(path) as file:
        return [json.loads(line) for line in file if line.startswith("{") and line.endswith("}\n")]


def statuses(path):
    return [line["status"] for line in lines_of(path) if line.get("event") == "status"]


class Stage:
    """A server on its cores, in a directory of its own, and bots on theirs."""

    def __init__(self, spec):
        self.spec, self.children = spec, []
        self.dir = tempfile.mkdtemp(prefix="bluemarble-load-")
        self.log = os.path.join(self.dir, "server")
        self.server = self.start("server", spec["cores"][0], [
            "serve", "--json", "--listen=127.0.0.1:0", "--planet=assets/earth-1024.pack", f"--data={self.dir}/world",
            "--agents=0", "--players-max=20000", "--endpoints=1", "--threads=1", "--status-s=1", *spec["server"]])
        deadline = time.time() + 30
        while not (said := lines_of(self.log)):
            if time.time() > deadline or self.server.poll() is not None:
                raise SystemExit(f"{spec['name']}: the server does not start: see {self.dir}")
            time.sleep(0.1)
        self.addr = said[0]["addr"]

    def start(self, name, cores, args):
        out = open(os.path.join(self.dir, name), "w")
        errors = open(os.path.join(self.dir, name + ".errors"), "w")
        child = subprocess.Popen(["taskset", "-c", cores, PROGRAM, *args], stdout=out, stderr=errors)
        self.children.append(child)
        return child

    def bots(self, name, count, warm, seconds, more):
        return self.start(name, self.spec["cores"][1], [
            "bots", "--json", f"--addr={self.addr}", f"--data={self.dir}/world", f"--count={count}", "--rate=300",
            "--spread=8", "--insist=20", f"--warm-up={warm}", f"--seconds={warm + seconds}", *more])

    def said(self, name):
        return lines_of(os.path.join(self.dir, name))[-1]

    def end(self):
        for child in reversed(self.children):
            if child.poll() is None:
                child.send_signal(signal.SIGINT)
        for child in self.children:
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()
        shutil.rmtree(self.dir, ignore_errors=True)


def run_inside(spec):
    """Without a server: bots in the process of the world."""
    seconds, warm = seconds_of(spec), spec["warm"]
    with tempfile.TemporaryDirectory(prefix="bluemarble-load-") as dir:
        config = os.path.join(dir, "world.toml")
        with open(config, "w") as file:
            file.write(f'planet = "assets/earth-1024.pack"\ndata_dir = "{dir}/world"\n' + "\n".join(spec["server"]) + "\n")
        done = subprocess.run(
            ["taskset", "-c", spec["cores"][0], PROGRAM, "bots", "--json", f"--in-process={config}", f"--count={spec['count']}",
             f"--warm-up={warm}", f"--seconds={warm + seconds}", *spec["bots"]], capture_output=True, text=True)
    said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if not said:
        raise SystemExit(f"{spec['name']}: {done.stderr.strip()}")
    bots = said[-1]
    bots.update(snapshots_s=bots["tells_s"], connects_failed=spec["count"] - bots["players"])
    return dict(bots=bots)


def slope_mb_h(samples):
    """Of a line through (seconds, bytes), by least squares."""
    n = len(samples)
    if n < 3:
        return float("nan")
    t = sum(a for a, _ in samples) / n
    b = sum(v for _, v in samples) / n
    over = sum((a - t) * (v - b) for a, v in samples)
    return over / sum((a - t) ** 2 for a, _ in samples) * 3600 / (1 << 20)


def run(spec):
    seconds, warm, count = seconds_of(spec), spec["warm"], spec["count"]
    stage, result = Stage(spec), {}
    try:
        time.sleep(2)
        result["rss_before"] = resident(stage.server.pid)
        crowd = stage.bots("bots", count, warm, seconds, spec["bots"])
        time.sleep(warm + 1)
        if spec["name"] == "logins":
            time.sleep(20)
            result["tick_p99_before"] = statuses(stage.log)[-1]["tick_recent_ms"]["p99"]
            stage.bots("second", 3000, 0, 30, ["--pattern=login-storm", "--hz=15", TENTH, "--first-player=100001", "--rate=300"])
        before, begun, memory = cpu_ticks(stage.server.pid), time.time(), []
        first = len(statuses(stage.log))
        while crowd.poll() is None and time.time() < begun + seconds - 3:
            time.sleep(1)
            if time.time() > begun + 600 - warm:
                memory.append((time.time() - begun, resident(stage.server.pid)))
        after, passed = cpu_ticks(stage.server.pid), time.time() - begun
        result["rss_after"] = resident(stage.server.pid)
        result["rss_slope_mb_h"] = slope_mb_h(memory)
        crowd.wait(30)
        hz = 1e6 / os.sysconf("SC_CLK_TCK") / passed / count
        result.update(
            cpu_us={name: (after[name] - before.get(name, 0)) * hz for name in after}, bots=stage.said("bots"),
            # A window that began in the warm-up does not count.
            statuses=statuses(stage.log)[first + 11:], count=count,
            tick_rate=int(next(a for a in spec["server"] if "tick-rate" in a).split("=")[1]))
        if spec["name"] == "logins":
            result["second"] = stage.said("second")
    finally:
        stage.end()
    return result


def commit():
    def git(*args):
        return subprocess.run(["git", *args], capture_output=True, text=True).stdout.strip()

    # The document is what this writes.
    return git("rev-parse", "--short", "HEAD") + ("-dirty" if git("status", "--porcelain", "--", ".", f":!{DOCUMENT}") else "")


def machine():
    with open("/proc/cpuinfo") as file:
        model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), platform.machine())
    return f"{os.cpu_count()} cores, {model}"


def table(done):
    out = [BEGIN, "", f"Measured on {machine()}. All rows but the one that says so ran over sockets (QUIC on loopback, encrypted), with bots in a process of their own; the kernel's "
           "work for a packet that arrives counts for who sent it. A row counts when it was 300 s long (the last: an hour); a void one says "
           "nothing of the server but that it was not shown to be fast enough. Where one bot in ten reads of others, the rest decrypt and acknowledge as much as it does. In-process, players are threads of the server's own process: one in a hundred "
           "decodes and checks everything, the others send as much and acknowledge what that one has.", "",
           "| row | must / stretch | measured | kept | commit, seconds |", "| --- | --- | --- | --- | --- |"]
    for spec in ROWS:
        if not (entry := done.get(spec["name"])):
            out.append(f"| {spec['what']} | | not measured | | |")
            continue
        bots, where = entry["bots"], f"{entry['commit']}, {entry['seconds']}"
        faults = bots["void"] + ([f"{bots['connects_failed']} did not get in"] if bots["connects_failed"] else [])
        seen = f"{spec['what']}; {bots['seen_mean']:.0f} seen, updates {bots['snapshots_s']:.1f} Hz, datagrams {bots['datagrams_sent_s']:.1f} Hz up"
        if "packets_sent_s" in bots:
            seen += f", packets {bots['packets_sent_s']:.0f} up, {bots['packets_received_s']:.0f} down a player and second"
        seen += "; one bot in ten reads of others" if TENTH in spec["bots"] else ""
        for must, text, kept in entry["verdicts"]:
            verdict = "void: " + "; ".join(faults) if faults else "yes" if kept else "**no**"
            out.append(f"| {seen} | {must} | {text} | {verdict} | {where} |")
    return "\n".join([*out, "", END])


def write(done):
    with open(DOCUMENT) as file:
        text = file.read()
    head, rest = text.split(BEGIN, 1)
    with open(DOCUMENT, "w") as file:
        file.write(head + table(done) + rest.split(END, 1)[1])


def main():
    os.makedirs(RESULTS, exist_ok=True)
    names = sys.argv[3:] or [spec["name"] for spec in ROWS if spec["name"] != "soak"]
    if unknown := set(names) - {spec["name"] for spec in ROWS}:
        raise SystemExit(f"no such row: {', '.join(sorted(unknown))}; there are {', '.join(s['name'] for s in ROWS)}")
    kept = os.path.join(RESULTS, "table.json")
    done = json.load(open(kept)) if os.path.exists(kept) else {}
    for spec in ROWS:
        old = done.get(spec["name"], {})
        is_done = (old.get("commit"), old.get("seconds")) == (commit(), seconds_of(spec))
        if spec["name"] not in names or (is_done and "LOAD_AGAIN" not in os.environ):
            continue
        print(f"load: {spec['name']}, {seconds_of(spec)} s", flush=True)
        result = (run_inside if spec["judge"] is inside else run)(spec)
        done[spec["name"]] = dict(commit=commit(), seconds=seconds_of(spec), bots=result["bots"], verdicts=spec["judge"](result))
        for must, text, is_kept in done[spec["name"]]["verdicts"]:
            print(f"  {must}: {text}: {'kept' if is_kept else 'NOT KEPT'}", *result["bots"]["void"], flush=True)
        json.dump(done, open(kept, "w"))
    write(done)


main()
