"""Billing accounts, what is known about the payer, and wallets."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from aifactory.kernel.db import Tx


@dataclass(frozen=True)
class FactsRow:
    kyc_status: str
    payment_method: str
    promotional_credit: bool


@dataclass(frozen=True)
class WalletRow:
    account_id: str
    tenant_id: str
    currency: str
    available: Decimal
    held: Decimal
    version: int
    updated_at: datetime


ENSURE_WALLET = "select billing.ensure_wallet(%(new_id)s, %(tenant_id)s, %(currency)s)"

ACCOUNT_OF = "select id from billing.billing_accounts where tenant_id = %(tenant_id)s"

# What is known about the payer of the account {account}: columns, no statement by themselves, hence the small letters.
_facts_of = """
       coalesce((select f.value from billing.account_facts f where f.tenant_id = %(tenant_id)s and f.account_id = {account} and f.kind = 'kyc_status'
                  order by f.recorded_at desc, f.id desc limit 1), 'none') as kyc_status,
       coalesce((select f.value from billing.account_facts f where f.tenant_id = %(tenant_id)s and f.account_id = {account} and f.kind = 'payment_method'
                  order by f.recorded_at desc, f.id desc limit 1), 'none') as payment_method,
       exists (select from billing.ledger_lines l where l.tenant_id = %(tenant_id)s and l.account_id = {account}
                  and l.account = 'platform.promotions' and l.amount < 0) as promotional_credit
"""

facts_of_a = _facts_of.replace("{account}", "a.id")
FACTS_OF = "select " + _facts_of.replace("{account}", "%(account_id)s")

INSERT_FACT = """
insert into billing.account_facts (id, tenant_id, account_id, kind, value, reason, recorded_by)
values (%(id)s, %(tenant_id)s, %(account_id)s, %(kind)s, %(value)s, %(reason)s, kernel.principal())
"""

WALLETS_OF = """
select account_id, tenant_id, currency, available, held, version, updated_at from billing.wallets
 where tenant_id = %(tenant_id)s order by created_at, currency
"""

# Wallets whose balance is not the sum of their lines. Must always be empty.
DRIFTED_WALLETS = """
select w.account_id, w.currency from billing.wallets w
  left join (select l.account_id, l.currency,
                    sum(l.amount) filter (where l.account = 'wallet.available') as available,
                    sum(l.amount) filter (where l.account = 'wallet.held') as held
               from billing.ledger_lines l group by l.account_id, l.currency) s using (account_id, currency)
 where w.available <> coalesce(s.available, 0) or w.held <> coalesce(s.held, 0)
 order by w.account_id, w.currency limit 100
"""


async def ensure_wallet(tx: Tx, tenant_id: str, currency: str) -> str:
    wallet = {"new_id": tx.ids.new("bacc"), "tenant_id": tenant_id, "currency": currency}
    return await tx.value(ENSURE_WALLET, wallet)


async def account_of(tx: Tx, tenant_id: str) -> str | None:
    return await tx.value(ACCOUNT_OF, {"tenant_id": tenant_id})


async def facts_of(tx: Tx, tenant_id: str, account_id: str) -> FactsRow:
    row = await tx.one(FACTS_OF, {"tenant_id": tenant_id, "account_id": account_id}, into=FactsRow)
    assert row is not None  # the statement has no FROM: it always answers
    return row


async def add_fact(tx: Tx, tenant_id: str, account_id: str, kind: str, value: str, reason: str) -> None:
    fact = {"id": tx.ids.new("fact"), "tenant_id": tenant_id, "account_id": account_id, "kind": kind, "value": value}
    await tx.run(INSERT_FACT, fact | {"reason": reason})


async def wallets_of(tx: Tx, tenant_id: str) -> list[WalletRow]:
    return await tx.all(WALLETS_OF, {"tenant_id": tenant_id}, into=WalletRow)


async def drifted_wallets(tx: Tx) -> list[tuple[str, str]]:
    return await tx.all(DRIFTED_WALLETS)
