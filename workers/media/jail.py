"""Give up every right that a media tool does not need, then become that tool. Standard library only.

Started by `workers.media.sandbox` as `python -I -S jail.py RULES TOOL ARGUMENTS...`, RULES being JSON.
The order matters: capabilities, death signal, Landlock, seccomp, resource limits, exec. With `attempt` in the rules
nothing is started: the jail tries what it must not be able to do and prints what happened (the self-test).
Sources: reliability notes 2.3; landlock(7), seccomp(2), prctl(2), capset(2).
"""

import contextlib
import ctypes
import json
import os
import resource
import signal
import socket
import struct
import sys
from collections.abc import Callable
from functools import partial

CPU_GRACE_SECONDS = 5
BROKEN = 126  # exit status when the jail itself could not be built; no media tool uses it

PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 22, 24, 38
PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 47, 4

# Landlock: rights on files, in the order of the kernel's bits. A kernel knows the first `FILE_RIGHTS_OF_ABI[abi]`.
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REMOVE_FILE, MAKE_REG, TRUNCATE = 1 << 5, 1 << 8, 1 << 14
FILE_RIGHTS_OF_ABI = (0, 13, 14, 15, 15, 16)
RIGHTS_ON_A_FILE = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE
READABLE = EXECUTE | READ_FILE | READ_DIR
WRITABLE = READ_FILE | READ_DIR | WRITE_FILE | REMOVE_FILE | MAKE_REG | TRUNCATE
ABI_WITH_TCP, ABI_WITH_SCOPES = 4, 6
NR_RULESET, NR_RULE, NR_RESTRICT = 444, 445, 446  # the same on every architecture

# System calls that are looked at more closely: (x86_64, aarch64). Those denied outright are in `calls.py`.
CLONE, CLONE3, TGKILL, PRLIMIT, PRCTL = (56, 220), (435, 435), (234, 131), (302, 261), (157, 167)
CLONE_THREAD = 0x00010000
CLONE_NAMESPACES = 0x7E020080  # NEWTIME, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
AUDIT_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
X32_CALLS = 0x40000000

LOAD, EQUAL, AT_LEAST, HAS_BITS, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # classic BPF, as seccomp reads it
OFFSET_NUMBER, OFFSET_ARCHITECTURE, OFFSET_FIRST_ARGUMENT = 0, 4, 16
ALLOW, KILL_PROCESS, REFUSE = 0x7FFF0000, 0x80000000, 0x00050001  # REFUSE answers EPERM
NO_SUCH_CALL = 0x00050026  # ENOSYS: the C library then falls back from clone3 to clone


class Broken(Exception):
    """A layer of the jail could not be built."""


def libc() -> ctypes.CDLL:
    """Return the C library of this process, where system calls are made."""
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> int:
    if result < 0:
        raise Broken(f"{what}: {os.strerror(ctypes.get_errno())}")
    return result


def limit_resources(limits: dict[str, int]) -> None:
    """Set hard limits: bytes of address space and of one file, seconds of CPU, 64 open files, no core.

    The signal for too much CPU (SIGXCPU) comes before the hard limit's kill: it says why the tool ended.
    """
    wanted = {resource.RLIMIT_CORE: 0, resource.RLIMIT_NOFILE: 64, resource.RLIMIT_FSIZE: limits["file_bytes"]}
    if sys.platform == "linux":  # macOS refuses to limit the address space
        wanted[resource.RLIMIT_AS] = limits["memory_bytes"]
    for name, value in wanted.items():
        resource.setrlimit(name, (value, value))
    resource.setrlimit(resource.RLIMIT_CPU, (limits["cpu_seconds"], limits["cpu_seconds"] + CPU_GRACE_SECONDS))


def reset_signals() -> None:
    """Undo what Python ignores: a tool over its file limit must end, not go on without writing."""
    for name in ("SIGPIPE", "SIGXFSZ"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)


def drop_capabilities(kernel: ctypes.CDLL) -> None:
    """Give up what root may do beyond its own files, for this process and whatever it becomes."""
    capability = 0
    while kernel.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0:
        capability += 1
    kernel.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header = struct.pack("=Ii", 0x20080522, 0)  # version 3, this process
    _checked(kernel.capset(header, bytes(24)), "capset")


