#!/bin/sh
# Make the log's signing keys and the trust file that believes them, once. Neither is ever replaced:
# the same keys on a new log, or new keys on this one, would be another history.
set -eu
keys=$AEGIS_HOME/keys
if [ -n "$(ls "$keys")" ] && [ -e "$AEGIS_TRUST_FILE" ]; then
  echo "keys and trust file are in place"
  exit 0
fi
if [ -e "$AEGIS_TRUST_FILE" ]; then
  echo "$AEGIS_TRUST_FILE is there and the keys are gone: put them back into the volume" >&2
  exit 1
fi
[ -n "$(ls "$keys")" ] || aegis keys generate --dir "$keys"
aegis keys public --dir "$keys" --trust "$AEGIS_DEPLOYMENT/$AEGIS_REGION/$AEGIS_EPOCH" \
  --partitions "$AEGIS_PARTITIONS" > "$AEGIS_TRUST_FILE.new"
mv "$AEGIS_TRUST_FILE.new" "$AEGIS_TRUST_FILE"
