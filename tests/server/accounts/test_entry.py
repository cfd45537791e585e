"""Registration, login, recovery: who comes in, and what is counted of those who do not."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, update

from concours.server.accounts import attempts, choices, entry, links, passwords, sessions, users
from concours.server.accounts.entry import Applicant
from concours.server.accounts.links import first_link
from concours.server.actor import Actor
from concours.server.database.tables import ATTEMPTS, SESSIONS, TOKENS, USERS
from concours.server.refusals import Conflict, Forbidden, NotSignedIn, TooMany, Unfit, Unknown

GOOD = "wine cellar ladder 9"
OTHER = "seven grey herons"
HOME, ELSEWHERE = "192.0.2.1", "198.51.100.7"


@pytest.fixture
def hashes(monkeypatch):
    """How often a password was hashed."""
    seen = []

    class Counting:
        def __getattr__(self, name):
            def call(*args):
                seen.append(name)
                return getattr(passwords_hasher, name)(*args)

            return call

    passwords_hasher = passwords._HASHER
    monkeypatch.setattr(passwords, "_HASHER", Counting())
    return seen


def test_the_first_administrator_comes_in_by_a_link_that_serves_once(platform):
    """The platform begins with nobody; whoever has the link, and nobody after, is its administrator."""
    with platform.database.writing() as db:
        old = first_link(db, platform.settings)
        link = first_link(db, platform.settings)
    assert old and link and link.startswith(f"{platform.settings.address}/links/")
    secret = link.rpartition("/")[2]
    with pytest.raises(Unknown, match="served already"):
        entry.register(platform, Applicant(name="root1", password=GOOD), link=old.rpartition("/")[2])
    entered = entry.register(platform, Applicant(name="root1", password=GOOD), link=secret)
    with platform.database.writing() as db:
        assert users.account(db, entered.user).administrator
        assert first_link(db, platform.settings) is None
    with pytest.raises(Unknown, match="served already"):
        entry.register(platform, Applicant(name="root2", password=GOOD), link=secret)


@pytest.mark.parametrize(
    ("registration", "invited", "comes"),
    [("open", False, True), ("open", True, True), ("invitation", False, False), ("invitation", True, True),
     ("closed", False, False), ("closed", True, True)],
)  # fmt: skip
def test_who_may_register_is_what_administrators_chose(platform_sqlite, registration, invited, comes):
    """Closed is closed, except to whom an administrator invites."""
    platform, root = platform_sqlite, Actor(name="root1", administrator=True)
    with platform.database.writing() as db:
        choices.choose(db, root, "registration", registration)
        link = links.add(db, root, platform.settings, "invitation").rpartition("/")[2] if invited else None
    applicant = Applicant(name="ann", password=GOOD)
    if comes:
        assert entry.register(platform, applicant, link=link).name == "ann"
    else:
        with pytest.raises(Forbidden, match="registration is"):
            entry.register(platform, applicant, link=link)


def test_a_name_is_had_once_and_an_invitation_is_not_lost_by_a_fault(platform):
    """Whoever takes a name that is taken may try another with the same link."""
    with platform.database.writing() as db:
        users.add(db, "ann")
        link = links.add(db, Actor(), platform.settings, "invitation").rpartition("/")[2]
    with pytest.raises(Conflict, match="somebody has 'ann' already"):
        entry.register(platform, Applicant(name="ann", password=GOOD), link=link)
    assert entry.register(platform, Applicant(name="bob", password=GOOD), link=link).name == "bob"


@pytest.mark.parametrize("name", ["ann", "bob", "nobody-here", "cleo", "dan"])
def test_a_login_that_fails_costs_one_hash_whoever_it_is_for(platform_sqlite, hashes, name):
    """Its time says nothing: not whether there is such a name, nor whether it has a password or may come in."""
    with platform_sqlite.database.writing() as db:
        users.add(db, "ann", password=passwords.hashed(GOOD))
        users.add(db, "bob")
        cleo = users.add(db, "cleo", password=passwords.hashed(GOOD))
        db.execute(update(USERS).where(USERS.c.id == cleo).values(disabled="2026-01-01T00:00:00.000000+00:00"))
        users.add(db, "dan", password=passwords.hashed(OTHER), subject="https://id.example.org 7")
    hashes.clear()
    with pytest.raises(NotSignedIn, match="^the name or the password is wrong$"):
        entry.login(platform_sqlite, name, "not the right one", HOME)
    assert hashes == ["verify"]


def test_a_password_is_hashed_anew_by_the_parameters_of_today(platform_sqlite, monkeypatch):
    """Parameters that grow reach whoever logs in."""
    from argon2 import PasswordHasher

    old = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(GOOD)
    with platform_sqlite.database.writing() as db:
        users.add(db, "ann", password=old)
    entry.login(platform_sqlite, "Ann ", GOOD, HOME)
    with platform_sqlite.database.reading() as db:
        kept = db.execute(select(USERS.c.password)).scalar_one()
    assert kept != old and not passwords.outdated(kept)
    entry.login(platform_sqlite, "ann", GOOD, HOME)


def _fail(platform, name, address, times):
    """Tries a wrong password; how often it was looked at."""
    looked = 0
    for _ in range(times):
        try:
            entry.login(platform, name, "not the right one", address)
        except NotSignedIn:
            looked += 1
        except TooMany:
            pass
    return looked


@pytest.fixture
def cheap(monkeypatch):
    """Passwords that cost nothing to hash: what is tested is what is counted."""
    monkeypatch.setattr(passwords, "hashed", lambda password: f"plain {password}")
    monkeypatch.setattr(passwords, "matches", lambda password, kept: kept == f"plain {password}")
    monkeypatch.setattr(passwords, "outdated", lambda kept: False)


def test_who_guesses_waits_longer_each_time_and_the_owner_comes_in_from_home(platform, cheap):
    """A name is locked for whoever comes from elsewhere; its owner's own address is counted by itself."""
    with platform.database.writing() as db:
        users.add(db, "ann", password=passwords.hashed(GOOD))
    entry.login(platform, "ann", GOOD, HOME)
    lock = attempts.LOCKS["name"]
    assert _fail(platform, "ann", ELSEWHERE, 20) == lock.free + 1
    with pytest.raises(TooMany, match="try again in") as refused:
        entry.login(platform, "ann", GOOD, ELSEWHERE)
    assert 0 < refused.value.after_s <= lock.first_s
    assert entry.login(platform, "ann", GOOD, HOME).name == "ann"


