"""ApacheBench, keep-alive and 100 connections at once, against civetweb by service name.

Short: 10,000 requests. Full: 200,000.
"""

import re
from pathlib import Path

from scaffold import scenario
from scaffold.lab import Lab
from scaffold.scenario import Result, check_level, expect, make_file, program, verified

SERVICE = "bench.demo.scaffold"
PORT = 8080
CONCURRENCY = 100
SIZE = 2000
_WEB = scenario.load(Path(__file__).parents[1], "civetweb")


def run(
    lab: Lab,
    *,
    client: str = "a",
    server: str = "b",
    level: str = "shim",
    full: bool = False,
    requests: int | None = None,
) -> Result:
    """Every request must be answered with the whole document; none may fail."""
    check_level(level)
    requests = requests or (200_000 if full else 10_000)
    folder = lab.folder / server / "bench"
    make_file(folder / "page", SIZE)
    result = Result()
    httpd = _WEB.serve(lab[server], folder, SERVICE, PORT, threads=CONCURRENCY + 20)
    lab.await_service(f"{SERVICE}:{PORT}", process=httpd)
    url = f"http://{SERVICE}:{PORT}/page"
    command = [program("ab", "apache2-utils"), "-q", "-k", "-c", str(CONCURRENCY)]
    with verified(lab, client, "ab", result):
        done = lab[client].run([*command, "-n", str(requests), url], timeout=60 + requests / 500)
    scenario.succeeded(done, "ab")
    named = re.search(rf"^Server Hostname: +{SERVICE}$", done.stdout, re.MULTILINE)
    expect(named, f"its report does not name {SERVICE}")
    report = dict(re.findall(r"^([A-Z][A-Za-z -]+):\s+([0-9.]+)", done.stdout, re.MULTILINE))
    expect(int(report["Complete requests"]) == requests, f"not all were answered: {report}")
    expect(int(report["Failed requests"]) == 0, f"{report['Failed requests']} requests failed")
    expect("Non-2xx" not in done.stdout, "answers other than 200")
    expect(int(report["HTML transferred"]) == requests * SIZE, "documents were cut short")
    expect(int(report["Keep-Alive requests"]) > 0, "no connection was kept alive")
    result.figures["requests_s"] = float(report["Requests per second"])
    result.figures["requests"] = requests
    lab[server].end(httpd)
    return result
