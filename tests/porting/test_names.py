"""Which uses of a name are calls of libc's.

Those are rewritten; what only has the name is not found; what cannot be told apart is listed, with
low confidence and a reason, and stays as it is.
"""

import subprocess
from pathlib import Path

import pytest

from scaffold_port.analyze import analyze

_SYSTEM = "#include <sys/socket.h>\n"
_MARKS = {"+": "rewritten", "?": "listed", "-": "not analysed"}


def marked(text: str) -> list[tuple[int, str]]:
    """The lines that end with `//+`, `//?` or `//-`, each as often as it has marks."""
    return [
        (number, _MARKS[mark])
        for number, line in enumerate(text.splitlines(), 1)
        for mark in line.partition("//")[2].strip()
        if mark in _MARKS
    ]


def found(folder: Path, files: dict[str, str]) -> dict[str, list[tuple[int, str]]]:
    for name, text in files.items():
        (folder / name).write_text(text)
    report = analyze([folder], jobs=1)
    what: dict[str, list[tuple[int, str]]] = {name: [] for name in files}
    for one in report.findings:
        if one.rule == "bind-before-connect":
            continue
        assert one.automatic or (one.confidence == "low" and (one.question or one.left)), one
        what[Path(one.path).name].append((one.line, "rewritten" if one.automatic else "listed"))
    for missed in report.not_analysed:
        what[Path(missed.path).name].append((missed.line, "not analysed"))
    return {name: sorted(lines) for name, lines in what.items()}


