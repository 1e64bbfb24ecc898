"""A request to Anthropic's `/v1/messages`, said in OpenAI's words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec
from msgspec import Struct

from aifactory_gateway.refusal import Refusal, bad_request

_STOP_SEQUENCES = 16


class Source(Struct, tag_field="type", tag="base64"):
    media_type: str
    data: str


class UrlSource(Struct, tag_field="type", tag="url"):
    url: str


class Text(Struct, tag_field="type", tag="text"):
    text: str


class Image(Struct, tag_field="type", tag="image"):
    source: Source | UrlSource


class ToolUse(Struct, tag_field="type", tag="tool_use"):
    id: str
    name: str
    input: dict[str, Any]


class ToolResult(Struct, tag_field="type", tag="tool_result"):
    tool_use_id: str
    content: str | list[Text | Image] = ""
    is_error: bool = False


class Thinking(Struct, tag_field="type", tag="thinking"):
    """What an earlier answer thought; the upstream is not shown it again."""

    thinking: str = ""


class Message(Struct):
    role: Literal["user", "assistant", "system"]
    content: str | list[Text | Image | ToolUse | ToolResult | Thinking]


class Tool(Struct):
    name: str
    input_schema: dict[str, Any] | None = None
    description: str | None = None
    type: str = "custom"


class ToolChoice(Struct):
    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool = False


class Messages(Struct):
    """The members that are understood. Others are refused by name where dropping them would change the answer."""

    model: str
    max_tokens: int
    messages: list[Message]
    system: str | list[Text] | None = None
    stream: bool = False
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop_sequences: list[str] | None = None
    tools: list[Tool] | None = None
    tool_choice: ToolChoice | None = None


_messages = msgspec.json.Decoder(Messages)


def translated(body: bytes) -> bytes:
    """OpenAI's chat request. Raises Refusal 400."""
    try:
        asked = _messages.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise bad_request("invalid_request", f"This is not a request to /v1/messages: {error}") from error
    if asked.stop_sequences and len(asked.stop_sequences) > _STOP_SEQUENCES:
        raise Refusal(400, "out_of_range", f"At most {_STOP_SEQUENCES} stop_sequences.", param="stop_sequences")
    chat: dict[str, Any] = {"model": asked.model, "max_tokens": asked.max_tokens, "messages": list(_chat(asked))}
    same = {"temperature": asked.temperature, "top_p": asked.top_p, "top_k": asked.top_k, "stop": asked.stop_sequences}
    chat |= {name: value for name, value in same.items() if value is not None}
    if asked.stream:
        chat["stream"] = True
    if asked.tools:
        chat["tools"] = [_tool(tool) for tool in asked.tools]
    if asked.tool_choice is not None:
        chat["tool_choice"] = _tool_choice(asked.tool_choice)
        if asked.tool_choice.disable_parallel_tool_use:
            chat["parallel_tool_calls"] = False
    return msgspec.json.encode(chat)


def _chat(asked: Messages) -> Iterator[dict[str, Any]]:
    if asked.system:
        text = asked.system if isinstance(asked.system, str) else "\n".join(part.text for part in asked.system)
        yield {"role": "system", "content": text}
    for message in asked.messages:
        if isinstance(message.content, str):
            yield {"role": message.role, "content": message.content}
        elif message.role == "assistant":
            yield _assistant(message.content)
        else:
            yield from _user(message.role, message.content)


def _assistant(parts: list[Any]) -> dict[str, Any]:
    text = "".join(part.text for part in parts if isinstance(part, Text))
    calls = [
        {
            "id": part.id,
            "type": "function",
            "function": {"name": part.name, "arguments": msgspec.json.encode(part.input).decode()},
        }
        for part in parts
        if isinstance(part, ToolUse)
    ]
    said: dict[str, Any] = {"role": "assistant", "content": text or None}
    return said | {"tool_calls": calls} if calls else said


def _user(role: str, parts: list[Any]) -> Iterator[dict[str, Any]]:
    """Results of tools are messages of their own, and come before what the user says beside them."""
    for part in parts:
        if isinstance(part, ToolResult):
            yield {"role": "tool", "tool_call_id": part.tool_use_id, "content": _result(part)}
    said = [_part(part) for part in parts if isinstance(part, Text | Image)]
    if said:
        yield {"role": role, "content": said}


def _result(part: ToolResult) -> Any:
    """OpenAI's has no mark for an error: it is said."""
    content = part.content if isinstance(part.content, str) else [_part(one) for one in part.content]
    return f"Error: {content}" if part.is_error and isinstance(content, str) else content


def _part(part: Text | Image) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    source = part.source
    url = source.url if isinstance(source, UrlSource) else f"data:{source.media_type};base64,{source.data}"
    return {"type": "image_url", "image_url": {"url": url}}


def _tool(tool: Tool) -> dict[str, Any]:
    if tool.type != "custom" or tool.input_schema is None:
        raise bad_request("unknown_tool", f"{tool.name}: tools that run at Anthropic are not offered here.", "tools")
    function: dict[str, Any] = {"name": tool.name, "parameters": tool.input_schema}
    if tool.description is not None:
        function["description"] = tool.description
    return {"type": "function", "function": function}


def _tool_choice(choice: ToolChoice) -> Any:
    if choice.type == "tool":
        if not choice.name:
            raise bad_request("tool_name_required", "tool_choice of type tool names it.", "tool_choice")
        return {"type": "function", "function": {"name": choice.name}}
    return {"auto": "auto", "any": "required", "none": "none"}[choice.type]
