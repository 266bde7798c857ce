"""The process runner of the local run."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from deploy.local import places
from deploy.local.children import spawn
from deploy.local.lock import Held, Lock, holder
from deploy.local.runner import Program, Supervisor

SLEEPER = "import time; print('started', flush=True); time.sleep(600)"
STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); print('started', flush=True); time.sleep(600)"


def program(folder, name, code, **more):
    command = [sys.executable, "-c", code]
    return Program(name, command, {**os.environ, "NAME": name}, folder / f"{name}.log", folder, **more)


def until(condition, seconds=8.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def lives(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def said_by(process):
    """The next line that a process prints."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.fixture
def supervised(tmp_path):
    started = []

    def start(*programs, **options):
        supervisor = Supervisor(programs, **options)
        started.append(supervisor)
        supervisor.start()
        for each in programs:
            until(lambda log=each.log: log.exists() and "started" in log.read_text())
        return supervisor

    yield start
    for supervisor in started:
        supervisor.stop()


def test_starts_again_what_was_killed_and_prepares_each_start(tmp_path, supervised):
    prepared = []
    supervisor = supervised(
        program(tmp_path, "one", SLEEPER, prepare=lambda: prepared.append(1)), program(tmp_path, "two", SLEEPER)
    )
    first = supervisor.pids
    os.kill(first["one"], signal.SIGKILL)
    until(supervisor.tick)
    assert supervisor.pids["one"] != first["one"]
    assert supervisor.pids["two"] == first["two"]
    assert supervisor.restarts == {"one": 1, "two": 0}
    assert len(prepared) == 2


def test_what_dies_at_once_is_started_less_and_less_often(tmp_path, supervised):
    supervisor = supervised(program(tmp_path, "broken", "print('started'); raise SystemExit(1)"))
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        supervisor.tick()
        time.sleep(0.02)
    assert 2 <= supervisor.restarts["broken"] <= 5


def test_stop_leaves_nothing_not_even_who_ignores_it(tmp_path, supervised):
    supervisor = supervised(
        program(tmp_path, "polite", SLEEPER), program(tmp_path, "stubborn", STUBBORN), stop_seconds=0.3
    )
    pids = supervisor.pids.values()
    assert all(lives(pid) for pid in pids)
    supervisor.stop()
    assert not any(lives(pid) for pid in pids)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel ties a child to its parent on Linux alone")
def test_children_die_with_a_parent_that_was_killed(tmp_path):
    # The thread that asked for the child ends at once; the child must not end with it, but with the process.
    parent_code = f"""
import sys, threading, time
from pathlib import Path
from deploy.local.children import spawn
def ask():
    print(spawn([sys.executable, "-c", {SLEEPER!r}], log=Path({str(tmp_path / "log")!r})).pid, flush=True)
asking = threading.Thread(target=ask)
asking.start(); asking.join(); time.sleep(600)
"""
    with subprocess.Popen(
        [sys.executable, "-c", parent_code], cwd=places.ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        child = int(said_by(parent))
        until(lambda: "started" in (tmp_path / "log").read_text())
        assert lives(child)
        parent.kill()
    until(lambda: not lives(child))


def test_what_cannot_be_started_says_so_in_its_log(tmp_path):
    process = spawn([tmp_path / "no-such-program"], log=tmp_path / "log")
    assert process.wait() != 0
    assert "no-such-program" in (tmp_path / "log").read_text() or "FileNotFoundError" in (tmp_path / "log").read_text()


def test_a_lock_has_one_holder_and_names_it(tmp_path):
    path = tmp_path / "lock"
    assert holder(path) is None
    ours, theirs = Lock(path), Lock(path)
    ours.take()
    assert holder(path) == os.getpid()
    with pytest.raises(Held, match=str(os.getpid())):
        theirs.take()
    ours.release()
    theirs.take()
    theirs.release()
    assert holder(path) is None


def test_a_port_that_is_taken_is_named_with_who_needs_it():
    port = places.free_port()
    places.require_free(port, "payments")
    code = (
        f"import socket, sys; s = socket.create_server(('127.0.0.1', {port})); print(1, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        said_by(other)
        with pytest.raises(places.PortTaken, match=f"{port}.*payments"):
            places.require_free(port, "payments")
