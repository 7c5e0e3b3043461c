# What runs is what the lock names: wheels are checked by hash, the package is installed without looking for more.
FROM python:3.13.9-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/hookline
WORKDIR /src
# The dependencies first: they change less often than the code.
COPY requirements.lock .
RUN /opt/hookline/bin/pip install --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY consumer consumer
RUN /opt/hookline/bin/pip install --no-deps --no-build-isolation .

FROM python:3.13.9-slim-bookworm
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/hookline hookline
COPY --from=build /opt/hookline /opt/hookline
ENV PATH=/opt/hookline/bin:$PATH PYTHONUNBUFFERED=1 HOOKLINE_STATE_DIR=/var/lib/hookline
WORKDIR /var/lib/hookline
USER hookline
EXPOSE 8080 9464
# The supervisor answers, and no process of it hangs. Kafka or Redis being away is no reason to start anew.
HEALTHCHECK --interval=15s --timeout=6s --start-period=60s --retries=3 \
    CMD ["python", "-m", "consumer.cli.probe", "livez"]
# SIGTERM drains; give it 10 s before SIGKILL.
STOPSIGNAL SIGTERM
ENTRYPOINT ["hookline"]
CMD ["run"]
