"""nginx, which serves one small page, under wrk."""

import math
import os
import re

from ..errors import ServiceError
from ..lab import Host, Lab
from . import tool
from .cases import CLOSING, KEPT_ALIVE, Answer, Case
from .peer import Target

CASES = (KEPT_ALIVE, CLOSING)
NEEDS = ("nginx", "wrk")
_PORT = 8080
_CONNECTIONS = 64
_PAGE = 612
"""Bytes: as many as nginx's own welcome has."""
_EIO = 5

_CONFIGURATION = """\
{user}
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{ listen {address}:{port}; root {folder}; }}
}}
"""


def serve(lab: Lab, stack: str) -> Target:
    """Starts one with one worker, on plain TCP or as a service."""
    at = tool.place(lab, stack, "nginx", _PORT)
    (at.folder / "index.html").write_text("x" * _PAGE)
    configuration = at.folder / "nginx.conf"
    configuration.write_text(_configuration(at))
    return tool.start(lab, at, ["nginx", "-e", at.folder / "error.log", "-c", configuration])


def _configuration(at: tool.Place) -> str:
    """Root's workers stay root's, who may read the folder and serve."""
    user = "user root;" if os.geteuid() == 0 else ""
    return _CONFIGURATION.format(user=user, folder=at.folder, address=at.address, port=at.port)


def measure(host: Host, target: Target, case: Case, seconds: float) -> Answer:
    """One run of wrk, which knows whole seconds only."""
    words = ["wrk", "-t", 1, "-c", _CONNECTIONS, "-d", math.ceil(seconds)]
    if case is CLOSING:
        words += ["-H", "Connection: close"]
    words.append(f"http://{target.address}:{target.port}/")
    text, client_us = tool.run(host, words, shim=target.shim)
    return {**read(text), "client_us": client_us}


def read(text: str) -> Answer:
    """What wrk says at its end."""
    done = re.search(r"(\d+) requests in ([\d.]+)(ms|s|m),", text)
    wrong = re.search(r"Non-2xx.*|Socket errors: connect [1-9].*", text)
    if done is None or wrong is not None:
        what = wrong.group() if wrong else text.strip()[-200:]
        raise ServiceError(_EIO, f"wrk: {what}")
    factor = {"ms": 0.001, "s": 1.0, "m": 60.0}[done.group(3)]
    return {"count": int(done.group(1)), "seconds": float(done.group(2)) * factor}
