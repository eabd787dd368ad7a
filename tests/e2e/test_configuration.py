"""What scaffoldd is told wrongly: each mistake is one line on stderr, and the exit code says whose.

Every flag and value has its row in tests/daemon/test_config.c; here is what needs a machine.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from scaffold import paths
from scaffold._native import lib
from scaffold.control import Control
from scaffold.lab import Lab

FAILED, USAGE = 1, 2
NOBODY = 65534


def scaffoldd(
    *arguments: str | Path, folder: Path, user: int | None = None
) -> subprocess.CompletedProcess[str]:
    command = [paths.part(paths.DAEMON), "--runtime-dir", folder / "run", "--state-dir"]
    command += [folder / "state", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, user=user)


def lines(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [text for text in done.stderr.splitlines() if text.strip()]


def fails(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    assert done.returncode == code, done.stderr
    assert len(lines(done)) == 1, done.stderr
    assert lines(done)[0].startswith("scaffoldd: error: ")
    for word in words:
        assert word in lines(done)[0]
    assert "Sanitizer" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--router", "[::1"], USAGE, ["--router [::1"]),
        (["--router", "[::1]:99999"], USAGE, ["--router [::1]:99999"]),
        (["--router", ""], USAGE, ["--router"]),
        (["--router", "name.invalid"], FAILED, ["--router name.invalid"]),
        (["--ready-fd", "999"], USAGE, ["--ready-fd 999"]),
        (["--port", "1", "--port", "2"], USAGE, ["--port", "twice"]),
        (["--listen", "nonsense"], USAGE, ["--listen nonsense"]),
        (["--listen", "192.0.2.1", "--insecure-network"], FAILED, ["192.0.2.1"]),
        (["--listen", "2001:db8::1", "--insecure-network"], FAILED, ["2001:db8::1"]),
        (["--log-file", "/"], FAILED, ["--log-file /", "no regular file"]),
        (["--log-file", "/no/such/folder/log"], FAILED, ["--log-file /no/such/folder/log"]),
        (["--config", "/"], USAGE, ["/: Is a directory"]),
        (["-v"], USAGE, ["-v"]),
    ],
)
def test_flags(arguments: list[str], code: int, words: list[str], tmp_path: Path) -> None:
    fails(scaffoldd(*arguments, folder=tmp_path), code, *words)


def test_a_file_instead_of_a_folder(tmp_path: Path) -> None:
    for name in ("run", "state"):
        (tmp_path / name).write_text("")
        fails(scaffoldd(folder=tmp_path), FAILED, f"--{'runtime' if name == 'run' else name}-dir")
        (tmp_path / name).unlink()


def test_a_name_with_control_characters_stays_on_its_line(tmp_path: Path) -> None:
    done = scaffoldd("--name", "a\nscaffoldd: error: forged\x1b[2J", folder=tmp_path)
    fails(done, USAGE, r"a\x0ascaffoldd: error: forged\x1b[2J")


def test_the_file_is_named_with_its_line(tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text('\n\nrouter = "name.invalid"\n')
    fails(scaffoldd("--config", config, folder=tmp_path), FAILED, f"{config}:3: router")
    config.write_text('[allow]\nusers = [\n"root",\n"no-such-user"]\n')
    fails(scaffoldd("--config", config, folder=tmp_path), USAGE, f"{config}:4: allow.users")


def test_check_tells_everything_at_once(tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text(
        'name = "a_b"\nrouter = "name.invalid"\nport = "x"\npool = "1"\nstate = "/"\n'
        'log_file = "/no/such/folder/log"\n[allow]\ngroups = ["no-such-group"]\n'
    )
    (tmp_path / "run").write_text("a file")
    done = scaffoldd("--check", "--config", config, "--listen", "1.2.3", folder=tmp_path)
    assert done.returncode == FAILED
    assert done.stderr == ""
    errors = [line for line in done.stdout.splitlines() if line.startswith("error: ")]
    for place in ("1: name", "2: router", "3: port", "4: pool", '5: unknown setting "state"'):
        assert sum(f"{config}:{place}" in line for line in errors) == 1, done.stdout
    for place in ("6: log_file", "8: allow.groups"):
        assert sum(f"{config}:{place}" in line for line in errors) == 1, done.stdout
    assert sum("--runtime-dir" in line for line in errors) == 1
    assert sum("--listen 1.2.3" in line for line in errors) == 1
    assert len(errors) == 9


def test_check_of_what_is_fine_starts_and_makes_nothing(tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text('name = "b"\nport = 0\n[allow]\nusers = ["root", 33]\ngroups = ["root"]\n')
    done = scaffoldd("--check", "--config", config, folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "nothing keeps host b from starting" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["c.toml"]


@pytest.mark.usefixtures("root_only")
def test_a_user_without_a_number(tmp_path: Path) -> None:
    """In a user namespace everybody would pass for its own user; nobody outside of one is such."""
    command = [paths.part(paths.DAEMON), "--check", "--runtime-dir", tmp_path, "--port", "0"]

    def check(*wrapper: str) -> subprocess.CompletedProcess[str]:
        words = [*wrapper, *command, "--state-dir", tmp_path]
        return subprocess.run(words, capture_output=True, text=True, timeout=30)

    assert check().returncode == 0
    assert check("unshare", "--user", "--map-current-user").returncode == 0
    refused = check("unshare", "--user")
    assert refused.returncode == FAILED
    assert "this user has no number in this user namespace" in refused.stdout
    tmp_path.chmod(0o777)
    nobody = check("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    assert "has no number" not in nobody.stdout


def test_relative_paths_hold_wherever_scaffoldd_works(tmp_path: Path) -> None:
    """It changes into a folder of its own at start."""
    flags = ["--runtime-dir", "run/", "--state-dir", "state", "--port", "0"]
    flags += ["--log-file", "run/log"]
    reader, writer = os.pipe()
    with subprocess.Popen(
        [paths.part(paths.DAEMON), *flags, "--ready-fd", str(writer)],
        cwd=tmp_path,
        pass_fds=[writer],
    ) as process:
        os.close(writer)
        with os.fdopen(reader) as ready:
            assert f"runtime_dir={tmp_path}/run\n" in ready.readline()
        instance = lib.sc_instance_of(f"{tmp_path}/run".encode())
        name = f"@scaffold/{os.geteuid()}/{instance:08x}/ctl\n"
        assert name in Path("/proc/net/unix").read_text()  # programs ask there first
        before = (tmp_path / "run/log").read_text()
        process.send_signal(signal.SIGHUP)  # the log is opened anew
        (tmp_path / "run/log").rename(tmp_path / "run/old")
        process.send_signal(signal.SIGHUP)
        with Control(tmp_path / "run") as control:
            control.stop()
    assert before and (tmp_path / "run/log").exists()
    assert not (tmp_path / "run/ctl").exists()
    assert list((tmp_path / "state").rglob("state.db"))
    assert list((tmp_path / "run/listeners").iterdir()) == []


def test_a_relative_path_that_gets_too_long(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 90)
    deep.mkdir()
    done = subprocess.run(
        [paths.part(paths.DAEMON), "--runtime-dir", "run", "--port", "0"],
        cwd=deep,
        capture_output=True,
        text=True,
        timeout=30,
    )
    fails(done, FAILED, "--runtime-dir run: this path is too long")


def test_check_beside_the_scaffoldd_that_has_the_port() -> None:
    """Whoever edits the file of a running scaffoldd is not told of its port."""
    with Lab(["a"], kind="loopback") as lab:
        lab.start()
        port = re.search(r"UDP port (\d+)", lab["a"].log())
        assert port
        own = [paths.part(paths.DAEMON), "--check", "--port", port[1]]
        directory = ["--runtime-dir", lab["a"].runtime_dir]
        done = subprocess.run([*own, *directory], capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stdout
        other = ["--runtime-dir", lab.folder / "other"]
        done = subprocess.run([*own, *other], capture_output=True, text=True, timeout=30)
        assert done.returncode == FAILED
        assert f"--port {port[1]}: UDP on 127.0.0.1: in use" in done.stdout


def test_port_in_use(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
        fails(scaffoldd("--port", port, folder=tmp_path), FAILED, f"--port {port}", "in use")


def test_folders_of_others(root_only: None) -> None:
    """Told as such, by --check and by the start itself."""
    with tempfile.TemporaryDirectory(prefix="scaffold-test-") as name:
        folder = Path(name)
        folder.chmod(0o777)
        (folder / "roots").mkdir(mode=0o755)
        command = [shutil.copy(paths.part(paths.DAEMON), folder), "--runtime-dir", folder / "run"]
        command += ["--port", "0"]
        for flag in ("--state-dir", "--log-file"):
            place = folder / "roots" / "one"
            rest = [] if flag == "--state-dir" else ["--state-dir", folder / "state"]
            for check in ([], ["--check"]):
                done = subprocess.run(
                    [*command, flag, place, *rest, *check],
                    capture_output=True,
                    text=True,
                    timeout=30,
                    user=NOBODY,
                )
                assert done.returncode == FAILED
                told = (done.stderr + done.stdout).splitlines()
                assert len(told) == 1, told
                assert f"{flag} {place}: Permission denied" in told[0]


def test_a_route_into_the_pool_is_told(root_only: None) -> None:
    script = (
        "ip link set lo up && ip link add plain0 type veth peer plain1 &&"
        ' ip addr add 10.9.8.1/24 dev plain0 && ip link set plain0 up && exec "$@"'
    )
    command = ["unshare", "--net", "sh", "-c", script, "sh", str(paths.part(paths.DAEMON))]
    command += ["--check", "--runtime-dir", "/tmp/no-scaffoldd-here", "--pool"]
    done = subprocess.run([*command, "10.9.0.0/16"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (
        "warn: --pool 10.9.0.0/16: this machine has a route to 10.9.8.0/24 by plain0" in done.stdout
    )
    done = subprocess.run([*command, "10.10.0.0/16"], capture_output=True, text=True, timeout=30)
    assert "warn" not in done.stdout
