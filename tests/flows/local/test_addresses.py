from __future__ import annotations

import json
import subprocess
import sys
import time

from realmix.flows.local.addresses import ADDRESSES, running
from realmix.flows.local.up import only_one


def test_looking_whether_it_runs_does_not_stop_it_from_starting(place):
    looking = "import time\nfrom realmix.flows.local.up import is_locked\nend = time.monotonic() + 2\nwhile time.monotonic() < end: is_locked()"
    process = subprocess.Popen([sys.executable, "-c", looking])
    try:
        for _ in range(100):
            with only_one():
                time.sleep(0.001)
    finally:
        process.wait()


def test_the_addresses_of_a_running_up_are_read(place, holder):
    assert running() == json.loads((place / ADDRESSES).read_text())
