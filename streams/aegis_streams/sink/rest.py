"""Kafka Connect's REST interface, as far as the sink needs it."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote, urlsplit

from aegis_streams.sink.errors import ConnectorError, ConnectUnreachableError

if TYPE_CHECKING:
    from collections.abc import Mapping

_SECONDS: Final = 20.0
"""Connect answers slowly while its group rebalances."""
_BUSY: Final = (
    http.client.CONFLICT,
    http.client.INTERNAL_SERVER_ERROR,
    http.client.SERVICE_UNAVAILABLE,
    http.client.NOT_FOUND,
)
"""Answers of a worker that starts, stops or rebalances."""


class Status(NamedTuple):
    """What Connect says of one connector.

    Attributes:
        name: The connector.
        state: RUNNING, PAUSED, STOPPED, UNASSIGNED, RESTARTING or FAILED.
        tasks: The same of each task, by number.
        trace: First line of a failure; empty without one. Values of records are cut away.
    """

    name: str
    state: str
    tasks: Mapping[int, str]
    trace: str

    @property
    def running(self) -> bool:
        """Whether the connector and all its tasks run, and it has tasks."""
        return bool(self.tasks) and {self.state, *self.tasks.values()} == {"RUNNING"}


class ConnectRest:
    """One worker's REST interface; workers pass requests on to the one that must answer.

    Args:
        url: Its address, ``http://host:port``.
    """

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)
        self._shown = url

    def validate(self, config: Mapping[str, str]) -> tuple[list[str], set[str]]:
        """Ask Connect about a configuration.

        Returns:
            What is wrong, ``field: reason`` each; and the names of all fields that it knows.

        Raises:
            ConnectUnreachableError: Connect did not answer.
        """
        plugin = config["connector.class"].rpartition(".")[2]
        found = self._ask("PUT", f"/connector-plugins/{plugin}/config/validate", config)
        values = [each["value"] for each in found["configs"]]
        wrong = [
            f"{each['name']}: {'; '.join(each['errors'])}" for each in values if each["errors"]
        ]
        return wrong, {str(each["name"]) for each in values}

    def config(self, name: str) -> dict[str, str] | None:
        """Return the configuration in force, None if there is no such connector."""
        found = self._ask("GET", f"/connectors/{quote(name)}/config", absent_is_none=True)
        return None if found is None else {str(key): str(value) for key, value in found.items()}

    def put(self, name: str, config: Mapping[str, str]) -> None:
        """Make a connector or change it."""
        self._ask("PUT", f"/connectors/{quote(name)}/config", config)

    def status(self, name: str) -> Status:
        """Return how a connector and its tasks are; state "MISSING" if there is none."""
        found = self._ask("GET", f"/connectors/{quote(name)}/status", absent_is_none=True)
        if found is None:
            return Status(name, "MISSING", {}, "")
        tasks = {int(each["id"]): str(each["state"]) for each in found["tasks"]}
        traces = [each.get("trace", "") for each in (found["connector"], *found["tasks"])]
        trace = next((_cause(text) for text in traces if text), "")
        return Status(name, str(found["connector"]["state"]), tasks, trace)

    def replay(self, name: str) -> None:
        """Make a connector offer its topic from the beginning again; it must be stopped first."""
        self._ask("DELETE", f"/connectors/{quote(name)}/offsets")

    def stop(self, name: str) -> None:
        """Stop a connector; its configuration stays."""
        self._ask("PUT", f"/connectors/{quote(name)}/stop")

    def resume(self, name: str) -> None:
        """Let a stopped connector run again."""
        self._ask("PUT", f"/connectors/{quote(name)}/resume")

    def restart_failed(self, name: str) -> None:
        """Start again whatever of a connector has failed."""
        self._ask("POST", f"/connectors/{quote(name)}/restart?includeTasks=true&onlyFailed=true")

    def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, str] | None = None,
        *,
        absent_is_none: bool = False,
    ) -> Any:  # noqa: ANN401  # JSON, read by the methods above
        status, text = self._request(method, path, body)
        if status == http.client.NOT_FOUND and absent_is_none:
            return None
        if status >= http.client.BAD_REQUEST:
            message = f"{self._shown}{path.partition('?')[0]}: {status}: {_message(text)}"
            kind = ConnectUnreachableError if status in _BUSY else ConnectorError
            raise kind(message)
        try:
            return json.loads(text) if text else None
        except ValueError as error:
            raise ConnectUnreachableError(f"{self._shown}: the answer is no JSON") from error

    def _request(self, method: str, path: str, body: Mapping[str, str] | None) -> tuple[int, str]:
        secure = self._url.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(self._url.hostname or "", self._url.port, timeout=_SECONDS)
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        try:
            sent = None if body is None else json.dumps(dict(body))
            connection.request(method, self._url.path.rstrip("/") + path, sent, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as error:
            raise ConnectUnreachableError(
                f"Kafka Connect at {self._shown}: {type(error).__name__}: {error}; is it running? "
                "AEGIS_CONNECT_URL names another"
            ) from error
        finally:
            connection.close()


def _cause(trace: str) -> str:
    """Return the last cause of a Java trace, without the values of records that may follow."""
    causes = [line for line in trace.splitlines() if line.startswith("Caused by: ")]
    line = causes[-1].removeprefix("Caused by: ") if causes else trace.splitlines()[0]
    return line.partition("Detail:")[0][:300]


def _message(text: str) -> str:
    try:
        return str(json.loads(text)["message"])[:500]
    except (ValueError, KeyError, TypeError):
        return text[:200]