HEADER = "struct sockaddr; struct W { void go(int); int fd; };\n"
CASES: dict[str, dict[str, str]] = {
    # the number of arguments
    "Qt's connect, in a class with a base that nobody sees": {
        "a.h": "class Win : public QObject { public: Win(); };",
        "a.cpp": "Win::Win() { connect(this, SIGNAL(a()), this, SLOT(b())); }",
    },
    "Qt's connect of three": {
        "a.cpp": "Win::Win(QObject *a) { connect(a, &A::b, [this] { c(1, 2); }); }",
    },
    "one argument, behind a brace that #if splits": {
        "a.cpp": "int Z::f(int one)\n{\n#if A && B\n if (one == 1 || one == 2) {\n#elif A\n"
        " if (one == 1) {\n#else\n if (one == 2) {\n#endif\n return connect(one);\n }\n}\n"
        "int g(int s, T *a) { return connect(s, a, 1); } //+\n",
    },
    "three of the class, behind such a brace, in another file": {
        "a.h": "struct Z { int f(int); int connect(int, void *, int); };",
        "a.cpp": "int Z::f(int one)\n{\n#if A\n if (one == 1) {\n#else\n if (one == 2) {\n#endif\n"
        " return connect(one, p, 2);\n }\n}\n",
    },
    "in C, where arguments cannot be parsed": {
        "a.c": "int f(int s) { return\n#if A\n x(\n#endif\n"
        " connect(s, 1) + connect(s, a, 2); } //+\n",
    },
    "a macro may be several": {
        "a.c": "int f(int s) { return connect(s, TO_SERVER); } //?\n"
        "int g(int s) { return connect(s, TO, SIZE); } //+\n",
    },
    "in a macro": {
        "a.c": "#define A(x) bind(x)\n#define B(x, ...) bind(x, __VA_ARGS__) //?\n"
        "#define C(x) bind(x, a, \\\n  2)\n#define D(bind) bind(1, 2, 3)\n",
    },
    # std::bind
    "using std::bind": {
        "a.h": HEADER,
        "a.cpp": '#include "a.h"\nusing std::bind;\nvoid f(W *w, F g, int s, sockaddr *a) {\n'
        " h(bind(&W::go, w, 3)); h(bind([] {}, 1, 2)); h(bind(g, _1, 2));\n"
        " h(bind(g, w, n)); h(bind(g, 1, 2)); //?\n bind(s, a, 16); //+\n"
        " ::bind(g, a, 16); //+\n}\n",
    },
    "using namespace std": {
        "a.cpp": "using namespace std;\nint f(W *w, G g) {\n h(bind(g, w, 3)); //?\n"
        " return listen(g, 2); //+\n}\n",
    },
    "no using": {"a.cpp": "int f(G g, H h) { return bind(g, h, 3); } //+\n"},
    # classes
    "a member template": {
        "a.cpp": "struct R { void on() { bind(a, b, 1); }"
        " template <class F> void bind(A, B, F); };\n",
    },
    "a base in another file": {
        "a.h": "class B { public: int listen(int, int); };",
        "b.h": '#include "a.h"\nclass EXPORT Cc FINAL : public ns::B { int f(); };',
        "c.cpp": "int Cc::f() { return listen(a, b); }\nint f() { return listen(a, b); } //+\n",
    },
    "a class whose head has macros": {
        "a.h": "namespace n { class Cc FINAL : public Bb { int f(int *listen); int *accept; }; }",
        "a.cpp": "int Cc::f() { return g(accept) + listen(a, b); } //?\n",
    },
    "a base that nobody sees": {
        "a.cpp": "class C : public Unseen { int f(int s); };\n"
        "int C::f(int s) { listen(s, 1); //+\n return listen(fd, n); //?\n}\n"
        "class D : public std::thread { int f() { return listen(fd, n); } }; //+\n",
    },
    "an enumerator of a class": {
        "a.cpp": "struct C { enum K { accept }; void f() { g(accept); } };\n"
        "void f() { g(accept); } //+\n",
    },
    "a friend is no member": {
        "a.cpp": "struct C { friend int listen(int, int);\n"
        " int f() { return listen(a, b); } }; //+\n",
    },
    # namespaces
    "another namespace's, in another file": {
        "a.hpp": "namespace net { inline int connect(int, const sockaddr *, unsigned); }",
        "a.cpp": "namespace net { int g(int s, sockaddr *a) { return connect(s, a, 16); } } //?\n"
        "using namespace net;\nint h(S s, A a) { return connect(s, a, 16); } //?\n",
        "b.cpp": "int h(S s, A a) { return connect(s, a, 16); } //+\n",
    },
    "of other arguments": {
        "a.hpp": "namespace net { int connect(const std::string &, int); }",
        "a.cpp": "namespace net { int g(int s, sockaddr *a) { return connect(s, a, 16); } } //+\n",
    },
    "another system's function": {
        "a.c": "struct hostent *f(R r) { return gethostbyname_r(n, &r, b, sizeof b, &e); } //?\n",
    },
    "named by macros": {
        "a.c": "int f(struct q *UNUSED(listen), int UNUSED(bind)) { return 0; }\n"
        "#define FIELDS SOCKET socket; int listen\n#define WHICH(x) return x ? bind : 0 //?\n",
    },
    "overloads in a file": {
        "a.cpp": "static int connect(const char *name, int n) { return n; }\n"
        'int f(int s, A *a) { connect("x", 1); return connect(s, a, 16); } //+\n',
    },
    # what headers make of a name
    "a function with other parameters": {
        "a.h": "#ifndef A_H\n#define A_H\nint accept(struct lexer *, int, int *);\n#endif\n",
        "a.c": "int f(L l) { return accept(l, n, 0); } //?\n",
        "b.c": _SYSTEM + "int f(S l) { return accept(l, 0, 0); } //+\n",
    },
    "enumerators": {
        "a.h": "enum verdict { reject, accept = 3 };\n",
        "a.c": "enum verdict f(int x) { return x ? accept : reject; } //?\n",
        "b.c": "enum { accept };\nint g(int v) { return v == accept; }\n",
    },
    "a macro without a condition": {
        "a.h": "#if !defined(A_H)\n#define A_H\n#define accept my_accept\n#endif\n",
        "a.c": "int f(S s) { return accept(s, 0, 0); } //?\n",
    },
    "headers for other systems": {
        "a.h": "#ifdef _WIN32\nint accept(struct lexer *, int);\nenum { listen };\n#endif\n",
        "test_b.h": "#define accept my_accept\n",
        "a.c": "int f(S s) { return accept(s, 0, 0) + g(listen); } //++\n",
    },
    "a macro with a condition": {
        "a.h": "#ifdef SSL\n#define accept my_accept\n#endif\n",
        "a.c": "int f(S s) { return accept(s, 0, 0); } //+\n",
    },
    "other things of the name": {
        "a.c": "struct q { int accept; } q = { .accept = 1 };\nvoid p(int bind);\n"
        "int f(int x) { goto listen; listen: return q.accept; }\n"
        "int g(int connect) { return connect; }\nstruct accept { int a; };\n",
    },
    # macros that end
    "#undef": {
        "a.c": "#define connect(a, b, c) own(a, b, c)\nint f(S s) { return connect(s, 0, 1); }\n"
        "#undef connect\nint g(S s) { return connect(s, 0, 1); } //+\n"
        "#define connect own\nint h(S s) { return connect(s, 0, 1); }\n",
    },
    "#undef under a condition": {
        "a.c": "#define connect own\n#ifdef A\n#undef connect\nint f = g(connect); //+\n#endif\n"
        "int g(S s) { return connect(s, 0, 1); }\n",
    },
    # addresses of functions
    "given to macros": {
        "a.c": "#define E(x) { #x, (void *)x }\n#define e(x) { #x, x }\n"
        "struct T t[] = { E(connect), E(bind) }; //??\nstruct T u[] = { e(listen) }; //?\n"
        "struct T v[] = { { 0, accept } }; //+\n#define ALL { accept, x##listen } //?\n",
    },
    "given to a macro of a header": {
        "a.h": "#define row(x) { #x, (void *)x }\n#define call(x) x\n",
        "a.c": "struct T t[] = { row(connect) }; //?\nint i = call(bind); //+\n",
    },
    "given to templates and constructors": {
        "a.cpp": "void f() { W<listen>(); //?\n std::function<F> g(listen); //?\n"
        " std::thread t(listen, 1, 2); } //+\n",
    },
    "in a macro of its own name": {
        "a.c": "#define connect(s, a, n) (log(s), connect(s, a, n)) //+\n"
        "#define listen listen //+\n#define bind(s) go(bind_all(s))\n"
        "int f(int s, T *a) { return connect(s, a, 1) + listen(s, 5); }\n",
    },
    # calls that no name shows
    "by number": {
        "a.c": "int f() { return syscall(SYS_connect, 1, 2, 3); } //-\n"
        "int g() { return syscall(__NR_accept4, 1) + syscall(SYS_read, 1); } //-\n"
        '/* SYS_connect */ const char *t = "SYS_connect";\n'
        "int h() { return syscall(/* __NR_socketcall */ 102, 20, a); } //-\n"
        "#ifndef __NR_bind\n#define __NR_bind 49\n#endif\n#define B() syscall(__NR_bind) //-\n",
    },
    "by text": {
        "a.c": 'void *f = dlsym(RTLD_NEXT, "connect"); //-\nint my(int) __asm__("listen"); //-\n'
        'void *g = dlsym(RTLD_NEXT, "other"); const char *t = "connect";\n'
        'void *h = dlvsym(dlopen("a", 1), "bind", "V"); //-\n',
    },
    "split by a line": {
        "a.c": "int f(int s) { return lis\\\nten(s, 5) + listen \\\n (s, 5); }\n",
    },
    # families
    "families that are no services'": {
        "a.c": "int f(int n) { socket(AF_UNIX, 1, 0); socket((PF_NETLINK), 1, 0);\n"
        " socket(AF_PACKET, 1, n); return socket(n, 1, 0); } //+\n"
        "#define LOCAL() socket(AF_LOCAL, 1, 0)\n",
    },
}  # fmt: skip
_WITHOUT_MARKS = {
    "in a macro": {"a.c": [(2, "listed"), (3, "rewritten")]},
    "split by a line": {"a.c": [(1, "not analysed"), (2, "rewritten")]},
}
"""Where a mark would change what is tested."""


