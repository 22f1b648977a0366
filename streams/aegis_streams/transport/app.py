"""Faust apps on the transactional driver, and the process that runs one."""

from __future__ import annotations

import asyncio
import faulthandler
import signal
from typing import TYPE_CHECKING, Any, Final

import faust

from aegis_streams.transport.errors import BrokerError, TransportConfigError
from aegis_streams.transport.failstop import EXIT_FAULT, FailStop
from aegis_streams.transport.faust_table import TxTable, TxTableManager
from aegis_streams.transport.hooks import NoLifecycle, Observer

if TYPE_CHECKING:
    from aegis_streams.transport.clients import Clients
    from aegis_streams.transport.hooks import Lifecycle
    from aegis_streams.transport.settings import TransportSettings

_CANCEL_SECONDS: Final = 1.0


class TransactionalApp(faust.App):
    """A Faust app whose agents get `PartitionBatch` objects and whose tables are transactional.

    Attributes:
        transport_settings: Limits and addresses of the driver.
        lifecycle: Approves restored partitions.
        observer: Hooks for metrics.
        failstop: Where faults are reported; `failstop.cause` is what ended the process.
        clients: Replaces the Kafka clients in tests; None means the real ones.
    """

    def __init__(
        self,
        name: str,
        *,
        transport_settings: TransportSettings,
        lifecycle: Lifecycle,
        observer: Observer,
        **options: Any,  # noqa: ANN401  # Faust's settings
    ) -> None:
        self.transport_settings = transport_settings
        self.lifecycle = lifecycle
        self.observer = observer
        self.failstop = FailStop(observer, transport_settings.exit_timeout)
        self.clients: Clients | None = None
        super().__init__(name, **options)

    async def on_first_start(self) -> None:
        """Create no directories: nothing is kept on disk."""

    async def on_stop(self) -> None:
        """Drain before the agents stop."""
        consumer: Any = self.consumer
        await consumer.drain()
        await super().on_stop()


def create_app(
    name: str,
    settings: TransportSettings,
    lifecycle: Lifecycle | None = None,
    observer: Observer | None = None,
) -> TransactionalApp:
    """Return a Faust app on the transactional driver.

    Args:
        name: App id; equals the consumer group.
        settings: Limits and addresses.
        lifecycle: Approves restored partitions; None approves all.
        observer: Hooks for metrics; None reports nothing.

    Raises:
        TransportConfigError: `name` is not the settings' group.
    """
    if name != settings.group:
        raise TransportConfigError(f"app {name!r}: TransportSettings.group is {settings.group!r}")
    return TransactionalApp(
        name,
        transport_settings=settings,
        lifecycle=lifecycle or NoLifecycle(),
        observer=observer or Observer(),
        broker=[f"aegis://{address}" for address in settings.bootstrap.split(",")],
        Table=TxTable,
        TableManager=TxTableManager,
        store="memory://",
        autodiscover=False,
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        stream_wait_empty=False,
        processing_guarantee="at_least_once",
    )


def run_worker(app: TransactionalApp) -> int:
    """Run an app until SIGTERM or SIGINT, or until a fault.

    Returns:
        0 after an orderly shutdown, `EXIT_FAULT` after a fault. The caller exits with it, soon:
        a timer ends a process that lives on for `TransportSettings.exit_timeout`.
    """
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        code = loop.run_until_complete(_serve(app))
        loop.run_until_complete(_cancel_rest())
    finally:
        asyncio.set_event_loop(None)
        loop.close()
    # Should the interpreter hang on its way out, the C library's timer ends the process.
    faulthandler.dump_traceback_later(app.transport_settings.exit_timeout, exit=True)
    return code


async def _serve(app: TransactionalApp) -> int:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    app.failstop.on_failure(lambda _: loop.call_soon_threadsafe(ended.set))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    settings = app.transport_settings
    with app.failstop.guard():
        await app.start()
        watch = loop.create_task(_until_crashed(app))
        await ended.wait()
        watch.cancel()
    if not app.failstop.failed:
        with app.failstop.guard():
            await asyncio.wait_for(app.stop(), settings.drain_timeout + settings.exit_timeout)
    # After a fault there is nothing to stop in good order: what was committed is whole, and
    # Faust would restart the agent on its way down.
    return EXIT_FAULT if app.failstop.failed else 0


async def _until_crashed(app: TransactionalApp) -> None:
    await app.wait_until_stopped()
    app.failstop.fail(app.crash_reason or BrokerError("the app stopped by itself"))


async def _cancel_rest() -> None:
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    if rest:
        await asyncio.wait(rest, timeout=_CANCEL_SECONDS)
