"""Who a worker is: an unprivileged user in a user namespace of its own. Notebooks and tests are different users."""

from __future__ import annotations

import os
from pathlib import Path

from autograder.sandbox.kernel import CLONE_NEWUSER, PR_SET_DUMPABLE, prctl, unshare

# Two, because without the layer `pid` a process may outlive its notebook, and is there while its answers are checked.
# Between the people of a machine (up to 60000) and the users that services are given on the fly (from 61184).
UNPRIVILEGED = 61_000
_CHECKING = 61_001


def runs_as_root() -> bool:
    """Whether there are powers to drop."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def user_for(*, untrusted: bool) -> int:
    """The user that root becomes: student code and the kit's own tasks are different users."""
    return UNPRIVILEGED if untrusted else _CHECKING


def become_unprivileged(user: int = UNPRIVILEGED) -> None:
    """Layer `uid`: root becomes a user that owns nothing, for good. Only for root; others are unprivileged already.

    First of all, because a user namespace made by root could reach root's own files.
    """
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    # A change of user makes a process's own /proc files root's; without them it cannot write its user map.
    prctl(PR_SET_DUMPABLE, 1)


def enter_user_namespace(other_namespaces: int) -> None:
    """Layer `user`: a namespace in which this user alone exists, and `other_namespaces` that belong to it.

    In here it has every capability, over these namespaces only. They are dropped again before any student's code runs.
    """
    uid, gid = os.geteuid(), os.getegid()
    unshare(CLONE_NEWUSER | other_namespaces)
    own = Path("/proc/self")
    (own / "setgroups").write_text("deny", encoding="utf-8")
    (own / "uid_map").write_text(f"{uid} {uid} 1", encoding="utf-8")
    (own / "gid_map").write_text(f"{gid} {gid} 1", encoding="utf-8")
