# SPDX-License-Identifier: EUPL-1.2
"""Starting and ending operating system processes so that none is ever left behind.

The one rule: every child is its own session (a Ctrl-C in the terminal reaches the supervisor only) and asks the
kernel for a signal when its parent dies (``PR_SET_PDEATHSIG``), so that even a killed supervisor leaves nothing.
That request belongs to the *thread* that forks and is lost when credentials change: so we fork from the main
thread only, and ask after the change of user. A program that changes its user itself must ask again itself.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import socket
import subprocess
import threading
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import Signals

from amtsleitung.errors import Problem
from amtsleitung.privileges import Credentials, first_barrier, private_directory, unprivileged_user
from amtsleitung.process_table import Workplace, kill_leftovers

__all__ = [
    "Child",
    "Credentials",
    "Ending",
    "describe_ending",
    "die_with_parent",
    "first_barrier",
    "free_port",
    "free_udp_port",
    "private_directory",
    "spawn",
    "unprivileged_user",
]

_PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None).prctl  # loaded here: between fork and exec nothing may be loaded any more
_LAST_WAIT_SECONDS = 10.0
_HURRY_SECONDS = 1.0


def free_port() -> int:
    """A TCP port that was free on 127.0.0.1 a moment ago; whoever binds it must expect to lose the race."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_udp_port() -> int:
    """A UDP port that was free on 127.0.0.1 a moment ago."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a process ended. ``returncode`` is negative for a signal, as in ``subprocess``."""

    returncode: int
    forced: bool
    """It needed SIGKILL."""
    leftovers: tuple[int, ...]
    """Processes it left behind, killed since."""


def describe_ending(returncode: int) -> str:
    """``exit status 3`` or ``signal SIGKILL``."""
    if returncode >= 0:
        return f"exit status {returncode}"
    try:
        return f"signal {Signals(-returncode).name}"
    except ValueError:
        return f"signal {-returncode}"


