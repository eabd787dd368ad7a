"""The table of calls is the shim's own list."""

import re
from pathlib import Path

from scaffold_port.binary import calls

LIST = Path(__file__).parents[3] / "libscaffold" / "client" / "calls.def"


def test_the_groups_are_the_list() -> None:
    text = re.sub(r"/\*.*?\*/", "", LIST.read_text(), flags=re.DOTALL)
    listed = set(re.findall(r"^ALIAS\((\w+),", text, re.MULTILINE))
    listed |= set(re.findall(r"^(?:CALL|OTHER)\([^,]+,\s*(\w+),", text, re.MULTILINE))
    assert len(listed) > 50
    assert listed == calls.NAMING | calls.DATA | calls.DESCRIPTOR


def test_a_call_is_in_one_group() -> None:
    groups = (calls.NAMING, calls.DATA, calls.DESCRIPTOR)
    assert sum(map(len, groups)) == len(frozenset().union(*groups))
