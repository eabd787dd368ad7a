"""What the compiler says of a name, by the commands of a compile_commands.json.

Each line that ends with `//` has two marks: what is found without the compiler, and with it.
"""

import json
import os
import resource
from collections.abc import Iterable
from pathlib import Path

import pytest
from click.testing import CliRunner

from scaffold_port.analyze import analyze
from scaffold_port.cache import Cache
from scaffold_port.cli import main
from scaffold_port.compiled import arguments, libclang, unit
from scaffold_port.compiled.database import NAME, Command, read
from scaffold_port.findings import Report

_MARKS = {"+": "rewritten", "?": "listed"}
LIBCS = {"accept", "bind", "connect", "htons", "listen", "send", "shutdown", "socket"}
_SOCKETS = "#include <sys/socket.h>\n"


def compiled(folder: Path, files: dict[str, str], *options: str) -> Path:
    """A program in `folder`/src that is compiled with these options; the others are beside it."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    units = [name for name in files if Path(name).suffix in (".c", ".cc")]
    return database(folder, [(name, ["cc", "-I../include", *options]) for name in units])


def database(folder: Path, units: Iterable[tuple[str, list[str]]]) -> Path:
    src = folder / "src"
    entries = [
        {"directory": str(src), "file": str(folder / name), "arguments": [*words, "-c", name]}
        for name, words in units
    ]
    (src / NAME).write_text(json.dumps(entries))
    return src


def found(report: Report) -> dict[tuple[str, int], str]:
    what = {}
    for one in report.findings:
        if one.call in LIBCS:
            assert one.rewritten or one.question or one.left, one
            what[Path(one.path).name, one.line] = "rewritten" if one.rewritten else "listed"
    return what


def marked(files: dict[str, str], which: int) -> dict[tuple[str, int], str]:
    return {
        (Path(name).name, number): _MARKS[marks[which]]
        for name, text in files.items()
        for number, line in enumerate(text.splitlines(), 1)
        if (marks := line.partition("//")[2].strip()) and marks[which] in _MARKS
    }


QT = """class Object {
public:
    static int connect(const Object *, const char *, const Object *, const char *);
    template <class A, class B, class C> static int connect(const Object *, A, B, C);
    template <class A, class B> static int connect(const Object *, A, B);
    int listen(int, int);
};
template <class T> class Own {
public:
    template <class U> int bind(T, U, int);
};
"""
CASES: dict[str, dict[str, str]] = {
    "overloads of a base that the run does not have": {
        "include/qt.h": QT,
        "src/a.cc": _SOCKETS + "#include <qt.h>\n"
        "class Win : public Object { void f(int s, struct sockaddr *a, Own<int> *o); int n; };\n"
        "#define LATER(x) (x)\n"
        "void Win::f(int s, struct sockaddr *a, Own<int> *o) {\n"
        " auto c = &Object::listen; int n = 1; connect(n ? this : 0, c, n); //?.\n"
        " listen(s, 3); //+.\n LATER(listen(n, 3)); //+.\n"
        " ::listen(s, 3); //++\n LATER(::connect(s, a, 16)); //++\n"
        " shutdown(s, n); //++\n o->bind(s, a, 16);\n}\n",
    },
    "using namespace std": {
        "src/a.cc": _SOCKETS + "#include <functional>\nusing namespace std;\n"
        "template <class T> struct H { operator int() const; operator sockaddr *() const; };\n"
        "typedef int (*G)(int, int);\nvoid f(G g, H<int> s, H<int> a, int b, sockaddr *c) {\n"
        " auto x = bind(g, a, b); //?.\n"
        " bind(b, c, sizeof(sockaddr)); //++\n bind(s, c, 16); //+.\n"
        " auto y = bind(s, a, b); //?.\n"
        " auto z = bind(s.operator int(), a.operator sockaddr *(), b); //?+\n}\n",
    },
    "members of templates, and what a template's argument decides": {
        "include/qt.h": QT,
        "src/a.cc": _SOCKETS + "#include <qt.h>\n"
        "template <class T> class Mine : public Own<T> {\n"
        " void f(T t, T u) { this->bind(t, 1, 2); bind(t, u, 3); } //??\n"
        " void g(int s) { listen(s, 3); } //++\n};\n"
        "class Of : public Own<int> { void f(int a, void *p) { bind(a, p, 3); } }; //+.\n",
    },
    "other branches of #if": {
        "include/qt.h": QT,
        "src/a.cc": _SOCKETS + "#include <qt.h>\n"
        "class Win : public Object { void f(void *w, void *v); };\n"
        "void Win::f(void *w, void *v) {\n#ifdef HERE\n listen(*(int *)w, 3); //?.\n#else\n"
        " listen(*(int *)w, 3); //??\n#endif\n}\n",
    },
    "a header with code, and one that nobody includes": {
        "include/qt.h": QT,
        "src/a.h": "class Win : public Object {\n"
        " int f(void *w) { return listen(*(int *)w, 2); } //?.\n"
        " int g(void *w) { return ::listen(*(int *)w, 2); } //++\n};\n",
        "src/b.h": "class X : public Object {\n"
        " int f(void *w) { return listen(*(int *)w, 2); } //??\n};\n",
        "src/between.h": '#include "a.h"\n',
        "src/a.cc": _SOCKETS + '#include <qt.h>\n#include "between.h"\n',
    },
    "in C, what a header of the program says": {
        "src/own.h": "enum { listen };\nint accept(struct lexer *, int);\n"
        "static inline int connect(int a, void *b, int c) { return a; }\n"
        "#define send(a, b, c, d) own(a)\nint own(int);\n",
        "src/a.c": 'struct lexer;\n#include "own.h"\nint f(int s, void *p) {\n'
        " accept(p, 1);\n return connect(s, p, 1) + send(s, p, 1, 2); //+.\n}\n",
        "src/b.c": _SOCKETS.replace("#", "#define X(x) x\n#")
        + "typedef int S;\nS get(void); void *of(S);\n"
        "S g(S *s) { return X(connect(*s, of(*s), 2)) + listen(get(), 1); } //++\n",
        "src/c.c": "int shutdown(int, int);\nint h(int s) { return shutdown(s, 2); } //++\n",
    },
    "where the header is another's": {
        "src/a.h": "#include <sys/socket.h>\nint g(int);\n",
        "src/own.h": "static int listen;\n",
        "src/a.c": '#include "a.h"\nint f(int *s) { return listen(*s, 1); } //?+\n',
    },
    "names that macros are given": {
        "src/a.c": _SOCKETS + "struct row { const char *name; void *call; };\n"
        "#define BOTH(x, y) { #x, y }\n#define PASTED(x) x##_own\n#define WITHIN(x) (x)\n"
        "int connect_own;\n"
        "struct row rows[] = { BOTH(bind, 0), //?.\n BOTH(accept, accept), //??\n"
        " { 0, &PASTED(connect) }, //?.\n { 0, WITHIN(shutdown) } }; //?+\n"
        "#ifdef NOWHERE\nstruct row more[] = { BOTH(listen, 0) }; //??\n#endif\n",
    },
    "macros of the system": {
        "src/a.c": "#include <netinet/in.h>\nint f(int p) { return htons(p); } //..\n" + _SOCKETS,
    },
}


@pytest.mark.parametrize("case", CASES)
def test_a_name(case: str, tmp_path: Path) -> None:
    files = CASES[case]
    src = compiled(tmp_path, files, "-O2", "-DHERE")
    notes: list[str] = []
    assert found(analyze([src], jobs=1)) == marked(files, 0)
    report = analyze([src], jobs=1, database=read(src / NAME), on_note=notes.append)
    assert found(report) == marked(files, 1)
    assert notes == []


def test_units_that_mean_different_functions(tmp_path: Path) -> None:
    text = (
        '#include <sys/socket.h>\n#ifdef OWN\nint mine(int);\n#include "own.h"\n#endif\n'
        "int f(int s) { return listen(s, 3); }\n"
    )
    compiled(tmp_path, {"src/a.c": text, "include/own.h": "#define listen(a, b) mine(a)\n"})
    own = ["cc", "-I../include", "-DOWN"]
    src = database(tmp_path, [("src/a.c", ["cc"]), ("src/a.c", own)])
    (finding,) = analyze([src], jobs=1, database=read(src / NAME)).findings
    assert (finding.confidence, finding.group) == ("low", "decide")
    assert "some units" in finding.question


def test_paths_words_and_options_of_commands(tmp_path: Path) -> None:
    """A text is split as a shell does it; a path is seen from the command's folder."""
    files = {
        "src/a b.c": '#include NAME\nint f(int *s) { return listen(*s, WITH("x y")); }\n',
        "include/own.h": "#include <sys/socket.h>\n#define WITH(a) (sizeof(a))\n",
        "include/first.h": "static int listen(int a, int b) { return a; }\n",
    }
    src = compiled(tmp_path, files)
    command = "ccache gcc -std=gnu89 -Wp,-DNAME='\"own.h\"' -iquote ../include -c 'a b.c' -o a.o"
    for more, count in (("", 1), (" -include ../include/first.h -w -Dlisten=own", 0)):
        entry = {"directory": ".", "file": "a b.c", "command": command + more}
        (src / NAME).write_text(json.dumps([entry]))
        notes: list[str] = []
        report = analyze([src], jobs=1, database=read(src / NAME), on_note=notes.append)
        assert (len(report.findings), notes) == (count, [])


