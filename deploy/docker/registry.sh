#!/bin/bash
# The schema registry, its schemas in a file database as in the local stack.
set -euo pipefail
url='jdbc:h2:file:/var/lib/aegis/registry/schemas;WRITE_DELAY=0'
export REGISTRY_DATASOURCE_URL="$url"  # the program reads both places
exec java "-Xmx${HEAP_MEGABYTES:-256}m" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
  -Dquarkus.http.host=0.0.0.0 -Dquarkus.http.port=8080 "-Dquarkus.datasource.jdbc.url=$url" \
  -Dquarkus.log.console.color=false -jar /opt/registry/*-runner.jar
