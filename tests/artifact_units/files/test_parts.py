from __future__ import annotations

import pytest

from artifact_units.files.parts import Part, Shards, each, gather
from artifact_units.files.storage import write_text


@pytest.fixture
def calls() -> list[str]:
    """The parts that were computed, in order."""
    return []


@pytest.fixture
def parts(calls) -> list[Part]:
    """Five of them; each file says its name."""

    def part(name: str) -> Part:
        def write(path) -> None:
            calls.append(name)
            write_text(path, name)

        return Part(name, write)

    return [part(name) for name in ("a/0", "a/1", "a/2", "b/0", "b/1")]


def texts(folder) -> dict[str, str]:
    files = [f for f in folder.rglob("*") if f.is_file()]
    return {str(f.relative_to(folder)): f.read_text() for f in files}


WHOLE = {name: name for name in ("a/0", "a/1", "a/2", "b/0", "b/1")}


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_shards_compute_every_part_once_and_the_gatherer_none(
    tmp_path, parts, calls, count
) -> None:
    for number in range(count):
        Shards(tmp_path / "shards", (number, count)).compute(parts)
    assert sorted(calls) == sorted(WHOLE)
    assert gather(parts, tmp_path / "out", tmp_path / "shards") == 0
    assert texts(tmp_path / "out") == WHOLE
    assert len(calls) == 5


def test_a_finished_part_is_never_computed_again(tmp_path, parts, calls) -> None:
    shard = Shards(tmp_path, (0, 2))
    assert shard.compute(parts[:3]) == 2  # a/0 and a/2
    assert shard.compute(parts) == 1  # b/1; the other two are there
    assert calls == ["a/0", "a/2", "b/1"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda part: part.write_text("a/"),
        lambda part: part.unlink(),
        lambda part: part.with_name("1.sha256").unlink(),
        lambda part: part.with_name("1.sha256").write_text(""),
    ],
    ids=["torn", "lost", "unconfirmed", "torn confirmation"],
)
def test_a_part_that_is_not_what_its_sum_says_is_computed_again(
    tmp_path, parts, calls, spoil
) -> None:
    Shards(tmp_path / "shards", (0, 1)).compute(parts)
    spoil(tmp_path / "shards/a/1")
    calls.clear()
    assert gather(parts, tmp_path / "out", tmp_path / "shards") == 1
    assert texts(tmp_path / "out") == WHOLE
    assert Shards(tmp_path / "shards", (0, 1)).compute(parts) == 1
    assert calls == ["a/1", "a/1"]


def test_a_shard_killed_within_a_part_leaves_the_parts_before_it(tmp_path, parts, calls) -> None:
    def die(path) -> None:
        path.write_text("half of")
        raise SystemExit(1)

    with pytest.raises(SystemExit):
        Shards(tmp_path, (0, 1)).compute([*parts[:2], Part("a/2", die)])
    calls.clear()
    assert Shards(tmp_path, (0, 1)).compute(parts) == 3
    assert calls == ["a/2", "b/0", "b/1"]


def test_parts_to_be_read_come_in_order_and_lie_on_the_disk_one_at_a_time(
    tmp_path, parts, calls
) -> None:
    Shards(tmp_path / "shards", (1, 2)).compute(parts)
    calls.clear()
    seen = []
    for path in each(parts, tmp_path / "out", tmp_path / "shards"):
        seen.append(path.read_text())
        scratch = [f for f in tmp_path.glob(".*.part/**/*") if f.is_file()]
        assert len(scratch) <= 1
    assert seen == list(WHOLE)
    assert calls == ["a/0", "a/2", "b/1"]
    assert [f.name for f in tmp_path.iterdir()] == ["shards"]
