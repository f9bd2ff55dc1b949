"""The data dictionary is what `planning/tables.py` says."""

from pathlib import Path

from planning.tables import INPUT_TABLES, RESULT_TABLES, describe

README = Path(__file__).parents[2] / "data" / "README.md"


def dictionary() -> str:
    """The text that data/README.md must hold: `python -m tests.data.test_dictionary` writes it."""
    return (
        "# The data dictionary\n\n"
        "Made from `planning/tables.py`. Required columns stand in bold. Identifiers are kept to the letter;\n"
        "quantities are units, dates are local dates, money carries no currency sign, fractions are 0 to 1.\n\n"
        "## What goes in\n\n" + describe(INPUT_TABLES) + "\n## What comes out\n\n" + describe(RESULT_TABLES)
    )


def test_the_data_dictionary_is_the_contract():
    assert README.read_text(encoding="utf-8") == dictionary()


if __name__ == "__main__":
    README.write_text(dictionary(), encoding="utf-8")
