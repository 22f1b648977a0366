# The JVM programs that have no image of their own with what we need: Kafka Connect with its plugins,
# and the registry with a data directory that a user without rights may write. Both come from the
# Maven file of the local stack, so that versions stand in one place.
#   docker build -f deploy/docker/jvm.Dockerfile --target connect -t aegis-connect .
#   docker build -f deploy/docker/jvm.Dockerfile --target registry -t aegis-registry .

FROM maven:3.9.9-eclipse-temurin-17 AS jars
COPY deploy/local /stack
RUN mvn --batch-mode --quiet -f /stack/pom.xml -Daegis.jars=/jars process-resources

FROM eclipse-temurin:17.0.16_8-jre-noble AS jvm
# The image brings an account of this id under another name.
RUN userdel --remove ubuntu 2>/dev/null || true; \
    groupadd --gid 1000 aegis \
 && useradd --uid 1000 --gid 1000 --no-create-home --home-dir /var/lib/aegis --shell /usr/sbin/nologin aegis \
 && install -d -o aegis -g aegis -m 0700 /var/lib/aegis/registry /var/lib/aegis/secrets
COPY --chmod=0555 deploy/docker/http-ok.sh /opt/aegis/libexec/
USER 1000:1000
WORKDIR /tmp

FROM jvm AS connect
COPY --from=jars /jars/kafka /opt/kafka/libs
COPY --from=jars /jars/plugins /opt/kafka/plugins
COPY --chmod=0444 deploy/connect/worker.properties /etc/aegis/worker.properties
COPY --chmod=0555 deploy/docker/connect.sh /opt/aegis/libexec/
EXPOSE 8083
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=6 \
  CMD ["/opt/aegis/libexec/http-ok.sh", "8083", "/connectors"]
ENTRYPOINT ["/opt/aegis/libexec/connect.sh"]

FROM jvm AS registry
COPY --from=jars /jars/registry /opt/registry
COPY --chmod=0555 deploy/docker/registry.sh /opt/aegis/libexec/
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=6 \
  CMD ["/opt/aegis/libexec/http-ok.sh", "8080", "/apis/ccompat/v7/subjects"]
ENTRYPOINT ["/opt/aegis/libexec/registry.sh"]
