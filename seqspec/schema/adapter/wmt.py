"""WMT news translation: Bojar et al. (2014), "Findings of the 2014 Workshop on Statistical Machine
Translation"; statmt.org.
"""

from seqspec.schema.adapter._adapter import AdapterConfig, Download, Language, Splits
from seqspec.schema.config import Mismatch
from seqspec.schema.types import Text, Type


class WmtConfig(AdapterConfig):
    """Read the shared task's files in the forms in which they are published, told apart by their names.

    ``name.{language}`` are two aligned files, ``….de-en.tsv.gz`` two columns in the order of the pair in the
    name, and ``name-{side}.{language}.sgm`` the two SGML files of a test set, with ``src`` and ``ref`` for
    ``{side}``.
    """

    source_language: Language
    """Language that the model reads; also fills ``{language}``."""
    target_language: Language
    """Language that the model learns to give; also fills ``{language}``."""
    splits: Splits
    """Files of each split below ``root``, read one after the other."""

    def roles(self) -> dict[str, Type]:
        for name in self._names():
            if (".sgm" in name) != ("{side}" in name) or (".sgm" in name and "{language}" not in name):
                message = f"`{name}`: test sets, and they alone, differ in `{{side}}` and `{{language}}`"
                example = "write `newstest2014-deen-{side}.{language}.sgm`, for example"
                raise Mismatch(message, at=("splits",), help=example)
        return {"source": Text(self.source_language), "target": Text(self.target_language)}

    def downloads(self) -> tuple[Download, ...]:
        return tuple(
            download for key, download in _PUBLISHED.items() if any(key in name for name in self._names())
        )

    def _names(self) -> list[str]:
        return [
            name for value in self.splits.values() for name in ([value] if isinstance(value, str) else value)
        ]


_ADDRESS = "https://www.statmt.org"
_PUBLISHED = {
    "commoncrawl": Download(f"{_ADDRESS}/wmt13/training-parallel-commoncrawl.tgz", "918 MB"),
    "europarl-v7": Download(f"{_ADDRESS}/wmt13/training-parallel-europarl-v7.tgz", "658 MB"),
    "news-commentary-v9": Download(f"{_ADDRESS}/wmt14/training-parallel-nc-v9.tgz", "80 MB"),
    "newstest2014": Download(f"{_ADDRESS}/wmt14/test-full.tgz", "4 MB"),
    "newstest2013": Download(f"{_ADDRESS}/wmt14/dev.tgz", "20 MB"),
}
