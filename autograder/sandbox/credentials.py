"""User and group ids of workers, and user namespaces."""

from __future__ import annotations

import os
from pathlib import Path

from autograder.sandbox.kernel import CLONE_NEWUSER, PR_SET_DUMPABLE, prctl, unshare

# Two users: without the layer `pid`, a process of a notebook may still run while its answers are checked.
# systemd's "Users, Groups, UIDs and GIDs on systemd Systems" lists the ids 60578 to 61183 as unused.
UNPRIVILEGED = 61_000
_CHECKING = 61_001


def runs_as_root() -> bool:
    """Return whether this process runs as root."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def user_for(*, untrusted: bool) -> int:
    """Return the user id of a worker, which differs for student code."""
    return UNPRIVILEGED if untrusted else _CHECKING


def become_unprivileged(user: int = UNPRIVILEGED) -> None:
    """Change from root to an unprivileged user, permanently (layer `uid`).

    Must come first: a user namespace created by root could access root's files. Requires root.
    """
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    # Changing the user makes root the owner of this process's /proc files; it must write to its user map there.
    prctl(PR_SET_DUMPABLE, 1)


def enter_user_namespace(other_namespaces: int) -> None:
    """Enter a new user namespace that contains only the current user (layer `user`).

    Args:
        other_namespaces: CLONE_NEW* flags of further namespaces, which the new user namespace owns.

    Inside, the process has every capability over these namespaces; they are dropped before student code runs.
    """
    uid, gid = os.geteuid(), os.getegid()
    unshare(CLONE_NEWUSER | other_namespaces)
    own = Path("/proc/self")
    (own / "setgroups").write_text("deny", encoding="utf-8")
    (own / "uid_map").write_text(f"{uid} {uid} 1", encoding="utf-8")
    (own / "gid_map").write_text(f"{gid} {gid} 1", encoding="utf-8")
