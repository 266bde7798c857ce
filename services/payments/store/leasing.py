"""When a worker may take a thing again that it, or one that died, has asked about: the pause doubles with every try."""

TURN = (
    "(tries = 0 or asked_at + make_interval(secs => least(cast(:most_seconds as double precision), "
    "cast(:seconds as double precision) * power(2, least(tries, 20) - 1))) < :now)"
)
"""Of a row with `tries` and `asked_at` (wall time); binds `now`, `seconds` after the first try, and `most_seconds`."""
