"""Versions, their states and stages, and locks."""

from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.artifact import COGNITIVE, SECTIONS, VERSION_MOVES, Artifact, Version, VersionRef, VersionState, stage_of
from domain.criterion import CriterionVerdict, Verdict
from domain.errors import ArtifactLocked, Invalid, RefusedTransition
from domain.qa import Method, QARecord

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ONE, TWO = "sha256:" + "1" * 64, "sha256:" + "2" * 64
SOURCE = VersionRef(artifact_id="art_source", digest=ONE)
KINDS = st.from_regex(r"\A[a-z][a-z_]{0,39}\Z")
STATES: list[VersionState] = ["staged", "published", "discarded"]


def version(
    kind: str = "report",
    derived_from: tuple[VersionRef, ...] = (SOURCE,),
    state: VersionState = "staged",
    number: int | None = None,
    digest: str = ONE,
) -> Version:
    return Version(
        artifact_id="art_1",
        workspace_id="wsp_1",
        project_id="prj_1",
        kind=kind,
        digest=digest,
        media_type="text/markdown",
        size=3,
        made_by="agt_a",
        created_at=NOW,
        run_id="run_1",
        derived_from=derived_from,
        state=state,
        number=number,
    )


def artifact(kind: str = "report", section: str = "synthesis") -> Artifact:
    return Artifact(
        id="art_1",
        workspace_id="wsp_1",
        project_id="prj_1",
        kind=kind,
        section=section,
        title="Report",
        owner_id="usr_1",
        created_at=NOW,
    )


def qa(*verdicts: Verdict, method: Method = "model", digest: str = ONE) -> QARecord:
    return QARecord(
        id="qar_1",
        workspace_id="wsp_1",
        project_id="prj_1",
        artifact_id="art_1",
        digest=digest,
        author="agt_a",
        checked_by="agt_b",
        method=method,
        criteria=tuple(CriterionVerdict(text="It is good", verdict=verdict) for verdict in verdicts),
        at=NOW,
    )


# versions


@given(KINDS.filter(lambda kind: kind not in COGNITIVE))
def test_what_is_not_a_thinking_tool_cannot_exist_without_what_it_was_made_from(kind: str) -> None:
    with pytest.raises(Invalid, match=f"A {kind} must derive from something: name the artifacts that art_1"):
        version(kind=kind, derived_from=())
    assert version(kind=kind).derived_from == (SOURCE,)


@pytest.mark.parametrize("kind", sorted(COGNITIVE))
def test_a_thinking_tool_may_come_from_nothing(kind: str) -> None:
    assert version(kind=kind, derived_from=()).derived_from == ()


def test_a_version_cannot_derive_from_itself_but_from_an_earlier_one() -> None:
    with pytest.raises(Invalid, match="cannot derive from itself"):
        version(derived_from=(VersionRef(artifact_id="art_1", digest=ONE),))
    assert version(derived_from=(VersionRef(artifact_id="art_1", digest=TWO),)).ref.digest == ONE


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("number", [None, 1])
def test_a_version_has_a_number_exactly_when_it_is_published(state: VersionState, number: int | None) -> None:
    if (state == "published") == (number is not None):
        assert version(state=state, number=number).number == number
    else:
        with pytest.raises(Invalid, match="has a number, another has none"):
            version(state=state, number=number)


@pytest.mark.parametrize("old", STATES)
@pytest.mark.parametrize("new", ["published", "discarded"])
def test_only_a_staged_version_moves(old: VersionState, new: VersionState) -> None:
    before = version(state=old, number=1 if old == "published" else None)
    if new in VERSION_MOVES[old]:
        after = before.published(1) if new == "published" else before.discarded()
        assert after == replace(before, state=new, number=1 if new == "published" else None)
        assert before.state == old
    else:
        with pytest.raises(RefusedTransition) as refusal:
            before.published(1) if new == "published" else before.discarded()
        what = f"{old} already" if old == new else f"{old} and cannot become {new}"
        assert str(refusal.value) == f"The version {before.id} is {what}."


@given(st.text(max_size=80))
def test_a_digest_is_a_sha256_and_nothing_else(digest: str) -> None:
    with pytest.raises(ValidationError):
        version(digest=digest)


def test_a_version_refuses_assignment() -> None:
    with pytest.raises(FrozenInstanceError):
        version().digest = TWO  # type: ignore[misc]


# artifacts


@given(st.lists(st.sampled_from([ONE, TWO]), max_size=5))
def test_heads_follow_one_another_by_number(digests: list[str]) -> None:
    made = artifact()
    for number, digest in enumerate(digests, 1):
        made = made.with_head(version(digest=digest, derived_from=(SOURCE,)).published(number))
        assert (made.head, made.digest, made.qa) == (number, digest, None)
    for wrong in (len(digests), len(digests) + 2):
        with pytest.raises(Invalid, match=f"The next version of art_1 is number {len(digests) + 1}"):
            made.with_head(version(state="published", number=max(wrong, 2 - len(digests))))


def test_what_is_not_published_or_is_another_artifacts_does_not_become_the_head() -> None:
    with pytest.raises(Invalid):
        artifact().with_head(version())
    with pytest.raises(Invalid):
        replace(artifact(), id="art_2").with_head(version().published(1))


def test_a_locked_artifact_takes_no_version() -> None:
    locked = replace(artifact(), locked=True)
    with pytest.raises(ArtifactLocked, match="The artifact art_1 is locked; unlock it before changing it"):
        locked.with_head(version().published(1))
    with pytest.raises(ArtifactLocked):
        locked.writable()
    assert artifact().writable() == artifact()


@given(st.lists(st.sampled_from(list[Verdict](["met", "not_met", "unverified"])), min_size=1, max_size=5), st.data())
def test_an_information_product_is_what_a_model_or_a_person_found_good_in_all(
    verdicts: list[Verdict], data: st.DataObject
) -> None:
    method: Method = data.draw(st.sampled_from(list[Method](["rules", "model", "person"])))
    kind = data.draw(st.sampled_from(["report", "plan", "note", "checklist"]))
    made = artifact(kind).with_head(version(kind).published(1), qa(*verdicts, method=method))
    if kind in COGNITIVE:
        assert made.stage == "cognitive"
    elif method != "rules" and set(verdicts) == {"met"}:
        assert made.stage == "information_product"
    else:
        assert made.stage == "intellectual"


def test_an_artifact_that_nobody_checked_is_intellectual() -> None:
    assert stage_of("report", None) == artifact().stage == "intellectual"


def test_a_new_head_is_not_certified_by_the_check_of_the_old_one() -> None:
    first = artifact().with_head(version().published(1), qa("met"))
    second = first.with_head(version(digest=TWO).published(2))
    assert (first.stage, second.stage) == ("information_product", "intellectual")
    with pytest.raises(Invalid, match="The QA record qar_1 is about another version than the head of art_1"):
        second.judged(qa("met", digest=ONE))


def test_a_person_can_certify_what_a_check_left_open() -> None:
    made = artifact().with_head(version().published(1), qa("unverified"))
    assert made.judged(qa("met", method="person")).stage == "information_product"


@given(st.text(max_size=20).filter(lambda name: name not in SECTIONS))
def test_an_artifact_lies_in_a_known_section(name: str) -> None:
    with pytest.raises(Invalid, match="use one of sources, plans"):
        artifact(section=name)