def die_with(kernel: ctypes.CDLL, parent: int) -> None:
    """Ask to be killed when the thread that started us ends; `parent` 0 means that somebody else sees to it.

    The signal refers to the parent thread, which waits for us for as long as we live. If the whole worker was killed
    before the request was made there is a new parent by now: then there is nobody left to work for.
    """
    if not parent:
        return
    _checked(kernel.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "death signal")
    if os.getppid() != parent:
        os._exit(BROKEN)


def landlock_abi(kernel: ctypes.CDLL) -> int:
    """Return the version of Landlock that this kernel offers; 0 where there is none."""
    return max(0, int(kernel.syscall(NR_RULESET, None, 0, 1)))


def restrict_files(kernel: ctypes.CDLL, *, reads: list[str], writes: list[str]) -> None:
    """Leave nothing readable but `reads` and nothing writable but `writes`; no TCP, no signals to others."""
    abi = landlock_abi(kernel)
    if not abi:
        raise Broken("this kernel has no Landlock")
    handled = (1 << FILE_RIGHTS_OF_ABI[min(abi, len(FILE_RIGHTS_OF_ABI) - 1)]) - 1
    attributes = struct.pack("=Q", handled)
    attributes += struct.pack("=Q", 0b11) if abi >= ABI_WITH_TCP else b""
    attributes += struct.pack("=Q", 0b11) if abi >= ABI_WITH_SCOPES else b""
    ruleset = _checked(kernel.syscall(NR_RULESET, attributes, len(attributes), 0), "Landlock")
    for path in reads:
        _allow(kernel, ruleset, path, READABLE & handled)
    for path in writes:
        _allow(kernel, ruleset, path, WRITABLE & handled)
    _checked(kernel.syscall(NR_RESTRICT, ruleset, 0), "Landlock")
    os.close(ruleset)


def _allow(kernel: ctypes.CDLL, ruleset: int, path: str, rights: int) -> None:
    try:
        beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return  # /lib64 and the like are not everywhere
    if not os.path.isdir(path):  # noqa: PTH112 - pathlib costs a third of our start-up time
        rights &= RIGHTS_ON_A_FILE
    rule = struct.pack("=Qi", rights, beneath)
    _checked(kernel.syscall(NR_RULE, ruleset, 1, rule, 0), f"Landlock rule for {path}")
    os.close(beneath)


def _step(code: int, value: int, *, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("=HBBI", code, yes, no, value)


def _refuse_if(number: int, answer: int = REFUSE) -> bytes:
    return _step(EQUAL, number, no=1) + _step(RETURN, answer)


def seccomp_program(machine: str, pid: int, denied: list[int]) -> bytes:
    """Return the filter: no sockets, no other processes, no namespaces, no tracing, no kernel interfaces.

    New threads are allowed, new processes are not; `tgkill` (abort) reaches our own threads only, `prlimit` ourselves.
    `prctl` can't take the death signal back: nothing outlives its worker.
    """
    if machine not in AUDIT_ARCHITECTURES:
        raise Broken(f"no system call table for {machine}")
    column, architecture = AUDIT_ARCHITECTURES[machine]
    program = _step(LOAD, OFFSET_ARCHITECTURE)
    program += _step(EQUAL, architecture, yes=1) + _step(RETURN, KILL_PROCESS)
    program += _step(LOAD, OFFSET_NUMBER)
    program += _step(AT_LEAST, X32_CALLS, no=1) + _step(RETURN, REFUSE)
    for number in denied:
        program += _refuse_if(number)
    program += _refuse_if(CLONE3[column], NO_SUCH_CALL)
    program += _step(EQUAL, CLONE[column], no=5) + _step(LOAD, OFFSET_FIRST_ARGUMENT)
    program += _step(HAS_BITS, CLONE_NAMESPACES, yes=1) + _step(HAS_BITS, CLONE_THREAD, yes=1)
    program += _step(RETURN, REFUSE) + _step(RETURN, ALLOW)
    program += _step(EQUAL, TGKILL[column], no=4) + _step(LOAD, OFFSET_FIRST_ARGUMENT)
    program += _step(EQUAL, pid, yes=1) + _step(RETURN, REFUSE) + _step(RETURN, ALLOW)
    program += _step(EQUAL, PRCTL[column], no=4) + _step(LOAD, OFFSET_FIRST_ARGUMENT)
    program += _step(EQUAL, PR_SET_PDEATHSIG, no=1) + _step(RETURN, REFUSE) + _step(RETURN, ALLOW)
    program += _step(EQUAL, PRLIMIT[column], no=4) + _step(LOAD, OFFSET_FIRST_ARGUMENT)
    program += _step(EQUAL, 0, yes=2) + _step(EQUAL, pid, yes=1) + _step(RETURN, REFUSE)
    return program + _step(RETURN, ALLOW)


def restrict_calls(kernel: ctypes.CDLL, denied: list[int]) -> None:
    """Install the seccomp filter for this process and whatever it becomes."""
    program = seccomp_program(os.uname().machine, os.getpid(), denied)
    steps = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("@HP", len(program) // 8, ctypes.addressof(steps))
    _checked(kernel.prctl(PR_SET_SECCOMP, 2, header, 0, 0), "seccomp")


def _touch(path: str) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT))


