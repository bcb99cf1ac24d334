from __future__ import annotations

import gzip

import pytest

from seqspec.runtime.serving.json_body import parsed, refuse_encoded
from seqspec.runtime.serving.limits import Refused


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "no JSON: expecting value (line 1, column 1)"),
        (b'{"a": 1} x', "extra data (line 1, column 10)"),
        ('{"a": "良い"}'.encode("cp932"), "not UTF-8 from byte 7 on"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8 from byte 0 on"),
        (gzip.compress(b"{}", mtime=0), "not UTF-8"),
        (b'{"a": NaN}', "NaN is no JSON number"),
        (b'{"a": ' + b"9" * 5000 + b"}", "more than 4,300 digits"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"a": {"b": 1, "b": 2}}', "`b` is given twice"),
    ],
)
def test_what_is_no_json_is_told_in_words(body, said):
    with pytest.raises(Refused) as caught:
        parsed(body)

    assert said in caught.value.message


def test_a_mark_of_byte_order_is_no_fault():
    assert parsed(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


def test_a_compressed_body_is_refused_by_its_header():
    refuse_encoded("identity")
    with pytest.raises(Refused, match="content-encoding: gzip"):
        refuse_encoded("gzip")
