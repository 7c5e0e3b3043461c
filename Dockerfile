# What runs is what the lock names: wheels are checked by hash, and nothing else is looked for. In the image is neither
# pip nor a compiler nor what only the demo needs.
#
#   docker build --build-arg REVISION=$(git rev-parse HEAD) --build-arg SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) .
ARG BASE=python:3.13.9-slim-bookworm

FROM ${BASE} AS build
ARG REVISION=
ARG SOURCE_DATE_EPOCH=0
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_COMPILE=1 SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH}
WORKDIR /src
RUN python3 -m venv /tools && python3 -m venv --without-pip /opt/hookline
# The dependencies first: they change less often than the code.
COPY requirements.lock requirements-image.lock ./
RUN /tools/bin/pip --python /opt/hookline/bin/python install --require-hashes -r requirements-image.lock
# What builds a wheel.
RUN /tools/bin/pip install --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY consumer consumer
RUN if [ -n "$REVISION" ]; then printf %s "$REVISION" > consumer/_revision; fi \
 && /tools/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
 && /tools/bin/pip --python /opt/hookline/bin/python install --no-deps --no-index /wheels/*.whl \
 # By what is in the files, not by when they were written: a copied image starts as fast.
 && /opt/hookline/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/hookline/lib

FROM ${BASE}
ARG BASE
ARG REVISION=
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="Hookline" \
      org.opencontainers.image.description="Kafka-native webhook delivery: signed, retried, dead-lettered, replayable." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${BASE}"
# A group of a fixed number, for a volume's fsGroup. Nobody becomes somebody else by a program of the base, and the
# base's own pip goes as well.
RUN groupadd --system --gid 10001 hookline \
 && useradd --system --uid 10001 --gid 10001 --create-home --home-dir /var/lib/hookline \
      --shell /usr/sbin/nologin hookline \
 && find / -xdev -type f -perm /6000 -exec chmod a-s {} + \
 && if python3 -m pip --version > /dev/null 2>&1; then \
      python3 -m pip uninstall --yes --quiet --root-user-action ignore pip; fi
COPY --from=build /opt/hookline /opt/hookline
ENV PATH=/opt/hookline/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOOKLINE_STATE_DIR=/var/lib/hookline
WORKDIR /var/lib/hookline
USER 10001:10001
EXPOSE 8080 9464
# The supervisor answers, and no process of it hangs. Kafka or Redis being away is no reason to start anew.
HEALTHCHECK --interval=15s --timeout=6s --start-period=60s --retries=3 \
    CMD ["python", "-P", "-m", "consumer.cli.probe", "livez"]
# SIGTERM drains; give it 10 s before SIGKILL.
STOPSIGNAL SIGTERM
ENTRYPOINT ["hookline"]
CMD ["run"]
