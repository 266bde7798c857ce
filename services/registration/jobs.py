"""What registration does without a request: takes the rosters that wait, follows payments."""

from collections.abc import Sequence
from functools import partial

from shared.events import Follower
from shared.http import Upstream
from shared.jobs import Job

from . import usecases


def followers(service: usecases.Registration, payments: Upstream) -> Sequence[Follower]:
    """The feeds registration follows."""
    return [Follower(service.database, payments, usecases.learn_payments)]


def jobs(service: usecases.Registration, following: Sequence[Follower]) -> Sequence[Job]:
    """The loops registration runs."""
    every = service.settings.follow_seconds
    take = Job("take_rosters", every, partial(usecases.take_waiting_roster, service))
    return [take, *(Job(f"follow_{follower.source}", every, follower.work) for follower in following)]
