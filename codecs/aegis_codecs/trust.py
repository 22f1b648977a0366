"""Who is believed about which log. None of it ever comes from the data it judges.

An epoch is a region's term of writing; it covers one log per partition, all with the same keys.
Epochs stand in the order of their terms. Once a deployment has a later one, the earlier is cut:
its logs are believed up to the size at which they ended, so that a region which goes on writing
after it was replaced convinces nobody.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aegis_codecs.errors import Finding, NotTrustedError, TrustFileError
from aegis_codecs.log.note import VerifierKey
from aegis_codecs.signers import algorithm_named, algorithm_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aegis_codecs.signers import Algorithm

MAX_EPOCH: Final = 1_000_000
MAX_PARTITIONS: Final = 1_024
MAX_WITNESSES: Final = 32

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,62}")


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a log ended: the size and root of its last believed checkpoint."""

    size: int
    root: bytes


@dataclass(frozen=True)
class Epoch:
    """One term of one region, as the trust file has it.

    Attributes:
        deployment: First part of the origins; lower-case letters, digits, ``.`` and ``-``.
        region: Second part, of the same characters.
        epoch: Third part, from 1.
        partitions: Number of logs, 1 to 1,024; their numbers are the fourth part.
        keys: Algorithm name and raw public key; every one must sign every checkpoint. At least
            one classical and one post-quantum.
        witnesses: Keys of witnesses; a line of theirs that is present must verify.
        quorum: How many of the witnesses must have cosigned, 0 for none.
        cut: Where each log ended, by partition; None while the epoch is open.

    Raises:
        TrustFileError: An entry is out of its range or contradicts another.
        UnsupportedAlgorithmError: A key is of an algorithm unknown here.
    """

    deployment: str
    region: str
    epoch: int
    partitions: int
    keys: tuple[tuple[str, bytes], ...]
    witnesses: tuple[VerifierKey, ...] = ()
    quorum: int = 0
    cut: tuple[Cut, ...] | None = None

    def __post_init__(self) -> None:
        self._check_origin()
        self._check_keys()
        self._check_witnesses()
        if self.cut is not None and len(self.cut) != self.partitions:
            raise TrustFileError(f"{self}: cut needs one entry per partition ({self.partitions})")

    def __str__(self) -> str:
        return f"epoch {self.deployment}/{self.region}/{self.epoch}"

    def origin(self, partition: int) -> str:
        """Return the name of a partition's log."""
        return f"{self.deployment}/{self.region}/{self.epoch}/{partition}"

    def _check_origin(self) -> None:
        for name, value in (("deployment", self.deployment), ("region", self.region)):
            if not _NAME.fullmatch(value):
                raise TrustFileError(
                    f"{self}: {name} must be 1 to 63 of a-z, 0-9, '.' and '-', "
                    "beginning with a letter or digit"
                )
        if not (1 <= self.epoch <= MAX_EPOCH and 1 <= self.partitions <= MAX_PARTITIONS):
            raise TrustFileError(
                f"{self}: epoch must be 1 to {MAX_EPOCH}, partitions 1 to {MAX_PARTITIONS}"
            )

    def _check_keys(self) -> None:
        algorithms = [algorithm_named(name) for name, _ in self.keys]
        for algorithm, (_, public) in zip(algorithms, self.keys, strict=True):
            if not algorithm.for_logs:
                raise TrustFileError(f"{self}: {algorithm.name} is no signature of a log")
            self._check_key(algorithm, public)
        if len(set(self.keys)) < len(self.keys):
            raise TrustFileError(f"{self}: a key stands twice")
        if {algorithm.post_quantum for algorithm in algorithms} != {False, True}:
            raise TrustFileError(
                f"{self}: keys need at least one classical and one post-quantum key"
            )

    def _check_witnesses(self) -> None:
        public = [key for _, key in self.keys]
        for witness in self.witnesses:
            algorithm = algorithm_of(witness.key)
            if not algorithm.for_witnesses:
                raise TrustFileError(f"{self}: {algorithm.name} is no signature of a witness")
            public.append(witness.key[len(algorithm.note_type) :])
            self._check_key(algorithm, public[-1])
        if len(set(public)) < len(public):
            raise TrustFileError(f"{self}: one public key stands for two witnesses, or for the log")
        if not 0 <= self.quorum <= len(self.witnesses) <= MAX_WITNESSES:
            raise TrustFileError(
                f"{self}: a quorum of {self.quorum} of {len(self.witnesses)} witnesses; at most "
                f"{MAX_WITNESSES} witnesses, and no more asked for than listed"
            )

    def _check_key(self, algorithm: Algorithm, public: bytes) -> None:
        try:
            algorithm.verifier(public)
        except ValueError as error:
            raise TrustFileError(f"{self}: not an {algorithm.name} public key: {error}") from error


@dataclass(frozen=True, slots=True)
class TrustedLog:
    """What is believed about one log.

    Attributes:
        origin: Its name.
        keys: All of these must have signed.
        witnesses: Any of these that signed must verify.
        quorum: How many witnesses must have signed.
        cut: Where the log ended; None while it is open.
        order: Rank of its epoch in the trust file, from 0; later terms have higher ranks.
    """

    origin: str
    keys: tuple[VerifierKey, ...]
    witnesses: tuple[VerifierKey, ...]
    quorum: int
    cut: Cut | None
    order: int


class TrustPolicy:
    """Everything that is believed, by origin.

    Args:
        epochs: In the order of their terms.

    Raises:
        TrustFileError: An epoch stands twice or out of order, or one that is not its deployment's
            last is not cut.
    """

    def __init__(self, epochs: Sequence[Epoch]) -> None:
        self.epochs = tuple(epochs)
        _check_order(self.epochs)
        self._logs: Mapping[str, TrustedLog] = {
            log.origin: log
            for order, epoch in enumerate(self.epochs)
            for log in _logs(order, epoch)
        }

    @property
    def origins(self) -> tuple[str, ...]:
        """The names of all believed logs, earlier epochs first."""
        return tuple(self._logs)

    def log(self, origin: str) -> TrustedLog:
        """Return what is believed about a log.

        Raises:
            NotTrustedError: `unknown_origin`.
        """
        try:
            return self._logs[origin]
        except KeyError:
            raise NotTrustedError(
                Finding.UNKNOWN_ORIGIN, f"the trust file knows no log {origin[:255]!r}"
            ) from None


def _logs(order: int, epoch: Epoch) -> list[TrustedLog]:
    raw = [algorithm_named(name).note_type + public for name, public in epoch.keys]
    return [
        TrustedLog(
            origin=epoch.origin(partition),
            keys=tuple(VerifierKey(epoch.origin(partition), key) for key in raw),
            witnesses=epoch.witnesses,
            quorum=epoch.quorum,
            cut=epoch.cut[partition] if epoch.cut else None,
            order=order,
        )
        for partition in range(epoch.partitions)
    ]


def _check_order(epochs: Sequence[Epoch]) -> None:
    newest: dict[tuple[str, str], int] = {}
    open_epochs: dict[str, Epoch] = {}
    for each in epochs:
        if each.epoch <= newest.get((each.deployment, each.region), 0):
            raise TrustFileError(f"{each} stands after a later epoch of its region, or twice")
        if each.deployment in open_epochs:
            raise TrustFileError(
                f"{open_epochs[each.deployment]} is followed by {each} and must have a cut"
            )
        newest[each.deployment, each.region] = each.epoch
        if each.cut is None:
            open_epochs[each.deployment] = each