def test_no_command_writes_or_loads_anything(tmp_path: Path) -> None:
    """What comes with a program may be anybody's."""
    src = compiled(tmp_path, {"src/a.c": f"{_SOCKETS}int f(int s) {{ return listen(s, 1); }}\n"})
    words = "cc -o x.o -MD -MF x.d -MJ x.json -fplugin=x.so -Xclang -load -Xclang x.so -mllvm"
    more = "-load=x.so --serialize-diagnostics x.dia -save-temps -ftime-trace=x @x a.c -I i -x c"
    command = f"{words} {more} --std=c99 -D A -DB=1"
    given = arguments.for_clang(Command(str(src / "a.c"), str(src), command))
    assert given[:8] == ["-I", "i", "-x", "c", "--std=c99", "-D", "A", "-DB=1"]
    assert not any("x." in word for word in given)
    (src / NAME).write_text(
        json.dumps([{"directory": str(src), "file": "a.c", "command": command}])
    )
    before, notes = sorted(src.iterdir()), list[str]()
    analyze([src], jobs=1, database=read(src / NAME), on_note=notes.append)
    assert (sorted(src.iterdir()), notes) == (before, [])


@pytest.mark.parametrize("beside", ["own.h.pch", "own.h.gch"])
def test_nothing_that_was_compiled_before_is_loaded(beside: str, tmp_path: Path) -> None:
    files = {
        "src/own.h": "#include <sys/socket.h>\n",
        "src/a.c": "int f(int *s) { return listen(*s, 1); }\n",
        f"src/{beside}": "CPCH, and no more",
    }
    src = compiled(tmp_path, files)
    for words in ("-include own.h", "-includeown.h", "-include own.h -include-pch -Ix -xast -x ir"):
        database(tmp_path, [("src/a.c", ["cc", *words.split()])])
        notes: list[str] = []
        report = analyze([src], jobs=1, database=read(src / NAME), on_note=notes.append)
        assert [one.rewritten for one in report.findings] == [True]
        assert notes == []


