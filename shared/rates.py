"""How often somebody may do something: a sliding window in the memory of one process, bounded whatever comes."""

import math
from collections import OrderedDict, deque


class Rates:
    """At most `most` times in `seconds` for each key; the keys that were quiet longest are forgotten beyond `keys`."""

    def __init__(self, most: int, seconds: float, *, keys: int = 50_000) -> None:
        self._most, self._seconds, self._keys = most, seconds, keys
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def wait_seconds(self, key: str, now: float) -> int:
        """Count one try at `now` (seconds of any steady clock); 0, or the seconds after which the next may come."""
        wait = self.left_seconds(key, now)
        if not wait:
            self.count(key, now)
        return wait

    def left_seconds(self, key: str, now: float) -> int:
        """0, or the seconds after which the next try may come; nothing is counted."""
        times = self._times.get(key, deque())
        while times and times[0] <= now - self._seconds:
            times.popleft()
        return max(1, math.ceil(times[0] + self._seconds - now)) if len(times) >= self._most else 0

    def count(self, key: str, now: float) -> int:
        """Count one try; how many there were within the window, this one among them."""
        left = self.left_seconds(key, now)
        times = self._times.setdefault(key, deque())
        self._times.move_to_end(key)
        while len(self._times) > self._keys:
            self._times.popitem(last=False)
        if not left:  # a key that has to wait is not kept waiting longer by trying
            times.append(now)
        return len(times)
