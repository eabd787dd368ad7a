"""What other people's programs print."""

import pytest

from scaffold import ServiceError
from scaffold.bench import nginx, redis, tool

WRK = """\
Running 1s test @ http://10.83.0.2:8080/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.42ms  352.11us  12.60ms   96.52%
  45000 requests in {time}, 36.48MB read
{more}Requests/sec:  45000.00
Transfer/sec:     36.48MB
"""
REDIS = """\
"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms"
"SET","50000.00","0.522","0.168","0.511"
"GET","25000.00","0.491","0.160","0.479"
"""


@pytest.mark.parametrize(("time", "seconds"), [("1.50s", 1.5), ("950.00ms", 0.95), ("1.00m", 60)])
def test_wrk(time: str, seconds: float) -> None:
    answer = nginx.read(WRK.format(time=time, more=""))
    assert answer == {"count": 45000, "seconds": pytest.approx(seconds)}


@pytest.mark.parametrize(
    "trouble",
    [
        "  Non-2xx or 3xx responses: 17\n",
        "  Socket errors: connect 64, read 0, write 0, timeout 0\n",
    ],
)
def test_requests_that_failed_are_no_figure(trouble: str) -> None:
    with pytest.raises(ServiceError, match=trouble.split(":")[0].strip()):
        nginx.read(WRK.format(time="1.00s", more=trouble))


def test_wrk_that_says_nothing() -> None:
    with pytest.raises(ServiceError, match="wrk: unable to connect"):
        nginx.read("unable to connect to 10.83.0.2:8080 Connection refused\n")


def test_redis() -> None:
    """1,000 SETs in 20 ms, 1,000 GETs in 40 ms."""
    answer = redis.read(REDIS, 1000)
    assert answer == {"count": 2000, "seconds": pytest.approx(0.06)}


def test_redis_that_says_nothing() -> None:
    with pytest.raises(ServiceError, match="Could not connect"):
        redis.read("Could not connect to Redis at 10.83.0.2:6390\n", 1000)


def test_every_program_has_a_package() -> None:
    assert {*nginx.NEEDS, *redis.NEEDS} == set(tool.PACKAGES)


@pytest.mark.parametrize("name", tool.PACKAGES)
def test_versions(name: str) -> None:
    if tool.which(name) is None:
        pytest.skip(f"{name} is not installed")
    assert tool.version(name)[0].isdigit()
