"""From an adapter's config to its reader."""

from __future__ import annotations

import importlib
from typing import Any

from seqspec.data.corpus.adapter import Adapter
from seqspec.schema.adapter._adapter import AdapterConfig
from seqspec.schema.catalogue import class_name


def build_adapter(config: AdapterConfig) -> Adapter[Any]:
    """The reader in ``components/adapter`` that belongs to the config's file in ``schema/adapter``."""
    module = importlib.import_module(type(config).__module__.replace(".schema.", ".components.", 1))
    adapter: Adapter[Any] = getattr(module, class_name(config.component[1]))(config)
    return adapter
