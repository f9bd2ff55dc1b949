"""What can be wrong with an input, said so that a person can mend it."""


class PlanningError(Exception):
    """Base of every fault that is the input's, not the program's: shown to people as it is."""


class ParameterError(PlanningError):
    """A parameter is unknown, of the wrong type, or out of its range."""


class InputError(PlanningError):
    """A table, column or file is missing or cannot be read."""


class NothingToPlanError(PlanningError):
    """The input is valid but holds nothing that could be planned."""
