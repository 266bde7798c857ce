"""What a list has said before: at which row each key came first, in memory that hardly grows with the list."""

from array import array

_FEWEST_PLACES = 1024


class FirstRows:
    """Rows by the 64-bit hash of what they say: a dict of two arrays, 12 bytes a place, where Python's own takes some
    200 for an entry. A place whose row is 0 is free; a key that finds its place taken goes to the next one."""

    def __init__(self, expected: int = 0) -> None:
        """Places for so many rows; more are made when they are needed, which takes a moment in a long list."""
        self._taken = 0
        self._make_places(max(_FEWEST_PLACES, 1 << (2 * expected).bit_length()))

    def find(self, key: int) -> int | None:
        """The row at which a key came first; None: it has not come."""
        return self._rows[self._place(key)] or None

    def add(self, key: int, row_no: int) -> None:
        """Keep the row (from 1 on) at which a key came first."""
        if 2 * self._taken >= len(self._rows):
            self._double()
        place = self._place(key)
        self._keys[place], self._rows[place] = key, row_no
        self._taken += 1

    def _place(self, key: int) -> int:
        place = key & self._mask
        while self._rows[place] and self._keys[place] != key:
            place = (place + 1) & self._mask
        return place

    def _make_places(self, count: int) -> None:
        self._keys, self._rows, self._mask = array("q", bytes(8 * count)), array("I", bytes(4 * count)), count - 1

    def _double(self) -> None:
        before = zip(self._keys, self._rows, strict=True)
        self._make_places(2 * len(self._rows))
        for key, row_no in before:
            if row_no:
                place = self._place(key)
                self._keys[place], self._rows[place] = key, row_no
