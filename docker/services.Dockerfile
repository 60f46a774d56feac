# SPDX-License-Identifier: EUPL-1.2
# All of Amtsleitung that is Python, one image with different commands: prepare, fastagi, ami, api, demonstration.
# SIPp is the caller and the agent's telephone of the demonstration.
FROM debian:bookworm-slim AS programs
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends python3 sip-tester \
    && rm -rf /var/lib/apt/lists/*

FROM programs AS environment
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends python3-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/amtsleitung
RUN python3 -m venv .venv
COPY requirements.lock ./
RUN .venv/bin/pip install --no-cache-dir --no-input --require-hashes --no-deps --only-binary :all: \
    --requirement requirements.lock
COPY LICENSE README.md pyproject.toml ./
COPY asterisk asterisk
COPY examples examples
COPY migrations migrations
COPY src src
RUN .venv/bin/pip install --no-cache-dir --no-input --no-deps --no-build-isolation --no-index --editable . \
    && .venv/bin/python -m compileall -q src migrations

FROM programs
COPY --from=environment /opt/amtsleitung /opt/amtsleitung
# One number in all images, so that the volume's files belong to the same user everywhere.
RUN groupadd --gid 10000 amtsleitung \
    && useradd --uid 10000 --gid 10000 --no-create-home --home-dir / --shell /usr/sbin/nologin amtsleitung \
    && install --directory --owner=10000 --group=10000 --mode=0711 /var/lib/amtsleitung \
    && install --directory --owner=10000 --group=10000 --mode=0700 /var/lib/amtsleitung/journal \
        /keys /keys/postgres /keys/fastagi /keys/ami /keys/api
USER 10000:10000
ENV PATH=/opt/amtsleitung/.venv/bin:$PATH PYTHONUNBUFFERED=1 LANG=C.UTF-8 HOME=/tmp \
    AMTSLEITUNG_STATE_DIR=/var/lib/amtsleitung
ENTRYPOINT ["amtsleitung"]
