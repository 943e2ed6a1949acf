"""What a text is about, by rule."""

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import catalogue
from domain.errors import Invalid
from domain.topic import topic_id
from services.topics import MOST, candidates, chosen

MANUAL = (
    "# Lift manual\n\nThe lift carries at most 400 kg. It must be inspected every twelve months by an inspector.",
    "## Emergency brake\n\nThe emergency brake engages at 1.4 m/s. An inspector means a person with a certificate. The "
    "emergency brake must not be released by hand. Inspectors have keys.",
    "## Open questions\n\nIt is not decided who pays the inspector. There is a risk of delay.",
)


def topics(*passages: str) -> dict[str, int]:
    return {topic.label: topic.source for topic in chosen(candidates(passages), 1, {})}


def test_headings_definitions_and_frequent_words_are_topics_with_the_passage_that_shows_them() -> None:
    found = topics(*MANUAL)
    assert found["Lift manual"] == 0 and found["Emergency brake"] == 1 and found["inspector"] == 0
    assert len(found) <= MOST


def test_what_every_report_has_is_no_topic() -> None:
    assert not {label.lower() for label in topics(*MANUAL)} & {"open questions", "questions", "risk", "there", "it"}


def test_the_headings_that_the_team_writes_under_are_no_topics() -> None:
    headings = chain.from_iterable(
        output.headings for profile in catalogue.profiles().values() for output in profile.outputs
    )
    assert topics(*(f"## {heading}\n\nWax." for heading in headings)) == {}


def test_a_word_that_only_stands_in_a_kept_pair_is_no_topic_of_its_own() -> None:
    assert "brake" not in topics(*MANUAL) and "emergency" not in topics(*MANUAL)


def test_forms_of_a_word_are_one_topic_written_as_most_often() -> None:
    assert topics("Deposits were paid. The deposit is returned. A deposit was kept.") == {"deposit": 0}


def test_links_code_and_notices_are_not_looked_at() -> None:
    text = "*Rehearsal: made without rehearsal by rehearsal rules.*\n\n```\nfoobar foobar foobar\n```\n\n[S1] [S1] [S1]"
    assert topics(text, "<script>alert alert</script> https://evil.example/evil/evil evil") == {"alert": 1}


def test_words_that_only_join_or_report_are_no_topics() -> None:
    text = "Without VAT. The offer excluded VAT; added later without VAT. Excluded again, added again. Ohne und ohne."
    assert not set(topics(text)) & {"without", "excluded", "added", "again", "ohne", "later"}


def test_what_many_artifacts_have_already_comes_last() -> None:
    found = candidates(["Honey and honey and honey. Wax and varroa, varroa."])
    assert [topic.label for topic in chosen(found, 10, {})] == ["honey", "varroa"]
    assert [topic.label for topic in chosen(found, 10, {topic_id("honey"): 10})] == ["varroa", "honey"]


def test_no_text_has_no_topics() -> None:
    assert topics() == topics("", " \n ", "1 2 3 4 5 5 5") == {}


@pytest.mark.parametrize(
    ("label", "id"),
    [("Emergency brake", "topic/emergency-brake"), ("  Ünïcode/..\n", "topic/ünïcode"), ("蜜蜂", "topic/蜜蜂")],
)
def test_an_id_is_made_of_the_label(label: str, id: str) -> None:
    assert topic_id(label) == topic_id(label.upper()) == id


@pytest.mark.parametrize("label", ["", " ", "!?", "___"])
def test_what_has_no_letter_is_no_topic(label: str) -> None:
    with pytest.raises(Invalid):
        topic_id(label)


@given(st.lists(st.text(max_size=300), max_size=5))
def test_any_text_has_at_most_eight_topics_and_the_same_each_time(passages: list[str]) -> None:
    found = chosen(candidates(passages), 1, {})
    assert len(found) <= MOST and len({topic.id for topic in found}) == len(found)
    assert found == chosen(candidates(passages), 1, {})
    assert all(topic.source < len(passages) for topic in found)


def test_a_long_text_is_looked_at_as_far_as_the_limit() -> None:
    far = ["filler " * 15_000, "Varroa means a mite."]
    assert "Varroa" not in topics(*far)
