"""Object stores by their addresses, through fsspec: opened, tried again where the network failed, and every
failure told in one message with its remedy.  Credentials come from the environment alone.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from seqspec.schema.diagnostic import Exit, RunError
from seqspec.schema.remote import STORES

ATTEMPTS = 3
PAUSE_SECONDS = 0.5
"""Before the second attempt; doubled before the third."""

T = TypeVar("T")

# Numbers stand by themselves: a port or a size may hold the same digits.
_CREDENTIALS = re.compile(
    r"Credential|AccessDenied|Forbidden|Unauthorized|InvalidAccessKeyId|Signature|\b40[13]\b"
)


def opened(address: str) -> tuple[Any, str]:
    """The file system at an address whose scheme is known, and the address's path there.

    Raises ``RunError`` with exit code 2 where a package is missing, with 5 where the store refuses.
    """
    try:
        import fsspec.core

        store, root = fsspec.core.url_to_fs(address, use_listings_cache=False, skip_instance_cache=True)
    except ImportError:
        known = STORES.get(scheme(address))
        needed = f"packages fsspec and {known.package}" if known else "package fsspec"
        raise RunError(f"`{address}` needs the {needed}", exit=Exit.USAGE,
                       help="pip install 'seqspec-compiler[remote]'") from None  # fmt: skip
    except Exception as error:  # each store has its own errors
        refused(error, address)
    return store, str(root)


def scheme(address: str) -> str:
    """What stands before ``://``, in small letters."""
    return address.partition("://")[0].lower()


def tried(work: Callable[[], T], address: str) -> T:
    """``work``, again after a pause where the network failed.

    ``FileNotFoundError`` is passed on: what it means, the caller knows.
    """
    for attempt in range(ATTEMPTS):
        try:
            return work()
        except (FileNotFoundError, PermissionError, RunError) as error:
            if isinstance(error, PermissionError):
                refused(error, address)
            raise
        except Exception as error:  # each store has its own errors
            if attempt == ATTEMPTS - 1 or _of_credentials(error):
                refused(error, address)
            time.sleep(PAUSE_SECONDS * 2**attempt)
    raise AssertionError


def written(work: Callable[[], object], address: str) -> None:
    """``work``, which writes below ``address``; raises ``RunError`` where there is no such bucket."""
    try:
        tried(work, address)
    except FileNotFoundError as error:
        told = (str(error) or "it is not there").splitlines()[0][:200]
        raise RunError(
            f"nothing can be written to `{address}`: {told}",
            exit=Exit.STORAGE,
            help="make the bucket or the folder, or correct its name; "
            "the same command then goes on where this one was",
        ) from None


def _of_credentials(error: BaseException) -> bool:
    told = f"{type(error).__name__} {error}"
    return isinstance(error, PermissionError) or _CREDENTIALS.search(told) is not None


def refused(error: BaseException, address: str) -> NoReturn:
    """One message for what a store says."""
    variables = STORES[scheme(address)].variables if scheme(address) in STORES else ()
    first = (str(error) or type(error).__name__).splitlines()[0][:200]
    if _of_credentials(error):
        named = ", ".join(variables)
        raise RunError(f"`{address}` does not let this machine in: {first}", exit=Exit.STORAGE,
                       help=f"credentials come from the environment ({named})" if named
                       else "see who may read and write there") from None  # fmt: skip
    endpoint = next((one for one in variables if one.endswith("URL")), None)
    raise RunError(
        f"`{address}` cannot be reached: {first}",
        exit=Exit.STORAGE,
        help="see that the network and the store are up"
        + (f", and that {endpoint} is right" if endpoint and os.environ.get(endpoint) else "")
        + "; the same command then goes on where this one was",
    ) from None
