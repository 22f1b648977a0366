"""The small parts: back-off, order, logs, state, addresses, selection."""

from __future__ import annotations

from graphlib import CycleError
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aegis_streams.settings import Settings
from aegis_streams.stack.addresses import environment_of
from aegis_streams.stack.backoff import Backoff
from aegis_streams.stack.component import Place, levels
from aegis_streams.stack.components import COMPONENTS, select
from aegis_streams.stack.control import wipe
from aegis_streams.stack.errors import StackError
from aegis_streams.stack.files import end_of_log
from aegis_streams.stack.layout import LOCAL_FILES, Layout
from aegis_streams.stack.logs import LOG_COPIES, bound_log
from aegis_streams.stack.overview import lag_of, overview
from aegis_streams.stack.place import load_place, save_place
from aegis_streams.stack.ports import Ports
from aegis_streams.stack.processes import ProcessIdentity
from aegis_streams.stack.state import ComponentState, Phase, StackState


def test_waits_double_up_to_the_longest() -> None:
    backoff = Backoff(first=0.25, longest=2.0, healthy=60.0)
    assert [backoff.failed(0.0) for _ in range(5)] == [0.25, 0.5, 1.0, 2.0, 2.0]


def test_a_healthy_life_forgives() -> None:
    backoff = Backoff(first=0.25, longest=2.0, healthy=60.0)
    backoff.failed(1.0)
    backoff.failed(1.0)
    assert backoff.failed(60.0) == 0.25
    assert backoff.failures == 1


@given(st.lists(st.floats(0, 59), min_size=1, max_size=200))
def test_no_wait_is_ever_longer_than_the_longest(lives: list[float]) -> None:
    backoff = Backoff()
    assert max(backoff.failed(life) for life in lives) <= backoff.longest


def test_levels_put_needs_first() -> None:
    needs = {"c": ("b",), "b": ("a", "not there"), "a": (), "z": ()}
    assert [sorted(level) for level in levels(needs)] == [["a", "z"], ["b"], ["c"]]


def test_levels_refuse_a_circle() -> None:
    with pytest.raises(CycleError):
        levels({"a": ("b",), "b": ("a",)})


def test_every_need_is_a_component() -> None:
    named = {need for kind in COMPONENTS.values() for need in kind.needs}
    assert named <= set(COMPONENTS)
    assert all(name == kind.name for name, kind in COMPONENTS.items())


def test_selecting_brings_what_is_needed() -> None:
    assert [kind.name for kind in select(["sealer"])] == ["kafka", "registry", "topics", "sealer"]
    assert [kind.name for kind in select([])] == list(COMPONENTS)
    with pytest.raises(StackError, match="no component 'kafak'; there are kafka, registry"):
        select(["kafak"])


