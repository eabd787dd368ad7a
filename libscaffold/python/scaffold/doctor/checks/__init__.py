"""The checks, one subject per file; importing this registers them in the order of the report."""

from . import (  # noqa: F401
    abort,
    accept,
    ancillary,
    bind,
    buffers,
    connect,
    data,
    datagrams,
    descriptors,
    end,
    flags,
    inherit,
    names,
    options,
    plane,
    pointers,
    poll,
    urgent,
)
