"""The parameter set: equal to its contract, strict, immutable, canonical."""

from __future__ import annotations

import json
import sys
from dataclasses import FrozenInstanceError, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from aegis_governance import AegisConfig, Baseline, FeatureBaseline
from aegis_governance.config import PARAMETERS
from aegis_governance.config.document import SECTIONS, flatten
from aegis_governance.errors import ConfigError, MissingExtraError, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTRACT = Path(__file__).parents[2] / "schemas" / "interface-contract.yaml"
HISTOGRAM = {"id": "risk-1", "edges": [0.25, 0.5, 0.75], "counts": [10, 10, 10, 10]}


class TestContract:
    contract = yaml.safe_load(CONTRACT.read_text())

    def test_defaults_equal_the_contract(self) -> None:
        assert flatten(self.contract).parameters == AegisConfig.default().to_dict()

    def test_the_contract_is_a_configuration_file(self) -> None:
        assert AegisConfig.from_yaml(CONTRACT) == AegisConfig.default()

    def test_bounds_equal_the_contract(self) -> None:
        allowed = {each.name: each.metadata["rule"].allowed for each in fields(AegisConfig)}
        assert self.contract["allowed"] == allowed

    def test_every_parameter_says_what_it_means(self) -> None:
        assert all(each.metadata["meaning"].endswith(".") for each in fields(AegisConfig))


class TestForms:
    def test_the_guides_dictionary(self) -> None:
        config = AegisConfig.from_dict({"epsilon_R": 0.02, "quality_min_score": 0.8})
        assert (config.epsilon_R, config.quality_min_score) == (0.02, 0.8)

    def test_nested_and_flat_are_the_same(self) -> None:
        nested = {
            "parameters": {
                "novelty_gate": {"N0": 0.6, "k": 5, "output_threshold": 0.8},
                "utility_gate": {"z": 2},
                "drift": {"window": 50},
            }
        }
        flat = {
            "novelty_N0": 0.6,
            "novelty_k": 5.0,
            "novelty_threshold": 0.8,
            "utility_z": 2.0,
            "drift_window": 50,
        }
        assert AegisConfig.from_dict(nested) == AegisConfig.from_dict(flat)

    def test_sections_name_parameters(self) -> None:
        named = [parameter for section in SECTIONS.values() for parameter in section.values()]
        assert set(named) <= set(PARAMETERS)

    def test_settings_that_decide_nothing_are_not_parameters(self) -> None:
        document = {"version": "2", "telemetry_url": "https://example.org/events"}
        assert AegisConfig.from_dict(document) == AegisConfig.default()
        assert flatten(document).telemetry_url == "https://example.org/events"

    def test_whole_numbers_become_floats(self) -> None:
        config = AegisConfig.from_dict({"risk_trigger_factor": 2, "utility_theta": -0.0})
        assert config.to_bytes() == AegisConfig.default().to_bytes()


class TestRefusals:
    @pytest.mark.parametrize(
        ("document", "field", "hint"),
        [
            ({"epsilonR": 0.1}, "unknown key", "'epsilon_R'"),
            ({"parameters": {"complexity_flor": 0.6}}, "unknown key", "'complexity_floor'"),
            ({"novelty_gate": {"N1": 0.1}}, "novelty_gate.N1", "N0"),
            ({"novelty_gate": 3}, "novelty_gate", "a mapping"),
            ({"parameters": [1]}, "parameters", "a mapping"),
            ({1: 2}, "configuration", "names as keys"),
            ({"telemetry_url": 5}, "telemetry_url", "https"),
            ({"novelty_k": 1.0, "novelty_gate": {"k": 1.0}}, "novelty_k", "once"),
            ({"epsilon_R": 0.1, "parameters": {"epsilon_R": 0.1}}, "epsilon_R", "once"),
            ({"tau_warning": 0.6}, "tau_warning", "below tau_critical, 0.5"),
            ({"drift_minimum": 101}, "drift_minimum", "up to drift_window, 100"),
            ({"groups": {"agent": "nobody"}}, "groups.agent", "a group named"),
            ({"predictive": 1}, "predictive", "true or false"),
            ({"mode": "Enforce"}, "mode", "enforce, shadow"),
            ({"drift_window": 10.0}, "drift_window", "a whole number"),
            ({"drift_window": True}, "drift_window", "a whole number"),
            ({"complexity_floor": 0.49}, "complexity_floor", "at least 0.5"),
        ],
    )
    def test_the_message_names_field_and_fix(
        self, document: Mapping[str, object], field: str, hint: str
    ) -> None:
        with pytest.raises(ConfigError) as caught:
            AegisConfig.from_dict(document)
        assert caught.value.field == field
        assert hint in caught.value.allowed

    @pytest.mark.parametrize("name", [each.name for each in fields(AegisConfig)])
    @pytest.mark.parametrize(
        "value", [float("nan"), float("inf"), -float("inf"), "0.5", [], 1e301, 10**400, -1]
    )
    def test_no_parameter_takes_nonsense(self, name: str, value: object) -> None:
        if name == "utility_theta" and value == -1:
            return
        if name == "profit_floor" and value == -1:
            return
        with pytest.raises(ConfigError) as caught:
            AegisConfig.from_dict({name: value})
        assert caught.value.field.startswith(name)

    @pytest.mark.parametrize("name", [each.name for each in fields(AegisConfig)])
    def test_null_is_for_what_can_be_off(self, name: str) -> None:
        if name == "profit_floor":
            assert AegisConfig.from_dict({name: None}).profit_floor is None
            return
        with pytest.raises(ConfigError):
            AegisConfig.from_dict({name: None})

    def test_the_constructor_checks_too(self) -> None:
        with pytest.raises(ConfigError):
            AegisConfig(epsilon_R=0.0)

    def test_nothing_changes_afterwards(self) -> None:
        config = AegisConfig.default()
        with pytest.raises(FrozenInstanceError):
            config.epsilon_R = 1.0  # type: ignore[misc]  # that it cannot is the point
        assert hash(config) == hash(AegisConfig.default())


