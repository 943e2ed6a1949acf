"""Which handler stands behind which name."""

from services.running.effects import Handlers
from services.staff import Staff
from services.work import checking, scheduling
from services.work.checking import Judge
from services.work.drafting import Drafter, Taker
from services.work.planning import Planner


def handlers(staff: Staff, alias: str) -> Handlers:
    planner, drafter, judge = Planner(staff, alias), Drafter(staff, alias), Judge(staff, alias)
    return {
        "plan@1": planner.plan,
        "replan@1": planner.replan,
        "schedule@1": scheduling.schedule,
        "report@1": scheduling.report,
        "draft@1": drafter.draft,
        "take_in@1": Taker().take_in,
        "rules@1": checking.rules,
        "judge@1": judge.judge,
    }
