"""Whom a webhook may call. A partner chooses the address, so we are made to send where it says: never into our own
network (SSRF), whatever a name resolves to, and never to a second address that the first one names.

A name is resolved once, every address it has is judged, and the connection goes to the address that was judged, so a
name that changes its mind in between leads nowhere.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import httpx

from .rules import Trouble

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""All addresses of a host; OSError where it has none."""

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_UNICAST = ipaddress.IPv6Network("2000::/3")


class NotAllowed(Exception):
    """An address that is not called; `trouble` says why."""

    def __init__(self, trouble: Trouble, detail: str) -> None:
        super().__init__(detail)
        self.trouble = trouble


@dataclass(frozen=True)
class Target:
    """Where a call goes: the URL with an address instead of the name, the name for `Host` and for the certificate."""

    url: httpx.URL
    host: str
    name: str


async def resolve_by_system(host: str, port: int) -> Sequence[str]:
    """What the system's resolver says."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def check_url(text: str, *, private: bool) -> httpx.URL:
    """A URL that a webhook may have: https, and http only to this machine where `private` addresses are allowed.

    Raises ValueError with what is wrong.
    """
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise ValueError("not a URL") from error
    if not url.host or url.scheme not in ("https", "http"):
        raise ValueError("an https address is needed")
    if url.userinfo or url.fragment:
        raise ValueError("neither a user name nor a fragment can be part of it")
    if url.scheme == "http" and not (private and _is_loopback(url.host)):
        raise ValueError("http is not allowed, use https")
    literal = _literal(url.host)
    if literal is not None and not private and not is_public(literal):
        raise ValueError("an address of a private network is not called")
    return url


async def aim(text: str, resolve: Resolve, *, private: bool) -> Target:
    """Where a call to this URL may go just now. Raises NotAllowed."""
    try:
        url = check_url(text, private=private)
    except ValueError as error:
        raise NotAllowed(Trouble.ADDRESS_FORBIDDEN, str(error)) from error
    port = url.port or {"https": 443, "http": 80}[url.scheme]
    try:
        addresses = await resolve(url.host, port)
    except OSError as error:
        raise NotAllowed(Trouble.NAME_UNKNOWN, f"{url.host} cannot be resolved") from error
    if not addresses:
        raise NotAllowed(Trouble.NAME_UNKNOWN, f"{url.host} has no address")
    if not private and not all(is_public(address) for address in addresses):
        raise NotAllowed(Trouble.ADDRESS_FORBIDDEN, f"{url.host} leads into a private network")
    return Target(url.copy_with(host=addresses[0].partition("%")[0]), url.netloc.decode(), url.host)


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet: neither private, local, shared, reserved nor multicast,
    nor an IPv6 address that only wraps such an IPv4 one."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv4Address):
        return ip.is_global and not ip.is_multicast
    wrapped = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
    if ip in _NAT64:
        wrapped = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return is_public(str(wrapped)) if wrapped else ip in _UNICAST and ip.is_global


def _literal(host: str) -> str | None:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    literal = _literal(host)
    return host == "localhost" or (literal is not None and ipaddress.ip_address(literal).is_loopback)
