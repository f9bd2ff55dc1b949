"""The passphrase by which planners sign in to a hosted server: only a salted hash of it is kept, slow to guess.

scrypt with N = 2^15, r = 8, p = 3, one of the equivalent settings of the OWASP Password Storage Cheat Sheet; it takes
32 MB and about a third of a second. A length of 15 or more is what NIST SP 800-63B-4 asks where nothing else is asked.
"""

import base64
import binascii
import hashlib
import hmac
import os
import re
import secrets
import sys
import threading
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from planning.errors import InputError

SHORTEST, LONGEST = 15, 1_000
"""Characters of a passphrase."""
FEWEST_LETTERS = 6
"""A passphrase has at least so many different characters."""

LOG_N, BLOCK, LANES = 15, 8, 3
SALT_BYTES, HASH_BYTES = 16, 32
MOST_MEMORY = 256 * 1024**2
"""A hash that asks for more than this is none: whoever writes it would stop the server."""

LEAST_PRIORITY = 19

FORM = re.compile(r"scrypt:(\d{1,2}):(\d{1,2}):(\d{1,2}):([\w-]{22}):([\w-]{43})", re.ASCII)
"""scrypt : log2 N : r : p : salt : hash. No character of it means anything to a shell or a compose file."""


def checked(passphrase: str) -> str:
    """Return a new passphrase as it is hashed.

    Raises
    ------
    InputError : it is too short, too long or too plain.
    """
    told = _spelled(passphrase)
    if not SHORTEST <= len(told) <= LONGEST:
        msg = f"the passphrase has {len(told):,} characters: give {SHORTEST} to {LONGEST:,}, several words for example"
        raise InputError(msg)
    if len(set(told)) < FEWEST_LETTERS:
        msg = f"the passphrase repeats fewer than {FEWEST_LETTERS} characters: take several words"
        raise InputError(msg)
    return told


def hashed(passphrase: str) -> str:
    """Return the hash of a new passphrase, for the secrets of the server; each time another, as the salt is new.

    Raises
    ------
    InputError : it is too short, too long or too plain.
    """
    salt = secrets.token_bytes(SALT_BYTES)
    made = _scrypt(checked(passphrase), salt, LOG_N, BLOCK, LANES)
    return f"scrypt:{LOG_N}:{BLOCK}:{LANES}:{_letters(salt)}:{_letters(made)}"


def is_hash(text: str | None) -> bool:
    """Tell whether this is a hash that `hashed` may have made."""
    return _read(text) is not None


def matches(passphrase: str, kept: str | None) -> bool:
    """Tell whether this is the passphrase of that hash; in the same time whether it is or not.

    Other threads run on meanwhile: the hashing lets go of the interpreter, and takes what they leave of the cores.
    """
    read = _read(kept)
    if read is None or len(passphrase) > LONGEST:
        return False
    log_n, block, lanes, salt, wanted = read
    with ThreadPoolExecutor(1, initializer=_stand_back) as aside:
        made = aside.submit(_scrypt, _spelled(passphrase), salt, log_n, block, lanes).result()
    return hmac.compare_digest(made, wanted)


def _stand_back() -> None:
    """Let whoever works on go first. There is no way back: only for a thread that ends."""
    # Elsewhere than on Linux a thread has no priority of its own that could be set by this.
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LEAST_PRIORITY)


def _read(text: str | None) -> tuple[int, int, int, bytes, bytes] | None:
    found = FORM.fullmatch((text or "").strip())
    if found is None:
        return None
    log_n, block, lanes = (int(found[n]) for n in (1, 2, 3))
    if not (log_n >= LOG_N and block >= BLOCK and 1 <= lanes <= 16 and 128 * block * 2**log_n <= MOST_MEMORY):
        return None
    try:
        return log_n, block, lanes, _bytes(found[4]), _bytes(found[5])
    except (binascii.Error, ValueError):
        return None


def _scrypt(told: str, salt: bytes, log_n: int, block: int, lanes: int) -> bytes:
    room = 128 * block * (2**log_n + lanes + 2) + 1024**2
    word = told.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(word, salt=salt, n=2**log_n, r=block, p=lanes, maxmem=room, dklen=HASH_BYTES)


def _spelled(passphrase: str) -> str:
    """Return the same text for what looks the same, however the keyboard made it."""
    return unicodedata.normalize("NFKC", passphrase)


def _letters(payload: bytes) -> str:
    return base64.urlsafe_b64encode(payload).decode().rstrip("=")


def _bytes(letters: str) -> bytes:
    return base64.urlsafe_b64decode(letters + "=" * (-len(letters) % 4))
