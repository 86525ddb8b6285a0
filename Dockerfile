# The small image: `make image`. It contains the models, but neither a compiler nor torch, and runs without a network.
# The pinned versions are those of `make serve` and bentofile.yaml, with the hashes of their files: requirements/serve-hashes.txt.
# To pin the base image, too: make image BASE=python:3.11-slim@sha256:..., see docs/deployment.md.
ARG BASE=python:3.11-slim

FROM ${BASE} AS build
COPY requirements/serve-hashes.txt /requirements/
RUN python3 -m venv /opt/seqserve \
 && /opt/seqserve/bin/pip install --no-cache-dir --require-hashes --requirement /requirements/serve-hashes.txt \
 && /opt/seqserve/bin/pip uninstall --yes --quiet setuptools pip \
 # Remove what serving never reads: tests and sources of other packages, model tools, a downloader, and the copy of
 # onnxruntime for C programs.
 && cd /opt/seqserve/lib/python3*/site-packages \
 && find . -type d -name tests -prune -exec rm -r {} + \
 && find . -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.c' -o -name '*.h' -o -name '*.a' \) -delete \
 && rm -r hf_xet onnxruntime/transformers onnxruntime/tools onnxruntime/quantization onnxruntime/capi/libonnxruntime.so.* \
 # The root file system of the container is read-only, so the bytecode is compiled now.
 && /opt/seqserve/bin/python -m compileall -q .

FROM ${BASE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="seqserve" \
      org.opencontainers.image.description="Named entities, sentiment and translation over one HTTP API" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV PATH=/opt/seqserve/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    BENTOML_DO_NOT_TRACK=True \
    ORT_DISABLE_TELEMETRY=1 \
    BENTOML_HOME=/tmp/bentoml \
    HOME=/tmp
COPY --from=build /opt/seqserve /opt/seqserve
WORKDIR /srv/seqserve
COPY LICENSE ./
COPY deploy/docker/healthcheck.py deploy/docker/
COPY bundles bundles
COPY seqserve seqserve
COPY service service
RUN python -m compileall -q service seqserve
USER 1000:1000
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["python", "-S", "deploy/docker/healthcheck.py"]
ENTRYPOINT ["python", "-m", "service"]
CMD ["--host", "0.0.0.0"]
