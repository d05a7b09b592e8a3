"""What opens an address such as s3://bucket/photos: fsspec, with errors in words.

Credentials are the store's own affair: its environment variables and files have them, and no setting does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import fsspec

from auditor.core.errors import ConfigError, first_line

_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs"}
TIMES = ("LastModified", "mtime", "updated", "created")
TAGS = ("ETag", "etag", "generation", "md5Hash", "crc32c")
"""Under which names stores tell when a file was written, and a mark of its content."""


def opened(address: str) -> tuple[Any, str]:
    """What fsspec opens an address with, and the path there.

    Raises:
        ConfigError: what opens such addresses is not installed, or nothing does.
    """
    scheme = address.partition(":")[0]
    try:
        store, path = fsspec.url_to_fs(address)
    except ImportError as error:
        extra = _EXTRAS.get(scheme)
        needed = f'pip install "auditor[{extra}]"' if extra else first_line(error)
        raise ConfigError(f"{address}: what opens {scheme}:// is not installed; {needed}") from error
    except Exception as error:  # each store has errors of its own
        raise ConfigError(f"{address} is no address that fsspec opens: {first_line(error)}") from error
    return store, path


@contextmanager
def as_os_errors() -> Iterator[None]:
    """Make an OSError of whatever a store raises, which may be errors of its client, of the network or of a login."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise OSError(f"{type(error).__name__}: {first_line(error)}") from error


def told(info: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    """The first of these that a store tells of a file; None: none of them."""
    return next((str(info[name]) for name in names if info.get(name)), None)
