"""Who may check, what passes, and what certifies."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.criterion import CriterionVerdict, Verdict
from domain.errors import SelfReview
from domain.qa import Method, QARecord

NOW = datetime(2026, 1, 1, tzinfo=UTC)
VERDICTS: list[Verdict] = ["met", "not_met", "unverified"]
METHODS: list[Method] = ["rules", "model", "person"]


def record(*verdicts: Verdict, method: Method = "model", author: str = "agt_a", checked_by: str = "agt_b") -> QARecord:
    return QARecord(
        id="qar_1",
        workspace_id="wsp_1",
        project_id="prj_1",
        artifact_id="art_1",
        digest="sha256:" + "a" * 64,
        author=author,
        checked_by=checked_by,
        method=method,
        criteria=tuple(CriterionVerdict(text=f"C{i}", verdict=v, evidence="seen") for i, v in enumerate(verdicts)),
        at=NOW,
    )


@given(st.lists(st.sampled_from(VERDICTS), min_size=1, max_size=6), st.sampled_from(METHODS))
def test_it_passes_unless_a_criterion_failed_and_certifies_only_what_somebody_found_met(
    verdicts: list[Verdict], method: Method
) -> None:
    qa = record(*verdicts, method=method)
    assert qa.passed == ("not_met" not in verdicts)
    assert qa.verdict == ("passed" if qa.passed else "failed")
    assert qa.certifies == (method in ("model", "person") and set(verdicts) == {"met"})
    assert len(qa.findings) == verdicts.count("not_met")
    assert qa.passed or not qa.certifies


@given(st.lists(st.sampled_from(VERDICTS), min_size=1, max_size=6))
def test_rules_alone_never_certify(verdicts: list[Verdict]) -> None:
    assert not record(*verdicts, method="rules").certifies


@pytest.mark.parametrize("method", METHODS)
def test_a_criterion_that_nobody_verified_does_not_fail_but_does_not_certify(method: Method) -> None:
    qa = record("met", "unverified", method=method)
    assert (qa.passed, qa.certifies, qa.findings) == (True, False, ())


def test_findings_say_what_failed_and_why() -> None:
    assert record("met", "not_met", "unverified").findings == ("C1: seen",)


@given(st.text(min_size=1), st.sampled_from(METHODS))
def test_nobody_checks_their_own_work(who: str, method: Method) -> None:
    with pytest.raises(SelfReview) as refusal:
        record("met", method=method, author=who, checked_by=who)
    assert str(refusal.value) == f"{who} made art_1 and cannot check it; let somebody else do it."


def test_a_check_of_nothing_is_no_check() -> None:
    with pytest.raises(ValidationError):
        record()
