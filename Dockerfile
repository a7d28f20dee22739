# The mock server in a container: small, not root, with a read-only root file system.
#   docker build -t runa-mock .
#   docker run --rm -p 8484:8484 runa-mock
# Any base image with Python 3.11 or newer will do: --build-arg PYTHON=...
ARG PYTHON=docker.io/library/python:3.13-slim

FROM ${PYTHON} AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY client client
COPY mock_server mock_server
RUN python3 -m venv /opt/runa-mock \
    && /opt/runa-mock/bin/pip install --no-cache-dir --disable-pip-version-check '.[postgres,uvloop]' \
    && /opt/runa-mock/bin/pip uninstall --yes --quiet pip \
    && find /opt/runa-mock -name '__pycache__' -prune -exec rm -r {} + \
    && /opt/runa-mock/bin/python -m compileall -q /opt/runa-mock/lib

FROM ${PYTHON}
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="runa-mock" \
      org.opencontainers.image.description="Offline double of the Runa payouts API v2. Unofficial." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/runa-mock /opt/runa-mock
# A store in a file belongs into /data: mount a volume there, and give --store sqlite:////data/world.db
RUN useradd --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin runa \
    && install -d -o runa -g runa -m 0700 /data
USER 10001
ENV PATH=/opt/runa-mock/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    RUNA_MOCK_HOST=0.0.0.0
WORKDIR /data
EXPOSE 8484
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=5s --start-period=20s --retries=3 CMD ["runa-mock", "health", "--timeout", "3"]
ENTRYPOINT ["runa-mock"]
CMD ["serve"]
