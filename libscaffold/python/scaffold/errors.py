"""What can go wrong, as exceptions: each an OSError with its errno and one line that says what
failed and what to do next, and each also the built-in exception that a program catches already."""

import errno
import os

from ._native import ffi, lib


class ServiceError(OSError):
    """A call that names a service failed; the base of every exception below."""


class NoInstance(ServiceError, ConnectionRefusedError):
    """No instance offers the service, or every instance refused the flow."""


class ServiceTimeout(ServiceError, TimeoutError):
    """Instances are known, and none answered in time."""


class NoRoute(ServiceError):
    """No service router or network leads to the service (ENETUNREACH, EHOSTUNREACH)."""


class NotAllowed(ServiceError, PermissionError):
    """This user may not bind or reach the service."""


class NoDaemon(ServiceError):
    """No scaffoldd answers; `scaffold up` or `scaffold run` starts one (ENETDOWN)."""


class InvalidName(ServiceError, ValueError):
    """Not a service's name; one looks like label.provider.scaffold[:port[/proto]]."""


class WrongUsage(ServiceError):
    """A command was given what makes no sense; it ends with exit code 2."""

    def __init__(self, line: str) -> None:
        super().__init__(errno.EINVAL, line)


_BY_ERRNO: dict[int, type[ServiceError]] = {
    errno.ECONNREFUSED: NoInstance,
    errno.ETIMEDOUT: ServiceTimeout,
    errno.ENETUNREACH: NoRoute,
    errno.EHOSTUNREACH: NoRoute,
    errno.EACCES: NotAllowed,
    errno.ENETDOWN: NoDaemon,
}


def is_of_services(code: int) -> bool:
    """Whether an errno is one that has an exception here."""
    return code in _BY_ERRNO


def explain(code: int) -> str:
    """The library's line for its last failure in this thread, by errno or by getaddrinfo's code;
    the system's text for other codes."""
    text: bytes = ffi.string(lib.scaffold_strerror(code))
    return text.decode("utf-8", "replace") or os.strerror(code)


def is_explained(code: int) -> bool:
    """Whether the library's last failure in this thread was this one, and concerned a service."""
    system = ffi.string(lib.gai_strerror(code)).decode() if code < 0 else os.strerror(code)
    return explain(code) != system


def line_for(code: int, subject: str | None = None) -> str:
    """The same, with the service or address that it concerns in front."""
    text = explain(code)
    return text if subject is None or subject in text else f"{subject}: {text}"


def name_error(code: int, name: str) -> OSError:
    """The exception for a name that was not understood, or could not be looked up."""
    if code == errno.EINVAL:
        return InvalidName(code, line_for(code, name))
    return error_for(code, name)


def error_for(code: int, subject: str | None = None) -> OSError:
    """The exception for errno `code`; `subject` is the service or address that it concerns.

    Codes that say nothing about services become the built-in exception of that errno, for example
    BlockingIOError for EINPROGRESS.
    """
    kind: type[OSError] = _BY_ERRNO.get(code, OSError)
    return kind(code, line_for(code, subject))
