"""What is kept of a folder's tokenizer: ``tokenizer.json``, its special ids and how many rows there are."""

from __future__ import annotations

import json
from typing import NamedTuple

from seqspec.schema.diagnostic import DataError

NO_TOKENIZER = "SQ450"


class HFArtifact(NamedTuple):
    """Plain data, kept as JSON."""

    tokenizer: str
    """The text of ``tokenizer.json``."""
    special: tuple[int, int, int, int]
    """The folder's ids of padding, unknown, begin and end; -1 where it has none."""
    rows: int
    """Ids of the folder's model, or of its tokenizer where there is no model."""
    about: str = ""
    """``tokenizer_config.json`` of a folder whose words are found before its pieces; empty of others."""

    def dump(self) -> bytes:
        """As a run keeps it."""
        held = {name: value for name, value in self._asdict().items() if name != "about" or value}
        return json.dumps(held, ensure_ascii=False, sort_keys=True).encode()

    @classmethod
    def parse(cls, data: bytes) -> HFArtifact:
        """What ``dump`` wrote.  Raises ``DataError``."""
        try:
            found = json.loads(data)
            (pad, unknown, begin, end), rows = map(int, found["special"]), int(found["rows"])
            return cls(str(found["tokenizer"]), (pad, unknown, begin, end), rows, str(found.get("about", "")))
        except (ValueError, KeyError, TypeError):
            help = "run `seqspec data prepare` again"
            raise DataError("this is no tokenizer of a folder", help=help, code=NO_TOKENIZER) from None
