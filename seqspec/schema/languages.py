"""What is known of languages by their BCP 47 codes, or by codes of three letters."""

UNSPACED = frozenset(
    {"ja", "zh", "yue", "wuu", "th", "lo", "km", "my", "bo"}
    | {"jpn", "zho", "chi", "cmn", "tha", "lao", "khm", "mya", "bur", "bod", "tib"}
)
"""Languages that are written without spaces between words."""


def primary(language: str) -> str:
    """The language itself: ``zh`` of ``zh-Hant`` and of ``zh_TW``."""
    return language.replace("_", "-").partition("-")[0].lower()
