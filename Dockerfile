# Sidecar, control plane and wrapper in one image: `docker build -t outrider .`
# docs/compose.md says what it expects of its surroundings.

# Any image with Node from 20.18.1 on; building needs its npm and a shell as well, running does not.
ARG NODE_IMAGE=node:24-slim

FROM ${NODE_IMAGE} AS build
# build: from the sources. host: dist/ is taken as `npm run build` left it, where the build has no network.
ARG BUNDLE=build
WORKDIR /src
COPY package.json package-lock.json ./
RUN test "$BUNDLE" = host || npm ci --no-audit --no-fund
COPY . .
RUN test "$BUNDLE" = host || { rm -rf dist && npm run build; }
# Maps are for debuggers, and take three times the room of the program.
RUN rm -f dist/*.map && mkdir -p /image/opt /image/usr/local/bin /empty \
  && mv dist /image/opt/outrider && ln -s /opt/outrider/outrider.js /image/usr/local/bin/outrider

FROM ${NODE_IMAGE}
COPY --from=build /image /
# What the user of the container may write, where a volume is mounted that is empty as yet: a control plane's data, and what
# sidecars knew last.
COPY --from=build --chown=1000:1000 /empty /data
COPY --from=build --chown=1000:1000 /empty /state
ENV XDG_STATE_HOME=/state
# A sidecar file that is mounted here as outrider.yaml is found.
WORKDIR /etc/outrider
USER 1000:1000
ENTRYPOINT ["node", "/opt/outrider/outrider.js"]
CMD ["--help"]
# Each check starts a process: often enough to start one thing after another by it, and no more. A busy machine takes its time.
HEALTHCHECK --interval=10s --timeout=20s --start-period=60s --retries=3 CMD ["node", "/opt/outrider/outrider.js", "wait", "--local", "--timeout", "10s"]
