"""Small programs, built as a test asks for them and never run."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Build = Callable[..., Path]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """`build(name, source, *flags)` compiles C, in tmp_path unless the name is a path."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")

    def compiled(name: str | Path, source: str, *flags: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        command = ["gcc", "-w", "-x", "c", "-", "-x", "none", "-o", str(path), *flags]
        done = subprocess.run(command, input=source, text=True, capture_output=True)
        if done.returncode and "cannot find" in done.stderr:
            pytest.skip(f"gcc {' '.join(flags)}: {done.stderr.splitlines()[0]}")
        assert done.returncode == 0, done.stderr
        return path

    return compiled


@pytest.fixture
def importing(build: Build) -> Build:
    """`importing(name, symbol...)` makes a program that calls these of a library's functions."""

    def compiled(name: str, *symbols: str) -> Path:
        defined = "".join(f"int {symbol}() {{ return 0; }} " for symbol in symbols)
        stub = build("libstub.so", defined, "-shared", "-fPIC")
        declared = "".join(f"int {symbol}(); " for symbol in symbols)
        called = " + ".join(f"{symbol}()" for symbol in symbols)
        source = f"{declared} int main(void) {{ return {called}; }}"
        return build(name, source, str(stub), f"-Wl,-rpath,{stub.parent}")

    return compiled
