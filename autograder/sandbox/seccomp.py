"""seccomp: restrict the system calls of a worker.

The filter is a classic BPF program; see the kernel documentation, userspace-api/seccomp_filter, and
uapi/linux/{filter,seccomp,audit}.h for the constants.
"""

from __future__ import annotations

import ctypes
import errno
import struct
from collections.abc import Iterable

from autograder.sandbox.kernel import call
from autograder.sandbox.syscall_table import audit_architecture, system_call_numbers

# Calls that Python, NumPy, TensorFlow, IPython, shells and their children need.
_ALLOWED = """
read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek sendfile copy_file_range splice tee
open openat creat close close_range dup dup2 dup3 pipe pipe2 fcntl flock fsync fdatasync sync_file_range truncate
ftruncate fallocate fadvise64 readahead
stat fstat lstat newfstatat statx access faccessat faccessat2 readlink readlinkat getdents getdents64 getcwd chdir
fchdir statfs fstatfs rename renameat renameat2 mkdir mkdirat rmdir link linkat unlink unlinkat symlink symlinkat chmod
fchmod fchmodat umask utime utimes utimensat
mmap mprotect munmap mremap msync mincore madvise brk membarrier
poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 eventfd eventfd2
timerfd_create timerfd_settime timerfd_gettime
rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigsuspend rt_sigqueueinfo rt_tgsigqueueinfo
sigaltstack kill tkill tgkill pause alarm getitimer setitimer restart_syscall
timer_create timer_settime timer_gettime timer_getoverrun timer_delete
time gettimeofday clock_gettime clock_getres clock_nanosleep nanosleep times
fork vfork execve exit exit_group wait4 waitid set_tid_address set_robust_list get_robust_list rseq futex
getpid getppid gettid getpgrp getpgid setpgid getsid setsid getuid geteuid getgid getegid getresuid getresgid getgroups
capget getrlimit getrusage getpriority setpriority uname sysinfo getrandom getcpu
sched_yield sched_getaffinity sched_getparam sched_getscheduler sched_get_priority_max sched_get_priority_min
arch_prctl recvfrom sendto recvmsg sendmsg shutdown getsockname getpeername getsockopt setsockopt
""".split()
# Calls that fail with EPERM. Calls in neither list fail with ENOSYS, as on an older kernel, so that the C library falls
# back to older calls; clone3, whose flags a filter cannot inspect, falls back to clone.
_REFUSED = """
socket connect bind listen accept accept4 sendmmsg recvmmsg
ptrace process_vm_readv process_vm_writev process_madvise kcmp pidfd_getfd perf_event_open bpf userfaultfd
memfd_create memfd_secret shmget shmat shmctl semget semop msgget msgsnd mq_open
io_uring_setup io_uring_enter io_uring_register
mount umount2 pivot_root chroot open_tree move_mount fsopen fsconfig fsmount fspick mount_setattr unshare setns
keyctl add_key request_key mknod mknodat chown fchown lchown fchownat name_to_handle_at open_by_handle_at
setuid setgid setreuid setregid setresuid setresgid setgroups setfsuid setfsgid capset setrlimit
personality seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self
reboot kexec_load kexec_file_load init_module finit_module delete_module swapon swapoff sethostname setdomainname acct
settimeofday clock_settime adjtimex clock_adjtime syslog quotactl fanotify_init fanotify_mark
mbind set_mempolicy migrate_pages move_pages ioperm iopl modify_ldt vmsplice mlock mlockall mlock2
sched_setaffinity sched_setscheduler sched_setparam sched_setattr ioprio_set
""".split()
_NEW_NAMESPACES = 0x7E020000  # all CLONE_NEW* flags of uapi/linux/sched.h that clone accepts
_AF_UNIX, _SOCK_STREAM, _SOCK_TYPE = 1, 1, 0xF
# TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX of uapi/asm-generic/ioctls.h, in numeric order.
_IOCTLS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
# PR_SET_PDEATHSIG, PR_GET_DUMPABLE, PR_SET_NAME, PR_GET_NAME, PR_GET_SECCOMP, PR_CAPBSET_READ, PR_GET_NO_NEW_PRIVS and
# PR_SET_VMA of uapi/linux/prctl.h.
_PRCTLS = (1, 3, 15, 16, 21, 23, 39, 0x53564D41)

