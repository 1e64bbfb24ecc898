"""The tree of commands. Names and one-line helps live here, so that `aif --help` imports none of them."""

from __future__ import annotations

import click

from aifactory_cli.click_types import Entry, LazyGroup

_AT = "aifactory_cli.commands."

SECTIONS: dict[str, dict[str, Entry]] = {
    "Start": {
        "up": Entry(_AT + "house", "up", "Run a whole factory on this machine."),
        "down": Entry(_AT + "house", "down", "Stop the factory on this machine."),
        "status": Entry(_AT + "house", "status", "What of it runs, and where."),
        "login": Entry(_AT + "sign_in", "login", "Sign in to a factory."),
        "logout": Entry(_AT + "sign_in", "logout", "Forget the sign-in."),
        "whoami": Entry(_AT + "sign_in", "whoami", "Who you are, and what you may do."),
        "context": Entry(_AT + "contexts", "context", "Choose profile, host, tenant and project."),
    },
    "Explore (no sign-in needed)": {
        "catalog": Entry(_AT + "explore", "catalog", "What can be had, and at which price."),
        "offers": Entry(_AT + "explore", "offers", "What is free right now, best first."),
        "quote": Entry(_AT + "explore", "quote", "What something will cost, before it does."),
        "regions": Entry(_AT + "explore", "regions", "Where it runs."),
        "apps": Entry(_AT + "apps", "apps", "Apps that run in your allocations."),
        "models": Entry(_AT + "inference", "models", "Models to call, and what a million tokens cost."),
    },
    "Work": {
        "allocations": Entry(_AT + "allocations", "allocations", "Machines and slices: create, list, release."),
        "instances": Entry(_AT + "apps", "instances", "Apps at work: create, list, stop, logs."),
        "chat": Entry(_AT + "inference", "chat", "Talk to a model."),
        "ssh": Entry(_AT + "ssh", "ssh", "Log in to an allocation, or run a command there."),
        "logs": Entry(_AT + "ssh", "logs", "Logs of an allocation (later release)."),
        "telemetry": Entry(_AT + "observe", "telemetry", "What an allocation uses, now and before."),
        "apply": Entry(_AT + "apply", "apply", "Make it so: objects from a YAML file."),
        "volumes": Entry(_AT + "resources", "volumes", "Disks that outlive allocations."),
        "buckets": Entry(_AT + "buckets", "buckets", "Object storage for any S3 client."),
        "networks": Entry(_AT + "networks", "networks", "Private networks of your allocations."),
        "security-groups": Entry(_AT + "networks", "security_groups", "What may pass to and from them."),
        "published-ports": Entry(_AT + "networks", "published_ports", "Ports that anybody reaches."),
        "ssh-keys": Entry(_AT + "resources", "ssh_keys", "Public keys that open allocations."),
        "projects": Entry(_AT + "resources", "projects", "Projects of your tenant."),
        "keys": Entry(_AT + "resources", "keys", "API keys for programs."),
        "webhooks": Entry(_AT + "webhooks", "webhooks", "Where your events are posted."),
        "notifications": Entry(_AT + "webhooks", "notifications", "Who is told of what by mail."),
    },
    "Money": {
        "usage": Entry(_AT + "money", "usage", "What ran, for how long, at what cost."),
        "statement": Entry(_AT + "money", "statement", "The bill of a month, to the last second."),
        "wallet": Entry(_AT + "money", "wallet", "Credit, holds and what is left."),
        "quota": Entry(_AT + "money", "quota", "Limits of your tenant and its projects."),
        "ledger": Entry(_AT + "money", "ledger", "The books: trial balance."),
    },
    "Proof and operation": {
        "audit": Entry(_AT + "proof", "audit", "Who did what, and the proof of it."),
        "evidence": Entry(_AT + "observe", "evidence", "What happened to anything, from every record."),
        "smoke": Entry(_AT + "smoke", "smoke", "Quick checks of each domain."),
        "domains": Entry(_AT + "proof", "domains", "Which team owns which part."),
        "admin": Entry(_AT + "admin", "admin", "For operators of the platform."),
    },
}


@click.group(cls=LazyGroup, sections=SECTIONS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option("0.1.0", prog_name="aif")
def aif() -> None:
    """AI Factory on the command line.

    \b
    First steps:
      aif up --detach                          run a factory here
      aif catalog                              see what it offers
      aif login                                sign in
      aif allocations create --sku SKU --wait  get a machine
      aif ssh NAME                             use it

    \b
    Exit codes: 0 ok, 1 unexpected, 2 usage, 3 not signed in, 4 forbidden, 5 not found, 6 refused or conflict,
    7 payment required, 8 timed out waiting, 9 cannot reach the host, 130 interrupted.
    """
