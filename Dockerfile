# Caseworks in a container: see docs/how-to/host-it.md. Builds for amd64 and arm64; every package is locked by hash.
FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /source
COPY requirements.lock requirements-build.lock ./
RUN python -m venv /opt/caseworks \
    && /opt/caseworks/bin/python -m pip install -q --require-hashes --only-binary :all: -r requirements.lock \
    && python -m pip install -q --require-hashes --only-binary :all: -r requirements-build.lock
COPY pyproject.toml README.md LICENSE ./
COPY domain domain
COPY services services
COPY adapters adapters
COPY infrastructure infrastructure
COPY config config
RUN python -m hatchling build -t wheel \
    && /opt/caseworks/bin/python -m pip install -q --no-deps --no-index dist/*.whl \
    && /opt/caseworks/bin/python -m pip uninstall -q -y pip

FROM python:3.13-slim
RUN groupadd --gid 10001 caseworks \
    && useradd --uid 10001 --gid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin caseworks \
    && install -d -o 10001 -g 10001 -m 0700 /data
COPY --from=build /opt/caseworks /opt/caseworks
ENV PATH=/opt/caseworks/bin:$PATH \
    CASEWORKS_DATA_DIR=/data \
    LITELLM_LOCAL_MODEL_COST_MAP=True \
    PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8470
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import http.client as h; c = h.HTTPConnection('127.0.0.1', 8470, timeout=4); c.request('GET', '/health'); raise SystemExit(c.getresponse().status != 200)"]
ENTRYPOINT ["caseworks"]
CMD ["up"]