_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_X32 = 0x40000000
_FILTER_MODE, _SPECULATION_ALLOWED = 1, 4

_Instruction = tuple[int, int, int, int]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def install() -> None:
    """Filter the system calls of this process and its children, permanently.

    Requires no_new_privs.

    Raises:
        OSError: the kernel has no seccomp, or the architecture is unknown.
    """
    install_program(program())


def install_program(lines: Iterable[_Instruction]) -> None:
    """Install a classic BPF program as a seccomp filter."""
    code = b"".join(struct.pack("HBBI", *instruction) for instruction in lines)
    # SECCOMP_FILTER_FLAG_SPEC_ALLOW: without it, kernels before 5.16 enable costly mitigations of speculative execution
    # side channels, which are irrelevant for a process without secrets.
    call("seccomp", _FILTER_MODE, _SPECULATION_ALLOWED, _Program(len(code) // 8, code))


def program() -> list[_Instruction]:
    """Return the filter as instructions (code, jump if true, jump if false, constant)."""
    numbers, architecture = system_call_numbers(), audit_architecture()
    if architecture is None:
        raise OSError(errno.ENOSYS, "the sandbox does not know this processor architecture")
    lines: list[_Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JUMP_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_JUMP_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _ERRNO | errno.ENOSYS),
    ]
    lines += _when(numbers, _ALLOWED, [(_RETURN, 0, 0, _ALLOW)])
    lines += _when(numbers, ["clone"], _unless_any_bit(0, _NEW_NAMESPACES))
    lines += _when(numbers, ["ioctl"], _only(1, _IOCTLS))
    lines += _when(numbers, ["prctl"], _only(0, _PRCTLS))
    lines += _when(numbers, ["prlimit64"], _only(0, (0,)))
    lines += _when(numbers, ["socketpair"], _only_stream_pairs())
    lines += _when(numbers, _REFUSED, [(_RETURN, 0, 0, _ERRNO | errno.EPERM)])
    return [*lines, (_RETURN, 0, 0, _ERRNO | errno.ENOSYS)]


def _when(numbers: dict[str, int], names: Iterable[str], body: list[_Instruction]) -> list[_Instruction]:
    """Return instructions that run `body`, which must return, for the named calls."""
    lines: list[_Instruction] = []
    for name in names:
        if name in numbers:
            lines += [(_JUMP_EQUAL, 0, len(body), numbers[name]), *body]
    return lines


def _only(argument: int, values: tuple[int, ...]) -> list[_Instruction]:
    """Allow a call if the low half of an argument, counted from 0, is in `values`."""
    lines: list[_Instruction] = [(_LOAD, 0, 0, _ARGUMENTS + 8 * argument)]
    for value in values:
        lines += [(_JUMP_EQUAL, 0, 1, value), (_RETURN, 0, 0, _ALLOW)]
    return [*lines, (_RETURN, 0, 0, _ERRNO | errno.EPERM)]


def _unless_any_bit(argument: int, bits: int) -> list[_Instruction]:
    return [
        (_LOAD, 0, 0, _ARGUMENTS + 8 * argument),
        (_JUMP_ANY_BIT, 1, 0, bits),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _ERRNO | errno.EPERM),
    ]


def _only_stream_pairs() -> list[_Instruction]:
    """Allow connected stream sockets, which asyncio needs.

    Datagrams could be sent to any address.
    """
    return [
        (_LOAD, 0, 0, _ARGUMENTS),
        (_JUMP_EQUAL, 0, 4, _AF_UNIX),
        (_LOAD, 0, 0, _ARGUMENTS + 8),
        (_AND, 0, 0, _SOCK_TYPE),
        (_JUMP_EQUAL, 0, 1, _SOCK_STREAM),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _ERRNO | errno.EPERM),
    ]
