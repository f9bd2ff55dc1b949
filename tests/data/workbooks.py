"""Workbooks and archives for tests: written here, whole or cut as a bomb would be."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date

import xlsxwriter

Sheets = Mapping[str, Sequence[Sequence[object]]]

_ODS_HEAD = (
    '<?xml version="1.0"?><office:document-content '
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>'
)
_ODS_MANIFEST = (
    '<?xml version="1.0"?><manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
    '<manifest:file-entry manifest:full-path="/" '
    'manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/></manifest:manifest>'
)
_ODS_FOOT = "</office:spreadsheet></office:body></office:document-content>"


def xlsx(sheets: Sheets) -> bytes:
    held = io.BytesIO()
    book = xlsxwriter.Workbook(held, {"in_memory": True})
    dated = book.add_format({"num_format": "dd.mm.yyyy"})
    for name, rows in sheets.items():
        sheet = book.add_worksheet(name)
        for r, row in enumerate(rows):
            for c, cell in enumerate(row):
                if isinstance(cell, date):
                    sheet.write_datetime(r, c, cell, dated)
                elif isinstance(cell, str):
                    sheet.write_string(r, c, cell)
                elif cell is not None:
                    sheet.write(r, c, cell)
    book.close()
    return held.getvalue()


def ods(rows: str) -> bytes:
    """A sheet of OpenDocument with these `<table:table-row>`s."""
    content = f'{_ODS_HEAD}<table:table table:name="Data">{rows}</table:table>{_ODS_FOOT}'
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    return packed({"mimetype": kind, "META-INF/manifest.xml": _ODS_MANIFEST, "content.xml": content})


def ods_row(*cells: object) -> str:
    each = (
        f'<table:table-cell office:value-type="float" office:value="{cell}"/>'
        if isinstance(cell, int | float)
        else f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>'
        for cell in cells
    )
    return f"<table:table-row>{''.join(each)}</table:table-row>"


def packed(files: Mapping[str, str | bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return held.getvalue()


def with_part(payload: bytes, name: str, content: bytes) -> bytes:
    """The same archive with another content in one part."""
    with zipfile.ZipFile(io.BytesIO(payload)) as archive:
        parts = {info.filename: archive.read(info) for info in archive.infolist()}
    return packed(parts | {name: content})
