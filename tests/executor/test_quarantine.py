from executor.quarantine import FIRST_PAUSE_S, LONGEST_PAUSE_S, Quarantine


def test_each_failure_in_a_row_doubles_the_pause() -> None:
    quarantine = Quarantine()
    assert quarantine.failed("f", "no file", 10.0).until_s == 10.0 + FIRST_PAUSE_S
    assert quarantine.failed("f", "no file", 20.0).until_s == 20.0 + 2 * FIRST_PAUSE_S
    assert quarantine.failed("f", "no file", 30.0).until_s == 30.0 + 4 * FIRST_PAUSE_S


def test_the_pause_has_a_limit() -> None:
    quarantine = Quarantine()
    for _ in range(40):
        ban = quarantine.failed("f", "no file", 0.0)
    assert ban.until_s == LONGEST_PAUSE_S


def test_a_ban_ends_but_its_record_stays_until_a_good_load() -> None:
    quarantine = Quarantine()
    ban = quarantine.failed("f", "no file", 0.0)
    assert quarantine.ban("f", 0.5) == ban
    assert quarantine.ban("f", ban.until_s) is None
    assert quarantine.record("f") == ban
    quarantine.cleared("f")
    assert quarantine.record("f") is None


def test_other_functions_are_free() -> None:
    quarantine = Quarantine()
    quarantine.failed("f", "no file", 0.0)
    assert quarantine.ban("g", 0.0) is None
