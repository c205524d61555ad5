from executor.calls import CallTable, Payload

WHOLE, PART, END = Payload(b"{1}"), Payload(b"{2}"), Payload(b"")


def test_parts_reach_who_takes_them_and_the_answer_is_empty() -> None:
    taken: list[Payload] = []
    calls = CallTable()
    calls.open("c", WHOLE, taken.append)
    calls.part("c", PART)
    assert taken == [PART]
    calls.answer("c", END)
    assert calls.close("c") == END


def test_who_takes_no_parts_has_the_last_one() -> None:
    calls = CallTable()
    calls.open("c", WHOLE)
    calls.part("c", WHOLE)
    calls.part("c", PART)
    calls.answer("c", END)
    assert calls.close("c") == PART


def test_nothing_is_kept_of_a_call_that_is_no_longer_open() -> None:
    taken: list[Payload] = []
    calls = CallTable()
    calls.open("c", WHOLE, taken.append)
    calls.close("c")
    calls.part("c", PART)
    calls.answer("c", PART)
    assert taken == []
    assert calls.close("c") is None
