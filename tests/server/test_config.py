"""Configuration files, and `runa-mock config`, which shows what applies and why."""

import json
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from runa_mock_server import ConfigError, MockServer, Settings, SettingsError
from runa_mock_server.base.currencies import Currency
from runa_mock_server.config.file import read
from runa_mock_server.config.flags import DEFAULT_PORT
from runa_mock_server.config.schema import schema
from runa_mock_server.config.serve_settings import ServeSettings
from support.api import Api
from support.command import run
from support.files import problems_of
from support.process import Process

SCHEMA = Draft202012Validator(schema())
FILES = (".toml", ".json")


def saved(folder: Path, document: Any, suffix: str = ".json") -> Path:
    """A configuration file."""
    path = folder / f"runa-mock{suffix}"
    text = tomli_w.dumps(document) if suffix == ".toml" else json.dumps(document)
    path.write_text(text, encoding="utf-8")
    return path


def problems(path: Path) -> list[str]:
    """The lines of the refusal of a file, each of which names the file, without that name."""
    return problems_of(path, read, ConfigError)


def effective(*arguments: str, **environment: str) -> dict[str, tuple[Any, str]]:
    """For each setting its value and its source."""
    shown = run("config", "--format", "json", *arguments, **environment)
    assert shown.exit_code == 0, shown.output
    return {name: (row["value"], row["source"]) for name, row in json.loads(shown.output).items()}


@pytest.mark.parametrize("suffix", FILES)
def test_a_file_sets_a_server(tmp_path: Path, suffix: str) -> None:
    """What the file says applies, single arguments beat it, and the log is left out."""
    document = {
        "$schema": "config.schema.json",
        "processing_delay": 0,
        "rate_limit": 7,
        "api_keys": ["one"],
        "balances": {"USD": 20.1},
        "templates": {"PT-MINE": ["AMZ-US"]},
        "log_level": "error",
    }
    path = saved(tmp_path, document, suffix)
    with MockServer(config=path, rate_limit=8) as server:
        assert server.settings == Settings(
            processing_delay=0,
            rate_limit=8,
            api_keys=("one",),
            balances={Currency.USD: Decimal("20.1")},
            templates={"PT-MINE": ("AMZ-US",)},
        )
        api = Api(server.url, "one")
        assert api.read(api.order().json()["id"])["status"] == "COMPLETED"
        api.close()


def test_a_file_and_settings_do_not_mix(tmp_path: Path) -> None:
    """Ready-made settings leave nothing for a file to say; a wrong argument is no file's fault."""
    path = saved(tmp_path, {})
    with pytest.raises(TypeError, match="config"):
        MockServer(Settings(), config=path)
    with pytest.raises(SettingsError, match=r"^port: "):
        MockServer(config=path, port=-1)


