"""The addresses of this machine, and of one with many interfaces."""

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from ipaddress import ip_address

import pytest

from murai.booth.addresses import base_address, places

MANY = """
for link in docker0 wlan0 eth0 br-1234 tun0; do ip link add $link type bridge && ip link set $link up; done
ip link set lo up
ip addr add 172.17.0.1/16 dev docker0
ip addr add 192.168.7.20/24 dev wlan0
ip addr add 10.0.0.5/24 dev eth0
ip addr add fd00::5/64 dev eth0 nodad
ip addr add 169.254.3.4/16 dev eth0
ip addr add 172.18.0.1/16 dev br-1234
ip addr add 10.8.0.2/24 dev tun0
ip route add default via 192.168.7.1 dev wlan0
exec "$0" -c "$1"
"""
TOLD = """
import json, socket
from murai.booth.addresses import base_address, places
listener = socket.create_server(("0.0.0.0", 0))
one = socket.create_server(("10.0.0.5", 0))
ports = [each.getsockname()[1] for each in (listener, one)]
print(json.dumps([[p.address for p in places()], *(base_address(p).rpartition(":")[0] for p in ports)]))
"""


@pytest.fixture
def port() -> Iterator[int]:
    """Of a server that everybody reaches."""
    with socket.create_server(("0.0.0.0", 0)) as server:
        yield server.getsockname()[1]


def test_the_best_address_is_one_that_answers(port: int) -> None:
    base = base_address(port)
    if not places():
        assert base == ""
        return
    assert base == f"http://{places()[0].address}:{port}"
    host, _, number = base.removeprefix("http://").rpartition(":")
    socket.create_connection((host, int(number)), 1).close()


def test_nobody_is_sent_to_addresses_that_only_this_machine_has() -> None:
    for place in places():
        assert not ip_address(place.address).is_loopback
        assert not ip_address(place.address).is_link_local


def test_a_server_for_this_machine_alone_has_no_address_for_phones() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert base_address(server.getsockname()[1]) == ""


@pytest.mark.parametrize(
    ("wanted", "base"),
    [
        ("booth.local", "http://booth.local:80"),
        ("10.1.2.3", "http://10.1.2.3:80"),
        ("fd00::7", "http://[fd00::7]:80"),
        ("https://booth.example.org/", "https://booth.example.org"),
    ],
)
def test_the_host_may_say_it(wanted: str, base: str) -> None:
    assert base_address(80, wanted) == base


def test_of_many_interfaces_the_one_with_phones_is_taken() -> None:
    command = ["unshare", "--user", "--map-root-user", "--net", "sh", "-c", MANY, sys.executable, TOLD]
    if not shutil.which("unshare") or not shutil.which("ip"):
        pytest.skip("there is no way to make interfaces here")
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"interfaces cannot be made here: {done.stderr}")
    found, everywhere, wire = json.loads(done.stdout)
    assert found[:3] == ["192.168.7.20", "10.0.0.5", "fd00::5"]
    assert sorted(found[3:]) == ["10.8.0.2", "172.17.0.1", "172.18.0.1"]
    assert everywhere == "http://192.168.7.20"
    assert wire == "http://10.0.0.5"
