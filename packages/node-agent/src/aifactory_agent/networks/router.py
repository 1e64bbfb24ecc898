"""The router: a network namespace of the agent's own, a leg to each sandbox, an uplink to the host. Every call may be repeated."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aifactory_agent.host import processes
from aifactory_agent.networks.ruleset import UPLINK, UPLINKS, Uplink, leg

GATEWAY = "169.254.1.1"  # every sandbox's: it never leaves its own leg
INSIDE = "eth0"
_PATH = "/usr/sbin:/sbin:/usr/bin:/bin"
_FORWARD = Path("/proc/sys/net/ipv4/ip_forward")
_FORWARDS_FOR_US = Path("/run/aifactory-forwards")  # the machine's, as the switch is: gone with its next start


@contextmanager
def _one_agent_at_a_time() -> Iterator[None]:
    """The host's switch is shared: an agent that ends must not turn off what another has just asked for."""
    with Path(f"{_FORWARDS_FOR_US}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def why_not() -> str | None:
    """None when this machine can do it, else what is missing."""
    if os.geteuid() != 0:
        return "networks need root"
    missing = [tool for tool in ("ip", "nft", "nsenter") if shutil.which(tool, path=_PATH) is None]
    if missing:
        return f"{', '.join(missing)} not installed (apt install iproute2 nftables util-linux)"
    try:
        processes.run(["nft", "list", "tables"], timeout_seconds=10)
    except processes.CommandFailed as error:
        return f"the kernel's packet filter cannot be used here: {error}"
    return None


def namespace_of(pid: int) -> str:
    """Which network namespace a process is in; empty when it is gone."""
    try:
        return str(Path(f"/proc/{pid}/ns/net").readlink())
    except OSError:
        return ""


class Router:
    """`mark` tells this agent's router, uplink and tables from those of other agents on the machine."""

    def __init__(self, mark: str) -> None:
        self.namespace = f"aif-{mark}"
        number = int(mark, 16) % 8_192  # 128 of the /24s of 169.254, in pieces of four
        place, last = 128 + number // 64, number % 64 * 4
        self.uplink = Uplink(f"{UPLINKS}{mark}", f"169.254.{place}.{last + 1}", f"169.254.{place}.{last + 2}")

    def exists(self) -> bool:
        """Whether the namespace is there."""
        listed = processes.run(["ip", "netns", "list"]).split("\n")
        return any(line.split()[:1] == [self.namespace] for line in listed)

    def make(self) -> None:
        """Namespace and uplink, closed: nothing is forwarded before rules are loaded, and none means drop."""
        if not self.exists():
            processes.run(["ip", "netns", "add", self.namespace])
        self.load_inside(
            "table inet aifactory { chain forward { type filter hook forward priority filter; policy drop; }; }"
        )
        self._inside("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.disable_ipv6=1")
        if not self._host_has(self.uplink.name):
            processes.run(
                ["ip", "link", "add", self.uplink.name, "type", "veth", "peer", "name", UPLINK, "netns", self.namespace]
            )
        here = f"{self.uplink.host_address}/30"
        processes.run(["ip", "addr", "replace", here, "dev", self.uplink.name])
        processes.run(["ip", "link", "set", self.uplink.name, "up"])
        Path(f"/proc/sys/net/ipv4/conf/{self.uplink.name}/route_localnet").write_text("1")
        self._inside("ip", "addr", "replace", f"{self.uplink.router_address}/30", "dev", UPLINK)
        self._inside("ip", "link", "set", "lo", "up")
        self._inside("ip", "link", "set", UPLINK, "up")
        self._inside("ip", "route", "replace", "default", "via", self.uplink.host_address)

    def connect(self, slot_index: int, pid: int, address: str) -> None:
        """A leg to the namespace of this process, with this address at its end."""
        near = leg(slot_index)
        if not self._is_connected(slot_index, pid):
            self.disconnect(slot_index)
            self._inside("ip", "link", "add", near, "type", "veth", "peer", "name", INSIDE, "netns", str(pid))
        self._inside("ip", "addr", "replace", f"{GATEWAY}/32", "dev", near)
        self._inside("ip", "link", "set", near, "up")
        self._inside("ip", "route", "replace", f"{address}/32", "dev", near)
        within = ["nsenter", "-t", str(pid), "-n", "--"]
        processes.run([*within, "ip", "addr", "replace", f"{address}/32", "dev", INSIDE])
        processes.run([*within, "ip", "link", "set", INSIDE, "up"])
        processes.run([*within, "ip", "route", "replace", GATEWAY, "dev", INSIDE, "scope", "link"])
        processes.run([*within, "ip", "route", "replace", "default", "via", GATEWAY])

    def disconnect(self, slot_index: int) -> None:
        """Take the leg away, if it is there."""
        if leg(slot_index) in self._links():
            self._inside("ip", "link", "del", leg(slot_index))

    def legs(self) -> set[int]:
        """The slots that have a leg."""
        found = (re.fullmatch(r"s(\d+)", name) for name in self._links())
        return {int(match.group(1)) for match in found if match}

    def load_inside(self, text: str) -> None:
        """One transaction of the router's packet filter."""
        processes.run(["ip", "netns", "exec", self.namespace, "nft", "-f", "-"], said=text)

    def load_on_host(self, text: str) -> None:
        """One transaction of the host's packet filter."""
        processes.run(["nft", "-f", "-"], said=text)

    def rules_of(self, slot_index: int) -> list[str]:
        """What the kernel says that it holds for a slot: the lines of its two chains."""
        lines: list[str] = []
        for direction in ("in", "out"):
            listed = self._inside("nft", "-n", "list", "chain", "inet", "aifactory", f"{direction}_{slot_index}")
            lines += [line.strip() for line in listed.split("\n") if line.startswith("\t\t")]
        return lines

    def forward_on_host(self) -> bool:
        """Has the host forward. True when it does so since an agent asked it to: then for routers of agents alone."""
        with _one_agent_at_a_time():
            if _FORWARD.read_text().strip() == "0":
                _FORWARDS_FOR_US.touch()
                _FORWARD.write_text("1")
            return _FORWARDS_FOR_US.exists()

    def remove(self) -> None:
        """Everything that `make` made, and all legs; the last agent's also ends what the host forwards for agents."""
        if self._host_has(self.uplink.name):
            processes.run(["ip", "link", "del", self.uplink.name])
        self.load_on_host(f"table ip {self.uplink.name}\ndelete table ip {self.uplink.name}\n")
        if self.exists():
            processes.run(["ip", "netns", "del", self.namespace])
        with _one_agent_at_a_time():
            if _FORWARDS_FOR_US.exists() and not any(Path("/sys/class/net").glob(f"{UPLINKS}*")):
                _FORWARD.write_text("0")
                _FORWARDS_FOR_US.unlink()

    def _is_connected(self, slot_index: int, pid: int) -> bool:
        """Whether the leg's other end is in this process's namespace: a later sandbox of the slot needs a new one."""
        if leg(slot_index) not in self._links():
            return False
        links = processes.run(["nsenter", "-t", str(pid), "-n", "--", "ip", "-o", "link"])
        inside = re.search(rf"^(\d+): {INSIDE}@", links, re.MULTILINE)
        near = self._inside("ip", "-o", "link", "show", leg(slot_index))
        return inside is not None and f"@if{inside.group(1)}:" in near

    def _links(self) -> set[str]:
        return {
            line.split(":")[1].strip().partition("@")[0]
            for line in self._inside("ip", "-o", "link").split("\n")
            if line
        }

    def _inside(self, *command: str) -> str:
        return processes.run(["ip", "netns", "exec", self.namespace, *command])

    def _host_has(self, name: str) -> bool:
        return Path(f"/sys/class/net/{name}").exists()
