"""The gate of a purchase: what region, product and use case require of the payer. Pure decisions over data."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from aifactory.kernel.errors import Problem, payment_required


@dataclass(frozen=True)
class Policy:
    """One row: '*' matches everything, sku_pattern is a shell pattern such as `local.*`."""

    id: str
    region_id: str
    sku_pattern: str
    use_case: str
    requires_kyc: bool
    requires_payment_method: bool
    satisfied_by_promotional_credit: bool


@dataclass(frozen=True)
class Facts:
    """What is known about the payer. promotional_credit: some was ever granted."""

    kyc_status: str = "none"
    payment_method: str = "none"
    promotional_credit: bool = False


def most_specific(policies: Sequence[Policy], sku: str) -> Policy | None:
    """The row that decides: its region named rather than '*', then the longest pattern, then its use case named."""
    matching = [policy for policy in policies if fnmatchcase(sku, policy.sku_pattern)]
    return max(matching, key=_weight, default=None)


def _weight(policy: Policy) -> tuple[bool, int, bool]:
    return policy.region_id != "*", len(policy.sku_pattern.replace("*", "")), policy.use_case != "*"


def refusal(policy: Policy | None, facts: Facts, sku: str) -> Problem | None:
    """None when the payer may buy. No rule means no sale. Promotional credit stands in for a card, never for KYC."""
    if policy is None:
        return Problem(
            403, "not_for_sale", "Not for sale here", f"No purchase policy covers {sku} in this region for this use case.",
            todo="Choose another sku or region, or ask the operator to add a policy.",
        )  # fmt: skip
    if policy.requires_kyc and facts.kyc_status != "verified":
        return payment_required(
            "kyc_required", f"This purchase needs a verified identity; yours is {facts.kyc_status!r}.",
            "Complete the identity check of your billing account, then send the request again.", kyc_status=facts.kyc_status,
        )  # fmt: skip
    if policy.requires_payment_method and facts.payment_method == "none" and not _credit_will_do(policy, facts):
        return payment_required(
            "payment_method_required", "There is no payment method on your billing account.",
            "Add a payment method or redeem promotional credit, then send the request again.",
        )  # fmt: skip
    return None


def _credit_will_do(policy: Policy, facts: Facts) -> bool:
    return policy.satisfied_by_promotional_credit and facts.promotional_credit
