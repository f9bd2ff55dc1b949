"""What was understood of the dropped files, and what a person said of them: worked out once, kept meanwhile."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from data import service
from data.mapping import Choice
from data.understand import Understanding, understand
from data.upload import Source, unpacked
from pages.components import session
from pages.components.formats import literal
from planning.errors import PlanningError

Choices = dict[str, Choice]
"""By the file's name as shown (a sheet of a workbook has one of its own), what a person says of it."""

MAPPING = "mapping "
"""Before the key of a header, where its mapping is remembered."""

_ZIP = b"PK\x03\x04"


def sources(dropped: Sequence[UploadedFile]) -> dict[str, Source]:
    """The dropped files by an id of their own, archives taken apart; files of one name are told apart."""
    found: dict[str, Source] = {}
    taken: set[str] = set()
    for file in dropped:
        for n, source in enumerate(_parts(file)):
            name, again = source.name, 1
            while name in taken:
                again += 1
                name = f"{source.name} ({again})"
            taken.add(name)
            found[f"{file.file_id}_{n}"] = source if name == source.name else replace(source, name=name)
    return found


def _parts(file: UploadedFile) -> list[Source]:
    whole = Source(file.name, file.getvalue())
    if not file.getvalue().startswith(_ZIP):
        return [whole]
    kept: list[Source] | None = session.kept(f"parts_{file.file_id}")
    if kept is None:
        faults: list[str] = []
        # An archive that cannot be taken apart stands for itself: its fault is told where it is looked at.
        kept = unpacked([whole], faults) or [whole]
        session.keep(f"parts_{file.file_id}", kept)
    return kept


def of(ident: str, source: Source) -> tuple[list[Understanding], Choices]:
    """What a file is taken for and what was said of it; worked out anew only where something else was said."""
    choices: Choices = session.kept(f"choices_{ident}") or {}
    kept = session.kept(f"understood_{ident}")
    if kept is None or kept[0] != choices:
        with st.spinner(f"Looking at {literal(source.name)} …"):
            found = understand([source], choices)
            before = _remembered(found) if kept is None and not choices else {}
        if before:
            session.keep(f"choices_{ident}", before)
            return of(ident, source)
        kept = (choices, found)
        session.keep(f"understood_{ident}", kept)
    return kept[1], choices


def say(ident: str, choices: Choices) -> None:
    """Keep what a person says of a file."""
    session.keep(f"choices_{ident}", choices or None)


def remember(found: Sequence[Understanding], said: Mapping[str, Choice]) -> None:
    """Keep what a person said of a file, for the next file with the same header."""
    for part in found:
        choice = said.get(part.file)
        if choice is not None and choice.table and part.key:
            service.remember(session.visitor(), MAPPING + part.key, choice.as_json())


def forget(idents: Sequence[str]) -> None:
    """Forget what was said and understood of these files."""
    for ident in idents:
        for name in (f"choices_{ident}", f"understood_{ident}", f"parts_{ident.rpartition('_')[0]}"):
            session.keep(name, None)


def _remembered(found: Sequence[Understanding]) -> Choices:
    """What was said of earlier files with these headers, where they are no exports that are known anyway."""
    told: Choices = {}
    for part in found:
        text = service.remembered(session.visitor(), MAPPING + part.key) if part.key and not part.export else None
        try:
            told |= {part.file: Choice.from_json(text)} if text else {}
        except PlanningError:
            continue  # it was kept by another version: the file is guessed anew
    return told
