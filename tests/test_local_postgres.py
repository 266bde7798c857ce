"""The embedded Postgres: starts for everybody, survives every death, leaves nothing behind."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from deploy.local import binaries, places
from deploy.local.children import Account
from deploy.local.lock import Held
from deploy.local.postgres import EmbeddedPostgres, PostgresFailed

OWNER = """
import sys, time
from pathlib import Path
from typing import Any
from deploy.local.postgres import EmbeddedPostgres
postgres = EmbeddedPostgres(Path(sys.argv[1]), durable=False)
postgres.start()
postgres.execute("create table seen (who text); insert into seen values ('row of the first owner')")
print(postgres.home, flush=True)
time.sleep(600)
"""


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    yield folder
    EmbeddedPostgres(folder).drop()


def processes_in(home):
    """The Postgres processes that live in this data."""
    found = []
    for process in psutil.process_iter(["name"]):
        try:
            if process.info["name"] == "postgres" and Path(process.cwd()).is_relative_to(home):
                found.append(process.pid)
        except (psutil.Error, OSError):
            continue
    return found


def said_by(process):
    """The next line that a process prints."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def until_none_in(home):
    deadline = time.monotonic() + 8
    while left := processes_in(home):
        assert time.monotonic() < deadline, f"strays: {left}"
        time.sleep(0.02)


def test_starts_answers_and_keeps_its_data(data):
    with EmbeddedPostgres(data, durable=False) as postgres:
        postgres.create_database("payments")
        postgres.create_database("payments")
        postgres.execute("create table kept (n int); insert into kept values (7)", "payments")
        assert int(postgres.execute("show server_version_num")) >= 150_000
        assert postgres.url("payments").startswith("postgresql+asyncpg://canbao:")
        first = postgres.home
    assert not processes_in(first)
    with EmbeddedPostgres(data) as postgres:
        assert postgres.execute("select n from kept", "payments") == "7"
        assert postgres.execute("show fsync") == "on"
        with pytest.raises(PostgresFailed, match="nowhere"):
            postgres.execute("select * from nowhere")
        with pytest.raises(ValueError, match="plain"):
            postgres.create_database("drop;--")


def test_asks_for_a_password(data):
    with EmbeddedPostgres(data, durable=False) as postgres:
        address = postgres.url("postgres").replace("+asyncpg", "")
        psql = [str(binaries.installed() / "bin" / "psql"), "-X", "-w", "-c", "select 1"]
        wrong = address.replace("canbao:", "canbao:not")
        assert subprocess.run([*psql, address], capture_output=True, check=False).returncode == 0
        assert b"password" in subprocess.run([*psql, wrong], capture_output=True, check=False).stderr


@pytest.mark.parametrize("who", ["owner", "postmaster", "both"])
def test_after_a_kill_the_next_start_works_on_the_same_data(data, who):
    owner = subprocess.Popen([sys.executable, "-c", OWNER, data], cwd=places.ROOT, stdout=subprocess.PIPE, text=True)
    with owner:
        home = Path(said_by(owner))
        postmaster = int((home / "cluster" / "postmaster.pid").read_text().split()[0])
        if who != "owner":
            os.kill(postmaster, signal.SIGKILL)
        if who != "postmaster":
            owner.kill()
        else:
            owner.terminate()
    if who == "owner":
        until_none_in(home)  # nobody had to look for strays: the postmaster noticed
    with EmbeddedPostgres(data, durable=False) as postgres:
        assert postgres.execute("select who from seen") == "row of the first owner"
    assert not processes_in(home)


def test_the_same_owner_starts_it_again_after_its_death_at_the_same_address(data):
    with EmbeddedPostgres(data, durable=False) as postgres:
        postgres.execute("create table seen (n int); insert into seen values (1)")
        address = postgres.url("postgres")
        os.kill(postgres.pid, signal.SIGKILL)
        while postgres.alive:
            time.sleep(0.01)
        postgres.start()
        assert postgres.execute("select n from seen") == "1"
        assert postgres.url("postgres") == address