@pytest.mark.parametrize("case", CASES)
def test_a_name(case: str, tmp_path: Path) -> None:
    files = CASES[case]
    expected = {name: marked(text) for name, text in files.items()} | _WITHOUT_MARKS.get(case, {})
    assert found(tmp_path, files) == expected


def test_what_cannot_be_rewritten_has_no_new_name(tmp_path: Path) -> None:
    (tmp_path / "a.c").write_text(
        "int f(int *s) { return rresvport(s) + getaddrinfo_a(0, l, 1, 0); }"
    )
    found = analyze([tmp_path]).findings
    assert [(one.call, one.fix) for one in found] == [("rresvport", ""), ("getaddrinfo_a", "")]


def test_headers_that_hide_no_call(tmp_path: Path) -> None:
    """libc's own declarations are no other functions."""
    names = ("sys/socket.h", "netdb.h", "arpa/inet.h", "unistd.h")
    text = "".join(f"#include <{name}>\n" for name in names)
    done = subprocess.run(
        ["cc", "-E", "-P", "-D_GNU_SOURCE", "-xc", "-"], input=text, capture_output=True, text=True
    )
    (tmp_path / "all.h").write_text(done.stdout)
    (tmp_path / "a.c").write_text("int f(S s) { return accept(s, a, b) + recv(s, b, c, d); }")
    found = [one for one in analyze([tmp_path]).findings if one.path.endswith("a.c")]
    assert [(one.call, one.confidence) for one in found] == [("accept", "high")]