class Child:
    """A running process of ours; made by `spawn`, and to be ended with `stop` by whoever spawned it.

    ``output`` carries standard output and standard error, merged. Exit is seen through a pidfd rather than asyncio's
    child watcher: its ``wait`` also waits for the pipes on Python 3.11, which a grandchild can hold open for ever.
    """

    def __init__(
        self, process: subprocess.Popen[bytes], output: asyncio.StreamReader, transport: asyncio.ReadTransport
    ) -> None:
        self.pid = process.pid
        self.output = output
        self.returncode: int | None = None
        self._process = process
        self._transport = transport
        self._exited = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        try:
            self._pidfd = os.pidfd_open(process.pid)
        except OSError as error:
            process.kill()
            process.wait()
            transport.close()
            raise Problem(f"Cannot watch a started process: {error.strerror}; Linux 5.3 or newer is needed.") from error
        self._loop.add_reader(self._pidfd, self._on_exit)

    def _on_exit(self) -> None:
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        self.returncode = self._process.wait()  # a readable pidfd means: it can be reaped without waiting
        self._exited.set()

    def send(self, number: Signals) -> None:
        """Signal this process, and never a stranger that got its number since."""
        if self.returncode is None:
            signal.pidfd_send_signal(self._pidfd, number)

    async def wait(self) -> int:
        """Its return code, once it has ended; no deadline, that is the caller's."""
        await self._exited.wait()
        assert self.returncode is not None
        return self.returncode

    async def ends_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._exited.wait()
        except TimeoutError:
            return False
        return True

    async def stop(
        self,
        ladder: Iterable[tuple[Signals, float]] = ((Signals.SIGTERM, 10.0),),
        *,
        hurry: asyncio.Event | None = None,
        workplace: Workplace | None = None,
    ) -> Ending:
        """End it: each signal with its deadline in seconds, then SIGKILL; then kill what it left behind.

        ``hurry`` shortens the deadlines to a second, at once when set. Left behind is whatever shares its session, or
        works in ``workplace`` (see `kill_leftovers`). Fine to call on a process that has ended.
        """
        for number, seconds in ladder:
            if self.returncode is not None:
                break
            self.send(number)
            await self._ends_before(seconds, hurry)
        forced = self.returncode is None
        if forced:
            self.send(Signals.SIGKILL)
            if not await self.ends_within(_LAST_WAIT_SECONDS):
                raise Problem(f"Process {self.pid} does not end even after SIGKILL; the disk below it may hang.")
        leftovers = await kill_leftovers(self.pid, workplace)
        assert self.returncode is not None
        return Ending(returncode=self.returncode, forced=forced, leftovers=leftovers)

    async def _ends_before(self, seconds: float, hurry: asyncio.Event | None) -> None:
        if hurry is None:
            await self.ends_within(seconds)
            return
        hurried = asyncio.ensure_future(hurry.wait())
        exited = asyncio.ensure_future(self._exited.wait())
        try:
            await asyncio.wait({hurried, exited}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            hurried.cancel()
            exited.cancel()
        if hurry.is_set():
            await self.ends_within(min(seconds, _HURRY_SECONDS))

    def close_output(self) -> None:
        """Stop listening to its output; a reader sees the end of it."""
        self._transport.close()


async def spawn(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    death_signal: Signals,
    credentials: Credentials | None = None,
) -> Child:
    """Start ``argv`` in its own session, as ``credentials``, to get ``death_signal`` when we die.

    ``env`` is the whole environment. Standard input is empty. Raises Problem if the program cannot be started.
    Nothing is awaited after the fork: a cancelled caller has either no process or a Child.
    """
    if threading.get_native_id() != os.getpid():
        raise RuntimeError("processes are started from the main thread only: see the head of this module")
    read_end, write_end = os.pipe()
    output = asyncio.StreamReader()
    pipe = os.fdopen(read_end, "rb", buffering=0)
    try:
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(output), pipe
        )
    except BaseException:
        pipe.close()
        os.close(write_end)
        raise
    try:
        with warnings.catch_warnings():
            # Python 3.12+ warns of forking beside threads; what runs before exec takes no lock (`_before_exec`).
            warnings.simplefilter("ignore", DeprecationWarning)
            process = subprocess.Popen(  # noqa: ASYNC220 - returns when exec has happened, milliseconds
                argv,
                stdin=subprocess.DEVNULL,
                stdout=write_end,
                stderr=write_end,
                env=dict(env),
                cwd=cwd,
                start_new_session=True,
                user=None if credentials is None else credentials.user_id,
                group=None if credentials is None else credentials.group_id,
                extra_groups=None if credentials is None else [credentials.group_id],
                umask=0o077,
                preexec_fn=_before_exec(death_signal),
            )
    except (OSError, subprocess.SubprocessError) as error:
        transport.close()
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise Problem(f"Cannot start {argv[0]} in {cwd}: {why}.") from error
    finally:
        os.close(write_end)
    return Child(process, output, transport)


def die_with_parent(parent: int) -> None:
    """For a process that was started in another way: it ends with the process ``parent``, which started it."""
    if _prctl(_PR_SET_PDEATHSIG, int(Signals.SIGKILL)) != 0 or os.getppid() != parent:
        os._exit(1)


def _before_exec(death_signal: Signals) -> Callable[[], None]:
    """What runs in the child, after the change of user and before exec."""
    parent = os.getpid()

    def before_exec() -> None:
        if _prctl(_PR_SET_PDEATHSIG, int(death_signal)) != 0:
            raise OSError("prctl")
        if os.getppid() != parent:  # it died before we asked: nobody will tell us any more
            os._exit(1)
        # A shell's background job inherits ignored signals, and exec keeps them ignored.
        for number in (Signals.SIGINT, Signals.SIGTERM, Signals.SIGQUIT, Signals.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())

    return before_exec