def test_a_stray_and_a_pid_file_with_a_strangers_number_do_not_matter(data):
    with EmbeddedPostgres(data, durable=False) as postgres:
        home = postgres.home
    pid_file = home / "cluster" / "postmaster.pid"
    account = binaries.account_for(home)
    command: list[str | Path] = [
        *(binaries.programs_for(account) / "bin" / "postgres", "-D", home / "cluster"),
        *("-p", str(places.free_port()), "-k", ""),
    ]
    whom: Any = {} if account is None else {"user": account.uid, "group": account.gid, "extra_groups": []}
    with subprocess.Popen(
        command, cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, **whom
    ) as stray:
        while not (pid_file.exists() and "ready" in pid_file.read_text()):
            time.sleep(0.02)
        with EmbeddedPostgres(data, durable=False) as postgres:
            assert postgres.execute("select 1") == "1"
        assert stray.wait() == 0
    pid_file.write_text(f"{os.getpid()}\n{home / 'cluster'}\n")  # the number belongs to us now
    with EmbeddedPostgres(data, durable=False) as postgres:
        assert postgres.execute("select 1") == "1"


def test_two_owners_are_refused(data):
    with EmbeddedPostgres(data, durable=False) as postgres:
        with pytest.raises(Held, match=str(os.getpid())):
            EmbeddedPostgres(data).start()
        with pytest.raises(Held):
            EmbeddedPostgres(data).drop()
        assert postgres.execute("select 1") == "1"


def test_drop_leaves_nothing(data):
    postgres = EmbeddedPostgres(data, durable=False)
    postgres.start()
    postgres.drop()
    assert not postgres.home.exists()
    assert not processes_in(postgres.home)


def test_a_closed_folder_above_sends_the_data_to_the_private_place(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    nobody = Account(65_534, 65_534)
    assert not binaries.reachable(closed / "data", nobody)
    assert binaries.reachable(closed / "data", None)
    assert binaries.home_for(closed / "data", None) == closed / "data"
    if os.geteuid() == 0:
        private = binaries.home_for(closed / "data", nobody)
        assert private.is_relative_to("/var/tmp")
        with suppress(OSError):  # not empty: a suite of this checkout lives there
            private.parent.rmdir()
        assert closed.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_root_starts_it_and_so_does_an_ordinary_user():
    entry = pwd.getpwnam("nobody")
    account = Account(entry.pw_uid, entry.pw_gid)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    candidates = [
        Path(sys.executable).resolve(),
        *(Path(folder) / version for folder in ("/usr/bin", "/usr/local/bin")),
    ]
    python = next((path for path in candidates if path.exists() and binaries.reachable(path, account)), None)
    packages = Path(psutil.__file__).parents[1]
    if python is None or not binaries.reachable(places.ROOT, account) or not binaries.reachable(packages, account):
        pytest.skip("an ordinary user reaches neither this checkout nor this Python")
    folder = Path("/var/tmp") / f"canbao-test-{os.getpid()}"
    folder.mkdir(mode=0o700)
    os.chown(folder, account.uid, account.gid)
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{places.ROOT}:{packages}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    as_nobody: Any = {"user": account.uid, "group": account.gid, "extra_groups": [], "cwd": folder, "env": environment}
    try:
        with subprocess.Popen(
            [python, "-c", OWNER, folder / "data"], stdout=subprocess.PIPE, text=True, **as_nobody
        ) as owner:
            home = Path(said_by(owner))
            assert home == folder / "data"
            assert (home / "cluster").stat().st_uid == account.uid
            owner.kill()
        until_none_in(home)
        with EmbeddedPostgres(folder / "data", durable=False) as postgres:  # root, on the data of the user
            assert postgres.execute("select who from seen") == "row of the first owner"
    finally:
        shutil.rmtree(folder)