class TestBaselines:
    def test_mapping_and_objects_are_the_same(self) -> None:
        histogram = FeatureBaseline("risk-1", (0.25, 0.5, 0.75), (10, 10, 10, 10))
        config = AegisConfig(agent_baselines=(("a", Baseline(0.2, None, histogram)),))
        given = {"agent_baselines": {"a": {"risk_baseline": 0.2, "risk": HISTOGRAM}}}
        assert AegisConfig.from_dict(given) == config
        assert AegisConfig.from_bytes(config.to_bytes()) == config

    def test_an_agents_own_come_before_its_groups(self) -> None:
        config = AegisConfig.from_dict(
            {
                "agent_baselines": {"a": {"risk_baseline": 0.2}, "b": {"profit_baseline": 7}},
                "group_baselines": {"g": {"risk_baseline": 0.5, "profit_baseline": 10}},
                "groups": {"a": "g", "c": "g"},
            }
        )
        assert config.baseline_index.of("a") == Baseline(0.2, 10.0)
        assert config.baseline_index.of("b") == Baseline(None, 7.0)
        assert config.baseline_index.of("c") == Baseline(0.5, 10.0)
        assert config.baseline_index.of("d") is None

    @pytest.mark.parametrize(
        ("changes", "part"),
        [
            ({"id": ""}, "id"),
            ({"id": None}, "id"),
            ({"edges": []}, "edges"),
            ({"edges": [0.5, 0.5, 0.6]}, "edges"),
            ({"edges": [0.1, float("nan"), 0.6]}, "edges"),
            ({"edges": [0.1, True, 2]}, "edges"),
            ({"edges": [0.1, 0.2, float("inf")]}, "edges"),
            ({"edges": list(range(64))}, "edges"),
            ({"edges": "abc"}, "edges"),
            ({"counts": [10, 10, 10]}, "counts"),
            ({"counts": [29, 0, 0, 0]}, "counts"),
            ({"counts": [-1, 40, 0, 0]}, "counts"),
            ({"counts": [10.0, 10, 10, 10]}, "counts"),
            ({"counts": [True, 10, 10, 10]}, "counts"),
            ({"counts": [10**13, 10, 10, 10]}, "counts"),
        ],
    )
    def test_faulty_histograms(self, changes: Mapping[str, object], part: str) -> None:
        document = {"agent_baselines": {"a": {"risk": {**HISTOGRAM, **changes}}}}
        with pytest.raises(ConfigError) as caught:
            AegisConfig.from_dict(document)
        assert part in caught.value.field

    @pytest.mark.parametrize(
        "members",
        [
            {"a": {"risk_basline": 0.1}},
            {"a": {"risk": {**HISTOGRAM, "count": 1}}},
            {"a": {"risk": 5}},
            {"a": {"risk_baseline": 1.1}},
            {"a": {"profit_baseline": float("nan")}},
            {"a": 5},
            {"": {}},
            {5: {}},
            (("a", Baseline()), ("a", Baseline())),
            (("a",),),
            ("ab", 5),
        ],
    )
    def test_faulty_members(self, members: object) -> None:
        with pytest.raises(ConfigError):
            AegisConfig.from_dict({"agent_baselines": members})

    def test_a_histogram_from_values(self) -> None:
        values = [i / 100 for i in range(100)]
        assert FeatureBaseline.from_values("b", values, (0.25, 0.5)).counts == (25, 25, 50)
        deciles = FeatureBaseline.from_values("b", values)
        assert deciles.counts == (10,) * 10
        assert FeatureBaseline.from_values("b", [1.0] * 40).counts == (0, 40)
        for too_few in ([], [0.5] * 29):
            with pytest.raises(ConfigError):
                FeatureBaseline.from_values("b", too_few)


