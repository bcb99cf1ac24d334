"""One array of numbers from a ``.npy`` file that a person hands over."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seqspec.data.printable import show
from seqspec.data.regular_file import NotRegular, require_regular
from seqspec.schema.diagnostic import DataError


def read_array(path: Path, *, dims: tuple[int, ...], told: str) -> NDArray[np.generic]:
    """The array, mapped rather than read.  Raises ``DataError`` where it has none of so many ``dims``, or
    holds no numbers; ``told`` says what it should be.
    """
    try:
        if not require_regular(path).st_size:
            raise _error("the file is empty", path)
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise _error("the file does not exist", path) from None
    except NotRegular as error:
        raise _error(str(error.strerror), path) from None
    except (OSError, ValueError, EOFError):
        raise _error("the file is no array of numpy", path) from None
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "iuf" or array.ndim not in dims:
        shape = f"{array.dtype} {list(array.shape)}" if isinstance(array, np.ndarray) else "an archive"
        raise _error(f"the file holds {shape}, not {told}", path)
    found: NDArray[np.generic] = array
    return found


def _error(message: str, path: Path) -> DataError:
    return DataError(message, file=show(path))