def test_a_network_that_guesses_names_waits_and_its_own_people_come_in(platform, cheap):
    """Behind one address sit many: those who are known there are counted by themselves."""
    with platform.database.writing() as db:
        users.add(db, "ann", password=passwords.hashed(GOOD))
    entry.login(platform, "ann", GOOD, HOME)
    looked = sum(_fail(platform, f"name{number}", HOME, 1) for number in range(40))
    assert looked == attempts.LOCKS["address"].free + 1
    assert entry.login(platform, "ann", GOOD, HOME).name == "ann"


def test_waits_double_to_a_bound_and_end_by_themselves(platform_sqlite, cheap):
    """Nobody is locked out for ever, and what was tried during a wait does not make it longer."""
    for lock in attempts.LOCKS.values():
        waits = [lock.wait_s(failed) for failed in range(80)]
        assert waits[: lock.free + 1] == [0.0] * (lock.free + 1)
        assert waits[lock.free + 1 : lock.free + 3] == [lock.first_s, 2 * lock.first_s]
        assert waits == sorted(waits) and waits[-1] == lock.longest_s <= 900
    with platform_sqlite.database.writing() as db:
        users.add(db, "ann", password=passwords.hashed(GOOD))
    _fail(platform_sqlite, "ann", ELSEWHERE, 30)
    with platform_sqlite.database.writing() as db:
        assert db.execute(select(func.max(ATTEMPTS.c.failed))).scalar() == attempts.LOCKS["name"].free + 1
        db.execute(update(ATTEMPTS).values(until=sessions.in_future(-1)))
    assert entry.login(platform_sqlite, "ann", GOOD, ELSEWHERE).name == "ann"


