# SPDX-License-Identifier: Apache-2.0
#
# The binary, the shared libraries that it loads, and papers that say where each file is from; no shell, no package
# manager, no authorities: the controller trusts the cluster's own only.
#
#   docker build -t sparkfit --build-arg COMMIT=$(git describe --always --dirty) .
#   docker build --target debug --output debug .        # its debug information, for gdb

FROM docker.io/library/debian:bookworm-slim AS packages
COPY tools/install-deps /src/tools/
RUN /src/tools/install-deps build

FROM packages AS build
WORKDIR /src
COPY . .
ARG COMMIT=unknown SOURCE_DATE_EPOCH
RUN --mount=type=cache,target=/root/.cache/ccache \
    cmake --preset release -DSPARKFIT_TESTS=OFF -DSPARKFIT_COMMIT="$COMMIT" && \
    cmake --build --preset release --target sparkfit && \
    mkdir -p /image/usr/bin /debug && cd /image && \
    objcopy --only-keep-debug /src/build/release/sparkfit /debug/sparkfit.debug && \
    objcopy --strip-all --add-gnu-debuglink=/debug/sparkfit.debug /src/build/release/sparkfit usr/bin/sparkfit && \
    ldd usr/bin/sparkfit | grep -o '/[^ ]*' | xargs cp --parents -L -t . /etc/os-release /etc/debian_version && \
    /src/tools/sbom /src/build/release . && \
    rm -r /src/build

FROM scratch AS debug
COPY --from=build /debug /

FROM scratch
ARG COMMIT=unknown VERSION=unknown
LABEL org.opencontainers.image.title="sparkfit" \
      org.opencontainers.image.description="Right-sizes Spark executors on Kubernetes" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$COMMIT"
COPY --from=build /image /
USER 65532:65532
ENTRYPOINT ["/usr/bin/sparkfit"]
CMD ["controller"]