def _read(path: str) -> None:
    os.close(os.open(path, os.O_RDONLY))


def _open_socket(family: int) -> None:
    socket.socket(family).close()


def _start_process() -> None:
    if os.fork() == 0:
        os._exit(0)


def _forget_the_worker() -> None:
    if libc().prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) < 0:
        raise OSError(ctypes.get_errno(), "prctl")


def _ask_limits(pid: int) -> None:
    resource.prlimit(pid, resource.RLIMIT_NOFILE)


def attempts(targets: dict[str, str]) -> dict[str, str]:
    """Try what must fail, and the two things that must work; 'done' or the name of the error for each."""
    tries: dict[str, Callable[[], None]] = {
        "read outside": partial(_read, targets["secret"]),
        "write outside": partial(_touch, targets["outside"]),
        "change outside": partial(os.chmod, targets["secret"], 0o600),
        "link to outside": partial(os.symlink, targets["secret"], targets["link"]),
        "socket": partial(_open_socket, socket.AF_INET),
        "unix socket": partial(_open_socket, socket.AF_UNIX),
        "process": _start_process,
        "outlive the worker": _forget_the_worker,
        "limits of others": partial(_ask_limits, int(targets["starter"])),
        "read inside": partial(_read, targets["given"]),
        "write inside": partial(_touch, targets["result"]),
    }
    outcome = {}
    for name, attempt in tries.items():
        outcome[name] = "done"
        try:
            attempt()
        except OSError as error:
            outcome[name] = type(error).__name__
    return outcome


def confine(rules: dict[str, object]) -> None:
    """Apply the rules to this process, for good."""
    os.umask(0o077)
    reset_signals()
    if sys.platform == "linux":
        kernel = libc()
        _checked(kernel.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges")
        if rules["confined"]:
            drop_capabilities(kernel)
        die_with(kernel, int(str(rules["parent"])))
        if rules["landlock"]:
            restrict_files(kernel, reads=list(rules["reads"]), writes=list(rules["writes"]))  # type: ignore[call-overload]
        if rules["confined"]:
            restrict_calls(kernel, list(rules["denied"]))  # type: ignore[call-overload]
    limit_resources(rules["limits"])  # type: ignore[arg-type]


def main(arguments: list[str]) -> None:
    """Confine this process and become the tool. Ends with 126 and a sentence if that can't be done."""
    rules = json.loads(arguments[0])
    try:
        confine(rules)
        if rules.get("attempt"):
            print(json.dumps(attempts(rules["attempt"])))  # noqa: T201 - the answer to the parent
            return
        os.execve(arguments[1], arguments[1:], {})  # noqa: S606 - no shell: that is the point
    except (Broken, OSError) as error:
        with contextlib.suppress(OSError):
            os.write(2, f"{rules['mark']}{error}\n".encode())
        os._exit(BROKEN)


if __name__ == "__main__":
    main(sys.argv[1:])
