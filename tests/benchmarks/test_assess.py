"""The yardstick of one person's assessment gives the same colours as the rule book."""

from benchmarks.assess import AT, DAYS, FACTS, RISK, by_hand, differences, hangzhou, people
from bot.core.assess import assess


def test_chain_of_ifs_gives_the_colour_of_the_rule_book() -> None:
    assert differences(hangzhou(), people(300, seed=5)) == 0


def test_people_have_as_many_facts_and_days_as_they_should() -> None:
    some = people()
    assert all(len(one.facts) == FACTS and DAYS - 1 <= len(one.punch_in_days) <= DAYS for one in some)


def test_people_reach_every_colour_that_is_decided() -> None:
    found = {assess(one, hangzhou(), RISK, AT).colour.value for one in people(200)}
    assert found >= {"green", "yellow", "red"}
    assert found == {by_hand(one, RISK, AT) for one in people(200)}
