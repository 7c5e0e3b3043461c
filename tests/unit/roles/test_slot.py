import re
import subprocess
import sys
from pathlib import Path

import pytest

from consumer.roles.role import Role
from consumer.roles.slot import installation, instance_id, take
from consumer.settings import ConfigurationError, Settings

HOLDER = """
import sys
from pathlib import Path
from consumer.roles.role import Role
from consumer.roles.slot import take
from consumer.settings import Settings
slot = take(Settings(state_dir=Path(sys.argv[1])), Role.DELIVER, 0)
print(slot.number, flush=True)
sys.stdin.read()
"""


def test_a_living_process_keeps_its_slot_and_a_killed_one_leaves_it(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"0\n"
        beside = take(settings, Role.DELIVER, 0)
        other_role = take(settings, Role.RETRY, 0)
        holder.kill()
        holder.wait()
    after = take(settings, Role.DELIVER, 0)

    assert (beside.number, other_role.number, after.number) == (1, 0, 0)
    for slot in (beside, other_role, after):
        slot.lock.close()


def test_an_instance_id_tells_host_installation_role_and_slot(tmp_path: Path) -> None:
    here = Settings(state_dir=tmp_path)
    there = Settings(state_dir=tmp_path / "other")
    prefixed = Settings(state_dir=tmp_path, topic_prefix="other.")
    ids = {
        instance_id(here, Role.DELIVER, 0),
        instance_id(here, Role.DELIVER, 1),
        instance_id(here, Role.RETRY, 0),
        instance_id(there, Role.DELIVER, 0),
        instance_id(prefixed, Role.DELIVER, 0),
    }

    assert len(ids) == 5
    # What Kafka accepts as a group.instance.id.
    assert all(re.fullmatch(r"[A-Za-z0-9._-]{1,249}", name) for name in ids)
    assert installation(here) in instance_id(here, Role.DELIVER, 0)


def test_a_state_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(ConfigurationError, match="HOOKLINE_STATE_DIR"):
        take(Settings(state_dir=tmp_path / "file"), Role.DELIVER, 0)
