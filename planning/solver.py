"""The one place that names a solver, its limits and what its answers mean."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pulp

GAP = 1e-6
NODES = 20_000
_FEASIBLE = 2


@dataclass(frozen=True)
class Outcome:
    """How a solve ended: status, objective, proven gap.

    status : "optimal"; "within_gap": as close to it as was asked; "node_limit": the best that was found; "infeasible":
        nothing was found; "not_needed" or "fair_share": nothing was solved.
    gap : (objective - bound) / objective, inf where there is no bound.
    """

    status: str
    objective: float
    gap: float

    def to_dict(self) -> dict[str, object]:
        """Return the outcome as it stands in summary.json."""
        return {"status": self.status, "objective": round(self.objective, 6), "gap": round(self.gap, 9)}


class _Counted(pulp.HiGHS):  # type: ignore[misc]
    """HiGHS with what PuLP 3.3 does not pass on: an answer to start from, and the limit of nodes as an ending."""

    start: Mapping[str, float] | None = None

    def callSolver(self, lp: pulp.LpProblem) -> None:  # noqa: N802
        """Start from the answer told and run."""
        if self.start is not None:
            # Filled in by place, and completed by the solver where a variable is not told.
            known = [(v.index, self.start[v.name]) for v in lp.variables() if v.name in self.start]
            places, values = zip(*known, strict=True)
            lp.solverModel.setSolution(len(known), np.array(places, np.int32), np.array(values, float))
        lp.solverModel.run()

    def findSolutionValues(self, lp: pulp.LpProblem) -> tuple[int, int]:  # noqa: N802
        """Read the answer; a stop at the limit of nodes, which PuLP has no name for, is told apart by what it found."""
        try:
            found: tuple[int, int] = super().findSolutionValues(lp)
        except KeyError:
            if lp.solverModel.getInfo().primal_solution_status == _FEASIBLE:
                return pulp.LpStatusOptimal, pulp.LpSolutionIntegerFeasible
            return pulp.LpStatusNotSolved, pulp.LpSolutionNoSolutionFound
        return found


def solve(
    problem: pulp.LpProblem,
    *,
    nodes: int = NODES,
    gap: float = GAP,
    start: Mapping[str, float] | None = None,
    relaxed: bool = False,
) -> Outcome:
    """Solve with HiGHS on one thread, by a counted limit of nodes, so that the same model has the same answer.

    Parameters
    ----------
    nodes : most nodes of the search.
    gap : the search may end this close to the bound.
    start : values of variables by name, of an answer to begin with.
    relaxed : let whole numbers be fractions: the objective is then a bound of the whole model's.
    """
    solver = _Counted(mip=not relaxed, msg=False, threads=1, gapRel=gap, mip_max_nodes=nodes, random_seed=0)
    solver.start = start
    problem.solve(solver)
    if problem.sol_status not in (pulp.LpSolutionOptimal, pulp.LpSolutionIntegerFeasible):
        return Outcome("infeasible", 0.0, 0.0)
    info = getattr(problem.solverModel, "getInfo", lambda: None)()
    objective = float(pulp.value(problem.objective) or 0.0)
    found = float(getattr(info, "mip_gap", 0.0) or 0.0)
    ended = problem.sol_status == pulp.LpSolutionOptimal
    if found <= GAP * 10 or (ended and (found != found or found == float("inf"))):
        return Outcome("optimal", objective, 0.0)
    return Outcome("within_gap" if ended and gap > GAP else "node_limit", objective, found)
