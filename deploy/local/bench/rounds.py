"""What every load of the bench does: send requests that must be answered well, and add up what its rounds have used."""

from collections.abc import Sequence

from deploy.local.postgres import EmbeddedPostgres

from . import load, stage
from .load import Outcome
from .measures import bench_peak_mib
from .shown import step


def rounds_of(size: float) -> int:
    """Rounds of a case whose round takes minutes at the whole size: three, but one there."""
    return 3 if size < 0.5 else 1


class Used:
    """What rounds of a load use: `with used:` around each."""

    def __init__(self, service: stage.Served, postgres: EmbeddedPostgres) -> None:
        self._service, self._postgres = service, postgres
        self._service_seconds = self._database_seconds = 0.0
        self._rounds = 0

    def __enter__(self) -> None:
        self._rounds += 1
        step(f"round {self._rounds}")
        self._before = self._service.cpu_seconds(), stage.cpu_seconds(self._postgres.pid)

    def __exit__(self, *_: object) -> None:
        self._service_seconds += self._service.cpu_seconds() - self._before[0]
        self._database_seconds += stage.cpu_seconds(self._postgres.pid) - self._before[1]

    def beside(self, rounds: Sequence[Outcome], each: int) -> dict[str, float]:
        """Waits for an answer, processor time in ms for each of `each` things a round, and the peaks of memory."""
        middle, count = sorted(rounds, key=lambda one: one.seconds)[len(rounds) // 2], each * len(rounds)
        return {
            "p50_ms": middle.wait_ms(0.5),
            "p99_ms": middle.wait_ms(0.99),
            **self.shares(count),
            "client_cpu_ms": round(1000 * sum(one.cpu_seconds for one in rounds) / count, 3),
            "service_peak_mib": round(self._service.peak_mib(), 1),
            "bench_peak_mib": bench_peak_mib(),
            "rounds": len(rounds),
        }

    def shares(self, count: int) -> dict[str, float]:
        """Processor time of service and database in ms for each of `count` things."""
        return {
            "service_cpu_ms": round(1000 * self._service_seconds / count, 3),
            "database_cpu_ms": round(1000 * self._database_seconds / count, 3),
        }


def send(service: stage.Served, requests: Sequence[bytes], connections: int) -> Outcome:
    """Send requests; raises RuntimeError where one was not answered well, for then the figure means nothing."""
    outcome = load.send(service.port, requests, connections)
    if any(status >= 300 for status in outcome.statuses):
        raise RuntimeError(f"{dict(outcome.statuses)}: {outcome.sample.decode(errors='replace')}")
    return outcome
