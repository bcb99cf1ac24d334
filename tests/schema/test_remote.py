"""Addresses that a corpus can be read from."""

import pytest

from seqspec.schema.remote import scheme_of, unfit


@pytest.mark.parametrize(
    ("address", "scheme"),
    [
        ("s3://b/f", "s3"),
        ("GS://b/f", "gs"),
        ("hf://datasets/a/b", "hf"),
        ("hdfs://b", None),
        ("/s3:/b", None),
        ("", None),
    ],
)
def test_schemes(address, scheme):
    assert scheme_of(address) == scheme


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("s3://key:secret@bucket/f", "no user, key or query"),
        ("https://example.org/f?token=1", "no user, key or query"),
        ("s3:///f", "names no bucket"),
        ("https://example.org/wmt.tgz", "is a file"),
    ],
)
def test_what_is_wrong_with_an_address(address, words):
    assert words in unfit(address)[0]


def test_a_plain_address_is_fit():
    assert unfit("s3://bucket/folder") is None
