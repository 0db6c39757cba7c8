"""Configuration: every mistake is one clear line that names the setting, before anything is opened or written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from askonce import Cache, ConfigError, ManualClock, load_config
from askonce.cache.config import Config, seconds, size


def read(tmp_path: Path, text: str = "", **environ: str) -> Config:
    path = tmp_path / "askonce.toml"
    path.write_text(text, encoding="utf-8")
    return load_config(path, environ)


def refusal(tmp_path: Path, text: str, **environ: str) -> str:
    """The message of the ConfigError these settings give, or an empty string."""
    try:
        made = read(tmp_path, text, **environ)
        made.build_policy()
        made.check_tiers()
    except ConfigError as error:
        return str(error)
    return ""


def test_the_example_in_the_docstring_is_valid(tmp_path: Path) -> None:
    """What the module shows can be copied as it is."""
    from askonce.cache import config

    assert config.__doc__ is not None
    example = config.__doc__.partition("::")[2].partition("Each setting")[0]
    made = read(tmp_path, "\n".join(line[4:] for line in example.splitlines()))
    assert made.cache.tiers == ["memory", "disk", "redis"]
    assert made.prices["my-model"].output == 0.60
    assert made.build_policy().ttl == 7 * 86400
    made.check_tiers()


@pytest.mark.parametrize(
    ("text", "setting", "words"),
    [
        ("[polcy]\nttl = 1", "polcy", ["[polcy]", "'policy'"]),
        ("[policy]\ntl = 1", "policy.tl", ["[policy]", "'ttl'"]),
        ("[policy]\nstale_if_eror = 1", "policy.stale_if_eror", ["'stale_if_error'"]),
        ("[memory]\nmax_byte = 1", "memory.max_byte", ["'max_bytes'"]),
        ("[semantic]\nzzz = 1", "semantic.zzz", ["'zzz'", "threshold"]),
        ("[cache]\ndirectory = 5", "cache.directory", ["cache.directory", "str", "int"]),
        ("[cache]\ntiers = 'memory'", "cache.tiers", ["cache.tiers", "array", "str"]),
        ("[cache]\ntiers = [1]", "cache.tiers[0]", ["cache.tiers[0]"]),
        ("[cache]\ndeadline_ms = 'soon'", "cache.deadline_ms", ["cache.deadline_ms", "float"]),
        ("[memory]\nmax_entries = 1.5", "memory.max_entries", ["memory.max_entries", "int"]),
        ("[memory]\nmax_entries = true", "memory.max_entries", ["memory.max_entries", "bool"]),
        ("[policy]\nttl = true", "policy.ttl", ["policy.ttl", "bool"]),
        ("[policy]\nttl = [1]", "policy.ttl", ["policy.ttl"]),
        ("[policy.tag_ttl]\nnews = true", "policy.tag_ttl[...]", ["policy.tag_ttl"]),
        ("[semantic]\nenabled = 'no'", "semantic.enabled", ["semantic.enabled", "bool"]),
        ("[semantic]\nthreshold = 'high'", "semantic.threshold", ["semantic.threshold", "float"]),
        ("policy = 1", "policy", ["[policy]", "section"]),
        ("[[policy]]\nttl = 1", "policy", ["[policy]", "section"]),
        ("ttl = 1", "ttl", ["'ttl'", "under [cache]"]),
        ("[prices.m]\ninput = 1", "prices.m", ["prices.m", "output"]),
        ("[prices.m]\ninput = 1\noutput = 2\nextra = 3", "prices.m", ["prices.m", "extra"]),
        ("[prices]\nm = 3", "prices.m", ["prices.m"]),
        ("[prices.gpt-4.1]\ninput = 1\noutput = 2", "prices.gpt-4", ['[prices."gpt-4.1"]']),
        ("prices = 3", "prices", ["prices"]),
        ("not toml", "config", ["TOML"]),
        ("[cache", "config", ["TOML"]),
    ],
)
def test_a_wrong_file_is_one_clear_line(tmp_path: Path, text: str, setting: str, words: list[str]) -> None:
    """An unknown section or name says the nearest known one, a wrong type says which was expected; all name the file
    and the setting."""
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    message = str(caught.value)
    assert "\n" not in message
    assert "askonce.toml" in message
    assert caught.value.data["setting"] == setting
    for word in words:
        assert word in message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[policy]\nttl = '1w'", ["policy.ttl", "'1w'", "7d"]),
        ("[policy]\nttl = ''", ["policy.ttl"]),
        ("[policy]\nttl = -1", ["ttl", "-1"]),
        ("[policy]\nttl = nan", ["ttl", "nan"]),
        ("[policy]\njitter = 1", ["jitter"]),
        ("[policy]\nmax_bytes = '1 XB'", ["policy.max_bytes", "MiB"]),
        ("[policy]\nmax_bytes = -5", ["max_bytes", "-5"]),
        ("[policy]\nstale_while_revalidate = -1", ["stale_while_revalidate"]),
        ("[policy]\nstale_if_error = 'x'", ["policy.stale_if_error"]),
        ("[policy.tag_ttl]\nnews = 'soon'", ["policy.tag_ttl.news"]),
        ("[cache]\ntiers = ['memory', 'dsk']", ["'dsk'", "memory, disk, redis"]),
        ("[cache]\ntiers = ['memory', 'memory']", ["twice"]),
        ("[cache]\ntiers = ['redis']", ["[redis] url", "ASKONCE_REDIS_URL"]),
        ("[cache]\ntiers = ['memory']\ndeadline_ms = 0", ["deadline_ms"]),
        ("[cache]\ntiers = ['memory']\ndeadline_ms = nan", ["deadline_ms"]),
        ("[cache]\ntiers = ['memory']\nwrite_behind = ['redis']", ["write_behind", "'redis'", "memory"]),
        ("[cache]\ntiers = ['memory']\n[memory]\nmax_bytes = '1 XB'", ["memory.max_bytes"]),
        ("[cache]\ntiers = ['memory']\n[memory]\nmax_entries = 0", ["memory max_entries"]),
        ("[cache]\ntiers = ['memory', 'disk']\n[disk]\nmax_bytes = 'x'", ["disk.max_bytes"]),
    ],
)
def test_a_wrong_value_is_refused_when_built_and_nothing_is_left_behind(
    tmp_path: Path, text: str, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Values out of range or unreadable are refused before a directory is made."""
    monkeypatch.chdir(tmp_path)
    made = read(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        made.build(semantic=False)
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["askonce.toml"]


@pytest.mark.parametrize("value", [2, 1.5, -2, "nan"])
def test_a_wrong_threshold_is_refused(tmp_path: Path, value: Any) -> None:
    """A distance or a percentage for a cosine is refused with the embedder left alone."""
    with pytest.raises(ConfigError, match="threshold"):
        read(tmp_path, f"[semantic]\nthreshold = {value}").semantic_tier()


def test_a_wrong_embedder_is_refused(tmp_path: Path) -> None:
    """An embedder nobody knows is named in the error."""
    with pytest.raises(ConfigError, match="no-such-model"):
        read(tmp_path, "[semantic]\nembedder = 'no-such-model'").semantic_tier()


def test_a_missing_file_is_an_error_only_when_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that was named must be there; the default one need not."""
    with pytest.raises(ConfigError, match=r"nowhere\.toml"):
        load_config(tmp_path / "nowhere.toml", {})
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path, {})
    monkeypatch.chdir(tmp_path)
    assert load_config(None, {}) == Config()
    (tmp_path / "askonce.toml").write_text("[memory]\nmax_entries = 7\n")
    assert load_config(None, {}).memory.max_entries == 7
    (tmp_path / "askonce.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(None, {})


@pytest.mark.parametrize(
    ("variable", "text", "path", "value"),
    [
        ("ASKONCE_REDIS_URL", "redis://h:1/0", "redis.url", "redis://h:1/0"),
        ("ASKONCE_CACHE_TIERS", " memory , disk ,", "cache.tiers", ["memory", "disk"]),
        ("ASKONCE_CACHE_WRITE_BEHIND", "", "cache.write_behind", []),
        ("ASKONCE_CACHE_DEADLINE_MS", "5", "cache.deadline_ms", 5.0),
        ("ASKONCE_MEMORY_MAX_ENTRIES", "12", "memory.max_entries", 12),
        ("ASKONCE_MEMORY_MAX_BYTES", "1 GiB", "memory.max_bytes", "1 GiB"),
        ("ASKONCE_SEMANTIC_ENABLED", "False", "semantic.enabled", False),
        ("ASKONCE_SEMANTIC_ENABLED", "on", "semantic.enabled", True),
        ("ASKONCE_SEMANTIC_THRESHOLD", "0.8", "semantic.threshold", 0.8),
        ("ASKONCE_POLICY_TTL", "5m", "policy.ttl", "5m"),
        ("ASKONCE_POLICY_STALE_IF_ERROR", "1h", "policy.stale_if_error", "1h"),
    ],
)
def test_the_environment_overrides_the_file(tmp_path: Path, variable: str, text: str, path: str, value: Any) -> None:
    """Each setting has its variable; numbers, booleans and lists are read as such, and win over the file."""
    made = read(tmp_path, "[policy]\nttl = 1\n[memory]\nmax_entries = 7\n", **{variable: text})
    section, _, name = path.partition(".")
    assert getattr(getattr(made, section), name) == value
    if variable != "ASKONCE_MEMORY_MAX_ENTRIES":
        assert made.memory.max_entries == 7


@pytest.mark.parametrize(
    ("variable", "text", "words"),
    [
        ("ASKONCE_RDIS_URL", "x", ["ASKONCE_RDIS_URL", "ASKONCE_REDIS_URL"]),
        ("ASKONCE_TTL", "5", ["ASKONCE_TTL", "ASKONCE_POLICY_TTL"]),
        ("ASKONCE_REDIS", "x", ["ASKONCE_REDIS"]),
        ("ASKONCE_MEMORY_MAX_ENTRIES", "many", ["ASKONCE_MEMORY_MAX_ENTRIES", "int"]),
        ("ASKONCE_SEMANTIC_ENABLED", "maybe", ["ASKONCE_SEMANTIC_ENABLED", "true or false"]),
        ("ASKONCE_POLICY_TAG_TTL", "x", ["ASKONCE_POLICY_TAG_TTL"]),
        ("ASKONCE_CACHE_DEADLINE_MS", "", ["ASKONCE_CACHE_DEADLINE_MS"]),
    ],
)
def test_a_wrong_variable_is_named(tmp_path: Path, variable: str, text: str, words: list[str]) -> None:
    """A mistake in the environment is blamed on the variable, not on the file."""
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, "", **{variable: text})
    for word in words:
        assert word in str(caught.value)
    assert "askonce.toml" not in str(caught.value)


def test_variables_of_others_are_left_alone(tmp_path: Path) -> None:
    """Only names that begin as ours do are read."""
    assert read(tmp_path, "", ASKONCE="1", MY_ASKONCE_TTL="x", ASKONCE_DATA="/data") == Config()


def test_every_setting_has_its_variable(tmp_path: Path) -> None:
    """Whatever can stand in a section can come from the environment, by one spelling rule."""
    import msgspec

    for section in msgspec.structs.fields(Config):
        if section.name == "prices":
            continue
        for setting in msgspec.structs.fields(section.type):
            variable = f"ASKONCE_{section.name}_{setting.name}".upper()
            assert "there is no setting" not in refusal(tmp_path, "", **{variable: "1"})


def test_a_password_is_not_shown() -> None:
    """The settings can be printed: a password in the Redis URL stays hidden."""
    made = Config()
    made.redis.url = "rediss://user:s3cret@host:6379/0"
    assert "s3cret" not in repr(made)
    assert "host:6379" in repr(made)


@given(
    st.dictionaries(
        st.sampled_from(["cache", "memory", "disk", "redis", "semantic", "policy", "prices", "polcy"]),
        st.dictionaries(
            st.sampled_from(
                ["ttl", "tiers", "url", "max_bytes", "max_entries", "enabled", "threshold", "m", "tag_ttl"]
            ),
            st.booleans() | st.integers(-3, 3) | st.floats() | st.text(max_size=3) | st.lists(st.text(max_size=2)),
            max_size=3,
        )
        | st.integers(),
        max_size=3,
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_file_makes_it_raise_anything_else(tmp_path: Path, data: dict[str, Any]) -> None:
    """Whatever a well-formed file holds, reading it gives settings or a ConfigError of one line."""
    import json

    lines: list[str] = []
    for section, values in data.items():
        if isinstance(values, dict):
            continue
        lines.append(f"{section} = {values}")
    for section, values in data.items():
        if not isinstance(values, dict):
            continue
        lines.append(f"[{section}]")
        for name, value in values.items():
            text = str(value) if isinstance(value, float) else json.dumps(value)
            lines.append(f"{name} = {text}")
    assert "\n" not in refusal(tmp_path, "\n".join(lines))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("90s", 90),
        ("5m", 300),
        ("1h", 3600),
        ("7d", 604800),
        ("0.5h", 1800),
        (" 5 M ", 300),
        ("60", 60),
        (5, 5),
        (0.5, 0.5),
    ],
)
def test_durations(text: Any, value: float) -> None:
    """Seconds, or a number with s, m, h or d."""
    assert seconds(text, "x") == value


@pytest.mark.parametrize(
    ("text", "value"),
    [("512 KiB", 524288), ("2 GiB", 2**31), ("1kb", 1000), ("1.5 MiB", 1572864), ("10", 10), ("7 b", 7), (12, 12)],
)
def test_sizes(text: Any, value: int) -> None:
    """Bytes, or a number with a decimal or binary unit."""
    assert size(text, "x") == value


@pytest.mark.parametrize("text", ["", "h", "-5m", "5 minutes", "1h30m", "½h", "1e3", "inf"])
def test_unreadable_durations_and_sizes(text: str) -> None:
    """Anything else is refused by name, never guessed."""
    with pytest.raises(ConfigError, match=r"policy\.ttl"):
        seconds(text, "policy.ttl")
    with pytest.raises(ConfigError, match="max_bytes"):
        size(text + "!", "max_bytes")


def test_a_built_cache_has_the_settings(tmp_path: Path) -> None:
    """Tiers, bounds, policy, prices and the clock handed in arrive where they act; overrides win."""
    clock = ManualClock()
    path = tmp_path / "askonce.toml"
    path.write_text(
        "[cache]\ntiers = ['memory']\ndeadline_ms = 5\n[memory]\nmax_entries = 1\n"
        "[policy]\nttl = '10s'\njitter = 0\n[semantic]\nenabled = false\n[prices.m]\ninput = 1\noutput = 2\n"
    )
    with Cache.from_config(path, clock=clock) as cache:
        assert [tier.name for tier in cache.tiers] == ["memory"]
        assert cache.tiers[0].deadline_s == 0.005
        assert cache.semantic is None
        assert cache.prices["m"] == (1, 2)

        @cache.cached()
        def answer(question: str) -> str:
            return question

        answer("a"), answer("b")
        assert cache.stats().entries == {"memory": 1}
        clock.advance(11)
        assert answer.reply("b").receipt.status == "miss"
    with Cache.from_config(path, deadline_ms=7.0, clock=clock) as other:
        assert other.tiers[0].deadline_s == 0.007


def test_the_process_environment_is_read_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an environment handed in, the process's own counts."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("ASKONCE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ASKONCE_MEMORY_MAX_ENTRIES", "9")
    assert load_config().memory.max_entries == 9


@pytest.mark.parametrize(
    ("text", "there"),
    [("", False), ("[drift]\n", False), ("[drift]\nenabled = true", True), ('[drift]\nfast = "5m"', True),
     ('[drift]\non_snapshot = "retire"', True), ('[drift]\nfast = "5m"\nenabled = false', False)],
)  # fmt: skip
def test_a_drift_policy_comes_with_a_setting(tmp_path: Path, text: str, there: bool) -> None:
    """There is one as soon as its section says something, be it what is so anyway, unless it is switched off."""
    with read(tmp_path, text).build(tiers=[], semantic=False) as cache:
        assert (cache.pipeline.drift is not None) == there


def test_a_variable_brings_a_drift_policy_too(tmp_path: Path) -> None:
    """A setting from the environment counts as one from the file."""
    assert read(tmp_path, ASKONCE_DRIFT_SLOW="1d").build_drift() is not None
    assert read(tmp_path, ASKONCE_DRIFT_SLOW="1d", ASKONCE_DRIFT_ENABLED="false").build_drift() is None


def test_drift_settings_reach_the_policy(tmp_path: Path) -> None:
    """Every setting does, durations read; a level may have no bound."""
    lines = ('slow = "never"', 'fast = "5m"', "instant = 2", 'shortest_ttl = "1m"', 'on_fingerprint = "retire"')
    policy = read(tmp_path, "\n".join(("[drift]", *lines, "tighten = 0.4"))).build_drift()
    assert policy is not None
    assert policy.settings.lifetimes == {"timeless": None, "slow": None, "fast": 300.0, "instant": 2.0}
    assert (policy.settings.shortest_ttl, policy.settings.on_fingerprint, policy.settings.tighten) == (
        60,
        "retire",
        0.4,
    )


@pytest.mark.parametrize(
    ("line", "setting"),
    [('on_snapshot = "drop"', "on_snapshot"), ("audit_rate = 2", "audit_rate"), ('fast = "soon"', "fast"),
     ("traffic_window = 0", "traffic_window"), ("fast = -5", "fast"), ("tighten = 0", "tighten")],
)  # fmt: skip
def test_a_wrong_drift_setting_is_named(tmp_path: Path, line: str, setting: str) -> None:
    """It is refused when the cache is built, before anything is opened, and the error names it with its section."""
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, f"[drift]\n{line}").build(directory=tmp_path)
    assert caught.value.data["setting"] == f"drift.{setting}"
