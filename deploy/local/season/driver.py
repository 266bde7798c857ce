"""Plays the acts of a season in their order: moves the business clock, acts side by side where the instant is one."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from deploy.local import places
from deploy.local.clock import set_clock

from .agents import Agents
from .cases import Cases
from .channels import Channels
from .counter import Counters
from .departments import Departments
from .display import Display
from .finance import Finance
from .lists import Lists
from .notebook import Notebook
from .paying_back import PayingBack
from .simulators import Simulators
from .statements import Statements
from .terminals import Terminals
from .wire import Unexpected, Wire

Act = dict[str, Any]
Handlers = dict[str, Callable[[Act], Awaitable[None]]]
_AT_ONCE = 8
_CATCH_UP_SECONDS = 180.0
_POLL_SECONDS = 0.05
_CHANGING = frozenset({"hand_in_feed", "withdraw_feed", "decide_case", "reassess"})
_PAYING = frozenset(
    {"pay", "order_wechat", "order_unionpay", "pay_bank", "confirm_tax", "confirm_tax_batch", "record_lines"}
)
FOLLOWERS = ("registration", "payments", "refunds")


class Driver:
    """The season of one scheme. `kills`: act number → service, seconds; `kill` does it."""

    def __init__(
        self,
        wire: Wire,
        simulators: Simulators,
        scheme: str,
        folder: Path,
        display: Display,
        kills: Mapping[int, tuple[str, float]],
        kill: Callable[[str], None],
    ) -> None:
        self.notebook = Notebook()
        self.killed: list[str] = []
        self._wire = wire
        self._scheme = scheme
        self._display = display
        self._kills = kills
        self._kill = kill
        self._turns = asyncio.Semaphore(_AT_ONCE)
        terminals = Terminals()
        self._counters = Counters(wire, self.notebook, terminals)
        self._back = PayingBack(wire, self.notebook, simulators, terminals)
        self._cases = Cases(wire, self.notebook)
        agents = Agents(wire, self.notebook, scheme)
        self._statements = Statements(wire, self.notebook, simulators, agents, terminals)
        lists, departments = Lists(wire, self.notebook, folder), Departments(wire, self.notebook, folder)
        channels, finance = Channels(wire, self.notebook, simulators), Finance(wire, self.notebook)
        self._handlers = {
            **self._about_people(lists, departments),
            **self._at_counters(),
            **self._of_channels(channels),
            **self._of_agents(agents, finance),
        }

    def _about_people(self, lists: Lists, departments: Departments) -> Handlers:
        scheme = self._scheme
        return {
            "hand_in_feed": lists.hand_in_feed,
            "decide_feed": departments.decide_feed,
            "withdraw_feed": departments.withdraw_feed,
            "decide_match": departments.decide_match,
            "look_up": departments.look_up,
            "look_for_double_cover": departments.look_for_double_cover,
            "record_key": departments.record_key,
            "draft_package": lists.draft_package,
            "publish_package": lists.publish_package,
            "make_unit": lists.make_unit,
            "hand_in_roster": lambda act: lists.hand_in_roster(act, scheme),
            "enrol": lambda act: lists.enrol(act, scheme),
            "reassess": lists.reassess,
            "decide_case": lambda act: self._cases.decide_case(act, scheme),
        }

    def _at_counters(self) -> Handlers:
        counters, back = self._counters, self._back
        return {
            "open_shift": counters.open_shift,
            "close_shift": counters.close_shift,
            "register_terminal": counters.register_terminal,
            "deposit_cash": counters.deposit_cash,
            "pay": counters.pay,
            "check_refund": back.check_refund,
            "decide_refund": back.decide_refund,
            "pay_refund": back.pay_refund,
            "reroute_refund": back.reroute_refund,
            "request_refund": lambda act: back.request_refund({**act, "scheme": self._scheme}),
            "close_books": self._close_books,
        }

    def _of_channels(self, channels: Channels) -> Handlers:
        return {
            "order_wechat": channels.order_wechat,
            "pay_wechat": channels.pay_wechat,
            "order_unionpay": channels.order_unionpay,
            "pay_unionpay": channels.pay_unionpay,
            "pay_bank": channels.pay_bank,
            "reverse_bank": channels.reverse_bank,
            "check_bank_day": channels.check_bank_day,
            "confirm_tax": channels.confirm_tax,
            "confirm_tax_batch": channels.confirm_tax,
            "hand_in_statement": self._statements.hand_in,
            "judge_statements": self._statements.judge_statements,
            "propose_resolutions": self._statements.propose,
            "approve_resolutions": self._statements.approve,
        }

    def _of_agents(self, agents: Agents, finance: Finance) -> Handlers:
        return {
            "register_device": agents.register_device,
            "open_ledger": agents.open_ledger,
            "record_lines": agents.record_lines,
            "close_ledger": agents.close_ledger,
            "write_slip": agents.write_slip,
            "check_slips": finance.check_slips,
            "pass_slips_on": finance.pass_slips_on,
            "enter_claim": finance.enter_claim,
            "check_claims": finance.check_claims,
        }

    async def play(self, acts: Sequence[Act]) -> None:
        """All acts. Those of one kind and instant run side by side; the clock moves only when all of them are done."""
        for (at, kind), group in itertools.groupby(acts, key=lambda act: (act["at"], act["act"])):
            set_clock(places.CLOCK, datetime.fromisoformat(at))
            await self._prepare(kind)
            try:
                async with asyncio.TaskGroup() as together:
                    for act in group:
                        together.create_task(self._do(act))
            except ExceptionGroup as failures:
                raise failures.exceptions[0] from failures
            if kind in _CHANGING:
                await self._follow_changes()

    async def catch_up(self, *services: str) -> None:
        """Wait until these services have followed all news of the others."""
        deadline = time.monotonic() + _CATCH_UP_SECONDS
        for service in services:
            while lag := await self.lag(service):
                if time.monotonic() > deadline:
                    raise Unexpected(f"{service} is {lag} events behind after {_CATCH_UP_SECONDS:.0f} s")
                await asyncio.sleep(_POLL_SECONDS)

    async def lag(self, service: str) -> int:
        """How many events a service still has to follow."""
        states = (await self._wire.get(service, "auditor", "/v1/followers")).body["items"]
        return sum(state["lag"] for state in states if state["pool"] == self._wire.pool)

    async def outcomes(self) -> dict[str, Counter[str]]:
        """What came of everything that did not go by itself, by its name in the report."""
        return {
            "差错 exceptions": await self._statements.kinds(),
            "退费 refunds": await self._back.kinds(self._scheme),
            "迟到花名 late lists": await self._cases.kinds(self._scheme),
        }

    async def _follow_changes(self) -> None:
        """What is due may have changed: bills and cases are news of news, and are dated by the day they come on."""
        if self.notebook.persons:
            await self.catch_up(*FOLLOWERS)

    async def _prepare(self, kind: str) -> None:
        """What must be known before acts of a kind."""
        if kind in _PAYING and self.notebook.without_slip:
            await self.catch_up("payments")
            await self._counters.print_slips(self._scheme)
        if kind == "check_refund":
            await self.catch_up("refunds")
            await self._back.learn_applications(self._scheme)

    async def _do(self, act: Act) -> None:
        async with self._turns:
            kill = self._kills.get(act["n"])
            if kill is None:
                await self._handlers[act["act"]](act)
            else:
                service, seconds = kill
                await asyncio.gather(self._handlers[act["act"]](act), self._kill_after(service, seconds))
            self._display.done(act)

    async def _kill_after(self, service: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await asyncio.to_thread(self._kill, service)
        self.killed.append(service)
        self._display.say(f"SIGKILL {service}")

    async def _close_books(self, _act: Act) -> None:
        """Everybody has followed everything."""
        await self._statements.all_taken()
        await self.catch_up(*FOLLOWERS, *FOLLOWERS)  # the first may have made news for the ones before it
