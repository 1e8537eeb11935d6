"""Tests of the number of threads: a single setting for all thread pools."""

import pytest

import minicnn
from minicnn.runtime import threads


@pytest.fixture(autouse=True)
def as_before():
    before = threads.get_num_threads()
    yield
    threads.set_num_threads(before)


@pytest.fixture
def told(monkeypatch):
    monkeypatch.setattr(threads, "_listeners", [])
    numbers = []
    threads.on_change(numbers.append)
    return numbers


def test_the_number_is_told_to_all_who_asked(told):
    minicnn.set_num_threads(3)
    minicnn.set_num_threads(1)
    assert told == [3, 1]
    assert minicnn.get_num_threads() == 1


def test_at_first_there_is_a_thread_for_each_processor():
    assert threads.get_num_threads() >= 1


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "2", None, True, 2**40])
def test_what_is_no_number_of_threads_is_refused(told, wrong):
    message = rf"set_num_threads: must be an integer from 1 to 1024, got {wrong!r}"
    with pytest.raises(minicnn.ArgumentError, match=message):
        minicnn.set_num_threads(wrong)
    assert told == []
