"""llama.cpp's server out of the package xllamacpp, which ships it built, as a process of its own.

python -m finetooth.teach.serve model.gguf --alias small --port 8123 --context 2560 --threads 2
"""

from __future__ import annotations

import argparse
import threading


def main() -> None:
    parser = argparse.ArgumentParser(description="llama.cpp's server for one GGUF file, on loopback.")
    parser.add_argument("model")
    parser.add_argument("--alias", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument(
        "--context", type=int, default=2048, help="tokens of prompt and answer, all slots together"
    )
    parser.add_argument("--slots", type=int, default=1, help="requests worked on together")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = options.model
    params.model_alias = {options.alias}
    params.hostnames = ["127.0.0.1"]
    params.port = options.port
    params.n_ctx = options.context
    # With one slot answers do not depend, in the last bits of a number, on what is asked beside them.
    params.n_parallel = options.slots
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = options.threads
    params.offline = True
    params.ui = False
    server = xllamacpp.Server(params)  # it loads the model and listens, and says so in its own log
    threading.Event().wait()
    del server


if __name__ == "__main__":
    main()
