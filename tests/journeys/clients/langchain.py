"""LangChain's OpenAI class, as its documentation uses it: with BASE, KEY and MODEL set. Prints what it saw as JSON."""

import json
import os

from langchain_openai import ChatOpenAI

ASK = "Name three colours."
model = ChatOpenAI(
    model=os.environ["MODEL"], base_url=os.environ["BASE"], api_key=os.environ["KEY"], max_tokens=16, max_retries=0
)
whole = model.invoke(ASK)
pieces = list(model.stream(ASK, stream_usage=True))
seen = {
    "whole": whole.content,
    "usage": whole.usage_metadata["output_tokens"],
    "streamed": "".join(str(piece.content) for piece in pieces),
    "streamed_usage": max((piece.usage_metadata or {}).get("output_tokens", 0) for piece in pieces),
}
try:
    ChatOpenAI(model="nobody", base_url=os.environ["BASE"], api_key=os.environ["KEY"], max_retries=0).invoke(ASK)
except Exception as error:
    seen["unknown"] = [type(error).__name__, getattr(error, "status_code", None)]
print(json.dumps(seen))
