"""What registration does without a request: takes rosters, does dry runs and corrections, follows others."""

from collections.abc import Sequence
from functools import partial

from shared.events import Follower
from shared.http import Upstream
from shared.jobs import Job

from . import usecases


def followers(service: usecases.Registration, payments: Upstream) -> Sequence[Follower]:
    """The feeds registration follows. Status news are asked about before their transaction."""
    prepare = partial(usecases.prepare_statuses, service)
    return [
        Follower(service.database, payments, usecases.learn_payments),
        Follower(service.database, service.eligibility.upstream, prepare=prepare),
    ]


def jobs(service: usecases.Registration, following: Sequence[Follower]) -> Sequence[Job]:
    """The loops registration runs."""
    every = service.settings.follow_seconds
    take = Job("take_rosters", every, partial(usecases.take_waiting_roster, service))
    judge = Job("judge_dry_runs", every, partial(usecases.judge_dry_run, service))
    correct = Job("correct_enrolled", every, partial(usecases.correct_enrolled, service))
    taking = [take] * service.settings.rosters_at_once
    return [
        *taking,
        judge,
        correct,
        *(Job(f"follow_{follower.source}", every, follower.work) for follower in following),
    ]
