"""`new` and `schema` name the place that cannot be written, and what to do."""

from seqspec.compile import commands
from seqspec.schema.diagnostic import Exit


def test_a_place_that_cannot_be_written_is_named_with_the_remedy(tmp_path):
    place = tmp_path / "file" / "out.yaml"
    place.parent.write_text("")

    for outcome in (commands.new("classification", output=place), commands.schema(place)):
        assert outcome.exit is Exit.STORAGE
        assert outcome.error.startswith(f"error: {place} cannot be written: ")
        assert "--output" in outcome.error
