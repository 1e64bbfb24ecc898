"""What is told by mail: which events, to whom, in which words. Plain text; a mail says what happened and what to do."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from aifactory.events.billing import CreditExhausted, HoldExtensionFailed
from aifactory.events.provisioning import AllocationFailed, AllocationReleaseAnnounced
from aifactory.kernel.errors import invalid

MAX_RECIPIENTS = 10
MAX_MAILS_AN_HOUR = 200  # of one tenant: recipients need not have asked for it
ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)+")  # fmt: skip
Kind = Literal["credit_exhausted", "hold_extension_failed", "allocation_failed", "node_drain_notice"]


@dataclass(frozen=True)
class Template:
    """`subject` and `text` are format strings over the event's payload."""

    kind: Kind
    event: type
    about: str
    subject: str
    text: str


TEMPLATES: tuple[Template, ...] = (
    Template(
        "hold_extension_failed",
        HoldExtensionFailed,
        "the credit does not reach another hour of something that runs",
        "Credit is running out: {subject_id} is covered until {covered_until}",
        "The credit of your account does not reach another hour of {subject_id} (project {project_id}).\n\n"
        "It is covered until {covered_until}; {missing} {currency} are missing. Then it is released, and its data on "
        "volumes stays.\n\nWhat to do: add credit before that time, or release what you do not need.\n",
    ),
    Template(
        "credit_exhausted",
        CreditExhausted,
        "something that ran is released because the credit ended",
        "Credit is used up: {subject_id} is being released",
        "The credit for {subject_id} (project {project_id}) ended at {covered_until}, so it is being released now.\n\n"
        "Volumes stay. What to do: add credit, then launch again.\n",
    ),
    Template(
        "node_drain_notice",
        AllocationReleaseAnnounced,
        "something that runs will be released because its node goes into maintenance",
        "Maintenance: {allocation_id} will be released at {release_at}",
        "The node under {allocation_id} (project {project_id}) goes into maintenance: {reason}\n\n"
        "It will be released, and its bill will end, at {release_at}. Volumes stay.\n\n"
        "What to do: save what is not on a volume before that time, then launch again.\n",
    ),
    Template(
        "allocation_failed",
        AllocationFailed,
        "a launch did not become active",
        "A launch failed: {allocation_id}",
        "The allocation {allocation_id} (project {project_id}) did not become active. It was undone and costs nothing.\n\n"
        "Why: {detail} ({code})\n\nWhat to do: launch again; if it fails again, tell the operator the allocation's id.\n",
    ),
)
KINDS: Mapping[str, Template] = {template.kind: template for template in TEMPLATES}
BY_EVENT: Mapping[str, Template] = {template.event.TYPE: template for template in TEMPLATES}  # type: ignore[attr-defined]


def written(template: Template, payload: Mapping[str, object]) -> tuple[str, str]:
    """(subject, text). A subject is one line, whatever the payload holds."""
    known = {name: str(payload.get(name, "–")) for name in template.event.__dataclass_fields__}  # type: ignore[attr-defined]
    subject = " ".join(template.subject.format(**known).split())
    return subject[:200], template.text.format(**known)


def checked_recipients(kind: str, addresses: list[str]) -> list[str]:
    """Each once, in the order given. Raises 422 for an unknown kind or what is no address."""
    if kind not in KINDS:
        raise invalid("kind", f"{kind!r} is not told by mail.", f"Known: {', '.join(KINDS)}.", "unknown_kind")
    if len(addresses) > MAX_RECIPIENTS:
        raise invalid("recipients", f"At most {MAX_RECIPIENTS} recipients; use an address of a group.")
    for address in addresses:
        if len(address) > 254 or not ADDRESS.fullmatch(address):
            raise invalid("recipients", f"{address!r} is not a mail address.")
    return list(dict.fromkeys(addresses))
