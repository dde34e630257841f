"""Build the container of a worker, one sandbox layer after the other.

    supervisor ── launcher ── init ── worker
                  (outside)   (process 1 of a pid namespace)  (runs student code)

Without a pid namespace, the launcher itself becomes the worker.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from autograder.sandbox import credentials, filesystem, kernel
from autograder.sandbox.job import Order
from autograder.sandbox.messages import send_message
from autograder.sandbox.worker import WorkerFolders, work

_FAILED = 70
_NAMESPACES = {
    "net": kernel.CLONE_NEWNET,
    "ipc": kernel.CLONE_NEWIPC,
    "uts": kernel.CLONE_NEWUTS,
    "pid": kernel.CLONE_NEWPID,
    "mount": kernel.CLONE_NEWNS,
}


def enter_container(order: Order, channel: socket.socket, supervisor: int) -> NoReturn:
    """Build the container and run the job in it.

    Called right after the fork; never returns.

    Args:
        order: the job and its layers.
        channel: sends to the supervisor `init` (with a pidfd of process 1), `ready` (with descriptors of the output
            folder and, in a pid namespace, of the process table), `status` (the worker's wait status) and `failed`.
        supervisor: process id of the supervisor.
    """
    try:
        os.setsid()
        _die_with_parent()
        if os.getppid() != supervisor:
            os._exit(_FAILED)  # the supervisor died before the death signal was set
        held = _drop_privileges(order)
        if "pid" in order.layers:
            _fork_init(channel, order.channel)
            _die_with_parent()
        folders = _worker_folders(order, held)
        if "uts" in order.layers:
            kernel.set_host_name(b"sandbox")
        _report_ready(order, folders, channel)
        if "pid" in order.layers:
            _fork_worker(channel, order.channel)
    except BaseException as error:  # noqa: BLE001 - every failure must reach the supervisor
        send_message(channel, {"failed": f"{type(error).__name__}: {error}"})
        os._exit(_FAILED)
    if order.input_folder is not None and "mount" in order.layers:
        order = replace(order, payload={**order.payload, "input": str(filesystem.INPUT)})
    if order.channel:
        order = replace(order, payload={**order.payload, "channel": list(order.channel)})
    try:
        work(order, folders)
        os._exit(0)
    finally:
        # Reached only if the job raised: a broken worker must never continue in the supervisor's code.
        os._exit(1)


def _die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent dies (Linux only)."""
    if sys.platform.startswith("linux"):
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)


def _drop_privileges(order: Order) -> filesystem.HeldMounts | None:
    """Apply the layers `uid`, `user` and the namespaces.

    Return the mounts for the file system.
    """
    layers = order.layers
    held = None
    if "mount" in layers and credentials.runs_as_root():
        held = filesystem.hold_mounts(order.input_folder)
    if "uid" in layers:
        credentials.become_unprivileged(credentials.user_for(untrusted=order.task.untrusted))
    flags = sum(flag for layer, flag in _NAMESPACES.items() if layer in layers)
    if "user" in layers:
        credentials.enter_user_namespace(flags)
    elif flags:
        kernel.unshare(flags)
    if "mount" in layers and held is None:
        held = filesystem.hold_mounts(order.input_folder)
    _die_with_parent()  # again: the kernel clears the setting when the user changes
    return held


def _worker_folders(order: Order, held: filesystem.HeldMounts | None) -> WorkerFolders:
    if held is not None:
        filesystem.build_root(held, order.limits, own_processes="pid" in order.layers)
        return filesystem.FOLDERS
    container = order.folder / "container"
    scratch = container / "scratch"
    return WorkerFolders(
        container, scratch, writable=(container,), readable=() if order.input_folder is None else (order.input_folder,)
    )


def _report_ready(order: Order, folders: WorkerFolders, channel: socket.socket) -> None:
    descriptors = [os.open(folders.job, os.O_RDONLY | os.O_DIRECTORY)]
    if {"pid", "mount"} <= order.layers:
        descriptors.append(os.open("/proc", os.O_RDONLY | os.O_DIRECTORY))
    send_message(channel, {"ready": True}, descriptors)
    for descriptor in descriptors:
        os.close(descriptor)


def _fork_init(channel: socket.socket, kept: tuple[int, ...]) -> None:
    """Return in process 1 of the new pid namespace.

    The launcher waits for it and exits.
    """
    init = os.fork()
    if init == 0:
        return
    _close(kept)
    descriptor = os.pidfd_open(init)
    send_message(channel, {"init": True}, [descriptor])
    os.waitpid(init, 0)  # returns when every process of the namespace has ended
    os._exit(0)


def _fork_worker(channel: socket.socket, kept: tuple[int, ...]) -> None:
    """Return in the worker.

    Process 1 reaps orphans and reports the worker's exit status.

    The worker is a separate process because process 1 of a pid namespace ignores signals without a handler
    (pid_namespaces(7)), which student code may rely on.
    """
    worker = os.fork()
    if worker == 0:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, 0)
        return
    _close(kept)
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)  # the worker must not read or write its memory
    kernel.clear_capabilities()
    while True:
        ended, status = os.wait()
        if ended == worker:
            send_message(channel, {"status": status})
            os._exit(0)


def _close(descriptors: tuple[int, ...]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def prepare_folder(order: Order) -> Path:
    """Create the worker's folder in the job's folder unless `mount` is in force.

    Returns:
        the folder `container` of the job, owned by the worker's user where it exists.
    """
    container = order.folder / "container"
    if "mount" in order.layers:
        return container
    (container / "scratch").mkdir(parents=True)
    if "uid" in order.layers:
        for folder in (order.folder, *(() if order.input_folder is None else (order.input_folder.parent,))):
            folder.chmod(0o711)
        user = credentials.user_for(untrusted=order.task.untrusted)
        for path in (container, container / "scratch"):
            os.chown(path, user, user)
    return container
