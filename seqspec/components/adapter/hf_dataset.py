"""Reader of Hugging Face datasets on disk, by ``pyarrow`` alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from seqspec.components.adapter._arrow import arrow_rows, top_columns
from seqspec.components.adapter._delimited import columns_of
from seqspec.components.adapter._table import Row, nested, synthetic_rows
from seqspec.components.adapter._table_adapter import TableAdapter
from seqspec.components.adapter._write import write_lines
from seqspec.data.corpus.adapter import Listing
from seqspec.data.corpus.optional_packages import require
from seqspec.data.printable import show
from seqspec.schema.adapter._adapter import patterns
from seqspec.schema.adapter.hf_dataset import HfDatasetConfig
from seqspec.schema.diagnostic import DataError


class HfDataset(TableAdapter[HfDatasetConfig]):
    """Rows in the order of the shards that ``state.json`` lists."""

    def tables(self, split: str) -> Iterator[Path]:
        for folder in self._folders(split):
            yield from self._shards(folder)

    def listing(self, split: str) -> Listing:
        states = [folder / "state.json" for folder in self._folders(split)]
        held = super().listing(split)
        return Listing([*states, *held.tables], held.named)

    def _folders(self, split: str) -> list[Path]:
        names = patterns(self.config.splits[split])
        folders = [self.root if name == "." else self.root / name for name in names]
        for folder in folders:
            if not (folder / "state.json").is_file():
                raise self.missing(
                    f"split `{split}`: there is no saved dataset in `{show(folder)}` (no state.json)"
                )
        return folders

    def _shards(self, folder: Path) -> list[Path]:
        state = folder / "state.json"
        try:
            held = json.loads(state.read_bytes())
            listed = [entry["filename"] for entry in held["_data_files"]]
            shuffled = bool(held.get("_indices_data_files") or held.get("_indices_files"))
            shards = [self.inside(str(name), below=folder) for name in listed]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise DataError(
                "the file is no state of a dataset", corpus=self.corpus, file=show(state)
            ) from None
        if shuffled:
            message = "the dataset was saved with a selection of its rows beside it"
            help = "save it again after `flatten_indices()`"
            raise DataError(message, corpus=self.corpus, file=show(state), help=help)
        for name, shard in zip(listed, shards, strict=True):
            if shard is None or not shard.is_file():
                raise DataError(
                    f"there is no shard `{show(str(name)[:100])}`", corpus=self.corpus, file=show(state)
                )
        return [shard for shard in shards if shard is not None]

    def rows(self, path: Path) -> Iterator[Row]:
        arrow = require("pyarrow", extra="parquet", corpus=self.corpus)
        try:
            with arrow.memory_map(str(path)) as mapped:
                file = mapped.read_buffer()
                with arrow.ipc.open_stream(file) as stream:
                    schema = stream.schema
                    columns = top_columns(columns_of(self.config), schema.names, path, self.corpus)
                    batches = (batch.select(columns) for batch in stream)
                    yield from arrow_rows(batches, path, config=self.config, schema=schema, file=file)
        except (arrow.ArrowException, OSError) as error:
            reason = show(str(error).splitlines()[0])[:200]
            raise DataError(
                f"the shard is no sound Arrow stream: {reason}", corpus=self.corpus, file=show(path)
            ) from None

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        arrow = require("pyarrow", extra="parquet", corpus=self.corpus)
        for path, rows in synthetic_rows(self.config, folder, count=count, seed=seed):
            path.mkdir(parents=True, exist_ok=True)
            table = arrow.Table.from_pylist([nested(row) for row in rows])
            shard = "data-00000-of-00001.arrow"
            with (
                arrow.OSFile(str(path / shard), "wb") as file,
                arrow.ipc.new_stream(file, table.schema) as stream,
            ):
                stream.write_table(table, max_chunksize=64)
            write_lines(
                path / "state.json", [json.dumps({"_data_files": [{"filename": shard}], "_split": path.name})]
            )
            write_lines(
                path / "dataset_info.json", [json.dumps({"description": "synthetic", "features": {}})]
            )
