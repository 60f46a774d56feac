# SPDX-License-Identifier: EUPL-1.2
# Asterisk alone. Debian 12 and 13 have none, so it comes from Debian's rolling suite (22, a long-term release).
FROM debian:sid-slim

RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends asterisk \
    && rm -rf /var/lib/apt/lists/*

# One number in all images, so that the volume's files belong to the same user everywhere.
RUN groupadd --gid 10000 amtsleitung \
    && useradd --uid 10000 --gid 10000 --no-create-home --home-dir / --shell /usr/sbin/nologin amtsleitung \
    && install --directory --owner=10000 --group=10000 --mode=0711 /var/lib/amtsleitung

# Asterisk reads its configuration from the volume, where `prepare` puts it. This copy makes the image change with it:
# then `up` starts Asterisk anew after an update.
COPY asterisk /usr/local/share/amtsleitung/asterisk
COPY docker/start-asterisk /usr/local/bin/

USER 10000:10000
ENV AMTSLEITUNG_STATE_DIR=/var/lib/amtsleitung LANG=C.UTF-8 HOME=/
ENTRYPOINT ["start-asterisk"]
