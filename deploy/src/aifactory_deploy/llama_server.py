"""llama.cpp's own server on loopback, run by the environment that has it (`make models`), never imported by ours:

    python llama_server.py MODEL PORT

MODEL is a GGUF file. It speaks OpenAI's protocol under /v1, counts tokens in /metrics, and lets go of the model's memory
when nobody has asked for a while.
"""

import sys
import threading

from xllamacpp import CommonParams, Server

CONTEXT_TOKENS = 2_048  # of one request: what the model was trained with
AT_ONCE = 4
NAME = "smollm2-135m-instruct"  # what it calls the model in its answers
SLEEP_AFTER_SECONDS = 900

params = CommonParams()
params.model.path, params.port = sys.argv[1], int(sys.argv[2])
params.hostnames = ["127.0.0.1"]
params.n_parallel, params.n_ctx = AT_ONCE, AT_ONCE * CONTEXT_TOKENS
params.kv_unified, params.model_alias = False, {NAME}
params.sleep_idle_seconds = SLEEP_AFTER_SECONDS
params.endpoint_metrics, params.endpoint_slots, params.ui = True, False, False
server = Server(params)
threading.Event().wait()
