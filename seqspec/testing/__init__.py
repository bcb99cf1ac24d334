"""Contract tests for the components of a plugin, for its authors' own test suite.

In a file of the plugin's tests::

    import pytest
    from seqspec import testing

    @pytest.mark.parametrize(("slot", "name"), testing.components("extra"))
    def test_component(slot, name):
        testing.check_component("extra", slot, name)

    def test_plugin():
        testing.check_plugin("extra")
        testing.check_spec("specs/with_mirror.yaml")

    def test_mirror():
        testing.check_encoder("extra", {"type": "mirror", "dim": 8})

``extra`` is the name of the entry point in the group ``seqspec``.  Every function raises ``AssertionError``
with what is wrong.
"""

from seqspec.testing.data_parts import check_adapter, check_schedule, check_tokenizer
from seqspec.testing.losses import check_loss
from seqspec.testing.metrics import check_metric
from seqspec.testing.modules import check_decoder, check_embedding, check_encoder
from seqspec.testing.plugin import check_component, check_plugin, check_spec, components

__all__ = [
    "check_adapter",
    "check_component",
    "check_decoder",
    "check_embedding",
    "check_encoder",
    "check_loss",
    "check_metric",
    "check_plugin",
    "check_schedule",
    "check_spec",
    "check_tokenizer",
    "components",
]
