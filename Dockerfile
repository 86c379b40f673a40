# The same two commands as anywhere, in a box:
#   docker build -t finetooth .                             CPU
#   docker build -t finetooth --build-arg DEVICE=cuda .     NVIDIA; run with --gpus all
#   docker run --rm finetooth                               make demo
#   docker run --rm finetooth make test
#   docker run --rm -v "$PWD:/data" -w /data finetooth finetooth check train.jsonl
ARG PYTHON=3.11
FROM python:${PYTHON}-slim

ARG DEVICE=cpu
RUN test "$DEVICE" = cpu || test "$DEVICE" = cuda || { echo "DEVICE: expected cpu or cuda, found $DEVICE"; exit 1; }
RUN apt-get update && apt-get install --yes --no-install-recommends make && rm -rf /var/lib/apt/lists/*

RUN useradd --create-home tooth && mkdir /finetooth && chown tooth /finetooth
USER tooth
WORKDIR /finetooth
ENV PIP_NO_CACHE_DIR=1 PYTHONUNBUFFERED=1 PATH=/finetooth/.venv/bin:$PATH

# What is installed changes less often than the code: a layer of its own. The wheels of torch for CUDA, which
# are the ordinary ones on Linux, bring their CUDA with them; those for the CPU alone are a tenth of the size.
COPY --chown=tooth pyproject.toml constraints.txt starters.txt Makefile README.md LICENSE ./
COPY --chown=tooth src/finetooth/__init__.py src/finetooth/__init__.py
RUN python -m venv .venv \
    && if [ "$DEVICE" = cpu ]; then \
         .venv/bin/pip install --quiet --constraint constraints.txt --index-url https://download.pytorch.org/whl/cpu torch; \
       fi \
    && make PYTHON=python .venv/installed

COPY --chown=tooth . .
# What was installed above is of these very files; their dates may be those of a later checkout.
RUN touch .venv/installed
CMD ["make", "demo"]
