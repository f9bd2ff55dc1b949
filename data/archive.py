"""ZIP archives: looked at before they are unpacked, and their members taken out one by one, in memory."""

import re
import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import PurePosixPath

from planning.errors import InputError

MAX_ENTRIES = 2_000
MAX_MEMBERS = 50
MAX_RATIO = 200
"""How many times its packed size a part may have; text of zeros packs to a hundredth."""
SMALL = 10 * 1024**2
"""Bytes that may be unpacked whatever the ratio."""

_ENTRY = b"PK\x01\x02"
_STEP = 1024**2
_LEFT_BY_SYSTEMS = re.compile(r"(?:^|/)(?:__MACOSX/|\.DS_Store$|Thumbs\.db$|desktop\.ini$)")
_WORKBOOKS = ("xl/workbook.xml", "xl/workbook.bin", "content.xml")


def is_workbook(payload: bytes) -> bool:
    """Whether a ZIP archive is an Excel or OpenDocument workbook.

    Raises
    ------
    InputError : never; a damaged archive is none.
    """
    try:
        with zipfile.ZipFile(BytesIO(payload)) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False
    return not names.isdisjoint(_WORKBOOKS)


def check_archive(name: str, payload: bytes, most_bytes: int) -> None:
    """Refuse an archive that would unpack to too much; nothing is unpacked.

    Parameters
    ----------
    name : the file, as shown.
    payload : the archive.
    most_bytes : what all parts together may hold.

    Raises
    ------
    InputError : it is damaged, encrypted, a bomb, or has too many parts.
    """
    if payload.count(_ENTRY) > 2 * MAX_ENTRIES:
        raise InputError(_too_many(name))
    with _opened(name, payload) as archive:
        infos = archive.infolist()
        if len(infos) > MAX_ENTRIES:
            raise InputError(_too_many(name))
        unpacked = sum(info.file_size for info in infos)
        bombs = [i for i in infos if i.file_size > max(SMALL, MAX_RATIO * i.compress_size)]
        if unpacked > most_bytes or bombs:
            msg = (
                f"{name} would unpack to {unpacked:,} bytes from {len(payload):,}; at most {most_bytes:,} and "
                f"{MAX_RATIO} times the packed size are read; split it, or save the table as CSV"
            )
            raise InputError(msg)
        if any(info.flag_bits & 1 for info in infos):
            msg = f"{name} is protected by a password; save it without one"
            raise InputError(msg)


def members(name: str, payload: bytes, most_bytes: int) -> list[tuple[str, bytes]]:
    """Take the files out of an archive.

    Parameters
    ----------
    name, payload, most_bytes : as in `check_archive`.

    Returns
    -------
    For each file its base name and its bytes, in the order of the archive; names are only ever shown.

    Raises
    ------
    InputError : as in `check_archive`; or it is empty, holds too many files, or an archive.
    """
    check_archive(name, payload, most_bytes)
    with _opened(name, payload) as archive:
        infos = [i for i in archive.infolist() if not i.is_dir() and not _LEFT_BY_SYSTEMS.search(i.filename)]
        if not infos:
            msg = f"{name} holds no files; put CSV, Excel or Parquet files into it"
            raise InputError(msg)
        if len(infos) > MAX_MEMBERS:
            msg = f"{name} holds {len(infos):,} files, more than {MAX_MEMBERS}; split it"
            raise InputError(msg)
        found = []
        for info in infos:
            content = b"".join(chunks(name, archive, info))
            base = PurePosixPath(info.filename.replace("\\", "/")).name
            if content[:4] == b"PK\x03\x04" and not is_workbook(content):
                msg = f"{name} holds another archive ({base[:80]!r}); unpack that one and bring its files"
                raise InputError(msg)
            found.append((base, content))
    return found


def chunks(name: str, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """Unpack a part a step at a time; never more than the archive promises.

    Raises
    ------
    InputError : the part is damaged.
    """
    read = 0
    try:
        with archive.open(info) as part:
            while step := part.read(_STEP):
                read += len(step)
                if read > info.file_size:
                    raise InputError(_damaged(name))
                yield step
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError):
        raise InputError(_damaged(name)) from None


def _opened(name: str, payload: bytes) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(BytesIO(payload))
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise InputError(_damaged(name)) from None


def _too_many(name: str) -> str:
    return f"{name} holds more than {MAX_ENTRIES:,} parts; split it, or save the table as CSV"


def _damaged(name: str) -> str:
    return f"{name} is a damaged workbook or archive; save or pack it again"
