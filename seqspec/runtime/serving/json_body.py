"""The JSON of a request's body: what is none is told in words of its own, whatever sent it."""

from __future__ import annotations

import json
from typing import Any

from seqspec.data.json_keys import RepeatedKey, once
from seqspec.runtime.serving.limits import Refused

_LONGEST_NUMBER = 4300
"""Digits of a whole number that Python reads; more take time that grows with their square."""


def parsed(body: bytes) -> Any:
    """The value of a body in UTF-8, with or without a byte-order mark.  Raises ``Refused``."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(400, f"the body is no JSON: it is not UTF-8 from byte {error.start} on") from None
    try:
        return json.loads(text, parse_constant=_no_constant, object_pairs_hook=once)
    except RepeatedKey as twice:
        raise Refused(422, f"the field `{twice.key[:40]}` is given twice") from None
    except RecursionError:
        raise Refused(400, "the JSON is nested too deep") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Refused(400, f"the body is no JSON: {error.msg.lower()} ({where})") from None
    except ValueError:
        raise Refused(400, f"a number in the JSON has more than {_LONGEST_NUMBER:,} digits") from None


def refuse_encoded(encoding: str) -> None:
    """Raises ``Refused`` for a body that is compressed on its way."""
    if encoding.strip().lower() not in ("", "identity"):
        raise Refused(415, f"the body is sent with `content-encoding: {encoding[:30]}`: send it as it is")


def _no_constant(name: str) -> None:
    raise Refused(400, f"the body is no JSON: {name} is no JSON number")
