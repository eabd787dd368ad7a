"""What `rewrite` leaves alone: code for other systems, and a program's own tests; and where nobody
is asked: beside the program."""

import re
from pathlib import PurePath

from .c.expression import truth

_OTHERS = """
_WIN32 WIN32 _WIN64 __WIN32__ __CYGWIN__ __MINGW32__ _MSC_VER WINDOWS _WINDOWS WINDOWS_SOCKETS
__APPLE__ __MACH__ __FreeBSD__ __NetBSD__ __OpenBSD__ __DragonFly__ __sun __sun__ sun _AIX __hpux
BEOS __BEOS__ __HAIKU__ OS2 __OS2__ __EMX__ NETWARE __QNX__ VMS __VMS MSDOS __DJGPP__ __ANDROID__
"""
_OURS = "__linux__ __linux linux __unix__ __unix unix __GLIBC__"
_KNOWN = dict.fromkeys(_OTHERS.split(), False) | dict.fromkeys(_OURS.split(), True)
_SYSTEMS = {
    *("win32", "windows", "winnt", "wince", "mswindows", "cygwin", "msdos", "os2", "netware"),
    *("macos", "osx", "darwin", "freebsd", "netbsd", "openbsd", "solaris", "sunos", "aix", "hpux"),
    *("irix", "os390", "vms", "qnx", "haiku", "beos", "amiga"),
}
"""As folders, or as a file's last word: `route-hpux.c`."""
_SYSTEM_FOLDERS = _SYSTEMS | {"win"}
_WORDS = re.compile(r"[-_.]")
_TEST_FOLDER = re.compile(
    r"t|_?test(s|ing|base|env|data|suite|suites)?|unittests?|fuzz(test|ing)?|.+[-_]tests?"
)
_TEST_FILE = re.compile(r"test([-_].*|app|)|.*[-_](tests?|unittest)|conftest")


def left_alone(path: PurePath, ifdef: tuple[str, ...]) -> str:
    """Why the code at `path`, relative to what was given, in these conditions stays as it is; empty
    when it does not."""
    folders = {part.lower() for part in path.parts[:-1]}
    stem = path.stem.lower()
    named = folders & _SYSTEM_FOLDERS or _WORDS.split(stem)[-1] in _SYSTEMS
    if named or any(_is_false(condition) for condition in ifdef):
        return "code for another system"
    if any(map(_TEST_FOLDER.fullmatch, folders)) or _TEST_FILE.fullmatch(stem):
        return "a test of the program"
    return ""


_BESIDE = re.compile(r"docs?|documentation|(example|sample|demo|tutorial|benchmark)s?|\..+")
_AROUND = re.compile(
    r"bench|build(utils)?|ci|contrib|integration|maint(enance)?|misc|packaging|perf|release|scripts"
    r"|tools?|util(itie)?s"
)
"""Folders of Python around the packages; within one, and in C, they may be the program's own."""
_BUILDERS = {"waflib", "site_scons", "scons-local"}
"""Folders of Python that build a program, wherever they are: a copy of the tool that does it."""
_HELPER = re.compile(
    r"setup|noxfile|fabfile|versioneer|(hatch|custom)_build|(generate|gen)[-_].+"
    r"|bench(mark)?([-_].+)?|testing|test[-_]?utils?"
)
"""Files of Python that build a program, or help to write and test it."""


def beside(path: PurePath) -> str:
    """What the code at `path` is where it is no part of the program that runs: documentation,
    examples, what hidden folders are for, and Python for those who make the program; empty where it
    may be one."""
    is_python = path.suffix in (".py", "")  # a script has no other
    for index, one in enumerate(part.lower() for part in path.parts[:-1]):
        around = is_python and (one in _BUILDERS or (index == 0 and _AROUND.fullmatch(one)))
        if around or _BESIDE.fullmatch(one):
            return f"beside the program, in {one}/"
    if is_python and _HELPER.fullmatch(path.stem.lower()):
        return "beside the program, for those who make it"
    if is_python and _WORDS.split(path.stem.lower())[0] in _SYSTEM_FOLDERS:
        return "code for another system"
    return ""


def _is_false(condition: str) -> bool:
    """On the systems that libscaffold is for, whatever else is configured."""
    otherwise = condition.startswith("#else of ")
    word, _, text = condition.removeprefix("#else of ").removeprefix("#").partition(" ")
    if word in ("ifdef", "ifndef"):
        text = f"defined {text}"
    value = truth(text, _KNOWN)
    return value is not None and value == ((word == "ifndef") != otherwise)
