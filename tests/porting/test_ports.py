"""port.toml, and what `scaffold-port fetch` does with it."""

import hashlib
import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from scaffold_port import ports
from scaffold_port.cli import main
from scaffold_port.fetch import debian
from scaffold_port.fetch.debian import _Apt, _sources
from scaffold_port.fetch.errors import NotAvailable
from scaffold_port.fetch.unpack import unpack, verify

ROOT = Path(__file__).parents[2]
PORTS = ROOT / "ported-apps"
SCHEMAS = ROOT / "docs/schemas"
SEED_SUM = 1943
"""Changed lines of the original's nine ports together."""


def run(*words: str | Path) -> Any:
    return CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)


def write(folder: Path, text: str) -> None:
    (folder / "app").mkdir()
    (folder / "app/port.toml").write_text(text)


def test_the_nine_rows() -> None:
    """Those of the original; what is printed beside them has no seed."""
    every = [ports.read(PORTS, app) for app in ports.names(PORTS)]
    seeds = [row.seed for row in every if row.seed]
    assert len(seeds) == 9
    assert sum(seed.changes for seed in seeds) == SEED_SUM
    assert all(row.sources for row in every)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("row = ", "Invalid value"),
        ('row = "x"\nlicence = "y"\n', "'source' is missing"),
        ('row = "x"\nlicence = "y"\n[[source]]\nkind = "cvs"\npackage = "z"\n', "'cvs' (known"),
        ('row = "x"\nlicence = "y"\n[[source]]\nkind = "pypi"\n', "package"),
    ],
)
def test_a_bad_port_is_one_line(tmp_path: Path, text: str, why: str) -> None:
    write(tmp_path, text)
    done = run("fetch", "app", "--ports", tmp_path)
    assert done.exit_code == 2
    assert why in done.output
    assert str(tmp_path / "app/port.toml") in done.output


def test_an_unknown_program_names_the_known(tmp_path: Path) -> None:
    done = run("fetch", "nothing", "--ports", PORTS)
    assert done.exit_code == 2
    assert "there are: ab, civetweb" in done.output


def test_what_cannot_be_had_does_not_stop_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(package: str, folder: Path, version: str) -> Path:
        if package == "gone":
            raise NotAvailable("gone: 404")
        return folder / package

    monkeypatch.setitem(ports.FETCHERS, "debian", fetch)
    source = '[[source]]\nkind = "debian"\npackage = "{}"\n'
    text = 'row = "x"\nlicence = "y"\n' + source.format("gone") + source.format("here")
    write(tmp_path, text)
    done = run("fetch", "--all", "--ports", tmp_path, "--into", tmp_path / "into")
    assert done.exit_code == 1
    assert done.stdout == f"{tmp_path / 'into/app/source/here'}\n"
    assert done.stderr == "app: gone: 404\n"
    as_json = run("fetch", "--all", "--json", "--ports", tmp_path, "--into", tmp_path / "into")
    assert (as_json.exit_code, as_json.stderr) == (1, done.stderr)
    document = json.loads(as_json.stdout)
    jsonschema.validate(document, json.loads((SCHEMAS / "port-fetch.schema.json").read_text()))
    gone, here = document["fetched"]
    assert (gone["source"], gone["why_not"]) == (None, "gone: 404")
    assert (here["source"], here["why_not"]) == (done.stdout.strip(), None)


