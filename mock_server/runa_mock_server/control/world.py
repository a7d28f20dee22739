"""A world in a store: created with the settings of the first server, joined by every other.

What a world began with is its first record: the settings, the products, the clock, and the seed
that all random choices follow from. Whoever joins later has the settings of the world.
"""

import logging
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from runa_mock_server.base import strict_json
from runa_mock_server.base.clock import Clock, ComputerTime, clock_of, computer_time
from runa_mock_server.catalogue.catalogue import Catalogue
from runa_mock_server.catalogue.file import catalogue_of
from runa_mock_server.catalogue.service import exact_json
from runa_mock_server.config.settings import OF_THE_PROCESS, Settings, make_settings
from runa_mock_server.control.replay import Replay
from runa_mock_server.server_state import stored_journal
from runa_mock_server.server_state.server_state import Origin, ServerState
from runa_mock_server.store import records
from runa_mock_server.store.engine import MOST_ROWS, WORLD, Batch, Engine
from runa_mock_server.store.log import Log

log = logging.getLogger(__name__)


async def open_world(
    engine: Engine, settings: Settings, clock: Clock | None, catalogue: Catalogue | None
) -> ServerState:
    """Create the world of a store, or join it.

    Args:
        engine: keeps the store.
        settings: those of this process; the world keeps its own if it exists.
        clock: of a world that is created.
        catalogue: of a world that is created.

    Raises:
        StoreError: if the store cannot be used.
        RecordVersionError: if a newer version of this program wrote the store.
        CatalogueError: if the settings name a catalogue that cannot be used.
    """
    if await engine.open() == 0:
        fields = _beginning(settings, clock, catalogue)
        await engine.append(0, [Batch(WORLD, records.dump({"world": fields, "id": ""}))])
    fields = records.load((await engine.read(0, limit=1))[0].data)["world"]
    computer = ComputerTime()
    with computer.held_at(fields["time"]):
        own = {name: getattr(settings, name) for name in OF_THE_PROCESS}
        seed = fields["settings"]["seed"]
        own["seed"] = None if seed is None else int(seed)
        server_state = ServerState(
            make_settings(**_known(fields["settings"]) | own),
            clock,
            _catalogue(fields),
            Origin(fields["seed"], computer, _moment(fields)),
        )
    await _replay(server_state, engine, Replay(server_state, computer))
    await stored_journal.restore(server_state, engine)
    _tell_differences(settings, server_state, engine.place)
    return server_state


async def _replay(server_state: ServerState, engine: Engine, replay: Replay) -> None:
    stream = Log(engine, replay)
    server_state.record_in(stream)
    while rows := await engine.read(stream.mark):
        stream.replay(rows)
        if len(rows) < MOST_ROWS:
            break


def _beginning(
    settings: Settings, clock: Clock | None, catalogue: Catalogue | None
) -> Mapping[str, Any]:
    """What a new world begins with."""
    own = clock or clock_of(settings.clock)
    is_system = clock is None and settings.clock == "system"
    catalogue = catalogue or (None if settings.catalogue is None else catalogue_of(settings))
    return {
        "time": computer_time(),
        "seed": secrets.token_hex(16),
        "clock": None if is_system else own.state(),
        "settings": {
            **settings.model_dump(mode="json", exclude=set(OF_THE_PROCESS | {"catalogue"})),
            "seed": None if settings.seed is None else str(settings.seed),  # may be any integer
        },
        "products": None if catalogue is None else _product_text(catalogue),
    }


def _product_text(catalogue: Catalogue) -> str:
    """The products as JSON text, so that numbers stay as they are."""
    return exact_json(list(catalogue.products)).decode()


def _catalogue(fields: Mapping[str, Any]) -> Catalogue | None:
    if fields["products"] is None:
        return None
    products: list[dict[str, Any]] = strict_json.parse(fields["products"].encode())
    return Catalogue(products, fields["settings"]["templates"])


def _known(stored: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a world, without those that only another version knows."""
    return {name: value for name, value in stored.items() if name in Settings.model_fields}


def _moment(fields: Mapping[str, Any]) -> tuple[int, float] | None:
    clock: Sequence[Any] | None = fields["clock"]
    return None if clock is None else (clock[0], clock[1])


def _tell_differences(settings: Settings, server_state: ServerState, place: str) -> None:
    """Name the settings that this process was given and the world does not have, in one line."""
    given = settings.model_fields_set - OF_THE_PROCESS - {"catalogue"}
    differing = [
        name
        for name in sorted(given)
        if getattr(settings, name) != getattr(server_state.settings, name)
    ]
    if differing:
        log.warning(
            "the world in %s keeps its own settings; not used: %s", place, ", ".join(differing)
        )
