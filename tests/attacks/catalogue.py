"""Attacks on files, network, processes, privileges and the machine, by target."""

from __future__ import annotations

import contextlib
import os
import signal
from dataclasses import replace
from pathlib import Path

from tests.attacks.attack import NAMESPACES, SMALL, Attack
from tests.attacks.victim import SECRET, Victim
from tests.fixtures.builders import Ran

FILES = frozenset({"mount", "landlock"})
LIBC = "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"
GIGABYTE = 1 << 30


def layers(*names: str) -> frozenset[str]:
    return frozenset(names)


def overwrote_results(_: Ran, victim: Victim) -> bool:
    file = victim.folder / "results" / "result.json"
    return not file.exists() or file.read_text(encoding="utf-8") != SECRET


def poisoned_cache(_: Ran, victim: Victim) -> bool:
    return (victim.folder / "cache" / "mnist.npz").read_text(encoding="utf-8") != SECRET


def planted_file(_: Ran, victim: Victim) -> bool:
    return any(victim.folder.glob("planted*"))


def datagram_arrived(_: Ran, victim: Victim) -> bool:
    return any(SECRET.encode() in data for data in victim.datagrams())


def survived(seconds: int) -> list[int]:
    """Processes running `sleep SECONDS`, which no other program does."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if process.joinpath("cmdline").read_bytes().split(b"\0")[:2] == [b"sleep", str(seconds).encode()]:
                found.append(int(process.name))
    return found


def outlived(seconds: int) -> bool:
    """Whether such a process is left; ends it."""
    found = survived(seconds)
    for pid in found:
        os.kill(pid, signal.SIGKILL)
    return bool(found)


def flooded(ran: Ran, _: Victim) -> bool:
    log = ran.folder / "worker.log"
    return log.exists() and log.stat().st_size > 10_000_000


# How long what outlives its worker sleeps: numbers of this process, because the attacks may run elsewhere meanwhile.
_DAEMON, _SHELL = (100_000 + 2 * os.getpid() + number for number in (0, 1))

READING = [
    Attack("read tests", "answer = V['secret'] in open(V['tests']).read()", FILES),
    Attack("read results", "answer = V['secret'] in open(V['results']).read()", FILES),
    Attack(
        "read other submissions",
        "import os\nfolder = os.path.dirname(V['other'])\n"
        "answer = any(V['secret'] in open(os.path.join(folder, name)).read() for name in os.listdir(folder))",
        FILES,
    ),
    Attack("read the home folder", "answer = V['secret'] in open(V['home'] + '/.netrc').read()", FILES),
    Attack("read what only the grader may", "answer = V['secret'] in open(V['private']).read()", FILES | {"uid"}),
    Attack(
        "list the machine's folders",
        "import os\nanswer = os.path.basename(V['folder']) in os.listdir('/var/tmp')",
        FILES,
    ),
    Attack(
        "read through a link", "import os\nos.symlink(V['tests'], 'x')\nanswer = V['secret'] in open('x').read()", FILES
    ),
    Attack("read the machine's settings", "answer = len(open('/etc/hostname').read()) > 0", FILES),
    Attack(
        "read the environment of other processes",
        "answer = V['secret'] in open(f\"/proc/{V['pid']}/environ\").read()",
        NAMESPACES | {"landlock"},
    ),
    Attack(
        "see other processes",
        "answer = 'sleep' in open(f\"/proc/{V['pid']}/cmdline\").read()",
        layers("pid", "mount"),
    ),
    Attack(
        "read the grader's variables",
        "import os\nanswer = os.environ['HOME'] == V['grader_home']",
        layers("environment"),
    ),
    Attack("learn the machine's name", "import os\nanswer = os.uname().nodename == V['host']", layers("uts")),
]
WRITING = [
    Attack("overwrite results", "open(V['results'], 'w').write('forged')", FILES, overwrote_results),
    Attack("delete results", "import os\nos.unlink(V['results'])", FILES, overwrote_results),
    Attack(
        "replace results",
        "import os\nopen(V['folder'] + '/planted', 'w').write('x')\nos.replace(V['folder'] + '/planted', V['results'])",
        FILES,
        overwrote_results,
    ),
    Attack("poison caches", "open(V['cache'], 'w').write('poison')", FILES, poisoned_cache),
    Attack("write anywhere", "open(V['folder'] + '/planted', 'w').write('x')", FILES, planted_file),
    Attack("write by a shell", "get_ipython().system(f\"echo x > {V['folder']}/planted\")", FILES, planted_file),
    Attack(
        "write through a link",
        "import os\nos.symlink(V['cache'], 'x')\nopen('x', 'w').write('poison')",
        FILES,
        poisoned_cache,
    ),
    Attack(
        "make folders",
        "import os\nos.makedirs(V['folder'] + '/planted-folder')",
        FILES,
        lambda _, v: _removed(v.folder / "planted-folder"),
    ),
]
NETWORK = [
    Attack(
        "connect by TCP",
        "import socket\nsocket.create_connection(('127.0.0.1', V['tcp']), timeout=5)\nanswer = True",
        layers("net", "landlock", "seccomp"),
    ),
    Attack(
        "listen for connections",
        "import socket\ns = socket.socket()\ns.bind(('0.0.0.0', 0))\ns.listen()\nanswer = True",
        layers("landlock", "seccomp"),
    ),
    Attack(
        "send by UDP",
        "import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "s.sendto(V['secret'].encode(), ('127.0.0.1', V['udp']))",
        layers("net", "seccomp"),
        datagram_arrived,
    ),
    Attack(
        "leak through names looked up",
        "import socket\nquestion = bytes(12) + bytes([len(V['secret'])]) + V['secret'].encode() + bytes(5)\n"
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.connect(('127.0.0.1', V['udp']))\ns.send(question)",
        layers("net", "seccomp"),
        datagram_arrived,
    ),
    Attack(
        "connect to a unix socket by its path",
        "import socket\nsocket.socket(socket.AF_UNIX).connect(V['unix'])\nanswer = True",
        layers("mount", "landlock", "seccomp"),
    ),
    Attack(
        "connect to an abstract unix socket",
        "import socket\nsocket.socket(socket.AF_UNIX).connect('\\0' + V['abstract'])\nanswer = True",
        layers("net", "landlock", "seccomp"),
    ),
    Attack(
        "send on an unconnected pair",
        "import socket\na, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)\nanswer = True",
        layers("seccomp"),
    ),
    Attack(
        "talk to the kernel's network",
        "import socket\nsocket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)\nanswer = True",
        layers("seccomp"),
    ),
    Attack(
        "talk back to the grader",
        "import os, stat\n"
        "def is_socket(n):\n    try:\n        return stat.S_ISSOCK(os.fstat(n).st_mode)\n    except OSError:\n"
        "        return False\nanswer = any(is_socket(n) for n in range(3, 100))",
        layers("fds"),
    ),
]
PROCESSES = [
    Attack("signal other processes", "import os\nos.kill(V['pid'], 0)\nanswer = True", layers("pid", "landlock")),
    Attack(
        "signal the supervisor",
        "import os\nparent = os.getppid()\nos.kill(parent, 0)\nanswer = parent != 1",
        layers("pid", "landlock", "uid"),
    ),
    Attack(
        "trace a process",
        LIBC + "child = os.fork()\nif child == 0:\n    import time\n    time.sleep(3)\n    os._exit(0)\n"
        "answer = libc.ptrace(16, child, None, None) == 0",
        layers("seccomp"),
    ),
    Attack(
        "read another process's memory",
        LIBC + "b = ctypes.create_string_buffer(8)\nv = (ctypes.c_size_t * 2)(ctypes.addressof(b), 8)\n"
        "answer = libc.process_vm_readv(os.getpid(), v, 1, v, 1, 0) == 8",
        layers("seccomp"),
    ),
    Attack(
        "outlive the worker as a daemon",
        "import os\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
        f"        os.execv('/bin/sleep', ['sleep', '{_DAEMON}'])\n    os._exit(0)\nimport time; time.sleep(0.5)",
        layers("pid"),
        lambda *_: outlived(_DAEMON),
    ),
    Attack(
        "outlive the worker through a shell",
        f"get_ipython().system('setsid nohup sleep {_SHELL} >/dev/null 2>&1 &')\nimport time; time.sleep(0.5)",
        layers("pid"),
        lambda *_: outlived(_SHELL),
    ),
    Attack(
        "bomb of processes",
        "import os, time\nfor _ in range(64):\n    if os.fork() == 0:\n        time.sleep(3)\n"
        "        os._exit(0)\nanswer = True",
        layers("limits", "memory"),
    ),
    Attack(
        "bomb of threads",
        "import threading, time\nfor _ in range(64):\n"
        "    threading.Thread(target=time.sleep, args=(1,)).start()\nanswer = True",
        layers("limits"),
    ),
    Attack(
        "open files without end", "files = [open('/dev/null') for _ in range(200)]\nanswer = True", layers("limits")
    ),
    Attack(
        "take other processors",
        "import os\nos.sched_setaffinity(0, os.sched_getaffinity(0))\nanswer = True",
        layers("seccomp"),
    ),
]
MEMORY = [
    Attack("memory from the heap", "held = bytearray(b'x') * (1 << 30)\nanswer = True", layers("memory")),
    Attack(
        "memory by mmap",
        "import mmap\nheld = mmap.mmap(-1, 1 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)\n"
        "for at in range(0, 1 << 30, 4096): held[at] = 1\nimport time; time.sleep(0.2)\nanswer = True",
        layers("memory"),
    ),
    Attack(
        "memory in shared mappings",
        "import mmap\nheld = mmap.mmap(-1, 1 << 30)\nfor at in range(0, 1 << 30, 4096): held[at] = 1\n"
        "import time; time.sleep(0.2)\nanswer = True",
        layers("memory"),
    ),
    Attack(
        "memory in files without a name",
        "import os\nblock = bytes(1 << 24)\nfor _ in range(16):\n    f = os.memfd_create('x')\n"
        "    os.write(f, block)\nanswer = True",
        layers("seccomp"),
    ),
    Attack(
        "memory in System V segments",
        LIBC + "answer = libc.shmget(0, 1 << 28, 0o1600) >= 0",
        layers("seccomp"),
    ),
    Attack(
        "memory in many processes",
        "import os, time\nfor _ in range(4):\n    if os.fork() == 0:\n        held = bytearray(b'x') * (1 << 28)\n"
        "        time.sleep(2)\n        os._exit(0)\nfor _ in range(4): os.wait()\nanswer = True",
        layers("memory"),
    ),
    Attack(
        "memory by TensorFlow",
        "import tensorflow as tf, time\nheld = tf.ones([1 << 28], tf.float32)\ntime.sleep(0.2)\nanswer = True",
        layers("memory"),
    ),
    Attack(
        "memory in /dev/shm",
        "block = bytes(1 << 24)\nfor n in range(6): open(f'/dev/shm/attack-{n}', 'wb').write(block)\nanswer = True\n"
        "import os\nfor n in range(6): os.unlink(f'/dev/shm/attack-{n}')",
        FILES,
    ),
]
DISK = [
    Attack(
        "fill the disk by size",
        "block = bytes(1 << 24)\nfor n in range(6): open(str(n), 'wb').write(block)\nanswer = True",
        layers("mount"),
    ),
    Attack("fill the disk by count", "for n in range(2000): open(str(n), 'w').close()\nanswer = True", layers("mount")),
    Attack(
        "fill the disk by folders", "import os\nfor n in range(2000): os.mkdir(str(n))\nanswer = True", layers("mount")
    ),
    Attack(
        "a sparse file beyond all sizes", "f = open('big', 'wb')\nf.truncate(1 << 40)\nanswer = True", layers("limits")
    ),
    Attack(
        "fill the hand-over",
        "import os\njob = '/job' if os.path.isdir('/job') else os.path.dirname(os.getcwd())\n"
        "block = bytes(1 << 24)\nfor n in range(4): open(f'{job}/handover/{n:04d}.npy', 'wb').write(block)\n"
        "answer = True\n"
        "for n in range(4): os.unlink(f'{job}/handover/{n:04d}.npy')",
        layers("mount"),
    ),
    Attack(
        "flood the output by print",
        "import sys\nfor _ in range(20): print('x' * 1_000_000, file=sys.__stdout__)",
        layers("streams"),
        flooded,
    ),
    Attack(
        "flood the output by its descriptor",
        "import os\nfor _ in range(20): os.write(1, b'x' * 1_000_000); os.write(2, b'x' * 1_000_000)",
        layers("streams"),
        flooded,
    ),
    Attack("leave a pipe in the hand-over", "import os\nos.mkfifo('pipe')\nanswer = True", layers("seccomp")),
]
QUICK = replace(SMALL, seconds=2.5)
TIME = [
    Attack(
        "an endless loop in Python",
        "import time\nend = time.monotonic() + 4\nwhile time.monotonic() < end: pass\nanswer = True",
        layers("clock"),
        limits=QUICK,
    ),
    Attack(
        "an endless loop in C",
        "import ctypes\nctypes.PyDLL(None).sleep(4)\nanswer = True",
        layers("clock"),
        limits=QUICK,
    ),
    Attack(
        "an endless loop that swallows interrupts",
        "import signal, time\nend = time.monotonic() + 4\n"
        "for n in set(range(1, 32)) - {9, 19, 17}: signal.signal(n, signal.SIG_IGN)\n"
        "while time.monotonic() < end:\n    try:\n        time.sleep(1)\n    except BaseException:\n"
        "        pass\nanswer = True",
        layers("clock"),
        limits=QUICK,
    ),
    Attack(
        "processor time without end",
        "import time\nwhile time.process_time() < 4: pass\nanswer = True",
        layers("limits"),
        limits=replace(SMALL, cpu_seconds=1, seconds=60),
    ),
]
PRIVILEGES = [
    Attack("a user namespace of its own", LIBC + "answer = libc.unshare(0x10000000) == 0", layers("seccomp")),
    Attack(
        "a namespace by clone",
        LIBC + "pid = libc.syscall(56 if os.uname().machine == 'x86_64' else 220, 0x10000000 | 17, 0, 0, 0, 0)\n"
        "if pid == 0: os._exit(0)\nanswer = pid > 0",
        layers("seccomp"),
    ),
    Attack(
        "mount a file system",
        LIBC + "answer = libc.mount(b'none', os.getcwd().encode(), b'tmpfs', 0, None) == 0",
        layers("seccomp", "capabilities", "landlock", "no_new_privs"),
    ),
    Attack(
        "io_uring",
        LIBC + "p = ctypes.create_string_buffer(120)\nanswer = libc.syscall(425, 4, p) >= 0",
        layers("seccomp"),
    ),
    Attack(
        "userfaultfd",
        LIBC + "answer = libc.syscall({'x86_64': 323}.get(os.uname().machine, 282), 1) >= 0",
        layers("seccomp"),
    ),
    Attack(
        "the kernel's keys",
        LIBC + "answer = libc.syscall({'x86_64': 250}.get(os.uname().machine, 219), 0, -3, 1) > 0",
        layers("seccomp"),
    ),
    Attack(
        "rename the machine", LIBC + "answer = libc.sethostname(b'mine', 4) == 0", layers("seccomp", "capabilities")
    ),
    Attack(
        "another root",
        LIBC + "child = os.fork()\nif child == 0: os._exit(int(libc.chroot(b'/scratch') != 0))\n"
        "answer = os.waitpid(child, 0)[1] == 0",
        layers("seccomp", "capabilities", "landlock"),
    ),
    Attack(
        "setuid programs",
        "import subprocess, time\n"
        "su = subprocess.Popen(['/bin/su'], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)\n"
        "time.sleep(0.3)\n"
        "answer = open(f'/proc/{su.pid}/status').read().split('Uid:')[1].split()[1] == '0'\nsu.kill()",
        NAMESPACES | {"no_new_privs", "landlock", "seccomp", "capabilities"},
    ),
    Attack(
        "shared memory of others",
        LIBC + "libc.shmat.restype = ctypes.c_void_p\n"
        "at = libc.shmat(V['shared_memory'], None, 0)\nanswer = at not in (None, 2 ** 64 - 1)",
        layers("ipc", "seccomp"),
    ),
    Attack("another personality", LIBC + "answer = libc.personality(0x0040000) != -1", layers("seccomp")),
    Attack(
        "regain a limit",
        "import resource\nresource.setrlimit(resource.RLIMIT_NPROC, (4000, 4000))\nanswer = True",
        layers("limits"),
    ),
]
ATTACKS = [*READING, *WRITING, *NETWORK, *PROCESSES, *MEMORY, *DISK, *TIME, *PRIVILEGES]


def _removed(folder: Path) -> bool:
    there = folder.exists()
    if there:
        folder.rmdir()
    return there