@pytest.mark.parametrize("name", ["a.pch", "a.ast", "a.pcm", "a.bc", "a.ll"])
def test_a_unit_is_c_by_its_name_or_by_its_command(name: str, tmp_path: Path) -> None:
    for words, named in (("-D -x", False), ("-x c++", True), ("-xc", True)):
        command = Command(str(tmp_path / name), str(tmp_path), f"cc {words} -c {name}")
        try:
            arguments.for_clang(command)
            assert named
        except ValueError:
            assert not named


def test_what_cannot_be_compiled_is_said_once(tmp_path: Path) -> None:
    line = "int f(int *s) { return listen(*s, 1); }\n"
    files = {
        "src/a.c": f"#include <missing.h>\n{line}",
        "src/b.c": f"#include <missing.h>\n{line}",
        "src/c.c": f"#include <sys/socket.h>\nnot C at all\n{line}",
        "src/d.c": line,
    }
    src = compiled(tmp_path, files)
    entries = json.loads((src / NAME).read_text())
    entries[-1] = {"directory": str(src), "file": "d.c", "command": "cc 'd.c"}
    entries.append({"directory": str(src), "file": "e.c", "command": "cc gone.c"})
    (src / NAME).write_text(json.dumps(entries))
    notes: list[str] = []
    report = analyze([src], jobs=1, database=read(src / NAME), on_note=notes.append)
    alone = analyze([src], jobs=1)
    assert report.findings == alone.findings
    assert report.not_analysed == []
    said = [note.removeprefix(f"{src / NAME}: {src}/") for note in notes]
    assert said[0] == "a.c and 1 more: 'missing.h' file not found; decided by the source alone"
    assert said[1].startswith("c.c: unknown type name")
    assert said[2] == "d.c: No closing quotation; decided by the source alone"
    assert len(said) == 3


def test_a_unit_that_never_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unit, "SECONDS_MAX", 1)
    doubled = "".join(f"#define A{n + 1} A{n} + A{n}\n" for n in range(40))
    listens = "#include <sys/socket.h>\nint f(int s) { return listen(s, 3); }\n"
    files = {
        "src/a.c": f"{listens}#define A0 1\n{doubled}int x = A40;\n",
        "src/b.c": f"#include <sys/socket.h>\n#define W(x) x\n{listens}",
    }
    src = compiled(tmp_path, files)
    notes: list[str] = []
    report = analyze([src], jobs=1, database=read(src / NAME), on_note=notes.append)
    assert [one.confidence for one in report.findings] == ["high", "high"]
    assert len(notes) == 1 and "a.c: libclang crashed, or took more" in notes[0]
    assert resource.getrlimit(resource.RLIMIT_CPU)[0] == resource.RLIM_INFINITY


