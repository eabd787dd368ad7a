"""ELinks dumps a page with links and a form by service name, and what lies behind the links.

w3m stands in for it where a program is built from its source. Both take the service's name in the
URL, and show it in the links. Short: 3 pages. Full: 50.
"""

from pathlib import Path

from scaffold import scenario
from scaffold.lab import Host, Lab
from scaffold.scenario import Result, check_level, expect, program, verified

SERVICE = "text.demo.scaffold"
PORT = 80
_WEB = scenario.load(Path(__file__).parents[1], "civetweb")
_PAGE = """<html><head><title>Page {number}</title></head><body>
<h1>Heading {number}</h1>
<p>{text}</p>
<ul><li><a href="page{next}.html">Next page</a></li>
<li><a href="/echo.cgi?n={number}">Script</a></li></ul>
<form action="/echo.cgi" method="get">Name: <input name="name" value="value {number}">
<input type="submit" value="Send it"></form>
</body></html>
"""
_WORDS = 20_000  # of a page: more than one packet, and more than a socket's buffer
_DUMP = {
    "elinks": ("-no-numbering", "0", "-dump-width", "200", "-dump"),
    "w3m": ("-o", "display_link_number=1", "-cols", "200", "-dump"),
}


def run(
    lab: Lab,
    *,
    client: str = "a",
    server: str = "b",
    level: str = "shim",
    full: bool = False,
) -> Result:
    """Text, links, form and the script's answer must stand in the dump."""
    check_level(level)
    browser = "elinks" if level == "shim" else "w3m"
    pages = 50 if full else 3
    folder = lab.folder / server / "text"
    folder.mkdir(parents=True, exist_ok=True)
    text = " ".join(f"w{number}" for number in range(_WORDS))
    for number in range(pages):
        page = _PAGE.format(number=number, next=(number + 1) % pages, text=text)
        (folder / f"page{number}.html").write_text(page)
    result = Result()
    httpd = _WEB.serve(lab[server], folder, SERVICE, PORT)
    lab.await_service(f"{SERVICE}:{PORT}", process=httpd)
    with verified(lab, client, browser, result):
        for number in range(pages):
            dump = _dump(lab[client], browser, f"page{number}.html")
            expect(f"Heading {number}" in dump, f"page {number} has another heading")
            words = [word for word in dump.split() if word[0] == "w" and word[1:].isdigit()]
            expect(words == text.split(), f"page {number} arrived with different words")
            link = f"http://{SERVICE}/page{(number + 1) % pages}.html"
            expect(link in dump, f"page {number} has no link to {link}")
            expect("Send it" in dump, f"page {number} has no form")
            answer = _dump(lab[client], browser, f"echo.cgi?name=value+{number}")
            expect(f"GET name=value+{number}" in answer, "the script answered something else")
    result.figures["pages"] = pages
    lab[server].end(httpd)
    return result


def _dump(host: Host, browser: str, path: str) -> str:
    home = host.runtime_dir.parent / browser
    home.mkdir(parents=True, exist_ok=True)
    command = [program(browser), *_DUMP[browser], f"http://{SERVICE}/{path}"]
    done = host.run(command, env={"HOME": str(home), "LANG": "C.UTF-8"})
    scenario.succeeded(done, browser)
    return done.stdout