@pytest.mark.parametrize(
    ("source", "lack"),
    [
        ("debian:wget", "dpkg-source is not installed (Debian: apt-get install dpkg-dev)"),
        ("git:https://example.org/greet", "git is not installed (Debian: apt-get install git)"),
    ],
)
def test_what_fetches_and_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, lack: str
) -> None:
    """apt alone would leave Debian's changes out, and say nothing of it."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/apt-get").symlink_to("/bin/true")
    (tmp_path / "sources.list").write_text("deb http://m/debian bookworm main\n")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(debian, "PLACES", tmp_path)
    done = run("new", "app", "--source", source, "--ports", tmp_path, "--into", tmp_path / "into")
    assert (done.exit_code, done.stdout) == (1, "")
    assert lack in done.stderr


def archive(path: Path, *names: str) -> Path:
    content = path.parent / "content"
    content.write_text("x")
    with tarfile.open(path, "w:gz") as tar:
        for name in names:
            tar.add(content, name)
    return path


def test_archives_stay_in_their_folder(tmp_path: Path) -> None:
    good = archive(tmp_path / "good.tar.gz", "app-1/a.c", "app-1/b.c")
    assert unpack(good, tmp_path / "good") == tmp_path / "good/app-1"
    for name in ("../out.c", "/tmp/out.c/../../etc/x"):
        with pytest.raises(NotAvailable):
            unpack(archive(tmp_path / "bad.tar.gz", f"app/{name}", name), tmp_path / "bad")
    assert not (tmp_path / "out.c").exists()
    with pytest.raises(NotAvailable, match="a, b instead of one folder"):
        unpack(archive(tmp_path / "two.tar.gz", "a/x", "b/x"), tmp_path / "two")
    (tmp_path / "cut.tar.gz").write_bytes(good.read_bytes()[:40])
    with pytest.raises(NotAvailable, match=r"cut\.tar\.gz"):
        unpack(tmp_path / "cut.tar.gz", tmp_path / "cut")


def test_digests_are_checked(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"content")
    verify(file, hashlib.sha256(b"content").hexdigest())
    with pytest.raises(NotAvailable, match="its SHA-256 is"):
        verify(file, "0" * 64)


def test_where_debian_has_its_sources(tmp_path: Path) -> None:
    """One-line entries, as the installer and debootstrap write them, or fields, as images have."""
    assert _sources(tmp_path) == {}
    lines = [
        "# deb x",
        "deb http://m/debian bookworm main",
        "deb-src http://m/debian bookworm main",
    ]
    (tmp_path / "sources.list").write_text("\n".join([*lines, "deb [trusted=yes] file:/r ./", ""]))
    listed = "deb-src http://m/debian bookworm main\ndeb-src [trusted=yes] file:/r ./\n"
    assert _sources(tmp_path) == {"debian.list": listed}
    (tmp_path / "sources.list").write_text("# see sources.list.d\n")
    (tmp_path / "sources.list.d").mkdir()
    fields = "Types: deb\nURIs: http://m/debian\nSuites: bookworm\n"
    (tmp_path / "sources.list.d/debian.sources").write_text(fields)
    assert _sources(tmp_path) == {"debian.sources": fields.replace("deb\n", "deb-src\n", 1)}


def test_why_a_source_cannot_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first error says it; without the place, which is the machine's."""
    apt = _Apt.__new__(_Apt)
    apt.folder = tmp_path
    said = "W: so so\nE: Failed to fetch http://m/pool/a/app_1.dsc  404  Not Found\nE: Failed.\n"
    failed = subprocess.CompletedProcess([], 100, "", said)
    monkeypatch.setattr(apt, "_run", lambda *words: failed)
    with pytest.raises(NotAvailable, match=r"^1-1: Failed to fetch app_1\.dsc  404  Not Found$"):
        apt.source("app", "1-1")


def test_a_tarball_without_its_dsc_is_not_trusted(tmp_path: Path) -> None:
    apt = _Apt.__new__(_Apt)
    apt.folder = tmp_path
    tarball = archive(tmp_path / "app_1.orig.tar.gz", "app-1/a.c")
    dsc = tmp_path / "app_1-1.dsc"
    with pytest.raises(NotAvailable, match=r"no \.dsc"):
        apt._check(tarball, dsc)
    dsc.write_text("Checksums-Sha256:\n " + "0" * 64 + f" 3 {tarball.name}\n")
    with pytest.raises(NotAvailable, match="its SHA-256 is"):
        apt._check(tarball, dsc)