def test_a_catalogue_lies_beside_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path in the file is relative to it, wherever the server is started."""
    (tmp_path / "conf").mkdir()
    (tmp_path / "elsewhere").mkdir()
    saved(tmp_path / "conf", {"catalogue": "mine.json"})
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert read("../conf/runa-mock.json") == {"catalogue": "../conf/mine.json"}
    value, source = effective("--config", "../conf/runa-mock.json")["catalogue"]
    assert Path(value).is_absolute()
    assert Path(value).resolve() == tmp_path / "conf" / "mine.json"
    assert source == "file ../conf/runa-mock.json"
    absolute = str(tmp_path / "mine.json")
    assert read(saved(tmp_path, {"catalogue": absolute})) == {"catalogue": absolute}
    assert read(saved(tmp_path, {"catalogue": None})) == {"catalogue": None}


@pytest.mark.parametrize("suffix", FILES)
def test_every_problem_is_told_at_once(tmp_path: Path, suffix: str) -> None:
    """Each with its key, its reason, and the nearest name where one is near."""
    document = {
        "$schema": 5,
        "proces_delay": 1,
        "Log-Level": "info",
        "colour": "red",
        "profile": "prod",
        "log_level": "LOUD",
        "port": "8080",
        "seed": 1.5,
        "balances": {"EURO": 5, "usd": 1, "GBP": -1},
    }
    found = {line.partition(": ")[0]: line for line in problems(saved(tmp_path, document, suffix))}
    assert found.keys() == document.keys()
    assert found["proces_delay"].endswith("no such setting; did you mean 'processing_delay'?")
    assert found["Log-Level"].endswith("did you mean 'log_level'?")
    assert found["colour"].endswith("there is no such setting")
    assert found["profile"].endswith("'playground' or 'production'")
    assert found["port"].endswith("should be a valid integer")
    told = problems(saved(tmp_path, document, suffix))
    assert any("EURO" in line and "did you mean 'EUR'?" in line for line in told)
    assert any("usd" in line and "did you mean 'USD'?" in line for line in told)


@pytest.mark.parametrize(
    ("value", "meant"), [("productoin", "production"), ("Playground", "playground")]
)
def test_the_nearest_choice_is_told(value: str, meant: str) -> None:
    """Also of a value that is one of a few, and whoever asks."""
    with pytest.raises(SettingsError, match=f"did you mean '{meant}'"):
        MockServer(profile=value)  # type: ignore[arg-type] # refused at run time, too
    with pytest.raises(SettingsError, match="did you mean 'processing_delay'"):
        MockServer(proces_delay=1)  # type: ignore[call-arg] # refused at run time, too


@pytest.mark.parametrize(
    ("name", "raw", "reason"),
    [
        ("a.toml", b"port = 1\nhost = \n", "is not TOML: Invalid value (at line 2, column 8)"),
        ("a.toml", b"port = 1\nport = 2", "at line 2, column 9"),
        ("a.toml", b"seed = " + b"[" * 9000, "is not TOML: nested too deeply"),
        ("a.toml", b"seed = " + b"1" * 5000, "is not TOML: Exceeds the limit"),
        ("a.TOML", b"host = '\xff'", "is not UTF-8: byte 8 cannot be read"),
        ("a.json", b'{\n"port": }', "is not JSON: expected value at line 2 column 9"),
        ("a.json", b'{"port": 1,\n "port": 2}', '"port" at line 2'),
        ("a.json", b'{"processing_delay": NaN}', "is not JSON: expected value at line 1"),
        ("a.json", b"", "is not JSON: EOF"),
        ("a.json", b"[]", "must be an object of settings"),
        ("a.json", b"null", "must be an object of settings"),
        ("a.json", '{"port": 1}'.encode("utf-16"), "is not UTF-8: byte 0 cannot be read"),
        ("a.yaml", b"port: 1", "must end in .toml or .json"),
        ("config", b"", "must end in .toml or .json"),
    ],
)
def test_what_is_no_configuration_is_refused(
    tmp_path: Path, name: str, raw: bytes, reason: str
) -> None:
    """One line says what is wrong with the file, and where."""
    path = tmp_path / name
    path.write_bytes(raw)
    (problem,) = problems(path)
    assert reason in problem


def test_a_byte_order_mark_does_not_matter(tmp_path: Path) -> None:
    """Some editors write one."""
    for name, text in (("a.toml", "port = 1"), ("a.json", '{"port": 1}')):
        (tmp_path / name).write_text(text, encoding="utf-8-sig")
        assert read(tmp_path / name) == {"port": 1}


@pytest.mark.parametrize("command", ["serve", "config", "health"])
def test_a_file_that_cannot_be_read_is_one_friendly_line(tmp_path: Path, command: str) -> None:
    """Exit 2: a file that is not there, a folder, and one with problems, also by variable."""
    folder = tmp_path / "folder.toml"
    folder.mkdir()
    missing, wrong = tmp_path / "nowhere.toml", saved(tmp_path, {"prot": 1})
    for path, reason in (
        (missing, "cannot be read: No such file or directory"),
        (folder, "cannot be read: Is a directory"),
        (wrong, "prot: there is no such setting; did you mean 'port'?"),
    ):
        expected = (2, f"Error: {path}: {reason}\n")
        by_flag = run(command, "--config", str(path))
        assert (by_flag.exit_code, by_flag.output) == expected
        by_variable = run(command, RUNA_MOCK_CONFIG=str(path))
        assert (by_variable.exit_code, by_variable.output) == expected
    with pytest.raises(ConfigError, match="cannot be read"):
        read("nul\0.toml")


def test_the_command_reads_the_file(tmp_path: Path) -> None:
    """`serve` listens where the file says, and logs as it says."""
    path = saved(tmp_path, {"host": "192.0.2.1", "log_format": "json"}, ".toml")
    with Process("serve", "--config", str(path)) as process:
        finished = process.finish()
    assert (finished.code, finished.out) == (1, "")
    assert finished.err.startswith("Error: cannot listen on 192.0.2.1 port 8484")


def test_flag_beats_variable_beats_file_beats_default(tmp_path: Path) -> None:
    """For every setting the strongest source wins, whole, and is named."""
    config = ("--config", str(saved(tmp_path, {"seed": 1, "balances": {"USD": 1}})))
    seed, balance = ("--seed", "3"), ("--balance", "GBP=3")
    variables = {"RUNA_MOCK_SEED": "2", "RUNA_MOCK_BALANCE": "EUR=2 CAD=2"}
    by_default = effective()
    assert {source for _, source in by_default.values()} == {"default"}
    assert by_default["port"] == (DEFAULT_PORT, "default")
    by_file = effective(*config)
    source = f"file {config[1]}"
    assert (by_file["seed"], by_file["balances"]) == ((1, source), ({"USD": "1"}, source))
    by_variable = effective(*config, **variables)
    assert by_variable["seed"] == (2, "variable RUNA_MOCK_SEED")
    assert by_variable["balances"] == ({"EUR": "2", "CAD": "2"}, "variable RUNA_MOCK_BALANCE")
    by_flag = effective(*config, *seed, *balance, **variables)
    assert by_flag["seed"] == (3, "flag --seed")
    assert by_flag["balances"] == ({"GBP": "3"}, "flag --balance")
    untouched = by_flag.keys() - {"seed", "balances"}
    assert {name: by_flag[name] for name in untouched} == {n: by_default[n] for n in untouched}


def test_a_flag_that_repeats_the_default_beats_the_file(tmp_path: Path) -> None:
    """What counts is that it was given."""
    path = saved(tmp_path, {"port": 9, "redemption_api": False})
    shown = effective("--config", str(path), "--port", str(DEFAULT_PORT), "--redemption-api")
    assert shown["port"] == (DEFAULT_PORT, "flag --port")
    assert shown["redemption_api"] == (True, "flag --redemption-api")


def test_the_variable_that_won_is_named() -> None:
    """Of the two for the port, the tool's own is the stronger."""
    assert effective(PORT="5")["port"] == (5, "variable PORT")
    assert effective(PORT="5", RUNA_MOCK_PORT="6")["port"] == (6, "variable RUNA_MOCK_PORT")
    wrong = run("config", PORT="70000")
    assert (wrong.exit_code, wrong.output.splitlines()[-1][:12]) == (2, "Error: PORT:")


