"""OpenAPI 3.1 from the routes: what a handler takes and answers is declared beside it; printed at `/openapi.json`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from expo.edge.problems import PROBLEM_TYPE, Problem

Schema = dict[str, object]
HandlerT = TypeVar("HandlerT", bound=Callable[..., object])

JSON = "application/json"
SDP = "application/sdp"
HTML = "text/html"
TEXT = "text/plain"

_ATTRIBUTE = "__expo_operation__"
_BY_METHOD = {"POST": (403, 429), "PUT": (403,), "PATCH": (403,), "DELETE": (403,)}
"""What middlewares refuse, whatever the handler: another site's page, and too many from one address."""
_REF = "#/components/schemas/{name}"
_VARIABLE = re.compile(r"\{(\w+)(?::[^{}]*(?:\{[^{}]*\}[^{}]*)*)?\}")


@dataclass(frozen=True, slots=True)
class Content:
    """A body on the wire: a msgspec struct for JSON, or a media type whose body is text."""

    media_type: str = JSON
    type: type[msgspec.Struct] | None = None
    example: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """One successful answer; `headers` maps a header's name to what it says."""

    description: str
    content: Content | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Operation:
    """What one route takes and answers.

    `answers` by status; `errors` are further statuses, each with a problem body (RFC 9457). `query` is the struct that
    `wire.query` decodes, `headers` are request headers with their meaning, `parameters` describes path variables,
    `bearer` says that an `Authorization: Bearer` token is needed (or, where watching is open, accepted).
    """

    summary: str
    answers: Mapping[int, Answer]
    body: Content | None = None
    query: type[msgspec.Struct] | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])
    errors: tuple[int, ...] = ()
    bearer: bool = False
    tag: str = "pages"


def operation(declared: Operation) -> Callable[[HandlerT], HandlerT]:
    """Attach the declaration to a handler (a function, or a method of an object that is later bound)."""

    def attach(handler: HandlerT) -> HandlerT:
        setattr(handler, _ATTRIBUTE, declared)
        return handler

    return attach


def page(summary: str) -> Callable[[HandlerT], HandlerT]:
    """Declare a handler that answers an HTML page."""
    return operation(Operation(summary, {200: Answer("The page", Content(HTML))}, errors=(404,)))


def document(routes: Iterable[web.AbstractRoute], *, version: str) -> Schema:
    """The OpenAPI 3.1 document of these routes; a handler without a declaration is listed by its docstring."""
    described: dict[str, dict[str, Schema]] = {}
    structs: dict[type[msgspec.Struct], None] = {Problem: None}
    for route in routes:
        if route.resource is None or route.method in {"HEAD", "*"}:
            continue
        declared = _declared(route.handler)
        for content in (declared.body, *(answer.content for answer in declared.answers.values())):
            if content is not None and content.type is not None:
                structs[content.type] = None
        path = route.resource.canonical
        described.setdefault(_plain(path), {})[route.method.lower()] = _operation(path, route.method, declared)
    _, components = msgspec.json.schema_components(tuple(structs), ref_template=_REF)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Virtual trade expo",
            "version": version,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": dict(sorted(described.items())),
        "components": {
            "schemas": components,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _declared(handler: object) -> Operation:
    declared: object = getattr(handler, _ATTRIBUTE, None)
    if isinstance(declared, Operation):
        return declared
    lines = (getattr(handler, "__doc__", None) or "").strip().splitlines()
    summary = lines[0] if lines else getattr(handler, "__name__", "A page")
    return Operation(summary, {200: Answer("The page", Content(HTML))})


def _plain(path: str) -> str:
    """aiohttp writes `{name:regex}`; OpenAPI knows `{name}` only."""
    return _VARIABLE.sub(r"{\1}", path)


def _operation(path: str, method: str, declared: Operation) -> Schema:
    names = _VARIABLE.findall(path)
    entry: Schema = {
        "operationId": re.sub(r"\W+", "_", f"{method.lower()}{_plain(path)}").strip("_"),
        "summary": declared.summary,
        "tags": [declared.tag],
        "responses": _responses(declared, method),
    }
    parameters = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string"},
            **_described(declared.parameters.get(name)),
        }
        for name in names
    ]
    parameters += _query_parameters(declared.query)
    parameters += [
        {"name": name, "in": "header", "required": False, "schema": {"type": "string"}, "description": meaning}
        for name, meaning in declared.headers.items()
    ]
    if parameters:
        entry["parameters"] = parameters
    if declared.body is not None:
        entry["requestBody"] = {"required": True, "content": _content(declared.body)}
    if declared.bearer:
        entry["security"] = [{"bearer": []}, {}]
    return entry


def _described(meaning: str | None) -> Schema:
    return {"description": meaning} if meaning else {}


def _responses(declared: Operation, method: str) -> Schema:
    responses: Schema = {}
    for status, answer in sorted(declared.answers.items()):
        response: Schema = {"description": answer.description}
        if answer.content is not None:
            response["content"] = _content(answer.content)
        if answer.headers:
            response["headers"] = {
                name: {"schema": {"type": "string"}, "description": meaning} for name, meaning in answer.headers.items()
            }
        responses[str(status)] = response
    told: Schema = {PROBLEM_TYPE: {"schema": {"$ref": _REF.format(name="Problem")}}}
    if _is_for_people(declared):
        told |= _content(Content(HTML))
    problem: Schema = {"description": "The request failed; `code` is stable", "content": told}
    for status in sorted({*declared.errors, *_BY_METHOD.get(method, ())}):
        responses[str(status)] = problem
    responses["default"] = problem
    return responses


def _is_for_people(declared: Operation) -> bool:
    """Whether browsers come here by themselves; they get their problems as pages."""
    return any(
        300 <= status < 400 or (answer.content is not None and answer.content.media_type == HTML)
        for status, answer in declared.answers.items()
        if status != 304
    )


def _content(content: Content) -> Schema:
    if content.type is not None:
        return {content.media_type: {"schema": {"$ref": _REF.format(name=content.type.__name__)}}}
    schema: Schema = {"type": "string"} if content.media_type != JSON else {}
    media: Schema = {"schema": schema}
    if content.example is not None:
        media["example"] = content.example
    return {content.media_type: media}


def _query_parameters(query: type[msgspec.Struct] | None) -> list[Schema]:
    if query is None:
        return []
    _, components = msgspec.json.schema_components((query,), ref_template=_REF)
    schema: Any = components[query.__name__]
    required: set[str] = set(schema.get("required", ()))
    properties: dict[str, Schema] = schema["properties"]
    return [
        {"name": name, "in": "query", "required": name in required, "schema": shape}
        for name, shape in properties.items()
    ]
