"""Packed postings: scored the same however far apart their numbers lie, and kept within ranges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domains.knowledge.rules import postings, spelling

held = st.dictionaries(st.integers(1, 60), st.integers(1, 9), min_size=1, max_size=12)


def packed(counts: dict[int, int], *, apart: int = 1) -> postings.Entries:
    return np.array([(number * apart, count * postings.STEP, 40, 1) for number, count in sorted(counts.items())], dtype=postings.ENTRY)


@given(st.dictionaries(st.sampled_from("abc"), held, min_size=1))
def test_numbers_far_apart_score_like_numbers_close_together(found: dict[str, dict[int, int]]) -> None:
    weights = {"a": 1.0, "b": 0.5, "c": 0.25}
    close = postings.scores({term: packed(one) for term, one in found.items()}, weights, 60, 40.0).by_number()
    apart = 1 + postings.WIDEST_SPAN
    far = postings.scores({term: packed(one, apart=apart) for term, one in found.items()}, weights, 60, 40.0).by_number()
    assert {number * apart: score for number, score in close.items()} == pytest.approx(far)
    assert set(close) == {number for one in found.values() for number in one}


def test_nothing_found_scores_nothing() -> None:
    assert len(postings.scores({}, {}, 0, 0.0)) == 0


@given(held, st.lists(st.tuples(st.integers(1, 60), st.integers(0, 5)), max_size=4))
def test_entries_within_ranges_are_those_whose_number_is_in_one(counts: dict[int, int], pairs: list[tuple[int, int]]) -> None:
    ranges, low = [], 0
    for skipped, length in pairs:
        ranges.append((low + skipped, low + skipped + length))
        low += skipped + length
    kept = postings.within(packed(counts), np.array(ranges, np.int64).reshape(-1, 2))
    assert kept["number"].tolist() == [one for one in sorted(counts) if any(first <= one <= last for first, last in ranges)]


words = st.text(alphabet="aeioscxz", min_size=1, max_size=9)


@given(words, st.lists(words, max_size=20))
def test_the_vocabulary_holds_near_all_that_a_repair_would_choose(term: str, known: list[str]) -> None:
    counted = {word: place for place, word in enumerate(known)}
    near = spelling.Vocabulary.of(known).near(term)
    assert spelling.repair(term, {word: counted[word] for word in near}) == spelling.repair(term, counted)


def test_new_words_join_the_vocabulary() -> None:
    known = spelling.Vocabulary.of(["garantia"])
    assert known.with_words(["garantia", "ab"]) is known
    assert known.with_words(["entrega"]).near("entrga") == {"entrega"}


@given(lengths=st.lists(st.integers(1, 5), max_size=8), by=st.integers(0, 3 * postings.BLOCK))
def test_entries_that_are_moved_and_parted_by_block_are_the_same_entries_further_on(lengths: list[int], by: int) -> None:
    listed = {f"t{place}": packed(dict.fromkeys(range(length), 1)) for place, length in enumerate(lengths)}
    found = postings.by_block(postings.moved(listed, by))
    for term, entries in listed.items():
        parts = {block: parts[term]["number"].tolist() for block, parts in found.items() if term in parts}
        assert sorted(number for numbers in parts.values() for number in numbers) == (entries["number"] + by).tolist()
        assert all(number // postings.BLOCK == block for block, numbers in parts.items() for number in numbers)
