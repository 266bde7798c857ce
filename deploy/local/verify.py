"""`make verify`: re-reads the chains of every pool and runs every invariant, in the databases of the suite."""

import argparse
import asyncio
import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from deploy.local import places
from deploy.local.databases import running_suite, suite_databases
from deploy.local.postgres import EmbeddedPostgres
from shared import chain
from shared.database import Database
from shared.invariants import Finding, Invariant, check


@dataclass(frozen=True)
class Verdict:
    """What was found in one service's database: how much its chains hold, their breaks, the invariants' findings."""

    service: str
    records: dict[str, int]
    breaks: Sequence[chain.Break]
    findings: Sequence[Finding]

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return not self.breaks and all(finding.found == 0 for finding in self.findings)


async def verify(service: str, url: str) -> Verdict:
    """Read one service's database through, on one snapshot for all of it."""
    invariants: Sequence[Invariant] = importlib.import_module(f"services.{service}.invariants").INVARIANTS
    database = Database(url)
    try:
        async with database.reading() as tx:
            records = {
                each.name: await tx.value(f"select count(*) from {each.name}") for each in (chain.EVENTS, chain.AUDIT)
            }
            return Verdict(service, records, await chain.verify(tx.connection), await check(tx, invariants))
    finally:
        await database.close()


def first_wrong(verdict: Verdict) -> str:
    """One sentence about the first thing that is wrong, or an empty text."""
    for broken in verdict.breaks:
        return f"{verdict.service}: {broken.chain} of pool {broken.pool} breaks at seq {broken.seq}: {broken.reason}"
    for finding in verdict.findings:
        if finding.found:
            sample = ", ".join(finding.sample)
            what = f"{finding.name} does not hold ({finding.meaning})"
            return f"{verdict.service}: {what}; {finding.found} rows, such as {sample}"
    return ""


async def _verify_all(databases: dict[str, str]) -> list[Verdict]:
    return [await verify(service, url) for service, url in databases.items()]


def _print(verdicts: Sequence[Verdict]) -> None:
    table = Table("service", "events", "audit lines", "breaks", "invariants", "broken")
    for verdict in verdicts:
        broken = sum(finding.found > 0 for finding in verdict.findings)
        figures = (*verdict.records.values(), len(verdict.breaks), len(verdict.findings), broken)
        table.add_row(verdict.service, *(f"{figure:,}" for figure in figures))
    Console().print(table)


def main() -> int:
    """Verify and print a table; exit 1 with the first break where something is wrong, 2 where there is no data."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local.verify", description=__doc__)
    parser.parse_args()
    if running_suite() is None and not EmbeddedPostgres(places.POSTGRES).has_data:
        print("there is no data yet: make season or make up comes first", file=sys.stderr)
        return 2
    with suite_databases() as databases:
        verdicts = asyncio.run(_verify_all(databases))
    _print(verdicts)
    wrong = [sentence for verdict in verdicts if (sentence := first_wrong(verdict))]
    if wrong:
        print(wrong[0])
        return 1
    print("every chain and every invariant holds")
    return 0


if __name__ == "__main__":
    sys.exit(main())
