"""Real packets between real sandboxes: what the rules of two tenants let pass, and nothing else."""

from __future__ import annotations

import itertools
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from test_agent_run import records_of, start_args

from aifactory_agent import sandbox, verbs
from aifactory_agent.host import processes
from aifactory_agent.networks import router
from aifactory_protocol import NetworkApply, NetworkRule, PublishedPort
from conftest import Landlord, cannot

pytestmark = pytest.mark.xdist_group("packets")  # one address of the host's to the outside, so one worker

SOON, PATIENTLY = 0.5, 4.0  # seconds: for what is dropped, and for what must come
PROTOCOLS = ("tcp", "udp", "icmp")
PORTS = {"tcp": 5001, "udp": 5002}
RED, GREEN, BLUE, OUTSIDE = "10.128.0.5", "10.128.0.6", "10.128.1.5", "198.51.100.9"
ADDRESSES = {"red": RED, "green": GREEN, "blue": BLUE, "outside": OUTSIDE}
RED_NET, BLUE_NET = "10.128.0.0/24", "10.128.1.0/24"
ECHO = f"""
import socket, threading
def udp():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("0.0.0.0", {PORTS["udp"]}))
    while True:
        d, a = s.recvfrom(100); s.sendto(b"udp " + d, a)
threading.Thread(target=udp, daemon=True).start()
t = socket.create_server(("0.0.0.0", {PORTS["tcp"]}), backlog=64)
def serve(c):
    with c:
        while d := c.recv(100): c.sendall(b"tcp " + d)
while True:
    threading.Thread(target=serve, args=(t.accept()[0],), daemon=True).start()
"""
PING = """
import os, socket, struct, sys, time
ours = os.getpid() & 0xffff
head = struct.pack("!BBHHH", 8, 0, 0, ours, 1)
total = sum(struct.unpack("!4H", head))
total = (total >> 16) + (total & 0xffff)
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
s.bind((sys.argv[2], 0))
s.settimeout(float(sys.argv[3]))
s.sendto(struct.pack("!BBHHH", 8, 0, ~total & 0xffff, ours, 1), (sys.argv[1], 0))
ends = time.monotonic() + float(sys.argv[3])
while time.monotonic() < ends:
    packet, (sender, _) = s.recvfrom(200)
    kind, _, _, number, _ = struct.unpack("!BBHHH", packet[20:28])
    if kind == 0 and number == ours and sender == sys.argv[1]:
        sys.exit(0)
sys.exit(1)
"""


@dataclass
class Place:
    """Somewhere packets come from and go to: a network namespace, entered by a process in it or by its name."""

    enter: list[str]

    def run(self, *command: str, seconds: float = 15) -> subprocess.CompletedProcess:
        return subprocess.run([*self.enter, *command], capture_output=True, timeout=seconds, check=False)

    def reaches(self, address: str, protocol: str, port: int | None = None, patience: float = SOON) -> bool:
        """Whether an answer comes within `patience` seconds: a loaded machine answers late, and never what was dropped."""
        if protocol == "icmp":
            return self.pings(address, patience=patience)
        kind = "SOCK_STREAM" if protocol == "tcp" else "SOCK_DGRAM"
        script = (
            f"import socket; s=socket.socket(socket.AF_INET, socket.{kind}); s.settimeout({patience}); "
            f"s.connect(('{address}', {port or PORTS[protocol]})); s.send(b'x'); assert s.recv(9) == b'{protocol} x'"
        )
        return self.run(sys.executable, "-S", "-c", script).returncode == 0

    def pings(self, address: str, source: str = "0.0.0.0", patience: float = SOON) -> bool:
        return self.run(sys.executable, "-S", "-c", PING, address, source, str(patience)).returncode == 0


