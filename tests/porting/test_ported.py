"""A source at a level, and how many lines that changes."""

import shutil
from pathlib import Path

import pytest

from scaffold_port.change.count import Changed, count, count_diff
from scaffold_port.ported import Changes, DoesNotApply, port

SOURCE = Path(__file__).with_name("program")
PATCH = """Description: says more
--- a/greet.c
+++ b/greet.c
@@ -1,1 +1,2 @@
-{first}
+/* by hand */
+{first}
"""


def test_lines_are_counted_by_hunk() -> None:
    hunks = [
        b"@@ -3 +3 @@\n-x\n+y\n",
        b"@@ -7,3 +7 @@\n-a\n-b\n-c\n+d\n",
        b"@@ -9,0 +9,2 @@\n+e\n+f\n",
    ]
    text = b"--- a\n+++ b\n" + b"".join(hunks)
    assert count_diff(text) == Changed(added=2, modified=2, removed=2)
    assert count_diff(text).total == 6
    assert count_diff(b"") == Changed()


def test_trees(tmp_path: Path) -> None:
    """New files count, generated ones do not."""
    old, new = tmp_path / "old", tmp_path / "new"
    for folder in (old, new):
        folder.mkdir()
        (folder / "a.c").write_text("1\n2\n3\n")
    (new / "a.c").write_text("1\ntwo\n3\n4\n")
    (new / "b.c").write_bytes(b"\xff\n\n")
    (new / "configure").write_text("generated\n")
    assert count(old, new) == Changed(added=3, modified=1)
    assert count(old, old) == Changed()


def test_relink_changes_nothing(tmp_path: Path) -> None:
    done = port(SOURCE, tmp_path / "tree", "relink", Changes())
    assert done.automatic == done.manual == Changed()
    assert count(SOURCE, done.tree) == Changed()


def test_patches_are_counted_by_themselves(tmp_path: Path) -> None:
    rewritten = port(SOURCE, tmp_path / "rewritten", "native", Changes())
    assert rewritten.automatic.modified >= 6
    assert rewritten.manual == Changed()
    patch = tmp_path / "one.patch"
    first = (rewritten.tree / "greet.c").read_text().splitlines()[0]
    patch.write_text(PATCH.format(first=first))
    done = port(SOURCE, tmp_path / "patched", "native", Changes(patches=[patch]))
    assert done.automatic == rewritten.automatic
    assert done.manual == Changed(added=1)
    assert "/* by hand */" in (done.tree / "greet.c").read_text()


def test_a_patch_that_does_not_fit(tmp_path: Path) -> None:
    patch = tmp_path / "one.patch"
    patch.write_text(PATCH.format(first="something else"))
    with pytest.raises(DoesNotApply, match=r"one.patch: .*\n?.*FAILED"):
        port(SOURCE, tmp_path / "tree", "native", Changes(patches=[patch]))


def test_a_machine_without_patch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    patch = tmp_path / "one.patch"
    patch.write_text(PATCH.format(first="anything"))
    (tmp_path / "diff").symlink_to(str(shutil.which("diff")))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DoesNotApply, match=r"one\.patch: patch is not installed"):
        port(SOURCE, tmp_path / "tree", "native", Changes(patches=[patch]))


def test_only_what_the_port_is_about(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for name in ("wanted", "other"):
        shutil.copytree(SOURCE, source / name)
    done = port(source, tmp_path / "tree", "native", Changes(["wanted"]))
    text = (source / "other/greet.c").read_text()
    assert (done.tree / "other/greet.c").read_text() == text
    assert (done.tree / "wanted/greet.c").read_text() != text


def test_a_patch_below_both_levels(tmp_path: Path) -> None:
    """It is in libc's words, and rewrite goes over it."""
    first = (SOURCE / "greet.c").read_text().splitlines()[0]
    patch = tmp_path / "one.patch"
    text = PATCH.format(first=first).replace("/* by hand */", "int listens(int s);")
    patch.write_text(text)
    for level in ("relink", "native"):
        done = port(SOURCE, tmp_path / level, level, Changes(before=[patch]))
        assert done.manual == Changed(added=1)
        assert "int listens(int s);" in (done.tree / "greet.c").read_text()
    assert done.automatic == port(SOURCE, tmp_path / "plain", "native", Changes()).automatic
