"""Reader of Hugging Face datasets on disk, by ``pyarrow`` alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from seqspec.components.adapter._arrow import arrow_rows, top_columns
from seqspec.components.adapter._delimited import columns_of
from seqspec.components.adapter._table import (
    Row,
    nested,
    synthetic_rows,
    table_audio,
    table_records,
    table_splits,
)
from seqspec.components.adapter._write import write_lines
from seqspec.data.adapter import Adapter
from seqspec.data.audio import AudioReader
from seqspec.data.extras import require
from seqspec.data.lines import show
from seqspec.data.record import BadRow, Record
from seqspec.schema.adapter.hf_dataset import HfDatasetConfig
from seqspec.schema.adapter_config import patterns
from seqspec.schema.diagnostic import DataError


class HfDataset(Adapter[HfDatasetConfig]):
    """Rows in the order of the shards that ``state.json`` lists."""

    def splits(self) -> tuple[str, ...]:
        return table_splits(self.config)

    def audio(self) -> AudioReader | None:
        return table_audio(self.config, self.corpus)

    def files(self, split: str) -> Iterator[Path]:
        for folder in self._folders(split):
            yield folder / "state.json"
            yield from self._shards(folder)

    def examples(self, split: str) -> Iterator[Record | BadRow]:
        for folder in self._folders(split):
            for shard in self._shards(folder):
                yield from table_records(self, shard, self._rows(shard))

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

    def _rows(self, shard: Path) -> Iterator[Row]:
        arrow = require("pyarrow", extra="parquet", corpus=self.corpus)
        try:
            with arrow.memory_map(str(shard)) as mapped:
                file = mapped.read_buffer()
                with arrow.ipc.open_stream(file) as stream:
                    schema = stream.schema
                    columns = top_columns(columns_of(self.config), schema.names, shard, self.corpus)
                    batches = (batch.select(columns) for batch in stream)
                    yield from arrow_rows(batches, shard, config=self.config, schema=schema, file=file)
        except (arrow.ArrowException, OSError) as error:
            reason = show(str(error).splitlines()[0])[:200]
            raise DataError(
                f"the shard is no sound Arrow stream: {reason}", corpus=self.corpus, file=show(shard)
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