@dataclass
class Town:
    """Three sandboxes of two tenants (red and green, blue), the host, and somebody outside."""

    landlord: Landlord
    places: dict[str, Place]
    generation: int = 1

    def apply(self, name: str, *rules: NetworkRule, ports: list[PublishedPort] | None = None) -> list[str]:
        self.generation += 1
        wish = NetworkApply(f"alloc_{name}", ADDRESSES[name], list(rules), ports or [])
        return verbs.apply_network(self.landlord.node, wish, self.generation).output["rules"]

    def matrix(self, *expected: tuple[str, str, str]) -> set[tuple[str, str, str]]:
        """Every (from, to, protocol) that passes; what is expected is waited for."""
        pairs = [
            (a, b) for a, b in itertools.product(ADDRESSES, ADDRESSES) if (a != b and b != "outside") or a == "red"
        ]
        tries = [(a, b, protocol) for a, b in pairs if a != b for protocol in PROTOCOLS]
        passed = set()

        def knock(one: tuple[str, str, str]) -> None:
            patience = PATIENTLY if one in expected else SOON
            if self.places[one[0]].reaches(ADDRESSES[one[1]], one[2], patience=patience):
                passed.add(one)

        with_threads(tries, knock)
        return passed


def with_threads(items, work) -> None:
    waiting = [threading.Thread(target=work, args=(item,)) for item in items]
    for thread in waiting:
        thread.start()
    for thread in waiting:
        thread.join()


def rule(direction: str, protocol: str, *peers: str, port: int | None = None) -> NetworkRule:
    return NetworkRule(direction, protocol, list(peers), port, port)


def remove_what_killed_runs_left() -> None:
    """Their side of the one address outside would answer in ours' place."""
    links = subprocess.run(["ip", "-br", "link"], capture_output=True, text=True, check=True).stdout
    for pid in re.findall(r"^outs(\d+)", links, re.MULTILINE):
        if not Path(f"/proc/{pid}").exists():
            subprocess.run(["ip", "link", "del", f"outs{pid}"], check=False)
            subprocess.run(["ip", "netns", "del", f"aiftest{pid}"], check=False)


@pytest.fixture(scope="module")
def outside() -> Iterator[Place]:
    """Somebody beyond the host: a namespace of its own behind a pair of interfaces."""
    remove_what_killed_runs_left()
    name, near = f"aiftest{os.getpid()}", f"outs{os.getpid()}"
    for command in (
        f"ip netns add {name}",
        f"ip link add {near} type veth peer name far netns {name}",
        f"ip addr add 198.51.100.1/24 dev {near}",
        f"ip link set {near} up",
        f"ip -n {name} addr add {OUTSIDE}/24 dev far",
        f"ip -n {name} link set far up",
        f"ip -n {name} link set lo up",
        f"ip -n {name} route add default via 198.51.100.1",
    ):
        subprocess.run(command.split(), check=True)
    place = Place(["ip", "netns", "exec", name])
    echo = subprocess.Popen([*place.enter, sys.executable, "-S", "-c", ECHO])
    yield place
    echo.kill()
    echo.wait()
    subprocess.run(["ip", "link", "del", near], check=True)
    subprocess.run(["ip", "netns", "del", name], check=True)


@pytest.fixture(scope="module")
def town(landlord, outside) -> Iterator[Town]:
    if (reason := router.why_not()) is not None:
        cannot(reason)
    places, echoes = {"outside": outside}, []
    for number, name in enumerate(("red", "green", "blue")):
        record = landlord.start(f"alloc_{name}", slot_index=number)
        inside = sandbox.process_inside(landlord.node, record)
        places[name] = Place(["nsenter", "-t", str(inside), "-n", "--"])
        echoes.append(subprocess.Popen([*places[name].enter, sys.executable, "-S", "-c", ECHO]))
    yield Town(landlord, places)
    for echo in echoes:
        echo.kill()
        echo.wait()
    for name in ("red", "green", "blue"):
        landlord.stop(f"alloc_{name}")
    landlord.node.networks.remove()


def test_without_a_rule_nothing_passes(town):
    for name in ("red", "green", "blue"):
        assert not any("comment" in line for line in town.apply(name))
    assert town.matrix() == set()
    for port in (22, 8042):
        assert not town.places["red"].reaches(town.landlord.node.networks._router.uplink.host_address, "tcp", port)


