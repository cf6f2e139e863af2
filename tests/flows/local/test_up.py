"""One `realmix up` per home: a lock that ends with its process, addresses that others can trust."""

from __future__ import annotations

import os
import signal

import pytest

from realmix.flows.local.addresses import ADDRESSES, LOCK, is_locked, running
from realmix.flows.local.up import asked_to_stop, down, only_one
from realmix.tasks.core.errors import BadInput


def test_without_up_there_are_no_addresses(place, capsys):
    assert running() is None and not is_locked()
    down()
    assert capsys.readouterr().out == f"`realmix up` is not running in {place}.\n"


def test_a_second_up_refuses_with_one_sentence(place, holder):
    with pytest.raises(BadInput, match=rf"already runs in .* as process {holder.pid}: .*realmix down"):
        only_one().__enter__()
    assert running()["pid"] == holder.pid


def test_a_lock_left_by_a_kill_is_no_obstacle(place, holder):
    holder.kill()
    holder.wait()
    assert (place / LOCK).exists() and (place / ADDRESSES).exists()
    assert running() is None
    with only_one():
        assert not (place / ADDRESSES).exists()


def test_down_ends_up_and_waits_for_it(place, holder, capsys):
    down()
    assert holder.wait(timeout=1) == 0
    assert not is_locked() and not (place / ADDRESSES).exists()
    assert capsys.readouterr().out == "Stopped.\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_every_way_to_end_it_is_heard(number):
    with asked_to_stop() as stop:
        os.kill(os.getpid(), number)
        assert stop.wait(1)
