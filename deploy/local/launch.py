"""Become a program that cannot outlive its parent.

Run as a script between the parent and the program: `launch.py PARENT SIGNAL ACCOUNT COMMAND…`, ACCOUNT being `uid:gid`
or `-`. A script, not a `preexec_fn`, because Python code between fork and exec may lock up in a parent with threads.
Only the standard library is imported: the script runs with `-I -S` and costs about 20 ms.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with_parent(death_signal: int, parent: int | None = None) -> None:
    """Ask the kernel to send `death_signal` to this process when the thread that started it ends.

    `parent` is the expected parent: when it is gone already, the signal would never come, so it is sent here. Where the
    platform has no such request nothing happens; the next start then looks for what was left.
    """
    if not sys.platform.startswith("linux"):
        return
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if parent is not None and os.getppid() != parent:
        os.kill(os.getpid(), death_signal)


def main(parent: str, death_signal: str, account: str, *command: str) -> None:
    """Change the account, tie this process to its parent, and become the command."""
    if account != "-":
        uid, gid = (int(part) for part in account.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    # After setuid, which would undo it. The death of a parent that fell between fork and here is seen as well.
    die_with_parent(signal.Signals(int(death_signal)), int(parent))
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(*sys.argv[1:])
