"""Tables of MAESTRO's versions."""

from __future__ import annotations

import csv
import json

from tests.components.adapter.cases import reader, synthetic


def test_the_tables_of_all_versions_list_the_same_pieces(tmp_path):
    expected = [record["id"] for record in synthetic("maestro", tmp_path, count=3).examples("train")]
    (table,) = tmp_path.rglob("maestro-v3.0.0.csv")
    rows = list(csv.DictReader(table.read_text("utf-8").splitlines()))
    columns = {name: {str(number): row[name] for number, row in enumerate(rows)} for name in rows[0]}
    table.unlink()

    for held in (columns, rows):
        table.with_suffix(".json").write_text(json.dumps(held), "utf-8")

        assert [record["id"] for record in reader("maestro", tmp_path).examples("train")] == expected
