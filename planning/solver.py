"""The one place that names a solver, its limits and what its answers mean."""

from dataclasses import dataclass

import pulp

GAP = 1e-6
NODES = 20_000


@dataclass(frozen=True)
class Outcome:
    """How a solve ended: "optimal", "node_limit", "infeasible", "not_needed" or "fair_share"; objective; proven gap."""

    status: str
    objective: float
    gap: float

    def to_dict(self) -> dict[str, object]:
        """Return the outcome as it stands in summary.json."""
        return {"status": self.status, "objective": round(self.objective, 6), "gap": round(self.gap, 9)}


def solve(problem: pulp.LpProblem, *, nodes: int = NODES) -> Outcome:
    """Solve with HiGHS on one thread, by a counted limit of nodes, so that the same model has the same answer."""
    solver = pulp.HiGHS(msg=False, threads=1, gapRel=GAP, mip_max_nodes=nodes, random_seed=0)
    problem.solve(solver)
    if problem.sol_status not in (pulp.LpSolutionOptimal, pulp.LpSolutionIntegerFeasible):
        return Outcome("infeasible", 0.0, 0.0)
    info = getattr(problem.solverModel, "getInfo", lambda: None)()
    gap = float(getattr(info, "mip_gap", 0.0) or 0.0)
    proven = gap <= GAP * 10 or gap != gap or gap == float("inf")
    objective = float(pulp.value(problem.objective) or 0.0)
    return Outcome("optimal" if proven else "node_limit", objective, 0.0 if proven else gap)