def test_exactly_what_the_rules_of_both_sides_say_passes(town):
    town.apply("red", rule("out", "any", RED_NET), rule("in", "tcp", RED_NET, port=PORTS["tcp"]))
    town.apply("green", rule("out", "tcp", RED_NET), rule("in", "any", RED_NET))
    town.apply("blue", rule("out", "any", "0.0.0.0/0"), rule("in", "any", BLUE_NET))
    expected = {
        ("red", "green", "tcp"), ("red", "green", "udp"), ("red", "green", "icmp"), ("green", "red", "tcp"),
    }  # fmt: skip
    assert town.matrix(*expected) == expected


def test_two_networks_meet_only_where_both_allow_it(town):
    town.apply("red", rule("in", "udp", f"{BLUE}/32", port=PORTS["udp"]))
    town.apply("green", rule("in", "icmp", "0.0.0.0/0"))
    town.apply("blue", rule("out", "udp", f"{RED}/32"))
    assert town.matrix(("blue", "red", "udp")) == {("blue", "red", "udp")}


def test_what_may_leave_reaches_the_outside_and_never_the_host(town):
    town.apply("red", rule("out", "tcp", "198.51.100.0/24"))
    for name in ("green", "blue"):
        town.apply(name)
    assert town.matrix(("red", "outside", "tcp")) == {("red", "outside", "tcp")}
    town.apply("red", rule("out", "any", "0.0.0.0/0"))
    red, host = (
        town.places["red"],
        ("127.0.0.1", "198.51.100.1", town.landlord.node.networks._router.uplink.host_address),
    )
    assert not any(red.reaches(address, "icmp") for address in host[1:])
    server = subprocess.Popen([sys.executable, "-S", "-c", ECHO])
    try:
        until(lambda: Place([]).reaches("127.0.0.1", "tcp"), 20)
        assert not any(red.reaches(address, "tcp") for address in host[1:])
    finally:
        server.kill()
        server.wait()


def test_a_published_port_is_open_to_the_host_and_to_the_outside_and_to_nothing_else(town):
    for name in ("red", "green", "blue"):
        town.apply(name)
    town.apply("green", ports=[PublishedPort(31_077, PORTS["tcp"])])
    here, outside = Place([]), town.places["outside"]
    assert here.reaches("127.0.0.1", "tcp", 31_077, PATIENTLY)
    assert here.reaches("198.51.100.1", "tcp", 31_077, PATIENTLY)
    assert outside.reaches("198.51.100.1", "tcp", 31_077, PATIENTLY)
    assert town.matrix() == set()
    town.apply("green")
    assert not here.reaches("127.0.0.1", "tcp", 31_077) and not outside.reaches("198.51.100.1", "tcp", 31_077)


def test_an_address_that_is_not_its_own_gets_nothing_through(town):
    town.apply("red", rule("out", "any", "0.0.0.0/0"))
    town.apply("green", rule("in", "any", "0.0.0.0/0"))
    assert town.places["red"].reaches(GREEN, "udp", patience=PATIENTLY)
    red = town.places["red"]
    red.run("ip", "addr", "add", "10.128.0.99/32", "dev", "eth0")
    try:
        assert red.pings(GREEN, patience=PATIENTLY)
        assert not red.pings(GREEN, source="10.128.0.99")
    finally:
        red.run("ip", "addr", "del", "10.128.0.99/32", "dev", "eth0")


