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
        times = self._times.setdefault(key, deque())
        self._times.move_to_end(key)
        while len(self._times) > self._keys:
            self._times.popitem(last=False)
        while times and times[0] <= now - self._seconds:
            times.popleft()
        if len(times) >= self._most:
            return max(1, math.ceil(times[0] + self._seconds - now))
        times.append(now)
        return 0
