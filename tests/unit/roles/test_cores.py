"""The cores that a container grants, from the files of both versions of control groups."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.roles.cores import cores, granted
from consumer.roles.role import Role
from consumer.roles.supervisor import members_of

OWN = "/proc/self/cgroup"
DOCKER_1 = "4:cpu,cpuacct:/docker/abc\n3:memory:/docker/abc\n"


@pytest.mark.parametrize(
    ("files", "runnable", "wanted"),
    [
        ({}, 8, 8),
        ({OWN: "0::/\n"}, 8, 8),
        ({OWN: "0::/\n", "/sys/fs/cgroup/cpu.max": "max 100000\n"}, 8, 8),
        ({OWN: "0::/\n", "/sys/fs/cgroup/cpu.max": "200000 100000\n"}, 8, 2),
        ({OWN: "0::/\n", "/sys/fs/cgroup/cpu.max": "400000 100000\n"}, 3, 3),
        ({OWN: "0::/\n", "/sys/fs/cgroup/cpu.max": "50000 100000\n"}, 8, 1),
        ({OWN: "0::/\n", "/sys/fs/cgroup/cpu.max": "290000 100000\n"}, 8, 2),
        ({OWN: "0::/a/b\n", "/sys/fs/cgroup/a/b/cpu.max": "600000 100000\n"}, 8, 6),
        (
            {
                OWN: "0::/a/b\n",
                "/sys/fs/cgroup/a/b/cpu.max": "max 100000\n",
                "/sys/fs/cgroup/a/cpu.max": "300000 100000\n",
            },
            8,
            3,
        ),
        (
            {
                OWN: DOCKER_1,
                "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "200000\n",
                "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            },
            8,
            2,
        ),
        (
            {
                OWN: DOCKER_1,
                "/sys/fs/cgroup/cpu/docker/abc/cpu.cfs_quota_us": "500000\n",
                "/sys/fs/cgroup/cpu/docker/abc/cpu.cfs_period_us": "100000\n",
            },
            8,
            5,
        ),
        (
            {
                OWN: DOCKER_1,
                "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            8,
            8,
        ),
        ({OWN: "3:memory:/x\n", "/sys/fs/cgroup/memory/x/cpu.cfs_quota_us": "100000\n"}, 8, 8),
        ({OWN: "0::/\n", "/sys/fs/cgroup/cpu.max": "100000 0\n"}, 8, 8),
    ],
)
def test_the_smallest_limit_counts(files: dict[str, str], runnable: int, wanted: int) -> None:
    assert cores(files.get, runnable) == wanted


@given(texts=st.lists(st.text(max_size=30)), runnable=st.integers(1, 512))
def test_whatever_the_files_say_there_is_at_least_one_core_and_never_more_than_may_run(
    texts: list[str], runnable: int
) -> None:
    left = iter(texts)
    assert 1 <= cores(lambda _: next(left, None), runnable) <= runnable


def test_there_is_a_deliver_process_for_each_core_that_is_granted() -> None:
    assert 1 <= granted() <= (os.cpu_count() or 1)
    assert len(members_of([Role.DELIVER], None)) == granted()
