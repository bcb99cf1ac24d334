"""Short ways to a tree and to what is wrong with a text."""

from seqspec.compile.parse.parse import parse_text
from seqspec.schema.diagnostic import SpecError
from seqspec.schema.source import Source


def tree(text, language="yaml", name="spec.yaml"):
    return parse_text(Source(name, text), language=language)


def mistakes(action, *args, **kwargs):
    """The diagnostics that ``action`` raises, in order; none where it raises nothing."""
    try:
        action(*args, **kwargs)
    except SpecError as error:
        return error.diagnostics
    return ()


def codes(text, language="yaml"):
    return [d.code for d in mistakes(tree, text, language)]