def test_a_rule_that_is_taken_back_ends_what_it_had_allowed(town):
    town.apply("red", rule("out", "tcp", RED_NET))
    town.apply("green", rule("in", "tcp", RED_NET))
    talk = (
        f"import socket,sys\ns=socket.create_connection(('{GREEN}', {PORTS['tcp']}), timeout=2)\n"
        "def say():\n s.sendall(b'x')\n print(s.recv(9).decode(), flush=True)\n"
        "say()\nsys.stdin.readline()\ns.settimeout(1.5)\ntry:\n say()\nexcept OSError: print('cut', flush=True)"
    )
    talking = subprocess.Popen(
        [*town.places["red"].enter, sys.executable, "-S", "-c", talk], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )  # fmt: skip
    assert talking.stdout.readline() == "tcp x\n"
    town.apply("green")
    said, _ = talking.communicate("go on\n", timeout=10)
    assert said == "cut\n"


def test_while_rules_change_every_packet_is_judged_by_the_old_or_the_new(town):
    """UDP may pass in both, ICMP in neither, TCP from blue never: none of it wavers while rules are replaced."""
    first = [rule("in", "udp", RED_NET), rule("in", "tcp", RED_NET)]
    second = [rule("in", "tcp", f"{RED}/32", port=9), rule("in", "udp", f"{RED}/32")]
    town.apply("red", rule("out", "any", "0.0.0.0/0"))
    town.apply("blue", rule("out", "any", "0.0.0.0/0"))
    town.apply("green", *first)
    over, seen = threading.Event(), {"always": [], "never": []}

    def knock(list_name: str, name: str, protocol: str) -> None:
        while not over.is_set():
            patience = PATIENTLY if list_name == "always" else SOON
            seen[list_name].append(town.places[name].reaches(GREEN, protocol, patience=patience))

    knocking = [("always", "red", "udp"), ("never", "red", "icmp"), ("never", "blue", "tcp"), ("never", "blue", "udp")]
    threads = [threading.Thread(target=knock, args=one) for one in knocking]
    for thread in threads:
        thread.start()
    for number in range(12):
        town.apply("green", *(second if number % 2 == 0 else first))
    over.set()
    for thread in threads:
        thread.join()
    assert seen["always"] and all(seen["always"])
    assert seen["never"] and not any(seen["never"])


def until(true, seconds: float = 5) -> None:
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.05)


DIES = """
import json, os, signal, sys, pathlib, msgspec
from aifactory_agent.host import processes
from aifactory_agent.networks import networks, router
from aifactory_protocol import NetworkApply
folder, mark, slot, pid, left, wish = sys.argv[1:]
left, run, write = int(left), processes.run, networks.durable.write
def one_less():
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
def counted(do):
    def call(*args, **options):
        one_less()
        answer = do(*args, **options)
        one_less()
        return answer
    return call
processes.run, networks.durable.write = counted(run), counted(write)
wish = msgspec.json.decode(wish, type=NetworkApply)
networks.Networks(pathlib.Path(folder), router.Router(mark)).apply(int(slot), 9, wish, int(pid))
"""


QUICK, EVERY = [0, 1, 6, 12, 16, 18, 20, 99], [*range(80), 99]


@pytest.mark.parametrize("steps", [QUICK, pytest.param(EVERY, marks=pytest.mark.heavy)], ids=["some", "every"])
@pytest.mark.timeout(300)
def test_killed_in_an_apply_it_is_as_before_or_as_wanted_and_the_next_start_makes_it_so(town, steps):
    for name in ("red", "blue"):
        town.apply(name, rule("out", "any", "0.0.0.0/0"))
    codes, verdicts = set(), set()
    for step in steps:
        code, seen = killed_in_an_apply(town, step)
        codes.add(code)
        verdicts.add(seen)
        if code == 0:
            break
    assert codes == {0, -signal.SIGKILL} and len(verdicts) == 2, "it was killed neither before nor after the change"


def who_gets_in(town) -> tuple[bool, bool]:
    """Blue to green, by TCP and by UDP: one of them, so the other is waited for once one is not answered."""
    blue = town.places["blue"]
    by_tcp = blue.reaches(GREEN, "tcp")
    by_udp = blue.reaches(GREEN, "udp", patience=SOON if by_tcp else PATIENTLY)
    return (by_tcp or (not by_udp and blue.reaches(GREEN, "tcp", patience=PATIENTLY))), by_udp


