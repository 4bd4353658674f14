"""Ask every operation of a server's OpenAPI document what schemathesis thinks of: `python -m tests.support.asking`.

A process of its own, because schemathesis patches Hypothesis for the whole process that it is in. Reads an `Asking`
from standard input, prints what is wrong, a finding a line, and ends with 1 when there is any. The questions are the
same every time: bounds, types, names and methods one by one (its coverage phase), and some derandomised ones.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from http.cookiejar import DefaultCookiePolicy
from typing import Any, cast

import hypothesis
import msgspec
import requests
import schemathesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis import checks as registry
from schemathesis.core.failures import FailureGroup

from tests.support.offers import PUBLISHERS, VIEWERS, offer

KINDS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
)
SDP, FRAGMENT = "application/sdp", "application/trickle-ice-sdpfrag"
AT_MOST = 80
"""Cases of one operation: hundreds for what has many kinds of commands in it."""
EXAMPLES = 5
BOTH = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]

Api = Any
"""An operation of schemathesis, whose own types pyright cannot follow."""


class Asking(msgspec.Struct):
    """Whom to ask as whom. `names` are path variables that lead somewhere (also by `<path> <name>`).

    `callers` are the headers of each who asks, `internal` those of a worker.
    """

    url: str
    names: dict[str, str]
    callers: dict[str, dict[str, str]]
    internal: dict[str, str]


def main() -> int:
    asking = msgspec.json.decode(sys.stdin.buffer.read(), type=Asking)
    registry.load_all_checks()
    checks = cast("Any", registry).CHECKS.get_by_names(KINDS)
    session = requests.Session()
    session.trust_env = False  # no proxies, no netrc
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # who asks stays who it was
    document = session.get(f"{asking.url}/openapi.json", timeout=10).json()
    for item in document["paths"].values():
        for described in item.values():
            del described["responses"]["default"]  # with it no status would be unknown
    schema: Api = schemathesis.openapi.from_dict(document)
    findings: dict[str, str] = {}
    asked = 0
    operations: list[Api] = [found.ok() for found in schema.get_all_operations()]
    for operation in sorted(operations, key=order):
        for case in cases(schema, operation, asking.names):
            for caller, headers in callers(asking, operation).items():
                asked += 1
                try:
                    case.call_and_validate(base_url=asking.url, session=session, headers=headers, checks=checks)
                except FailureGroup as group:
                    for failure in group.exceptions:
                        told = f"{operation.label} ({caller}): {failure.title}: {failure.message}"
                        findings.setdefault(told[:300].replace("\n", "; "), case.as_curl_command()[:600])
    print(f"{asked} questions to {len(operations)} operations")
    for told, command in findings.items():
        print(f"{told}\n    {command}")
    return 1 if findings else 0


def order(operation: Api) -> int:
    """What is there first, before somebody takes it over; what ends the login last."""
    return 0 if "{resource}" in operation.path else 2 if operation.path == "/sign-out" else 1


def callers(asking: Asking, operation: Api) -> dict[str, dict[str, str]]:
    """Who asks this, and with which headers: pages are asked for by browsers, some things by workers."""
    found = asking.callers | ({"worker": asking.internal} if operation.path.startswith("/workers/") else {})
    types = operation.definition.raw["responses"].get("200", {}).get("content", {})
    accept = {"Accept": "text/html"} if "text/html" in types else {}
    return {name: headers | accept for name, headers in found.items()}


def cases(schema: Api, operation: Api, names: dict[str, str]) -> Iterator[Api]:
    """Every case of the coverage phase where it leads somewhere, some with any names, some with any body."""
    known = {
        each.name: names.get(f"{operation.path} {each.name}") or names[each.name] for each in operation.path_parameters
    }
    generation = schema.config.generation_for(operation=operation)
    found = list(schema.iter_coverage_cases(operation, generation_modes=BOTH, generation_config=generation))
    for case in found[:: len(found) // AT_MOST + 1]:
        case.path_parameters = dict(known)
        yield case
    if known:
        yield from drawn(operation.as_strategy(GenerationMode.POSITIVE))
    if operation.body or operation.query:
        versions = {"If-Match": "*"} if operation.headers.get("If-Match") else None
        for mode in BOTH:
            yield from drawn(operation.as_strategy(mode, path_parameters=dict(known), headers=versions))


def drawn(strategy: st.SearchStrategy[Api]) -> list[Api]:
    """The same few examples every time."""
    found: list[Api] = []

    @hypothesis.settings(
        max_examples=EXAMPLES, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )  # fmt: skip
    @hypothesis.given(case=strategy)
    def draw(case: Api) -> None:
        found.append(case)

    draw()
    return found


@st.composite
def broken_sdp(draw: st.DrawFn, text: str) -> bytes:
    """A real description with lines left out, repeated or changed."""
    lines = text.splitlines()
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(lines) - 1))
        lines[at : at + 1] = draw(
            st.sampled_from([[], [lines[at]] * 2, [lines[at][:3]], [lines[at] + " x"], [lines[at].upper()], ["a="]])
        )
        lines = lines or ["v=0"]
    return ("\r\n".join(lines) + "\r\n").encode()


def as_text(_context: object, value: object) -> bytes:
    """How a body that is text goes over the wire."""
    return value if isinstance(value, bytes) else str(value).encode()


schemathesis.serializer(SDP, FRAGMENT)(as_text)
offers = st.sampled_from([offer(name) for name in (*PUBLISHERS, *VIEWERS)])
schemathesis.openapi.media_type(SDP, offers.flatmap(broken_sdp))
schemathesis.openapi.media_type(FRAGMENT, offers.flatmap(broken_sdp))

if __name__ == "__main__":
    sys.exit(main())
