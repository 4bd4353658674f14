# The server as an image: pages built by Node, a wheel with the pages inside, and Python alone at run time.

FROM node:22.20.0-trixie-slim AS pages
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund --loglevel=error
COPY web web
RUN npm run --silent build

FROM python:3.11.14-slim-trixie AS build
WORKDIR /src
COPY tools/uv.lock tools/uv.lock
RUN python -m venv /uv && /uv/bin/pip install --quiet --require-hashes -r tools/uv.lock && python -m venv /opt/expo
COPY pyproject.toml requirements.lock README.md LICENSE ./
COPY expo expo
COPY --from=pages /src/expo/edge/web expo/edge/web
# The lock holds the tools for tests too; as constraints it pins what the server needs and installs nothing else.
RUN /uv/bin/uv build --quiet --wheel --out-dir /dist \
    && /uv/bin/uv pip install --quiet --python /opt/expo/bin/python --constraints requirements.lock \
        --compile-bytecode /dist/*.whl

FROM python:3.11.14-slim-trixie
RUN useradd --uid 10001 --create-home expo \
    && install --directory --owner=expo --group=expo --mode=0700 /data /recordings
COPY --from=build /opt/expo /opt/expo
ENV PATH=/opt/expo/bin:$PATH PYTHONUNBUFFERED=1 EXPO_DATA_DIR=/data EXPO_RECORDINGS_DIR=/recordings
USER expo
WORKDIR /home/expo
VOLUME ["/data", "/recordings"]
EXPOSE 8080/tcp 40000-40001/udp
STOPSIGNAL SIGTERM
CMD ["expo", "serve"]
