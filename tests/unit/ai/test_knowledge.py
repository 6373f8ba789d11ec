from app.ai import knowledge, wording
from tests.unit.ai.said import PASSAGES, passage


def test_the_entry_that_answers_comes_first() -> None:
    found = knowledge.find(PASSAGES, "how much does a boat tour cost")
    assert found[0].passage.id == "knowledge:2"
    assert found[0].score >= knowledge.ANSWER


def test_other_words_for_the_same_and_typing_errors_still_match() -> None:
    assert (
        knowledge.find(PASSAGES, "is there a place for my car, any parkng")[0].passage.entry_id == 1
    )
    assert knowledge.find(PASSAGES, "are dogs allowed")[0].passage.entry_id == 3


def test_alternates_are_searched() -> None:
    entries = (*PASSAGES, passage(5, "Hire", "Ask at the desk.", "rent a kayak for the day"))
    assert knowledge.find(entries, "I want to rent a kayak")[0].passage.entry_id == 5


def test_a_question_about_something_else_stays_below_the_threshold() -> None:
    for words in ("who is the king of Norway", "what is the weather like", "xyzzy"):
        found = knowledge.find(PASSAGES, words)
        assert not found or found[0].score < knowledge.ASK


def test_nothing_is_found_in_nothing() -> None:
    assert knowledge.find((), "hello") == ()
    assert knowledge.find(PASSAGES, "  ") == ()
    assert knowledge.find(PASSAGES, "the of and") == ()


def test_edited_knowledge_is_another_index() -> None:
    before = (passage(1, "Do you have a sauna?", "Yes."),)
    after = (passage(1, "Do you have a pool?", "Yes."),)
    assert knowledge.find(before, "is there a sauna")
    assert not knowledge.find(after, "is there a sauna")


def test_scores_are_between_nothing_and_one() -> None:
    for match in knowledge.find(PASSAGES, "How much is a boat tour?", 4):
        assert 0.0 <= match.score <= 1.0


def test_the_limit_holds() -> None:
    assert len(knowledge.find(PASSAGES, "do you sell boat tour vouchers for dogs", 2)) <= 2


def test_alike_entries_share_the_chance_so_that_it_is_asked_which() -> None:
    """Either fits well, so neither is told as if it were the one."""
    one = (passage(1, "What does delivery in town cost?", "Five dollars."),)
    both = (*one, passage(2, "What does delivery out of town cost?", "Nine dollars."))
    asked = "what does delivery cost"
    alone, shared = (knowledge.find(entries, asked)[0].score for entries in (one, both))
    assert alone >= knowledge.ANSWER
    assert knowledge.ASK <= shared < alone


def test_many_entries_about_other_things_do_not_drown_the_right_one() -> None:
    others = tuple(
        passage(at, f"Do you sell vouchers of kind {at}?", f"Kind {at} is at the desk.")
        for at in range(10, 400)
    )
    asked = "is there any parking"
    alone = knowledge.find(PASSAGES, asked)[0]
    among = knowledge.find((*PASSAGES, *others), asked)[0]
    assert among.passage == alone.passage
    assert among.score > 0.9 * alone.score


def test_what_only_leads_up_to_a_question_is_not_compared() -> None:
    plain = knowledge.find(PASSAGES, "how much is a boat tour")
    polite = knowledge.find(
        PASSAGES, "Hello there, good morning, I was just wondering how much is a boat tour"
    )
    assert polite[0] == plain[0]
    assert wording.asked("Buenos días, quisiera saber si abren el domingo") == "abren el domingo"
    assert wording.asked("hello there") == "hello there"


def test_half_of_a_short_question_is_worth_asking_and_no_answer() -> None:
    """A shop that sells vouchers need not sell ladders."""
    found = knowledge.find(PASSAGES, "do you sell ladders")
    assert knowledge.ASK <= found[0].score < knowledge.ANSWER
    assert knowledge.find(PASSAGES, "do you sell gift vouchers")[0].score >= knowledge.ANSWER
