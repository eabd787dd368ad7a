"""What each rule that `rewrite` follows makes of a line of C; the first of each is a no-op."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from scaffold_port.cli import main
from scaffold_port.rules import RULES

SAME = ""
LINES: dict[str, list[tuple[str, str]]] = {
    "socket-family": [
        ("s = q->socket (1, 2, 3);", SAME),
        ("s = socket (AF_INET,  1, 0);", "s = scaffold_socket (AF_INET,  1, 0);"),
    ],
    "address-construction": [
        ("a.sin_addr = b;", SAME),
        ('inet_pton(AF_INET, "::", &a);', 'scaffold_inet_pton(AF_INET, "::", &a);'),
        ("a = inet_addr ( text );", "a = scaffold_inet_addr ( text );"),
    ],
    "resolver-call": [
        ('puts("getaddrinfo(3)"); /* getaddrinfo() */', SAME),
        ("e = getaddrinfo(h, p, &i, &l);", "e = scaffold_getaddrinfo(h, p, &i, &l);"),
        ("struct q l = {.look = getaddrinfo};", "struct q l = {.look = scaffold_getaddrinfo};"),
    ],
    "address-size": [
        ("int n = sizeof(struct sockaddr_in);", SAME),
        ("char t[INET_ADDRSTRLEN + 1];", "char t[SCAFFOLD_ADDRSTRLEN + 1];"),
        ("char t[INET_ADDRSTRLEN]; f(t, INET_ADDRSTRLEN);",
         "char t[SCAFFOLD_ADDRSTRLEN]; f(t, SCAFFOLD_ADDRSTRLEN);"),
        ("char t[(INET_ADDRSTRLEN)]; memset(&t[0], 0, INET_ADDRSTRLEN);",
         "char t[(SCAFFOLD_ADDRSTRLEN)]; memset(&t[0], 0, SCAFFOLD_ADDRSTRLEN);"),
        ("struct { char t[INET_ADDRSTRLEN]; } q; f(q.t, INET_ADDRSTRLEN);",
         "struct { char t[SCAFFOLD_ADDRSTRLEN]; } q; f(q.t, SCAFFOLD_ADDRSTRLEN);"),
        ("char t[INET_ADDRSTRLEN]; strcpy(t, p);", "char t[SCAFFOLD_ADDRSTRLEN]; strcpy(t, p);"),
        ("char t[64]; f(t, INET_ADDRSTRLEN);", SAME),
        ("char t[64 - INET_ADDRSTRLEN];", SAME),
        ("unsigned char t[INET_ADDRSTRLEN]; memcpy(t, &a, sizeof t);", SAME),
        ("static const char t[INET_ADDRSTRLEN];", "static const char t[SCAFFOLD_ADDRSTRLEN];"),
        ("char t[INET_ADDRSTRLEN]; f(t, 99 - INET_ADDRSTRLEN);",
         "char t[SCAFFOLD_ADDRSTRLEN]; f(t, 99 - INET_ADDRSTRLEN);"),
        ("{ char t[9 + INET_ADDRSTRLEN]; } char t[64]; f(t, INET_ADDRSTRLEN);",
         "{ char t[9 + SCAFFOLD_ADDRSTRLEN]; } char t[64]; f(t, INET_ADDRSTRLEN);"),
        ("char t[INET_ADDRSTRLEN]; memcpy(q, t, INET_ADDRSTRLEN);",
         "char t[SCAFFOLD_ADDRSTRLEN]; memcpy(q, t, INET_ADDRSTRLEN);"),
        ('char t[INET_ADDRSTRLEN], u[40]; sprintf(u, "[%s]", t);', SAME),
        ("char t[INET_ADDRSTRLEN], u[40]; strcat(u, t); f(t, INET_ADDRSTRLEN);", SAME),
        ("if (n < INET_ADDRSTRLEN) p = malloc(INET_ADDRSTRLEN);", SAME),
        ("switch (x) { case 1:\n#define LEN (INET_ADDRSTRLEN + 1)\n\tbreak; }", SAME),
    ],
    "address-printing": [
        ("if (a.s_addr == b) n++;", SAME),
        ("puts(inet_ntoa(a));", "puts(scaffold_inet_ntoa(a));"),
        ('printf("%s", (char *)(inet_ntoa(a)));', 'printf("%s", (char *)(scaffold_inet_ntoa(a)));'),
        ("strcpy(t, inet_ntoa(a));", SAME),
        ('sprintf(t, "%s", inet_ntoa(a));', SAME),
        ("strncpy(t, inet_ntoa(a), n);", SAME),
        ("char t[INET_ADDRSTRLEN], u[40]; strncpy(u, t, sizeof u);", SAME),
        ("p = inet_ntoa(a);", SAME),
        ("f = inet_ntoa;", SAME),
        ("inet_ntop(2, a, t, 16);", "scaffold_inet_ntop(2, a, t, 16);"),
    ],
    "socket-name": [
        ("getpeername_r(s);", SAME),
        ("getpeername(s, a, &n);", "scaffold_getpeername(s, a, &n);"),
    ],
    "datagram-call": [
        ("m.sendto = 0;", SAME),
        ("sendto(s, b, n, 0, a, l);", "scaffold_sendto(s, b, n, 0, a, l);"),
    ],
    "connection-call": [
        ("x.connect(y); int accepted;", SAME),
        ("struct filter n, accept; set(&accept, sizeof(accept));", SAME),
        ("if (connect(s,a,l)) n = accept(s, a, &l);",
         "if (scaffold_connect(s,a,l)) n = scaffold_accept(s, a, &l);"),
        ("f = &connect; h(x.bind, accept);", "f = &scaffold_connect; h(x.bind, scaffold_accept);"),
        ("setsockopt(s, 1, 2, &n, 4);", "scaffold_setsockopt(s, 1, 2, &n, 4);"),
        ("n = getsockopt(s, 1, 3, &n, &l);", "n = scaffold_getsockopt(s, 1, 3, &n, &l);"),
        ("(void)shutdown(s, 1);", "(void)scaffold_shutdown(s, 1);"),
    ],
    "checked-option": [
        ("o.setsockopt(s, 1, 2, &n, 4);", SAME),
        ("n = setsockopt(s, 1, 2, &n, 4);", "n = scaffold_setsockopt(s, 1, 2, &n, 4);"),
    ],
    "non-blocking-connect": [
        ("if (errno == EINPROGRESS) n = 0;", SAME),
        ("getsockopt(s, 1, SO_ERROR, &n, &l);", "scaffold_getsockopt(s, 1, SO_ERROR, &n, &l);"),
    ],
}  # fmt: skip
CASES = [(rule, *pair) for rule, pairs in LINES.items() for pair in pairs]


def test_every_rule_has_its_lines() -> None:
    assert set(LINES) == {rule.id for rule in RULES if rule.fix}
    for pairs in LINES.values():
        assert pairs[0][1] == SAME
        assert len(pairs) > 1


@pytest.mark.parametrize(("rule", "before", "after"), CASES)
def test_a_line(
    rule: str, before: str, after: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    file = tmp_path / "a.c"
    head, text = "#include <errno.h>\n", "void f (void)\n{{\n\t{}\n}}\n"
    file.write_text(head + text.format(before))
    for _ in range(2):
        done = CliRunner().invoke(main, ["rewrite", str(file), "--in-place"])
        assert done.exit_code in (0, 1)  # something may be left
        expected = head + text.format(before)
        if after:
            expected = head + "#include <scaffold/scaffold.h>\n" + text.format(after)
        assert file.read_text() == expected
