"""Names and how they are bent: what a template may say about a domain's noun, and which names are refused."""

import keyword
import re

from aifactory.generators.refusal import Refused

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
MOST_LETTERS = 40
EMPTY_WORDS = {"util", "utils", "common", "helper", "helpers", "manager", "managers", "misc", "data", "info", "thing"}
TAKEN_WORDS = {
    "adapters", "condition", "datetime", "facade", "flows", "generation", "iam", "label", "list", "manifest", "name", "object", "page",
    "ports", "row", "routes", "smoke", "state", "store", "tests", "tx", "view",
}  # fmt: skip
VOWELS = "aeiou"
LOUD = {"hour", "honest", "heir"}  # an hour
SOFT = ("uni", "use", "usa", "eu", "one", "ura")  # a unit, a user
PAST = {
    "bind": "bound", "break": "broken", "bring": "brought", "build": "built", "buy": "bought", "choose": "chosen", "cut": "cut",
    "draw": "drawn", "feed": "fed", "find": "found", "forget": "forgotten", "freeze": "frozen", "get": "got", "give": "given",
    "hide": "hidden", "hold": "held", "keep": "kept", "lay": "laid", "lead": "led", "lend": "lent", "let": "let", "lose": "lost",
    "make": "made", "meet": "met", "pay": "paid", "put": "put", "read": "read", "rebuild": "rebuilt", "resend": "resent",
    "run": "run", "see": "seen", "seek": "sought", "sell": "sold", "send": "sent", "set": "set", "show": "shown", "shut": "shut",
    "split": "split", "take": "taken", "tell": "told", "undo": "undone", "withdraw": "withdrawn", "write": "written",
}  # fmt: skip


def checked(name: str, what: str) -> str:
    """`name` in the form of our files: lower case with underscores. `what` names the argument in a refusal."""
    found = name.strip().replace("-", "_")
    if not NAME.fullmatch(found) or len(found) > MOST_LETTERS:
        raise Refused(
            f"{what}={name!r} is no name. Use 1 to {MOST_LETTERS} lower-case letters, digits and underscores."
        )
    if EMPTY_WORDS & set(found.split("_")):
        raise Refused(f"{what}={name} says nothing. Name what it is, in the field's own word.")
    if keyword.iskeyword(found) or keyword.issoftkeyword(found) or found in TAKEN_WORDS:
        raise Refused(f"{what}={name} is a word of Python or of every room. Choose another.")
    return found


def class_name(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def singular(plural: str) -> str:
    """annotations -> annotation. Raises Refused for what is no plural that we can take apart."""
    if plural.endswith("ies") and len(plural) > 4:
        return plural[:-3] + "y"
    if plural.endswith(("sses", "xes", "ches", "shes", "zes")):
        return plural[:-2]
    if plural.endswith("s") and not plural.endswith(("ss", "us", "is")):
        return plural[:-1]
    raise Refused(
        f"RESOURCE={plural} is no plural: resources are called by many (`annotations`). Or say NOUN=… for one."
    )


def with_article(noun: str) -> str:
    first = noun.replace("_", " ")
    an = first.split()[0] in LOUD or (first[0] in VOWELS and not first.startswith(SOFT))
    return f"{'an' if an else 'a'} {first}"


def doing(verb: str) -> str:
    """expire -> expiring: the state while it lasts."""
    if verb.endswith("ie"):
        return verb[:-2] + "ying"
    if verb.endswith("e") and not verb.endswith(("ee", "ye", "oe")):
        return verb[:-1] + "ing"
    return _doubled(verb) + "ing"


def done(verb: str) -> str:
    """expire -> expired: the state when it is over, and the event's past tense."""
    if verb in PAST:
        return PAST[verb]
    if verb.endswith("e"):
        return verb + "d"
    if verb.endswith("y") and verb[-2:-1] not in VOWELS:
        return verb[:-1] + "ied"
    return _doubled(verb) + "ed"


def _doubled(verb: str) -> str:
    """stop -> stopp(ed), cancel -> cancell(ed): a short syllable, or an unstressed one before l, as the British write it."""
    short = re.fullmatch(
        r"[^aeiou]*[aeiou][bdfgklmnprt]|.*[^aeiou][aeiou]l|qui[tz]|commit|permit|admit|submit|refer|transfer", verb
    )
    return verb + verb[-1] if short else verb
