# The `aegis` command with everything above the core: deciders, sealers, the sink's keeper, jobs.
#   docker build -t aegis-governance .

FROM python:3.11.13-slim-bookworm AS build
WORKDIR /src
COPY requirements.lock ./
# Every package is fetched with its hash checked; the next step can install nothing else.
RUN python -m pip download --no-cache-dir --no-deps --require-hashes -r requirements.lock -d /wheels
COPY pyproject.toml README.md ./
COPY governance governance
COPY codecs codecs
COPY streams streams
COPY schemas schemas
COPY deploy deploy
RUN python -m pip wheel --no-cache-dir --no-deps --no-index --find-links /wheels -w /dist . \
 && python -m venv /opt/aegis \
 && /opt/aegis/bin/python -m pip install --no-cache-dir --no-index --find-links /wheels \
      "aegis-governance[all] @ file://$(ls /dist/*.whl)"

FROM python:3.11.13-slim-bookworm
RUN groupadd --gid 1000 aegis \
 && useradd --uid 1000 --gid 1000 --no-create-home --home-dir /var/lib/aegis --shell /usr/sbin/nologin aegis \
 && for part in keys guard trust secrets; do \
      install -d -o aegis -g aegis -m 0700 /var/lib/aegis/$part; \
    done
COPY --from=build /opt/aegis /opt/aegis
COPY --chmod=0555 deploy/docker/keys.sh deploy/docker/database.sh /opt/aegis/libexec/
COPY --chmod=0444 schemas/interface-contract.yaml /app/schema/
ENV PATH=/opt/aegis/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    AEGIS_HOME=/var/lib/aegis \
    AEGIS_CONFIG_PATH=/app/schema/interface-contract.yaml \
    AEGIS_TRUST_FILE=/var/lib/aegis/trust/trust.json \
    AEGIS_LISTEN_HOST=0.0.0.0 \
    AEGIS_DECIDE_METRICS_PORT=9090 \
    AEGIS_SEAL_METRICS_PORT=9090 \
    AEGIS_SINK_METRICS_PORT=9090
USER 1000:1000
# Workers write nothing into their working directory that has to outlive them.
WORKDIR /tmp
EXPOSE 9090
HEALTHCHECK --interval=30s --timeout=5s --retries=3 CMD ["aegis", "version"]
ENTRYPOINT ["aegis"]
CMD ["--help"]
