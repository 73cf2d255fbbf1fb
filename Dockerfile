# Targets: monitor (the default) is the daemon; demo is the applications of `COMPOSE_PROFILES=demo docker compose up`,
# named as modules.

FROM python:3.11-slim-bookworm AS build
WORKDIR /src
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements/build.lock requirements/runtime.lock requirements/demo.lock requirements/
RUN pip install --require-hashes -r requirements/build.lock
RUN python -m venv --without-pip /opt/venv \
    && pip --python /opt/venv install --require-hashes -r requirements/runtime.lock
COPY pyproject.toml README.md LICENSE ./
COPY monitor monitor
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && pip --python /opt/venv install --no-deps --no-index /wheels/*.whl

FROM build AS build-demo
RUN pip --python /opt/venv install --require-hashes -r requirements/demo.lock

FROM python:3.11-slim-bookworm AS monitor
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
COPY --from=build /opt/venv /opt/venv
COPY deploy/monitor.yml /etc/genmedia-monitor/monitor.yml
RUN install -d -o 10001 -g 10001 /var/lib/genmedia-monitor
VOLUME /var/lib/genmedia-monitor
USER 10001:10001
EXPOSE 10190 10191
# Not urllib: it would ask a proxy from the environment.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s CMD ["python", "-c", "from http.client import HTTPConnection as C; c = C('127.0.0.1', 10190, timeout=4); c.request('GET', '/-/healthy'); raise SystemExit(c.getresponse().status != 200)"]
ENTRYPOINT ["genmedia-monitor"]
CMD ["run", "--config", "/etc/genmedia-monitor/monitor.yml"]

FROM monitor AS demo
COPY --from=build-demo /opt/venv /opt/venv
COPY demo /opt/demo/demo
WORKDIR /opt/demo
HEALTHCHECK NONE
ENTRYPOINT ["python", "-m"]
CMD ["demo.workload"]

FROM monitor
