# SPDX-License-Identifier: EUPL-1.2
# Debian's PostgreSQL, without the cluster that its package would make.
FROM debian:bookworm-slim

RUN groupadd --gid 10000 postgres \
    && useradd --uid 10000 --gid 10000 --no-create-home --home-dir /var/lib/postgresql --shell /bin/sh postgres

RUN apt-get update \
    && export DEBIAN_FRONTEND=noninteractive \
    && apt-get install --yes --no-install-recommends postgresql-common \
    && sed -i "s/^#*create_main_cluster.*/create_main_cluster = false/" /etc/postgresql-common/createcluster.conf \
    && apt-get install --yes --no-install-recommends postgresql \
    && rm -rf /var/lib/apt/lists/* \
    && ln -s /usr/lib/postgresql/*/bin /usr/local/lib/postgresql \
    && install --directory --owner=10000 --group=10000 --mode=0700 /var/lib/postgresql /keys/postgres

COPY docker/start-postgres /usr/local/bin/

USER 10000:10000
ENV PATH=/usr/local/lib/postgresql:$PATH
# Fast shutdown: the services connect again by themselves.
STOPSIGNAL SIGINT
ENTRYPOINT ["start-postgres"]
