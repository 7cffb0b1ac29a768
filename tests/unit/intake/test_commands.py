"""How a message is read as a command, by what its one record says."""

import pytest

from core.errors import UserError
from core.turns.commands import COMMANDS
from core.values.channel import ChannelKey, Person
from core.values.events import Deletion, Message

HERE = ChannelKey("telegram", "42:7")


def said(text: str, *, group: bool = False, forwarded: str | None = None) -> Message:
    return Message("1", HERE, Person("1", "Ann"), 1.0, text, group=group, forwarded=forwarded)


def test_a_command_is_known_however_it_is_typed():
    assert COMMANDS.parse(said("how are you")) is None
    assert COMMANDS.parse(said("/home/ann")) is None
    for text in ("/Voice always", "/voice@parley_bot  always"):
        found = COMMANDS.parse(said(text))
        assert found is not None
        assert (found.command.name, found.argument) == ("voice", "always")


@pytest.mark.parametrize(("text", "key"), [("/frobnicate", "unknown_command"), ("/voice loudly", "unknown_choice")])
def test_what_is_no_command_or_no_choice_is_said(text: str, key: str):
    with pytest.raises(UserError) as caught:
        COMMANDS.parse(said(text))
    assert caught.value.key == key


def test_what_somebody_only_passes_on_commands_nothing():
    passed_on = said("/forget me", forwarded="Bob")
    assert COMMANDS.parse(passed_on) is None
    assert not COMMANDS.goes_first(passed_on)


def test_start_is_help_whatever_a_link_put_behind_it():
    found = COMMANDS.parse(said("/start ref_1234"))
    assert found is not None
    assert (found.command.name, found.argument) == ("help", "")


@pytest.mark.parametrize(
    ("text", "group", "first", "stops_all"),
    [
        ("/forget me", False, True, False),
        ("/forget channel", True, True, False),
        ("/forget", False, False, False),
        ("/stop all", True, True, True),
        ("/stop all", False, False, False),
        ("/stop", True, False, False),
        ("/new", True, False, False),
        ("hello", True, False, False),
    ],
)
def test_a_wish_to_be_forgotten_or_to_stop_a_group_goes_first(text: str, group: bool, first: bool, stops_all: bool):
    message = said(text, group=group)
    assert (COMMANDS.goes_first(message), COMMANDS.stops_all(message)) == (first, stops_all)


def test_what_is_no_message_is_no_command():
    assert COMMANDS.find(Deletion("1", HERE, ("2",))) is None


def test_each_command_stands_there_once_and_offers_only_what_it_takes():
    names = [command.name for command in COMMANDS]
    assert len(names) == len(set(names))
    for command in COMMANDS:
        assert set(command.first) <= set(command.choices)
