"""The address at which phones reach this machine. The only file that imports ifaddr."""

import ipaddress
import re
import socket
from dataclasses import dataclass

import ifaddr

from murai.control.access import reachable

BRIDGES = re.compile(
    r"(docker|br-|veth|virbr|vbox|vmnet|lxc|lxd|cni|flannel|podman|tun|tap|wg|tailscale|zt|utun)", re.I
)
"""Names of interfaces behind which there are containers, other systems or tunnels, and no phones."""
PATIENCE = 1.0
"""Seconds to wait for the own server."""


@dataclass(frozen=True, slots=True)
class Place:
    """An `address` of this machine, and the name of the `interface` that has it."""

    address: str
    interface: str


def places() -> list[Place]:
    """Every address by which others may reach this machine, the likeliest first.

    Those for this machine alone and those for one wire are left out. IPv4 comes before IPv6, the way to the
    world before others; where containers and tunnels are comes last.
    """
    found = [
        Place(ip.ip if isinstance(ip.ip, str) else ip.ip[0], adapter.nice_name)
        for adapter in ifaddr.get_adapters()
        for ip in adapter.ips
    ]
    world = reachable("0.0.0.0")
    return sorted(filter(_is_reachable, found), key=lambda place: _rank(place, world))


def base_address(port: int, wanted: str = "") -> str:
    """What addresses of pages begin with for a phone, such as "http://192.168.1.7:8080"; empty where none works.

    The best of all places is taken at which the server at `port` answers. `wanted` is what the host says instead: an
    address or name, or all of it with http:// or https://.
    """
    if wanted:
        return wanted.rstrip("/") if "://" in wanted else f"http://{_host(wanted)}:{port}"
    return next((f"http://{_host(place.address)}:{port}" for place in places() if _answers(place.address, port)), "")


def _is_reachable(place: Place) -> bool:
    address = ipaddress.ip_address(place.address)
    return not (address.is_loopback or address.is_link_local or address.is_unspecified or address.is_multicast)


def _rank(place: Place, world: str) -> tuple[bool, bool, bool]:
    """How unlikely it is that phones are there, where the way to the world begins at `world`."""
    return bool(BRIDGES.match(place.interface)), ":" in place.address, place.address != world


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address and not address.startswith("[") else address


def _answers(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), PATIENCE):
            return True
    except OSError:
        return False