def test_a_unit_that_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unit, "WAIT_SECONDS_MAX", 1)
    text = '#include "pipe.h"\nint f(int *s) { return listen(*s, 3); }\n'
    src = compiled(tmp_path, {"src/a.c": text})
    os.mkfifo(src / "pipe.h")
    notes: list[str] = []
    report = analyze([src], jobs=1, database=read(src / NAME), on_note=notes.append)
    assert report.findings == analyze([src], jobs=1).findings
    assert len(notes) == 1 and "a.c: libclang crashed, or took more" in notes[0]


def test_what_was_seen_is_kept_until_a_header_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {
        "include/a.h": "static inline int listen(int a, int b) { return a; }\n",
        "src/a.c": "#include <a.h>\nint f(int *s) { return listen(*s, 1); }\n",
    }
    src = compiled(tmp_path, files)
    cache = Cache(tmp_path / "cache", b"")

    def count(kept: Cache | None) -> int:
        return len(analyze([src], jobs=1, cache=kept, database=read(src / NAME)).findings)

    assert count(cache) == 0
    monkeypatch.setattr(unit, "_parse", None)  # in the processes that look at units, too
    assert (count(cache), count(None)) == (0, 1)
    (tmp_path / "include/a.h").write_text("#include <sys/socket.h>\n")
    monkeypatch.undo()
    assert count(cache) == 1
    (src / "a.c").write_text("#include <a.h>\nint f(int *s) { return 1 + listen(*s, 1); }\n")
    assert count(cache) == 1


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A folder with a database beside it; what the compiler sees is no function of libc's."""
    text = "int f(void *q) { return listen(*(int *)q, 1); }\n"
    own = "static int listen(int a, int b) { return a + b; }\n"
    src = compiled(tmp_path, {"src/a.c": f'#include "own.h"\n{text}', "src/own.h": own})
    (tmp_path / "build").mkdir()
    (src / NAME).rename(tmp_path / "build" / NAME)
    return src


def run(*words: object, status: int = 0) -> tuple[int, str]:
    """How many findings there are, and what is said beside."""
    result = CliRunner().invoke(main, [*map(str, words), "--no-cache", "--json"])
    assert result.exit_code == status, result.stderr
    return len(json.loads(result.stdout)["findings"]) if not status else 0, result.stderr


def test_a_database_is_found_or_named(program: Path) -> None:
    place = program.parent / "build"
    assert run("analyze", program) == (0, "")
    assert run("analyze", program / "a.c") == (0, "")
    assert run("analyze", program, "--no-compiler") == (1, "")
    for named in (place, place / NAME, program.parent):
        assert run("analyze", program, "-p", named) == (0, "")
    moved = program.rename(program.parent / "moved")
    note = f"scaffold-port: {place / NAME}: {program / 'a.c'}: no such file"
    assert run("analyze", moved) == (1, f"{note}; decided by the source alone\n")
    (place / NAME).write_text("[]")
    note = f"scaffold-port: {place / NAME}: it has no command for what is analysed"
    assert run("analyze", moved) == (1, f"{note}; decided by the source alone\n")


def test_rewrite_asks_the_compiler_too(program: Path) -> None:
    words = ["rewrite", str(program), "--check", "--no-cache"]
    assert CliRunner().invoke(main, words).output == ""
    shown = CliRunner().invoke(main, [*words, "--no-compiler"])
    assert shown.output.splitlines()[0] == "would change: a.c"


def test_a_database_that_is_none(program: Path) -> None:
    where = program.parent / "build"
    for text, said in (
        ("{", "Expecting"),
        ("{}", "no list of commands"),
        ("[{}]", "an entry without its 'directory'"),
        ("[3]", "not subscriptable"),
        ('[{"directory": "/", "file": 3, "command": "cc"}]', "unsupported operand"),
        ('[{"directory": "/", "file": "\\u0000", "command": "cc"}]', "zero byte"),
        ('[{"directory": "/", "file": "a.c"}]', "an entry without its 'command'"),
    ):
        (where / NAME).write_text(text)
        assert said in run("analyze", program, "-p", where, status=2)[1]
        count, note = run("analyze", program)
        assert count == 1 and said in note and len(note.splitlines()) == 1
    (where / NAME).unlink()
    assert "there is no compile_commands.json" in run("analyze", program, "-p", where, status=2)[1]
    assert run("analyze", program) == (1, "")


def test_without_libclang(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scaffold_port.commands.compiled.cindex", lambda: None)
    count, note = run("analyze", program)
    assert count == 1
    assert note.splitlines() == [
        f"scaffold-port: {program.parent}/build/{NAME}: libclang is not installed:"
        f" {libclang.REMEDY}; not used"
    ]
    last = run("analyze", program, "-p", program.parent, status=2)[1].splitlines()[-1]
    assert libclang.REMEDY in last
