"""How to write the number that a text was meant to be: units, percentages, clock times, decimal commas."""

from __future__ import annotations

import re
import unicodedata

_METRIC = {"seconds": {"s": 1.0, "sec": 1.0, "ms": 1e-3, "us": 1e-6, "min": 60.0, "h": 3600.0}}
_METRIC["hz"] = {"hz": 1.0, "khz": 1e3}
_METRIC["gigabytes"] = {"gb": 1.0, "gib": 1.0, "mb": 1e-3, "tb": 1e3}
"""What a unit makes of a number, by the last word of the field's name."""

_NUMBER = r"[-+]?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?"


def half_width(text: str) -> str:
    """``text`` in the half-width characters that numbers and YAML are written in."""
    return unicodedata.normalize("NFKC", text).replace("\u2212", "-").strip()


def number_help(written: str, name: str, *, whole: bool = False) -> str | None:
    """What to write for ``written`` in the number field ``name``; ``None`` where nothing is likely."""
    text = half_width(written)
    if text.lower() in ("none", "null", "nil", "~"):
        return "to set nothing, write `null` or leave the key out"
    if whole and text.endswith("%"):
        return f"write the number itself{_unit(name)}, not a share"
    ended = re.fullmatch(rf"({_NUMBER})[,;]", text)
    if ended:
        return f"nothing follows a value: write `{ended.group(1)}`"
    comment = re.fullmatch(rf"({_NUMBER})\s*(?://|#).*", text)
    if comment:
        return f"a comment begins with a blank and a half-width `#`: write `{comment.group(1)}  # …`"
    number = _number(text, name)
    if number is not None:
        return number
    if text != written and re.fullmatch(_NUMBER, text):
        return f"write it in half-width digits: `{text}`"
    if re.fullmatch(rf"\(?{_NUMBER}\)?(?:\s*[-+*/]+\s*{_NUMBER})+", text):
        return "the language does not calculate; write the result"
    if re.fullmatch(r"[-+]?[0-9.]+(?:e[-+]?[0-9]+)?\s*[A-Za-zµ]+", text):
        return f"write the number alone{_unit(name)}"
    return None


def _number(text: str, name: str) -> str | None:
    percent = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*%", text)
    if percent:
        return f"write it as a fraction: `{float(percent.group(1)) / 100:g}`"
    clock = re.fullmatch(r"([0-9]+):([0-5][0-9])(?::([0-5][0-9]))?", text)
    if clock:
        parts = [int(part) for part in clock.groups() if part is not None]
        total = sum(part * 60**power for power, part in enumerate(reversed(parts)))
        return f"clock times are text; write the number `{total}`"
    if re.fullmatch(r"[1-9][0-9]{0,2}(?:[_,][0-9]{3})+", text):
        return f"write the digits alone: `{re.sub('[_,]', '', text)}`"
    if re.fullmatch(r"[-+]?[0-9]+,[0-9]+", text):
        return f"decimals follow a point: `{text.replace(',', '.')}`"
    power = re.fullmatch(r"(?:([0-9.]+)\s*[*x×]\s*)?10\s*(?:\^|\*\*)\s*([-+]?[0-9]{1,3})", text)
    if power:
        return f"write `{power.group(1) or 1}e{int(power.group(2))}`"
    return _with_unit(text, name)


def _with_unit(text: str, name: str) -> str | None:
    """``25ms`` in a field of seconds, ``16kHz`` in one of hertz, ``100k`` anywhere else."""
    match = re.fullmatch(rf"({_NUMBER})\s*([A-Za-zµ]+)", text)
    if match is None:
        return None
    number, unit = float(match.group(1)), match.group(2)
    times = _METRIC.get(name.rpartition("_")[2], {}).get(unit.lower().replace("µ", "u"))
    if times is not None:
        return f"write the number alone{_unit(name)}: `{number * times:g}`"
    metric = {"k": 1e3, "m": 1e6, "g": 1e9}.get(unit.lower())
    return f"write the number in full: `{number * metric:.0f}`" if metric else None


def _unit(name: str) -> str:
    """The unit that the name of the field says."""
    unit = name.rpartition("_")[2]
    if unit in _METRIC:
        return f", in {unit}"
    return f", counted in {unit}" if unit in ("steps", "tokens", "frames", "examples") else ""
