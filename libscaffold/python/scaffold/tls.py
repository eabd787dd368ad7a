"""Sockets that `ssl` makes of ours, which are as much ours as `ssl`'s.

`SSLContext.wrap_socket` takes the descriptor out of the socket that it is given and puts it into an
object of `ssl`'s class, or of one that a program has derived from it. That is where the kind of the
socket would be lost, so where that class makes an object of a socket of ours, one of both kinds is
made. Of all other sockets comes what came before.
"""

from typing import Any

from .kinds import Accepting, derived
from .loaded import when_loaded
from .once import once


def adapt_contexts() -> None:
    """Have contexts make sockets of both kinds, gevent's as well, as soon as there are any."""
    for name in ("ssl", "gevent.ssl"):
        when_loaded(name, lambda ssl: _adapt(ssl.SSLSocket))


@once
def _adapt(plain: Any) -> None:
    """The stdlib's contexts call `_create`, gevent's the class."""
    if hasattr(plain, "_create"):
        create = plain._create.__func__

        def created(cls: Any, sock: Any, *about: Any, **options: Any) -> Any:
            return create(_class_for(cls, sock), sock, *about, **options)

        plain._create = classmethod(created)
    else:
        new = plain.__new__

        def made(cls: Any, sock: Any = None, *_: Any, **__: Any) -> Any:
            return new(_class_for(cls, sock))

        plain.__new__ = made


def _class_for(plain: type[Any], sock: Any) -> type[Any]:
    """The class for a socket of `ssl`'s class `plain` that is made of `sock`."""
    kind = sock._sc_kind if isinstance(sock, Accepting) else _kind_under_gevent(plain, sock)
    return plain if kind is None else _of_both(plain, kind)


def _kind_under_gevent(plain: type[Any], sock: Any) -> Any:
    if not hasattr(plain, "_gevent_sock_class"):
        return None
    from . import greenlets  # which only its users have

    return greenlets.own_kind_of(sock)


@once
def _of_both(plain: type[Any], kind: Any) -> type[Any]:
    members = {}
    if hasattr(plain, "_gevent_sock_class"):
        from . import greenlets  # which only its users have

        members = greenlets.members_of_tls()
    return derived(plain, kind, **members)