def test_of_many_guesses_at_once_no_more_are_looked_at_than_one_by_one(platform, cheap, monkeypatch):
    """An attempt is counted before it is looked at: threads that race gain nothing."""
    from concurrent.futures import ThreadPoolExecutor

    looked = []
    monkeypatch.setattr(passwords, "matches", lambda password, kept: looked.append(password))
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda _: _fail(platform, "ann", ELSEWHERE, 2), range(24)))
    assert len(looked) == attempts.LOCKS["name"].free + 1


def test_a_new_password_ends_all_sessions_and_an_old_one_is_asked_for(platform_sqlite):
    """Whoever stole a cookie is out."""
    entered = entry.register(platform_sqlite, Applicant(name="ann", password=GOOD))
    who = Actor(user=entered.user, name="ann", address=HOME)
    with pytest.raises(NotSignedIn):
        entry.change_password(platform_sqlite, who, "not the right one", OTHER)
    anew = entry.change_password(platform_sqlite, who, GOOD, OTHER)
    with platform_sqlite.database.reading() as db:
        assert sessions.of(db, entered.cookie) is None
        assert sessions.of(db, anew.cookie) is not None
    with pytest.raises(NotSignedIn):
        entry.login(platform_sqlite, "ann", GOOD, HOME)


def test_recovery_takes_away_all_that_a_thief_could_hold(platform):
    """Sessions and tokens; and the link serves once."""
    from concours.server.accounts import tokens

    entered = entry.register(platform, Applicant(name="ann", password=GOOD))
    root = Actor(name="root1", administrator=True)
    with platform.database.writing() as db:
        tokens.add(db, Actor(user=entered.user, name="ann"), "laptop", ["read"])
        link = links.add(db, root, platform.settings, "recovery", "ann").rpartition("/")[2]
        with pytest.raises(Forbidden):
            entry.require_open("open", links.look(db, link).purpose)
    with pytest.raises(Unfit, match="password"):
        entry.recover(platform, link, "short")
    entry.recover(platform, link, OTHER)
    with pytest.raises(Unknown):
        entry.recover(platform, link, OTHER)
    with platform.database.reading() as db:
        assert sessions.of(db, entered.cookie) is None
        assert db.execute(select(func.count()).select_from(TOKENS)).scalar() == 0
        assert db.execute(select(func.count()).select_from(SESSIONS)).scalar() == 1
    assert entry.login(platform, "ann", OTHER, HOME).name == "ann"


@pytest.mark.parametrize(
    "password",
    ["short", "x" * 257, "aaaaaaaaaaaa", "1234567890", "0987654321", "abcdefghijklm", "password123", "Password!!!2024",
     "qwertyuiop", "qwertyuiop123", "1q2w3e4r5t6y", "1qaz2wsx3edc", "annabella-9", "annabella-9annabella-9",
     "ann@example.org", "ababababababab", "iloveyou2026", "Ｐａｓｓｗｏｒｄ１２３"],
)  # fmt: skip
def test_passwords_that_are_guessed_first_are_refused_in_one_line(password):
    """Too short or long, rows of keys, words of the lists, and what everybody knows of somebody."""
    with pytest.raises(Unfit, match="^password: [^\n]*$"):
        passwords.require_good(password, "annabella-9", "Ann", "ann@example.org")


@pytest.mark.parametrize(
    "password", [GOOD, OTHER, "correct horse battery", "ключи от погреба", "葡萄酒窖里的旧梯子有九级"]
)
def test_phrases_in_any_language_are_taken(password):
    """What is asked is length, not a capital and a digit."""
    passwords.require_good(password, "ann")
    assert passwords.matches(password, passwords.hashed(password))


def test_the_same_letters_typed_otherwise_are_the_same_password():
    """Composed or not, by whatever keyboard."""
    import unicodedata

    kept = passwords.hashed(unicodedata.normalize("NFC", "Rebstöcke überall"))
    assert passwords.matches(unicodedata.normalize("NFD", "Rebstöcke überall"), kept)
