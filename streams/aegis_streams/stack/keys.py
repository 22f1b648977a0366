"""Signing keys and trust file of a local deployment: made once, never replaced by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aegis_codecs.keys import generate_log_keys, load_log_keys
from aegis_codecs.keys.files import key_file
from aegis_codecs.keys.log import PURPOSE
from aegis_codecs.trust import Epoch, TrustPolicy
from aegis_codecs.trust_file import load_trust, render_trust
from aegis_streams.stack.errors import StackError
from aegis_streams.stack.files import write_atomically

if TYPE_CHECKING:
    from aegis_codecs.keys import LogKeys
    from aegis_streams.settings import Settings


def ensure_keys(settings: Settings) -> bool:
    """Make the log keys and the trust file that believes them, where they do not exist.

    Returns:
        Whether anything was made.

    Raises:
        StackError: There is a trust file, and it does not believe the keys that are there.
        CodecError: A file cannot be read, or is open to others.
    """
    missing = not key_file(settings.keys_dir, PURPOSE).exists()
    if missing and settings.trust_file.exists():
        raise StackError(
            f"{settings.trust_file} is there, but the keys in {settings.keys_dir} are gone. Put "
            "them back; or begin anew, without the old log, by `aegis down --wipe`"
        )
    keys = generate_log_keys(settings.keys_dir) if missing else load_log_keys(settings.keys_dir)
    if settings.trust_file.exists():
        _check_believed(settings, keys)
        return missing
    epoch = Epoch(
        settings.deployment,
        settings.region,
        settings.epoch,
        settings.partitions,
        keys.public_keys(),
    )
    write_atomically(settings.trust_file, render_trust(TrustPolicy([epoch])).decode())
    return True


def _check_believed(settings: Settings, keys: LogKeys) -> None:
    origin = settings.origin(0)
    policy = load_trust(settings.trust_file)
    believed = policy.log(origin).keys if origin in policy.origins else ()
    if set(believed) != set(keys.checkpoint_signer(origin).keys):
        raise StackError(
            f"{settings.trust_file} does not believe the keys in {settings.keys_dir} for the log "
            f"{origin}, so no decision could be verified. Put the right keys back; or begin anew, "
            "without the old log, by `aegis down --wipe`"
        )
