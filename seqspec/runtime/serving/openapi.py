"""The interface as an OpenAPI 3.1 document, with the models' names and the limits in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import seqspec
from seqspec.runtime.serving.limits import Limits
from seqspec.runtime.serving.live import SHORTEST
from seqspec.runtime.serving.served_model import Served

JSON = "application/json"
FORM = "multipart/form-data"
LIVE = (
    "Partial texts, as server-sent events, of a recording that is still being sent: 16-bit little-endian PCM "
    "of one channel at the model's rate"
)


def document(models: Mapping[str, Served], limits: Limits, *, token: bool) -> dict[str, Any]:
    """The document; ``token``: whether requests need one."""
    model = {"type": "string", "enum": list(models), "description": "Left out, the only one."}
    texts = {"type": "string", "maxLength": limits.max_characters}
    file = {"type": "string", "format": "binary"}
    predict = {
        JSON: _object({"model": model, "inputs": {"oneOf": [texts, {
            "type": "array", "items": texts, "minItems": 1, "maxItems": limits.max_inputs}]},
            "fields": {"type": "object", "additionalProperties": {"type": "string"}}}, ["inputs"]),
        FORM: _object({"model": model, "file": file}, ["file"]),
    }  # fmt: skip
    transcription = {FORM: _object({"model": model, "file": file, "response_format": {
        "type": "string", "enum": ["json", "text"], "default": "json"}}, ["file"])}  # fmt: skip
    speech = {JSON: _object({
        "model": model, "input": texts, "voice": {"type": "string", "description": "The speaker."},
        "response_format": {"type": "string", "enum": ["wav"], "default": "wav"},
    }, ["input"])}  # fmt: skip
    completion = {JSON: _object({
        "model": model, "prompt": texts,
        "max_tokens": {"type": "integer", "minimum": 1, "maximum": limits.max_tokens, "default": 64},
        "temperature": {"type": "number", "minimum": 0, "maximum": 10, "default": 0},
        "seed": {"type": "integer", "minimum": 0, "default": 0},
        "stream": {"type": "boolean", "default": False},
    }, [])}  # fmt: skip
    paths = {
        "/healthz": {"get": _operation("Whether the process lives")},
        "/readyz": {"get": _operation("Whether it takes work")},
        "/metrics": {"get": _operation("Counts and times for Prometheus")},
        "/v1/models": {"get": _operation("The models")},
        "/v1/predict": {"post": _operation("Predict from texts, recordings or images", predict)},
        "/v1/audio/transcriptions": {"post": _operation("One recording to text", transcription)},
        "/v1/audio/speech": {"post": _operation("A text to a recording", speech)},
        "/v1/audio/live": {
            "post": {**_operation(LIVE, {"audio/l16": {"schema": file}}), "parameters": _live(model, limits)}
        },
        "/v1/completions": {"post": _operation("A language model goes on from a prompt", completion)},
    }
    found: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "seqspec", "version": seqspec.__version__},
        "paths": paths,
    }
    if token:
        found["components"] = {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}}
        found["security"] = [{"token": []}]
    return found


def _live(model: Mapping[str, Any], limits: Limits) -> list[dict[str, Any]]:
    """The query: the model, and where an utterance ends."""
    told = {"end_silence": "Seconds of silence after speech that end an utterance (models that stream).",
            "max_utterance": "Seconds of an utterance, at most (models that stream)."}  # fmt: skip
    each = {"model": model} | {
        name: {"type": "number", "minimum": low, "maximum": limits.max_seconds, "description": told[name]}
        for name, low in SHORTEST.items()
    }
    return [{"name": name, "in": "query", "schema": schema} for name, schema in each.items()]


def _object(properties: Mapping[str, Any], required: list[str]) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    return {"schema": schema}


def _operation(summary: str, content: Mapping[str, Any] | None = None) -> dict[str, Any]:
    error = {"description": '`{"error": {"message", "type"}}`'}
    found: dict[str, Any] = {"summary": summary, "responses": {"200": {"description": "OK"}}}
    if content is not None:
        found["requestBody"] = {"required": True, "content": dict(content)}
        found["responses"] |= {
            status: error for status in ("400", "404", "408", "413", "415", "422", "503", "504")
        }
    return found
