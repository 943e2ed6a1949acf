"""Which tier does which work: the rules that ship, and rules of one's own."""

from typing import Any

import pytest
from pydantic import ValidationError

from adapters.llm.configuration import Models
from config.catalogue import ROUTING
from config.reading import read
from domain.routing import Routing, Rule, Tier, Work

SHIPPED = read(ROUTING, Routing)


def work(**changes: Any) -> Work:
    return Work(**{"agent": "synthesizer", "tier": "large", "purpose": "draft", **changes})


@pytest.mark.parametrize(
    ("changes", "tier"),
    [
        ({}, "large"),
        ({"complexity": "medium"}, "large"),
        ({"complexity": "simple"}, "medium"),
        ({"complexity": "complex"}, "large"),
        ({"tier": "small", "complexity": "complex"}, "medium"),
        ({"tier": "small", "complexity": "simple"}, "small"),
        ({"purpose": "gate", "tier": "medium"}, "small"),
        ({"purpose": "review", "complexity": "simple"}, "large"),
        ({"purpose": "revise", "complexity": "simple", "failed": 1}, "large"),
        ({"purpose": "revise", "tier": "small", "failed": 1}, "medium"),
        ({"tier": "code", "complexity": "simple"}, "code"),
        ({"tier": "code", "text": "Write it and prove that it ends."}, "large"),
        ({"tier": "code", "purpose": "revise", "failed": 1}, "large"),
        ({"tier": "code", "text": "An improved version of the parser."}, "code"),
    ],
)
def test_the_shipped_rules_decide_by_what_is_known_of_the_work(changes: dict[str, Any], tier: str) -> None:
    assert SHIPPED.tier(work(**changes))[0] == tier


def test_each_decision_says_why() -> None:
    assert SHIPPED.tier(work(complexity="simple"))[1] == "synthesizer works with large; a simple task: medium"


@pytest.mark.parametrize(
    "rule",
    [
        {"because": "it decides nothing"},
        {"because": "it decides twice", "tier": "small", "by": 1},
        {"because": "no such tier", "tier": "huge"},
        {"because": "no such word", "tier": "small", "colour": "red"},
    ],
)
def test_a_rule_that_decides_nothing_or_twice_is_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Rule.model_validate(rule)


def models(**more: Any) -> Models:
    names = ("tiny", "main", "big", "coder")
    return Models.model_validate(
        {
            "default": "main",
            "backends": {"box": {"kind": "openai", "base_url": "http://127.0.0.1:9/v1"}},
            "aliases": {name: {"backend": "box", "model": name} for name in names},
            **more,
        }
    )


@pytest.mark.parametrize(
    ("tiers", "tier", "alias"),
    [
        ({}, "large", "main"),
        ({"large": "big"}, "large", "big"),
        ({"large": "big"}, "small", "big"),
        ({"small": "tiny", "large": "big"}, "medium", "big"),
        ({"small": "tiny"}, "code", "tiny"),
        ({"small": "tiny", "code": "coder"}, "code", "coder"),
        ({"small": "tiny", "code": "coder"}, "large", "coder"),
    ],
)
def test_what_no_alias_is_given_for_is_done_by_the_nearest(tiers: dict[str, str], tier: Tier, alias: str) -> None:
    assert models(tiers=tiers).choose(tier, "critic", "prj_1").alias == alias


def test_agents_and_projects_may_have_models_of_their_own() -> None:
    found = models(tiers={"large": "big"}, agents={"critic": {"any": "coder"}}, projects={"prj_1": {"large": "tiny"}})
    assert found.choose("large", "strategist", "prj_2").alias == "big"
    assert found.choose("large", "critic", "prj_2").alias == "coder"
    assert found.choose("large", "critic", "prj_1").alias == "tiny"
    assert "prj_1" in found.choose("large", "critic", "prj_1").reason
