"""Reading requests: JSON and multipart bodies, checked field by field."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request as HttpRequest

from seqspec.runtime.prediction.field_inputs import input_files_of
from seqspec.runtime.prediction.input import Input
from seqspec.runtime.serving.json_body import parsed, refuse_encoded
from seqspec.runtime.serving.limits import Limits, Refused, read_body
from seqspec.runtime.serving.served_model import (
    Served,
    check_audio,
    check_image,
    file_input,
    require_whole,
    text_input,
    upload_input,
)

if TYPE_CHECKING:
    from starlette.datastructures import FormData

Models = Mapping[str, Served]


async def read_json(request: HttpRequest, limits: Limits, *, known: frozenset[str]) -> dict[str, Any]:
    """The object of a JSON body, with no key but ``known``."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refused(415, f"the body must be `application/json`, not `{kind[:60] or 'nothing'}`")
    refuse_encoded(request.headers.get("content-encoding", ""))
    given = parsed(await read_body(request, limits))
    if not isinstance(given, dict):
        raise Refused(422, "the body must be one JSON object")
    unknown = sorted(given.keys() - known)
    if unknown:
        raise Refused(422, f"there is no field `{unknown[0][:40]}`; there are {', '.join(sorted(known))}")
    return given


@asynccontextmanager
async def form_of(request: HttpRequest, limits: Limits) -> AsyncIterator[FormData]:
    """A multipart body that is no larger than any other; its uploads are closed at the end."""
    form = await _read_form(request, limits)
    try:
        yield form
    finally:
        await form.close()


async def _read_form(request: HttpRequest, limits: Limits) -> FormData:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise Refused(415, f"the body must be `multipart/form-data`, not `{kind[:60] or 'nothing'}`")
    body = await read_body(request, limits)
    sent = False

    async def receive() -> dict[str, Any]:
        nonlocal sent
        if sent:
            return {"type": "http.disconnect"}
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    again = HttpRequest({**request.scope, "app": None}, receive)
    try:
        return await again.form(
            max_files=limits.max_inputs, max_fields=32, max_part_size=min(limits.max_body, 2**20)
        )
    except HTTPException as error:
        raise Refused(400, f"the form cannot be read: {error.detail}") from None
    except Exception as error:  # The parser raises its own kinds for what is no multipart body.
        raise Refused(400, f"the form cannot be read: {type(error).__name__}") from None


def model_of(models: Models, name: object) -> Served:
    """The model that is asked for; the only one where none is named."""
    if name is None and len(models) == 1:
        return next(iter(models.values()))
    listed = ", ".join(f"`{one}`" for one in models)
    if name is None:
        raise Refused(422, f"name a `model`: there are {listed}")
    if not isinstance(name, str) or name not in models:
        raise Refused(404, f"there is no such model; there are {listed}", kind="not_found")
    return models[name]


async def inputs_of_json(given: Mapping[str, Any], served: Served) -> list[Input]:
    """The texts of a request."""
    if served.takes not in ("text", "prompt"):
        raise Refused(
            415, f"the model `{served.name}` takes {served.takes}: send it as `multipart/form-data`"
        )
    texts = given.get("inputs")
    if isinstance(texts, str):
        texts = [texts]
    if not isinstance(texts, list) or not texts:
        raise Refused(422, "`inputs` must be a text or a list of texts")
    _check_count(len(texts), served)
    told = known_fields(given.get("fields", {}), served)
    return [
        text_input(text, served.limits, place=f"inputs[{number}]", given=told)
        for number, text in enumerate(texts)
    ]


async def inputs_of_form(form: FormData, served: Served) -> list[Input]:
    """The uploads of a form, in its order, checked before they wait."""
    own = input_files_of(served.opened.parts.adapter) is not None
    if not own and served.takes not in ("audio", "image"):
        raise Refused(415, f"the model `{served.name}` takes {served.takes}: send it as `application/json`")
    files = [value for _, value in form.multi_items() if not isinstance(value, str)]
    if not files:
        raise Refused(422, "the form holds no `file`")
    _check_count(len(files), served)
    found = []
    for number, file in enumerate(files):
        data = await file.read()
        if own:
            given = _given(form, served)
            read = partial(file_input, data, served, number=number, name=file.filename or "", given=given)
            found.append(await run_in_threadpool(read))
            continue
        found.append(upload_input(data, served, number=number))
        check = check_audio if served.takes == "audio" else check_image
        await run_in_threadpool(check, data, served)
    return found


def _given(form: FormData, served: Served) -> dict[str, str]:
    """What the form's other fields say of every upload: the class of a field of the run, such as
    ``category``.
    """
    told = {name: value for name, value in form.multi_items() if isinstance(value, str) and name != "model"}
    return known_fields(told, served)


def known_fields(told: object, served: Served) -> dict[str, str]:
    """What a request says of further fields, such as the ``speaker``; raises ``Refused`` for a field that the
    run does not have.
    """
    if not isinstance(told, dict) or not all(isinstance(value, str) for value in told.values()):
        raise Refused(422, "`fields` must be an object of texts")
    strange = next((name for name in told if name not in served.opened.predictor.classes), None)
    if strange is not None:
        raise Refused(422, f"there is no field `{strange[:40]}`")
    for name, value in told.items():
        require_whole(value, place=f"the field `{name}`")
    return told


def _check_count(count: int, served: Served) -> None:
    if count > served.limits.max_inputs:
        raise Refused(413, f"a request may have {served.limits.max_inputs:,} inputs, and this has {count:,}",
                      kind="too_large")  # fmt: skip


def number_of(
    given: Mapping[str, Any], name: str, *, default: float, low: float, high: float, whole: bool = False
) -> Any:
    """A number of a request within bounds."""
    value = given.get(name, default)
    kinds = (int,) if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
        kind = "a whole number" if whole else "a number"
        raise Refused(422, f"`{name}` must be {kind} from {low:g} to {high:g}")
    return value