class TestYaml:
    def read(self, path: Path, text: str) -> AegisConfig:
        path.write_text(text)
        return AegisConfig.from_yaml(path)

    def test_the_guides_example(self, tmp_path: Path) -> None:
        text = "parameters:\n  epsilon_R: 0.02\n  novelty_gate:\n    N0: 0.6\n"
        config = self.read(tmp_path / "config.yaml", text)
        assert (config.epsilon_R, config.novelty_N0) == (0.02, 0.6)

    def test_an_empty_file_changes_nothing(self, tmp_path: Path) -> None:
        assert self.read(tmp_path / "empty.yaml", "# nothing\n") == AegisConfig.default()

    @pytest.mark.parametrize(
        "text",
        ["epsilon_R: 1\nepsilon_R: 0.01\n", "drift: {window: 50, window: 60}\n", "- 1\n", "5\n"],
    )
    def test_repeated_keys_and_other_shapes(self, tmp_path: Path, text: str) -> None:
        with pytest.raises(ConfigError):
            self.read(tmp_path / "config.yaml", text)

    @pytest.mark.parametrize("text", ["a: [", "!!python/object/apply:os.getcwd []", "a: \0"])
    def test_what_is_not_plain_yaml(self, tmp_path: Path, text: str) -> None:
        with pytest.raises(UnreadableError):
            self.read(tmp_path / "config.yaml", text)

    def test_files_that_cannot_be_read(self, tmp_path: Path) -> None:
        with pytest.raises(UnreadableError):
            AegisConfig.from_yaml(tmp_path / "absent.yaml")
        (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\xff")
        with pytest.raises(UnreadableError):
            AegisConfig.from_yaml(tmp_path / "bytes.yaml")

    def test_without_pyyaml_the_extra_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "yaml", None)
        with pytest.raises(MissingExtraError, match=r"aegis-governance\[config\]"):
            AegisConfig.from_yaml(CONTRACT)


def parameter_sets() -> st.SearchStrategy[AegisConfig]:
    names = st.text(min_size=1, max_size=5)
    counts = st.lists(st.integers(30, 1000), min_size=4, max_size=4)
    histograms = st.builds(lambda c: {**HISTOGRAM, "counts": c}, counts)
    optional = st.none() | st.floats(0.0, 1.0)
    baselines = st.fixed_dictionaries(
        {"risk_baseline": optional, "profit_baseline": optional, "risk": st.none() | histograms}
    )
    values: dict[str, st.SearchStrategy[Any]] = {
        "epsilon_R": st.floats(1e-9, 1.0),
        "profit_floor": st.none() | st.floats(-1e300, 1e300),
        "predictive": st.booleans(),
        "novelty_direction": st.sampled_from(["at_least", "at_most"]),
        "horizon_count": st.integers(1, 10**8),
        "agent_baselines": st.dictionaries(names, baselines, max_size=3),
    }
    return st.fixed_dictionaries({}, optional=values).map(AegisConfig.from_dict)


class TestBytes:
    @given(parameter_sets())
    def test_round_trip(self, config: AegisConfig) -> None:
        again = AegisConfig.from_bytes(config.to_bytes())
        assert again == config
        assert again.to_bytes() == config.to_bytes()
        assert again.sha256() == config.sha256()

    def test_the_bytes_are_canonical_json_of_every_parameter(self) -> None:
        data = AegisConfig.default().to_bytes()
        values = json.loads(data)
        assert list(values) == sorted(PARAMETERS)
        assert json.dumps(values, sort_keys=True, separators=(",", ":")).encode() == data

    def test_the_hash_is_pinned(self) -> None:
        """A changed default changes what every deployment has recorded."""
        digest = "f275a44a0ff520c48fd305d0ae5773136cd6a92b315c3e2062216ed329441605"
        assert AegisConfig.default().sha256().hex() == digest

    def test_bytes_of_a_release_with_fewer_parameters(self) -> None:
        assert AegisConfig.from_bytes(b'{"epsilon_R":0.01}') == AegisConfig.default()

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"[]",
            b"{",
            b"\xff",
            b'{"epsilon_R": 0.01}',
            b'{"epsilon_R":0.010}',
            b'{"epsilon_R":1e-2}',
            b'{"epsilon_R":0.5,"epsilon_R":0.01}',
            b'{"epsilon_X":0.01}',
            b'{"epsilon_R":NaN}',
            b'{"parameters":{"epsilon_R":0.01}}',
            b'{"version":"1"}',
            b"[" * 100_000,
        ],
    )
    def test_other_bytes_are_refused(self, data: bytes) -> None:
        with pytest.raises(ConfigError):
            AegisConfig.from_bytes(data)

    def test_lengths_in_milliseconds(self) -> None:
        config = AegisConfig.from_dict({"horizon_hours": 0.5, "decision_valid_hours": 2})
        assert (config.horizon_ms, config.decision_valid_ms) == (1_800_000, 7_200_000)