def test_the_table_has_a_line_a_setting() -> None:
    """Name, value and source, in columns."""
    lines = run("config", "--balance", "USD=5", "--no-redemption-api").output.splitlines()
    rows = {line.split()[0]: line for line in lines}
    assert list(rows) == list(ServeSettings.model_fields)
    assert rows["balances"].split(None, 1)[1].split("  ")[0] == '{"USD": "5"}'
    assert rows["redemption_api"].split()[1:] == ["false", "flag", "--no-redemption-api"]
    assert rows["host"].split() == ["host", '"127.0.0.1"', "default"]


@pytest.mark.parametrize("form", ["text", "json", "toml"])
def test_secrets_are_shown_on_demand_only(form: str) -> None:
    """API keys are hidden unless asked for; that there are some is told."""
    given_ = ("config", "--format", form, "--api-key", "XX-very-secret")
    hidden = run(*given_).output
    assert "very-secret" not in hidden
    assert "flag --api-key" in hidden
    assert "XX-very-secret" in run(*given_, "--show-secrets").output
    assert "***" not in run("config", "--format", form).output


def test_what_sounds_secret_is_marked_so() -> None:
    """Each setting whose name speaks of keys, tokens or the like is `writeOnly` in the schema."""
    words = {"key", "keys", "token", "tokens", "secret", "secrets", "password"}
    of_json = {"reordered_keys"}  # keys of objects
    for name, property_ in schema()["properties"].items():
        if name in of_json:
            continue
        assert property_.get("writeOnly", False) == bool(words & set(name.split("_"))), name