def test_a_log_is_cut_and_two_copies_are_kept(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    with log.open("ab", buffering=0) as writer:
        for number in range(4):
            writer.write(f"part {number}\n".encode())
            assert not bound_log(log, limit=100)
            assert bound_log(log, limit=5)
        writer.write(b"after\n")
    assert log.read_text() == "after\n"
    assert (tmp_path / "x.log.1").read_text() == "part 3\n"
    assert (tmp_path / "x.log.2").read_text() == "part 2\n"
    assert len(list(tmp_path.iterdir())) == 1 + LOG_COPIES
    assert not bound_log(tmp_path / "absent.log")


def test_the_end_of_a_log_is_short(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text("\n".join(f"line {number}" for number in range(100_000)))
    text = end_of_log(log)
    assert text.splitlines()[0] == f" The end of {log}:"
    assert [line.strip() for line in text.splitlines()[1:]] == [
        f"line {number}" for number in range(99_985, 100_000)
    ]
    assert end_of_log(tmp_path / "absent.log") == ""


def test_a_state_survives_its_file(tmp_path: Path) -> None:
    state = StackState(
        ProcessIdentity(7, "boot:1"),
        1.5,
        False,
        (
            ComponentState("kafka", Phase.READY, ProcessIdentity(8, "boot:2"), 2, 1, 3.0, 4.0, "x"),
            ComponentState("topics"),
        ),
    )
    state.write(tmp_path / "state.json")
    assert StackState.read(tmp_path / "state.json") == state
    assert StackState.read(tmp_path / "absent.json") is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"supervisor": {}, "components": []}'])
def test_a_state_that_cannot_be_understood_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text(text)
    with pytest.raises(StackError, match=r"state\.json"):
        StackState.read(tmp_path / "state.json")


def test_settings_find_the_stack_in_its_file(tmp_path: Path) -> None:
    ports = Ports(1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008)
    place = Place(Layout(tmp_path), ports, tmp_path / "jars")
    save_place(place)
    assert load_place(Layout(tmp_path)) == place
    settings = Settings.load({"AEGIS_HOME": str(tmp_path)})
    assert settings.bootstrap == "127.0.0.1:1001"
    assert settings.registry_url == "http://127.0.0.1:1003/apis/ccompat/v7"
    assert (settings.decide_metrics_port, settings.seal_metrics_port) == (1004, 1005)
    assert settings.database_url.startswith("postgresql://aegis_auditor@127.0.0.1:1006/aegis?")
    assert (settings.local, settings.replication) == (True, 1)


@pytest.mark.parametrize("value", [None, "", "false", "maybe"])
def test_local_mode_is_never_a_default(value: str | None, tmp_path: Path) -> None:
    home = {"AEGIS_HOME": str(tmp_path)}
    settings = Settings.load(home if value is None else {**home, "AEGIS_LOCAL": value})
    assert (settings.local, settings.replication) == (False, 3)


def test_no_variable_of_the_user_leads_a_worker_elsewhere(tmp_path: Path) -> None:
    user = {"AEGIS_BOOTSTRAP": "production:9092", "AEGIS_LOCAL": "0", "AEGIS_REPLICATION": "3"}
    settings = Settings.load({**user, **environment_of(tmp_path, Ports())})
    assert settings.bootstrap == "127.0.0.1:19092"
    assert settings.local
    assert settings.replication == 1
    assert settings.home == tmp_path


@pytest.mark.parametrize("text", ["", "{}", '{"jars": "x", "ports": {"kafka": "y"}}'])
def test_an_address_file_that_cannot_be_understood_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text(text)
    with pytest.raises(StackError, match=r"stack\.json.*aegis down"):
        load_place(Layout(tmp_path))


def test_no_stack_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="holds no stack; start one with `aegis up`"):
        load_place(Layout(tmp_path))
    found = overview(Layout(tmp_path))
    assert (found.running, found.ready, found.components) == (False, False, ())


def test_wipe_removes_the_stack_and_nothing_else(tmp_path: Path) -> None:
    for name in ("data/kafka/log", "keys", "guard", "bench", "jars"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("trust.json", "stack.json", "mine.txt"):
        (tmp_path / name).touch()
    wipe(Layout(tmp_path))
    wipe(Layout(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bench", "jars", "mine.txt"]


def test_lag_is_summed_over_partitions() -> None:
    text = (
        "# HELP aegis_lag_records Records not yet taken\n"
        'aegis_lag_records{partition="0",topic="a"} 2.0\n'
        'aegis_lag_records{partition="1",topic="a"} 40.0\n'
        "aegis_tree_size 7.0\n"
    )
    assert lag_of(text) == 42
    assert lag_of("aegis_tree_size 7.0\n") is None


def test_the_files_of_the_stack_are_in_the_package() -> None:
    names = {path.name for path in LOCAL_FILES.iterdir()}
    assert {"pom.xml", "kafka.properties"} <= names


def test_no_file_of_the_stack_names_a_package_server() -> None:
    schema = ("maven.apache.org/POM", "maven.apache.org/xsd", "www.w3.org/2001")
    for path in filter(Path.is_file, LOCAL_FILES.rglob("*")):
        text = path.read_text()
        for known in schema:
            text = text.replace(f"://{known}", "")
        assert "://" not in text.replace("PLAINTEXT://", ""), path
