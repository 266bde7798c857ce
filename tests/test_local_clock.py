"""The business clock of the local run."""

from datetime import datetime, timedelta

import pytest

from deploy.local.clock import FileClock, release_clock, set_clock
from shared.clock import SHANGHAI

SEPTEMBER = datetime(2021, 9, 1, 8, tzinfo=SHANGHAI)


def test_without_a_file_it_is_the_wall_clock(tmp_path):
    before = datetime.now(SHANGHAI)
    now = FileClock(tmp_path / "clock.json").now()
    assert before <= now <= datetime.now(SHANGHAI)
    assert now.utcoffset() == timedelta(hours=8)


def test_stands_where_it_was_put_also_for_a_new_process(tmp_path):
    path = tmp_path / "clock.json"
    set_clock(path, SEPTEMBER)
    assert FileClock(path).now() == FileClock(path).now() == SEPTEMBER


def test_sees_every_move_and_the_release(tmp_path):
    path = tmp_path / "clock.json"
    clock = FileClock(path)
    for hours in range(500):  # as fast as it goes: file systems stamp some milliseconds alike
        set_clock(path, SEPTEMBER + timedelta(hours=hours))
        assert clock.now() == SEPTEMBER + timedelta(hours=hours)
    release_clock(path)
    assert clock.now() > SEPTEMBER + timedelta(hours=500)
    assert not list(tmp_path.iterdir())


def test_tells_the_time_of_shanghai_whatever_the_offset_given(tmp_path):
    path = tmp_path / "clock.json"
    path.write_text('{"now": "2021-12-25T17:00:00+00:00"}')
    assert FileClock(path).now().isoformat() == "2021-12-26T01:00:00+08:00"


@pytest.mark.parametrize("content", ['{"now": "2021-09-01T08:00:00"}', "{}", "noon"])
def test_a_file_that_is_no_clock_is_refused(tmp_path, content):
    path = tmp_path / "clock.json"
    path.write_text(content)
    with pytest.raises((ValueError, KeyError)):
        FileClock(path).now()


def test_an_instant_without_offset_is_refused(tmp_path):
    with pytest.raises(ValueError, match="offset"):
        set_clock(tmp_path / "clock.json", SEPTEMBER.replace(tzinfo=None))
