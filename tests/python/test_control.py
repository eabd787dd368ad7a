"""The control connection of the tools: what scaffoldd may answer, and what it must not."""

from pathlib import Path

import pytest

from python.fake_scaffoldd import EMPTY, FakeScaffoldd
from scaffold import NoDaemon, ServiceError
from scaffold._native import lib
from scaffold.control import Control, answers


def test_status_is_the_document(tmp_path: Path) -> None:
    with FakeScaffoldd(tmp_path), Control(tmp_path) as control:
        assert control.status() == EMPTY


def test_several_questions(tmp_path: Path) -> None:
    with FakeScaffoldd(tmp_path) as fake, Control(tmp_path) as control:
        control.hello()
        control.status()
        control.status()
        assert fake.asked == [lib.SC_CTL_HELLO, lib.SC_CTL_STATUS, lib.SC_CTL_STATUS]


def test_a_long_runtime_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / ("x" * 120)
    folder.mkdir()
    monkeypatch.chdir(folder)
    with FakeScaffoldd(Path()), Control(folder) as control:
        assert control.status() == EMPTY


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(NoDaemon, match=r"no scaffoldd answers in .*scaffold up"):
        Control(tmp_path)
    assert answers(tmp_path) is None


@pytest.mark.parametrize(
    ("reply", "line"),
    [
        ({"error": 13, "text": b"uid 7 may not ask"}, "uid 7 may not ask"),
        ({"error": 13}, "Permission denied"),
        ({"version": 99}, r"\(pid \d+\) speaks version 99 .*`scaffold down`"),
        ({"version": 99, "length": 64}, "speaks version 99"),
        ({"magic": 1}, "is not scaffoldd"),
        ({"length": 10}, "is not scaffoldd"),
    ],
)
def test_bad_answers_are_one_line(tmp_path: Path, reply: dict[str, object], line: str) -> None:
    with FakeScaffoldd(tmp_path, **reply), Control(tmp_path) as control:
        with pytest.raises(ServiceError, match=line) as caught:
            control.hello()
        assert "\n" not in str(caught.value)


def test_one_that_knows_its_own_version_alone_is_stopped(tmp_path: Path) -> None:
    """As those up to version 2."""
    with FakeScaffoldd(tmp_path, only=2) as fake, Control(tmp_path) as control:
        with pytest.raises(ServiceError, match=r"speaks version 2 .*`scaffold down`"):
            control.hello()
        control._ask_to_stop()
        assert fake.asked[1:] == [lib.SC_CTL_STOP] * 2
        assert fake.versions[1:] == [lib.SC_CTL_VERSION, 2]


def test_no_descriptor_with_the_status(tmp_path: Path) -> None:
    with FakeScaffoldd(tmp_path), Control(tmp_path) as control:
        control.hello()
        assert control._ask(lib.SC_CTL_HELLO) is None


def test_silence_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scaffold.control._ANSWER_S", 0.1)
    with FakeScaffoldd(tmp_path, silent=True), Control(tmp_path) as control:
        with pytest.raises(ServiceError, match="has not answered"):
            control.hello()
