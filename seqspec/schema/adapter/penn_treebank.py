"""Penn Treebank: Marcus et al. (1993), Computational Linguistics 19(2); as sequences, Vinyals et al. (2015),
arXiv:1412.7449.
"""

from typing import Literal

from seqspec.schema.adapter._adapter import AdapterConfig
from seqspec.schema.types import Text, Type


class PennTreebankConfig(AdapterConfig):
    """Read the Wall Street Journal's ``wsj/<section>/*.mrg``: the source is a sentence, the target its tree
    as a line of brackets.

    Sections 02–21 are train, 22 is dev and 23 is test.  Traces and the parts of labels after ``-`` and ``=``
    are left out; a tree reads ``(S (NP DT NN )NP (VP VBD )VP )S``.  The corpus is licensed by the LDC.
    """

    tags: Literal["keep", "xx"] = "xx"
    """Leaves of the tree: each word's part of speech, or ``XX`` for all, as Vinyals et al. do."""

    def roles(self) -> dict[str, Type]:
        return {"source": Text("en"), "target": Text("en")}
