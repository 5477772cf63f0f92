"""The protocol as JSON Schema, for hosts in other languages; made from the same table that the kit
checks messages with. ``schemas/host-1.json`` is its printed form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nq_conformance.adapters.host.methods import NOTIFICATIONS, PROTOCOL, TO_HOST, TO_KIT, Method, wire_name
from nq_conformance.adapters.host.shapes import camel


def protocol_schema() -> dict[str, Any]:
    """One schema for any line of the protocol, with a definition for each message."""
    definitions: dict[str, Any] = {"error": _ERROR}
    for direction, methods in (("to the host", TO_HOST), ("to the kit", TO_KIT)):
        for method in methods.values():
            definitions |= _messages(method, direction)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:nq-conformance:host:{PROTOCOL}",
        "title": "The adapter host's protocol",
        "description": "JSON-RPC 2.0, one message a line, in UTF-8. A response's result has the schema "
        "NAME.result of the method that was called.",
        "anyOf": [{"$ref": f"#/$defs/{name}"} for name in definitions if not name.endswith(".result")],
        "$defs": definitions,
    }


def _messages(method: Method, direction: str) -> dict[str, Any]:
    name = wire_name(method)
    notification = method.name in NOTIFICATIONS
    call: dict[str, Any] = {
        "description": f"{'notification' if notification else 'request'}, {direction}",
        "type": "object",
        "properties": {
            "jsonrpc": {"const": "2.0"},
            "method": {"const": name},
            "params": _params(method),
            **({} if notification else {"id": {"type": "integer"}}),
        },
        "required": ["jsonrpc", "method", "params", *([] if notification else ["id"])],
    }
    return {name: call} if notification else {name: call, f"{name}.result": method.result.schema}


def _params(method: Method) -> Mapping[str, Any]:
    return {
        "type": "object",
        "properties": {camel(name): shape.schema for name, shape in method.params.items()},
        "required": [camel(name) for name, shape in method.params.items() if not shape.nullable],
        "additionalProperties": False,
    }


_ERROR: Mapping[str, Any] = {
    "description": "an error response, in either direction",
    "type": "object",
    "properties": {
        "jsonrpc": {"const": "2.0"},
        "id": {"type": "integer"},
        "error": {
            "type": "object",
            "properties": {
                "code": {"type": "integer"},
                "message": {"type": "string"},
                "data": {
                    "type": "object",
                    "properties": {
                        "type": {"type": "string", "description": "the name of the exception's type"},
                        "trace": {"type": "string"},
                        "unrecoverable": {"type": "boolean"},
                    },
                },
            },
            "required": ["code", "message"],
        },
    },
    "required": ["jsonrpc", "id", "error"],
}
