"""What `scaffold status` shows: scaffoldd's rows as one document, a part of it, and its tables."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import NoDaemon

Row = dict[str, Any]

SHOWN = 50
"""Rows of each table, unless all are asked for: what a person reads."""

_COUNTS = ("tx_bytes", "rx_bytes")
"""None for a flow of the local plane, whose bytes pass nobody who counts them."""

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


# --- the document ---------------------------------------------------------------------------------


def assemble(text: bytes) -> dict[str, Any]:
    """The document of `docs/schemas/status.schema.json`, of the lines that scaffoldd sent.

    A text without its last line was cut off, by scaffoldd's end or because nobody read it in time.
    """
    sent = text.decode("utf-8", "replace").split("\n")
    if sent[-2:] != ['["end",{}]', ""]:
        raise NoDaemon(100, "scaffoldd's answer broke off; its log may say why")
    kinds = ("scaffoldd", "host", "instance", "flow", "provider", "grant")
    rows: dict[str, list[Row]] = {kind: [] for kind in kinds}
    for kind, row in json.loads(f"[{','.join(sent[:-2])}]"):
        rows.setdefault(kind, []).append(row)
    document = rows["scaffoldd"][0]
    counters = document.pop("counters", {})
    document["hosts"] = rows["host"][:1] + sorted(rows["host"][1:], key=lambda one: one["name"])
    document["services"] = sorted(_services(rows["instance"]), key=lambda one: one["name"])
    document["flows"] = rows["flow"]
    document["providers"] = sorted(rows["provider"], key=lambda one: one["alias"])
    document["grants"] = sorted(
        rows["grant"], key=lambda one: (one["provider"], one["pattern"], one["until"])
    )
    document["counters"] = counters
    return document


def _services(instances: Iterable[Row]) -> Iterable[Row]:
    """The instances of each service; which comes first does not depend on scaffoldd's tables."""
    services: dict[str, Row] = {}
    for one in sorted(instances, key=lambda one: (one["host"], one["pid"] or 0)):
        keys = ("name", "id", "verified", "trust")
        service: Row = {key: one.pop(key) for key in keys if key in one}
        services.setdefault(service["id"], {**service, "instances": []})["instances"].append(one)
    return services.values()


def select(document: dict[str, Any], name: str) -> dict[str, Any]:
    """What has this text in the name of its service, host or program."""
    services = [_select_instances(service, name) for service in document["services"]]
    return {
        **document,
        "hosts": [one for one in document["hosts"] if name in one["name"]],
        "services": [one for one in services if one["instances"] or name in one["name"]],
        "flows": [one for one in document["flows"] if _has(name, one["service"], one["program"])],
    }


def _select_instances(service: Row, name: str) -> Row:
    if name in service["name"]:
        return service
    instances = service["instances"]
    return {
        **service,
        "instances": [one for one in instances if _has(name, one["host"], one["program"])],
    }


def _has(name: str, *texts: str | None) -> bool:
    return any(text is not None and name in text for text in texts)


# --- tables ---------------------------------------------------------------------------------------


@dataclass
class Table:
    """One of the tables; a row is made of its record when it is shown."""

    title: str
    columns: tuple[str, ...]
    records: Sequence[Any]
    row: Callable[..., tuple[str, ...]]


def lines(document: dict[str, Any], limit: int | None = SHOWN) -> Iterator[tuple[str, bool]]:
    """The lines to show, each with whether it is a heading; `limit` rows of each table, or all."""
    for line in _troubles(document):
        yield line, True
    yield from _table(_hosts(document["hosts"]), limit)
    yield "", False
    yield from _table(_instances(document["services"]), limit)
    yield "", False
    yield from _table(_flows(document["flows"]), limit)


def _table(table: Table, limit: int | None) -> Iterator[tuple[str, bool]]:
    shown = table.records[:limit]
    more = len(table.records) - len(shown)
    yield table.title, True
    if shown:
        yield from ((line, False) for line in _aligned(table.columns, map(table.row, shown)))
    if more:
        yield f"... and {more:,} more: --all shows them, NAME a part of them", False


