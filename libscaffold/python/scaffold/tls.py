"""Sockets that `ssl` makes of ours, which are as much ours as `ssl`'s.

`SSLContext.wrap_socket` takes the descriptor out of the socket that it is given and puts it into an
object of the context's `sslsocket_class`. That is where the kind of the socket would be lost, so a
class stands there that hands on to one of both kinds. Of all other sockets it makes what was made
before.
"""

from typing import Any

from .kinds import Accepting, new_class
from .loaded import when_loaded
from .once import once


def adapt_contexts() -> None:
    """Have contexts make sockets of both kinds, gevent's as well, as soon as there are any."""
    when_loaded("ssl", _adapt)
    when_loaded("gevent.ssl", _adapt)


def _adapt(ssl: Any) -> None:
    context = ssl.SSLContext
    if not issubclass(context.sslsocket_class, _Choosing):
        context.sslsocket_class = _chooser(context.sslsocket_class)


class _Choosing:
    """Marks the classes that hand on."""

    __slots__ = ()


def _chooser(plain: type[Any]) -> type[Any]:
    """What stands for `plain`: the stdlib's contexts call `_create`, gevent's the class."""

    class SSLSocket(_Choosing, plain):  # type: ignore[misc]
        __doc__ = plain.__doc__

        def __new__(cls, sock: Any = None, **about: Any) -> Any:
            if cls is not SSLSocket:  # derived from by a program
                return super().__new__(cls)
            return _made_of(plain, sock)(sock=sock, **about)

        @classmethod
        def _create(cls, sock: Any, **about: Any) -> Any:
            if cls is not SSLSocket:
                return super()._create(sock, **about)
            return _made_of(plain, sock)._create(sock=sock, **about)

    return SSLSocket


def _made_of(plain: type[Any], sock: Any) -> type[Any]:
    """The class for a socket of `ssl`'s class `plain` that is made of `sock`."""
    kind = sock.own_kind if isinstance(sock, Accepting) else _kind_under_gevent(plain, sock)
    both: Any = (plain, kind)
    return _of_both(*both) if kind is not None else plain


def _kind_under_gevent(plain: type[Any], sock: Any) -> Any:
    if not hasattr(plain, "_gevent_sock_class"):
        return None
    from . import greenlets  # which only its users have

    return greenlets.own_kind_of(sock)


@once
def _of_both(plain: type[Any], kind: Any) -> type[Any]:
    members = {"__module__": plain.__module__, "__doc__": plain.__doc__}
    if hasattr(plain, "_gevent_sock_class"):
        from . import greenlets  # which only its users have

        members |= greenlets.members_of_tls(plain)
    return new_class(plain.__name__, (plain, kind), **members)
