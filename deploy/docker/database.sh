#!/bin/sh
# Apply the migrations as the administrator, whose password nobody else is given, and write the
# passwords of sink, keeper and auditor into the volume of secrets on the first run.
set -eu
umask 077
# PostgreSQL's clients take a password only from a file that others cannot read.
printf '*:*:*:aegis_admin:%s\n' "$(cat /run/secrets/aegis_admin_password)" > /tmp/admin.pgpass
export AEGIS_DATABASE_ADMIN_URL="postgresql://aegis_admin@postgres:5432/aegis?passfile=/tmp/admin.pgpass"
exec aegis database prepare