def size(count: int) -> str:
    """Bytes in the largest unit that leaves at least one of it."""
    value = float(count)
    for unit in _UNITS[:-1]:
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} {_UNITS[-1]}"


def _aligned(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    cells = [columns, *(tuple(map(_printable, row)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]


def _printable(text: str) -> str:
    """Programs choose their own names, and must not reach the terminal with them."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)


def _troubles(document: dict[str, Any]) -> list[str]:
    return [*_troubles_with_router(document), *_exposures(document)]


def _exposures(document: dict[str, Any]) -> list[str]:
    """What others on the network can do: said each time, since it is easily forgotten."""
    lines = []
    if document.get("security") == "off":
        lines.append("security is off: anybody who reaches this host can join, serve and answer")
    if document.get("exposed"):
        lines.append("flows and datagrams are not encrypted: whoever is on the way can change them")
    return lines


def _troubles_with_router(document: dict[str, Any]) -> list[str]:
    name, router = document.get("host"), document.get("router")
    if document.get("not_joined"):
        return [f"router {router}: {document['not_joined']}"]
    if document.get("name_taken"):
        return [f"router {router} knows another host named {name}: give this one another --name"]
    if not document.get("router_answers", True):
        return [f"router {router} does not answer: is it running, and is its UDP port open?"]
    return []


def _title(name: str, count: int, facts: Iterable[str]) -> str:
    return f"{name}: {', '.join((f'{count:,}', *facts))}"


def _hosts(hosts: list[Row]) -> Table:
    down = sum(not host["up"] for host in hosts)
    title = _title("Hosts", len(hosts), [f"{down:,} down"] if down else [])
    return Table(title, ("name", "address", "underlay", "role", "up"), hosts, _host)


def _host(one: Row) -> tuple[str, ...]:
    answers = "yes" if one["up"] else "no"
    return one["name"], one["address"], one["underlay"], one["role"], answers


def _instances(services: list[Row]) -> Table:
    count = sum(len(service["instances"]) for service in services)
    title = _title("Services", len(services), [f"{count:,} instances"] if count else [])
    # While no service is verified, that one is not says nothing about it.
    told = any(service["verified"] for service in services)
    columns = ("name", *(["verified"] if told else []), "host", "pid", "program", "lease")
    records = [
        (service, one, number == 0, told)
        for service in services
        for number, one in enumerate(service["instances"] or [None])
    ]
    return Table(title, columns, records, _instance)


def _instance(record: tuple[Row, Row | None, bool, bool]) -> tuple[str, ...]:
    service, one, first, told = record
    name = [service["name"], *(["yes" if service["verified"] else "no"] if told else [])]
    if not first:
        name = [""] * len(name)
    if one is None:
        return *name, "-", "-", "-", "-"
    lease = "local" if one["lease_s"] is None else f"{one['lease_s']:.1f} s"
    return *name, one["host"], str(one["pid"] or "-"), one["program"] or "-", lease


def _flows(flows: list[Row]) -> Table:
    states = Counter(flow["state"] for flow in flows)
    facts = [f"{number:,} {state}" for state, number in states.most_common()]
    sent, received = (sum(flow[key] or 0 for flow in flows) for key in _COUNTS)
    if flows:
        facts.append(f"{size(sent)} sent, {size(received)} received")
    columns = ("service", "program", "pid", "plane", "peer", "state", "sent", "received")
    order = sorted(flows, key=lambda one: (one["service"], one["program"] or "", one["peer"]))
    return Table(_title("Flows", len(flows), facts), (*columns, "rtt", "lost"), order, _flow)


def _flow(one: Row) -> tuple[str, ...]:
    sent, received = ("-" if one[key] is None else size(one[key]) for key in _COUNTS)
    rtt = "-" if one["rtt_us"] is None else f"{one['rtt_us']} us"
    return (
        one["service"],
        one["program"] or "-",
        str(one["pid"] or "-"),
        one["plane"],
        one["peer"],
        one["state"],
        sent,
        received,
        rtt,
        "-" if one["lost"] is None else str(one["lost"]),
    )
