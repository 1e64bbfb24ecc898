"""llama.cpp's own server with a real small model: `python llama.py MODEL PORT`, run by the environment that has it."""

import sys
import time

from xllamacpp import CommonParams, Server

params = CommonParams()
params.model.path, params.hostname, params.port = sys.argv[1], "127.0.0.1", int(sys.argv[2])
params.n_parallel, params.n_ctx = 4, 8192
params.endpoint_metrics = True
server = Server(params)
print("ready", flush=True)
while True:
    time.sleep(3600)
