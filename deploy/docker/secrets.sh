#!/bin/sh
# Make the passwords that docker-compose.yml hands to PostgreSQL and Grafana, once:
#   deploy/docker/secrets.sh
# The directory is for its owner alone. The files in it can be read by anybody who gets there, which
# is the accounts inside the containers that they are mounted into.
set -eu
cd "$(dirname "$0")/../.."
directory=.aegis/compose
mkdir -p .aegis
mkdir -p -m 0700 "$directory"
for name in aegis_admin_password grafana_admin_password; do
  file=$directory/$name
  [ -e "$file" ] && continue
  head -c 24 /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n' > "$file.new"
  chmod 0444 "$file.new"
  mv "$file.new" "$file"
  echo "made $file"
done
