"""What payments does without a request."""

from collections.abc import Sequence

from shared.events import Follower
from shared.jobs import Job

from . import usecases


def followers(service: usecases.Payments) -> Sequence[Follower]:
    """The feeds payments follows."""
    return [Follower(service.database, service.registration.upstream, usecases.learn_assessments)]


def jobs(service: usecases.Payments, following: Sequence[Follower]) -> Sequence[Job]:
    """The loops payments runs."""
    return [Job(f"follow_{follower.source}", service.settings.follow_seconds, follower.work) for follower in following]
