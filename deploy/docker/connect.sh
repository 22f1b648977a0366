#!/bin/bash
# A Kafka Connect worker: the settings shared with the local stack, and the addresses of this one.
set -euo pipefail
: "${BOOTSTRAP_SERVERS:?names the brokers}" "${SECRETS_DIR:?holds the passwords that connectors read}"
{
  cat /etc/aegis/worker.properties
  cat <<OWN
bootstrap.servers=$BOOTSTRAP_SERVERS
listeners=http://0.0.0.0:8083
rest.advertised.host.name=$(hostname)
plugin.path=/opt/kafka/plugins
config.providers.dir.param.allowed.paths=$SECRETS_DIR
config.storage.replication.factor=${REPLICATION:-1}
offset.storage.replication.factor=${REPLICATION:-1}
status.storage.replication.factor=${REPLICATION:-1}
OWN
} > /tmp/worker.properties
exec java "-Xmx${HEAP_MEGABYTES:-384}m" -XX:+UseSerialGC -cp '/opt/kafka/libs/*' \
  org.apache.kafka.connect.cli.ConnectDistributed /tmp/worker.properties
