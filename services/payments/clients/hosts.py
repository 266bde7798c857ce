"""Two addresses of one partner: the main one, and another while that cannot be reached."""

import time
from collections.abc import Callable, Sequence

AWAY_SECONDS = 60.0
"""How long an address that did not answer is asked last, by wall time."""


class Hosts:
    """The addresses to try, in turn. One that fails is tried last for a while; then the main one comes first again."""

    def __init__(self, main: str, backup: str = "", *, wall: Callable[[], float] = time.monotonic) -> None:
        self._addresses = [address.rstrip("/") for address in (main, backup) if address]
        self._failed: dict[str, float] = {}
        self._wall = wall

    @property
    def main(self) -> str:
        """The address that comes first when all is well."""
        return self._addresses[0]

    def in_turn(self) -> Sequence[str]:
        """The addresses, those first that have not failed of late."""
        since = self._wall() - AWAY_SECONDS
        return sorted(self._addresses, key=lambda address: self._failed.get(address, since) > since)

    def failed(self, address: str) -> None:
        """An address did not answer."""
        self._failed[address] = self._wall()
