"""How much may still be sent: the arithmetic agrees with counting one by one, at every hour of every zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from concours.server.hosting.competition import Limits
from concours.server.services.limits import day_of, left

moments = st.datetimes(
    min_value=datetime(2024, 1, 1),
    max_value=datetime(2030, 1, 1),
    timezones=st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


@given(moments)
@example(datetime(2024, 2, 29, 0, 0, tzinfo=UTC))
@example(datetime(2026, 12, 31, 23, 59, 59, 999999, tzinfo=timezone(timedelta(hours=-12))))
def test_a_day_is_one_of_utc_wherever_the_clock_hangs(moment):
    began = datetime.fromisoformat(day_of(moment.isoformat()))
    assert began == moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    assert began <= moment < began + timedelta(days=1)
    assert day_of(moment.isoformat()) == day_of(_text(moment))


@given(
    st.lists(moments, max_size=12),
    moments,
    st.none() | st.integers(1, 4),
    st.none() | st.integers(1, 8),
    st.none() | st.integers(-3, 100),
)
def test_what_is_left_is_what_a_count_one_by_one_leaves(sent, now, per_day, total, ends_in):
    ends = None if ends_in is None else _text(now + timedelta(hours=ends_in))
    closed = "it has ended" if ends is not None and ends <= _text(now) else ""
    today = now.astimezone(UTC).date()
    used_today = sum(moment.astimezone(UTC).date() == today for moment in sent)
    found = left(
        "main",
        Limits(per_day=per_day, total=total),
        used_today,
        len(sent),
        now=_text(now),
        begins="2000",
        ends=ends,
        closed=closed,
    )
    rooms = [most - used for most, used in ((per_day, used_today), (total, len(sent))) if most is not None]
    possible = not closed and all(room > 0 for room in rooms)
    assert (found.why == "") == possible
    assert found.left == (0 if not possible else min(rooms) if rooms else None)
    if found.next_at:
        assert not possible
        assert found.next_at > _text(now)
        assert ends is None or found.next_at < ends
        assert 0 < found.after_s(_text(now)) <= 86400
    later_today = [moment for moment in sent if moment.astimezone(UTC).date() == today]
    if not possible and not closed and (total is None or len(sent) < total) and later_today:
        assert found.next_at is not None or (ends is not None and ends <= _text(now + timedelta(days=1)))


@pytest.mark.parametrize(("hour", "room"), [("23:59:59.999999", 0), ("00:00:00.000000", 1)])
def test_at_midnight_in_utc_there_is_room_again(hour, room):
    day = "2026-05-03" if room else "2026-05-02"
    found = left(
        "main",
        Limits(per_day=1),
        0 if room else 1,
        1,
        now=f"{day}T{hour}+00:00",
        begins="2000",
        ends=None,
        closed="",
    )
    assert found.left == room
    assert found.next_at == (None if room else "2026-05-03T00:00:00.000000+00:00")


def test_before_a_phase_begins_the_next_is_possible_when_it_does():
    begins = "2026-05-03T12:00:00.000000+00:00"
    found = left(
        "main",
        Limits(),
        0,
        0,
        now="2026-05-01T00:00:00.000000+00:00",
        begins=begins,
        ends=None,
        closed="it begins later",
    )
    assert (found.left, found.next_at) == (0, begins)
