"""Which handler stands behind which name."""

from services.running.effects import Handlers
from services.staff import Staff
from services.work import scheduling
from services.work.checking import Judge
from services.work.choosing import Choosing
from services.work.conversing import Conversing
from services.work.drafting import Drafter, Taker
from services.work.planning import Known, Planner
from services.work.steps import Steps
from services.work.tools import Tools


def handlers(
    staff: Staff, choosing: Choosing, tools: Tools, conversing: Conversing, workflows: Known = dict
) -> Handlers:
    """`workflows` gives the ways of working that there are now."""
    steps = Steps(staff, choosing, tools)
    planner, drafter, judge = Planner(staff, choosing, workflows), Drafter(staff, choosing), Judge(staff, choosing)
    return {
        "plan@1": planner.plan,
        "replan@1": planner.replan,
        "schedule@1": scheduling.schedule,
        "report@1": scheduling.report,
        "draft@1": drafter.draft,
        "craft@1": drafter.craft,
        "take_in@1": Taker().take_in,
        "rules@1": judge.rules,
        "judge@1": judge.judge,
        "agent@1": steps.agent,
        "model@1": steps.model,
        "gate@1": steps.gate,
        "route@1": steps.route,
        "transform@1": steps.transform,
        "tool@1": steps.tool,
        "look@1": conversing.look,
        "remember@1": conversing.remember,
        "propose@1": conversing.propose,
        "converse@1": conversing.converse,
    }
