"""The handshakes of other implementations: Noise's public test vectors, through our functions."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared/data/noise-vectors.json"
PROGRAM = ROOT / "build/dev/noise_vectors"

PATTERNS = {"NX": 1, "XX": 2}
SUITES = {"AESGCM": 1, "ChaChaPoly": 2}


def line(vector: dict[str, Any]) -> str:
    """As noise_vectors.c reads it."""
    _, pattern, _, cipher, _ = vector["protocol_name"].split("_")
    assert vector["init_prologue"] == vector["resp_prologue"]
    keys = [f"{end}_{kind}" for end in ("init", "resp") for kind in ("static", "ephemeral")]
    words = [vector["init_prologue"], *(vector.get(key, "-") for key in keys)]
    payloads = [message["payload"] for message in vector["messages"]]
    return " ".join([str(PATTERNS[pattern]), str(SUITES[cipher]), *words, *payloads]) + "\n"


def test_vectors() -> None:
    if not DATA.exists():
        pytest.skip("the test vectors of Noise are not here")
    vectors = json.loads(DATA.read_text())["vectors"]
    lines = "".join(map(line, vectors))
    done = subprocess.run([PROGRAM], input=lines, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(vectors) == len(done.stdout.splitlines())
    for vector, answer in zip(vectors, done.stdout.splitlines(), strict=True):
        *messages, handshake_hash = answer.split()
        assert messages == [message["ciphertext"] for message in vector["messages"]]
        assert handshake_hash == vector["handshake_hash"]
