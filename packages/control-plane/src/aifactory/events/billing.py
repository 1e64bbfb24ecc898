"""What billing tells the other domains. Money travels as decimal strings beside its currency, instants as RFC 3339."""

from dataclasses import dataclass

from aifactory.events import event


@event("billing.price_changed", 1)
@dataclass(frozen=True)
class PriceChanged:
    """A sku has another price in a region from `effective_at` on, which lies at or after the change."""

    price_id: str
    sku: str
    region_id: str
    amount: str
    currency: str
    effective_at: str


@event("billing.credit_granted", 1)
@dataclass(frozen=True)
class CreditGranted:
    """A wallet received credit that was not paid for by a charge."""

    account_id: str
    tenant_id: str
    kind: str
    amount: str
    currency: str
    reason: str


@event("billing.hold_placed", 1)
@dataclass(frozen=True)
class HoldPlaced:
    """A purchase was authorized: its first hour is set aside."""

    hold_id: str
    subject_id: str
    project_id: str
    sku: str
    region_id: str
    amount: str
    currency: str


@event("billing.hold_voided", 1)
@dataclass(frozen=True)
class HoldVoided:
    """A purchase came to nothing; what was set aside is available again and nothing is billed."""

    hold_id: str
    subject_id: str
    amount: str
    currency: str


@event("billing.hold_extension_failed", 1)
@dataclass(frozen=True)
class HoldExtensionFailed:
    """Notice: the credit does not reach another hour. At `covered_until` follows billing.credit_exhausted."""

    hold_id: str
    subject_id: str
    project_id: str
    covered_until: str
    missing: str
    currency: str


@event("billing.credit_exhausted", 1)
@dataclass(frozen=True)
class CreditExhausted:
    """The covered time is over and could not be extended: the subject must be released now."""

    hold_id: str
    subject_id: str
    project_id: str
    covered_until: str


@event("billing.meter_opened", 1)
@dataclass(frozen=True)
class MeterOpened:
    """From `at` on the subject is billable."""

    subject_id: str
    project_id: str
    sku: str
    region_id: str
    at: str


@event("billing.meter_closed", 1)
@dataclass(frozen=True)
class MeterClosed:
    """From `at` on the subject is not billable any more; its bill follows with billing.charge_settled."""

    subject_id: str
    at: str


@event("billing.charge_settled", 1)
@dataclass(frozen=True)
class ChargeSettled:
    """The bill of one subject is posted, once and for ever."""

    charge_id: str
    subject_id: str
    project_id: str
    total: str
    currency: str
    seconds: int


@event("billing.outage_credited", 1)
@dataclass(frozen=True)
class OutageCredited:
    """An outage will not be billed, or was billed and is given back (`credited`)."""

    pause_id: str
    subject_id: str
    from_at: str
    to_at: str
    credited: str
    currency: str
