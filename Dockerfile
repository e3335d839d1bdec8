# The image of wcapd: one binary on a small Debian, run by an ordinary user, its store in a volume.
#
#   docker build -t wcapd .
#   docker run -d --name wcapd -p 8080:8080 -p 5229:5229 -v wcapd:/var/lib/wcapd wcapd
#
# docs/image.md says more; tests/image/run builds and tries this file without a container daemon.

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
# The two caches live outside the image, so that a second build compiles only what changed.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --bin wcapd \
    && install -D --strip target/release/wcapd /out/wcapd

FROM debian:bookworm-slim
RUN useradd --uid 10001 --user-group --no-create-home \
        --home-dir /var/lib/wcapd --shell /usr/sbin/nologin wcapd \
    && install -d -o wcapd -g wcapd -m 0700 /var/lib/wcapd
COPY --from=build /out/wcapd /usr/local/bin/wcapd
COPY LICENSE-APACHE LICENSE-MIT /usr/share/doc/wcapd/
USER wcapd
WORKDIR /var/lib/wcapd
VOLUME /var/lib/wcapd
# 8080 is HTTP (WCAP, the web calendar, /healthz, /metrics); 5229 is CAP.
EXPOSE 8080 5229
# HTTP without TLS goes to a published port: for a network of one's own, or a proxy in front.
ENV WCAPD__HTTP__PLAIN_REMOTE=true
STOPSIGNAL SIGTERM
# Bash opens the socket itself: the image holds no HTTP client.
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s --retries=3 \
    CMD ["/bin/bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /readyz HTTP/1.0\\r\\n\\r\\n' >&3 && read -r -t 4 _ status _ <&3 && [ \"$status\" = 200 ]"]
ENTRYPOINT ["/usr/local/bin/wcapd"]
CMD ["serve", "--data", "/var/lib/wcapd", "--http", "0.0.0.0:8080", "--cap", "0.0.0.0:5229"]
