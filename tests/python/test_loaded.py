"""Modules that are adapted once a program loads them, in whatever way it does."""

import subprocess
import sys
from textwrap import dedent

import pytest

WRAPS = """
def adapted(ssl):
    from scaffold import inet
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with context.wrap_socket(inet.socket(), server_hostname="x") as one:
        assert isinstance(one, ssl.SSLSocket)
        return isinstance(one, inet.socket)
"""
PROGRAMS = {
    "before": """
        import ssl
        import scaffold.inet
        assert adapted(ssl)
    """,
    "after": """
        import scaffold.inet
        import ssl
        assert adapted(ssl)
        assert type(ssl.__loader__).__name__ == type(ssl.__spec__.loader).__name__
        assert type(ssl.__loader__).__name__ == "SourceFileLoader"
    """,
    "afresh": """
        import scaffold.inet, ssl, sys
        for _ in range(2):
            one = sys.modules.pop("ssl")
            import ssl
            assert ssl is not one
            assert adapted(one) and adapted(ssl)
    """,
    "once more": """
        import importlib, scaffold.inet, ssl
        for _ in range(2):
            importlib.reload(ssl)
            assert adapted(ssl)
    """,
    "as data": """
        import importlib.util, inspect, scaffold.inet
        spec = importlib.util.find_spec("ssl")
        assert "class SSLContext" in spec.loader.get_source("ssl")
        assert spec.loader.is_package("ssl") is False
        assert adapted(__import__("ssl"))
    """,
    "as a program": """
        import runpy, scaffold.inet
        assert "SSLContext" in runpy.run_module("ssl", alter_sys=True)
    """,
    "by another thread": """
        import collections, sys, threading
        def slowly(name, *about, make=collections.namedtuple, **options):
            if name == "DefaultVerifyPaths":
                begun.set()
                late.wait(1)
            return make(name, *about, **options)
        collections.namedtuple = slowly
        begun, late = threading.Event(), threading.Event()
        loading = threading.Thread(target=lambda: __import__("ssl"))
        loading.start()
        begun.wait()
        import scaffold.inet
        late.set()
        loading.join()
        assert adapted(sys.modules["ssl"])
    """,
    "by what it loads itself": """
        import sys
        class Within:
            def find_spec(self, name, path=None, target=None):
                if name == "_ssl":
                    import scaffold.inet
        sys.meta_path.insert(0, Within())
        try:
            import ssl
        except ImportError as error:
            assert str(error) == "ssl loads scaffold, which needs the whole of it"
        else:
            raise AssertionError
    """,
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_ssl_is_adapted(program: str) -> None:
    text = WRAPS + dedent(PROGRAMS[program])
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
