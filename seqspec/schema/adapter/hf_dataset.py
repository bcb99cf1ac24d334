"""Datasets that Hugging Face ``datasets`` saved with ``save_to_disk``: Lhoest et al. (2021),
arXiv:2109.02846.
"""

from seqspec.schema.adapter._table import TableConfig


class HfDatasetConfig(TableConfig):
    """Read ``<split>/data-*.arrow`` as Arrow streams (needs extra ``parquet``); no script and no Python of
    a dataset is run.

    Classes have the names that the dataset gives their numbers; images and audio that it holds itself are
    read from it.  A split's name is the folder that holds its ``state.json``, or ``.`` where the corpus
    folder itself does.
    """
