"""Answers checks: reads their names from stdin, one a line, and writes a JSON object a line.

    python -m scaffold.doctor.ask 4        # four at a time

Each check has a process of its own, forked here: what it leaves behind ends with it.
"""

import json
import os
import select
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from . import checks as _checks  # noqa: F401  (they register themselves)
from .table import CHECKS, Check
from .verbs import NoReset

LIMIT_S = 40
"""For one check; most take milliseconds, a stuck one ends with SIGALRM."""


@dataclass
class _Running:
    check: Check
    pid: int
    pipe: int
    pidfd: int = field(init=False)

    def __post_init__(self) -> None:
        self.pidfd = os.pidfd_open(self.pid)


def _answer(check: Check) -> dict[str, str]:
    try:
        return {"answer": repr(check.ask(check.kind))}
    except NoReset as told:
        return {"answer": repr(str(told))}
    except BaseException as error:  # whatever it is, it is the answer
        line = error.__traceback__.tb_lineno if error.__traceback__ else 0
        trace = error.__traceback__
        while trace is not None:
            line, trace = trace.tb_lineno, trace.tb_next
        return {"failed": f"{type(error).__name__}: {error} (line {line})"}


def _alone_with(writer: int) -> int:
    """Without the descriptors of the other checks that run now: numbers are compared, too."""
    last = os.dup2(writer, 1000, inheritable=False)
    os.closerange(3, last)
    return last


def _start(check: Check) -> _Running:
    reader, writer = os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        writer = _alone_with(writer)
        signal.alarm(LIMIT_S)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.write(writer, json.dumps(_answer(check)).encode()[:60000])  # less than a pipe holds
        os._exit(0)
    os.close(writer)
    return _Running(check, pid, reader)


def _finish(one: _Running) -> dict[str, str]:
    """The answer of a process that has ended, and the end of its own children."""
    _, status = os.waitpid(one.pid, 0)
    with suppress(ProcessLookupError):
        os.killpg(one.pid, signal.SIGKILL)
    text = os.read(one.pipe, 65536) if status == 0 else b""
    os.close(one.pipe)
    os.close(one.pidfd)
    if not text:
        code = os.waitstatus_to_exitcode(status)
        end = signal.Signals(-code).name if code < 0 else f"exit {code}"
        return {"id": one.check.id, "failed": end}
    return {"id": one.check.id, **json.loads(text)}


def answers(names: Iterable[str], jobs: int) -> Iterator[dict[str, str]]:
    """The answers, as they come."""
    waiting = iter(names)
    running: dict[int, _Running] = {}
    poll = select.poll()
    while True:
        while len(running) < jobs and (name := next(waiting, None)):
            one = _start(CHECKS[name])
            running[one.pidfd] = one
            poll.register(one.pidfd, select.POLLIN)
        if not running:
            return
        for fd, _ in poll.poll():
            poll.unregister(fd)
            yield _finish(running.pop(fd))


if __name__ == "__main__":
    for result in answers(sys.stdin.read().split(), int(sys.argv[1])):
        print(json.dumps(result), flush=True)