def killed_in_an_apply(town, step: int) -> tuple[int, tuple[bool, bool]]:
    """Old rules let blue in by TCP, new ones by UDP, both let red in by UDP. Returns how it ended and who got in."""
    node, names = town.landlord.node, ("red", "green", "blue")
    inside = {f"alloc_{one}": sandbox.process_inside(node, town.landlord.record(f"alloc_{one}")) for one in names}
    town.apply("green", rule("in", "udp", RED_NET), rule("in", "tcp", BLUE_NET))
    wish = NetworkApply("alloc_green", GREEN, [rule("in", "udp", f"{RED}/32"), rule("in", "udp", BLUE_NET)])
    words = [str(node.settings.state_dir / "networks"), node.settings.mark, "1", str(inside["alloc_green"]), str(step)]
    dying = [sys.executable, "-c", DIES, *words, msgspec.json.encode(wish).decode()]
    code = subprocess.run(dying, check=False).returncode
    assert town.places["red"].reaches(GREEN, "udp", patience=PATIENTLY), (
        f"killed at step {step}: what both allow is cut"
    )
    seen = who_gets_in(town)
    assert seen in ((True, False), (False, True)), f"killed at step {step}: neither old nor new"
    node.networks.mend(inside)
    ended = who_gets_in(town)
    assert ended == ((True, False) if step < 1 else (False, True)), f"killed at step {step}: not mended"
    return code, seen


def test_a_sandbox_that_ends_takes_its_leg_and_its_rules_along(town):
    town.apply("blue", rule("in", "any", "0.0.0.0/0"))
    town.landlord.stop("alloc_blue")
    networks = town.landlord.node.networks
    assert networks._router.legs() == {0, 1}
    assert not (town.landlord.node.settings.state_dir / "networks/alloc_blue.json").exists()
    town.landlord.start("alloc_blue", slot_index=2)
    assert networks._router.legs() == {0, 1}


def test_packets_go_on_while_the_agent_is_dead_and_the_next_one_goes_on_from_there(agent, plane, tenant):
    agent.start()
    assert plane.ask("sandbox.start", "alloc_open", **start_args(agent, tenant, "alloc_open")).status == "done"
    wish = {"allocation_id": "alloc_open", "address": "10.128.9.9"}
    done = plane.ask("network.apply", "alloc_open", 2, **wish, ports=[{"host_port": 31_078, "port": PORTS["tcp"]}])
    assert done.status == "done" and any("published 5001" in line for line in done.output["rules"])
    ours, uid = router.namespace_of(os.getpid()), records_of(agent).find("alloc_open").uid
    inside = next(pid for pid in processes.of_user(uid) if router.namespace_of(pid) not in ("", ours))
    echo = subprocess.Popen(["nsenter", "-t", str(inside), "-n", "--", sys.executable, "-S", "-c", ECHO])
    here = Place([])
    try:
        until(lambda: here.reaches("127.0.0.1", "tcp", 31_078), 20)
        agent.kill()
        assert here.reaches("127.0.0.1", "tcp", 31_078, PATIENTLY)
        agent.start()
        task = plane.task("network.apply", "alloc_open", 3, **wish)
        plane.offer(task)
        time.sleep(0.3)
        agent.kill()
        agent.start()
        assert plane.result(task.id).status == "done"
        assert not here.reaches("127.0.0.1", "tcp", 31_078)
    finally:
        echo.kill()
        echo.wait()
    assert plane.ask("sandbox.stop", "alloc_open", 4, allocation_id="alloc_open").status == "done"
    agent.stop()
    assert agent.call("stop-all").returncode == 0
    names = processes.run(["ip", "netns", "list"]) + processes.run(["nft", "list", "tables"])
    assert agent.settings.mark not in names


def test_a_sandbox_that_does_not_run_is_in_no_network(landlord):
    with pytest.raises(verbs.Failed, match="does not run here"):
        verbs.apply_network(landlord.node, NetworkApply("alloc_nowhere", RED), 1)