USABLE = st.fixed_dictionaries(
    {},
    optional={
        "host": st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20),
        "port": st.integers(0, 65_535),
        "public_url": st.sampled_from([None, "http://mock.example/a"]),
        "processing_delay": st.floats(0, 10**9) | st.integers(0, 10),
        "api_keys": st.lists(st.text('aé\n"#\x7f\\', min_size=1), max_size=3),
        "balances": st.dictionaries(
            st.sampled_from(["USD", "GBP"]), st.decimals(0, 10**15, places=2).map(str)
        ),
        "templates": st.dictionaries(
            st.text('PT-é ."\n', max_size=4), st.lists(st.text("AB-", min_size=1), max_size=2)
        ),
        "seed": st.none() | st.integers(),
        "redemption_api": st.booleans(),
        "log_level": st.sampled_from(["debug", "error"]),
    },
)
# Values of which some can be used and some cannot.
ODD: dict[str, st.SearchStrategy[Any]] = {
    "host": st.just(""),
    "port": st.integers(-1, 70_000),
    "public_url": st.sampled_from(["https://é.example", "ftp://mock.example", "x"]),
    "profile": st.sampled_from(["playground", "production", "prod"]),
    "processing_delay": st.floats(),
    "rate_limit": st.none() | st.integers(0, 10) | st.just(2.0),
    "api_keys": st.sampled_from([[""], "XX", [1]]),
    "balances": st.dictionaries(
        st.sampled_from(["USD", "GBP", "EURO"]),
        st.integers(-1, 10**16) | st.sampled_from([0.1, "20.50", "1.234", "x", True, None]),
        max_size=2,
    )
    | st.sampled_from([["USD=5"], ["USD"], "USD=5"]),
    "templates": st.sampled_from([{"PT": "A,B"}, {"PT": ""}, {"PT": [1]}, ["PT=A,B"], "PT=A"]),
    "redemption_api": st.integers(0, 1),
    "$schema": st.sampled_from(["anything", 1]),
    "colour": st.just("red"),
}
MIXED = st.tuples(
    USABLE, st.sampled_from(sorted(ODD)).flatmap(lambda name: st.tuples(st.just(name), ODD[name]))
).map(lambda drawn: {**drawn[0], drawn[1][0]: drawn[1][1]})


@given(document=MIXED)
@example(document={"templates": {"PT": "A,B"}})
@example(document={"balances": ["USD=5"]})
def test_the_schema_takes_what_the_program_takes(
    tmp_path_factory: pytest.TempPathFactory, document: dict[str, Any]
) -> None:
    """A file that can be used has no error by the published schema."""
    path = saved(tmp_path_factory.getbasetemp(), document)
    try:
        read(path)
    except ConfigError:
        return
    SCHEMA.validate(document)


@pytest.mark.parametrize(
    "document",
    [
        {"prot": 1},
        {"port": 70_000},
        {"port": "80"},
        {"profile": "prod"},
        {"balances": {"EURO": 1}},
        {"api_keys": "one"},
        {"api_keys": [""]},
        {"templates": {"PT": [1]}},
        {"log_level": "loud"},
        {"$schema": 1},
        [],
    ],
)
def test_the_schema_refuses_what_the_program_refuses(tmp_path: Path, document: Any) -> None:
    """As far as a schema can: names, types, ranges and choices."""
    assert problems(saved(tmp_path, document))
    assert not SCHEMA.is_valid(document)


def test_the_command_prints_the_schema() -> None:
    """`config --schema` prints it whatever the settings are; each setting is a key of it."""
    shown = run("config", "--schema", RUNA_MOCK_CONFIG="nowhere.toml", PORT="many")
    assert shown.exit_code == 0
    printed = json.loads(shown.output)
    Draft202012Validator.check_schema(printed)
    assert printed == schema()
    assert list(printed["properties"]) == ["$schema", *ServeSettings.model_fields]


@given(document=USABLE)
def test_the_toml_form_is_a_configuration_file(
    tmp_path_factory: pytest.TempPathFactory, document: dict[str, Any]
) -> None:
    """Read again, it gives the same settings, wherever it lies."""
    folder = tmp_path_factory.getbasetemp()
    before = folder / "before #1\n.json"
    before.write_text(json.dumps({**document, "catalogue": "mine.json"}), encoding="utf-8")
    shown = run("config", "--format", "toml", "--show-secrets", "--config", str(before))
    assert shown.exit_code == 0, shown.output
    assert tomllib.loads(shown.output)
    after = folder / "elsewhere"
    after.mkdir(exist_ok=True)
    after /= "after.toml"
    after.write_bytes(shown.stdout_bytes)
    assert ServeSettings(**read(after)) == ServeSettings(**read(before))
