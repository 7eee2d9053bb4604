"""Payments as a customer credit transfer of ISO 20022, message pain.001.001.09."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby

from creatorpool.errors import MissingExtraError
from creatorpool.settlement.bank_details import BankAccount

try:
    from pyiso20022.pain.pain_001_001_09 import (
        AccountIdentification4Choice,
        ActiveOrHistoricCurrencyAndAmount,
        AmountType4Choice,
        BranchAndFinancialInstitutionIdentification6,
        CashAccount38,
        CreditTransferTransaction34,
        CustomerCreditTransferInitiationV09,
        DateAndDateTime2Choice,
        Document,
        FinancialInstitutionIdentification18,
        GenericFinancialIdentification1,
        GroupHeader85,
        PartyIdentification135,
        PaymentIdentification6,
        PaymentInstruction30,
        PaymentMethod3Code,
    )
    from xsdata.formats.dataclass.serializers import XmlSerializer
    from xsdata.formats.dataclass.serializers.config import SerializerConfig
    from xsdata.models.datatype import XmlDate, XmlDateTime
except ImportError as error:
    raise MissingExtraError(
        f"payments as pain.001 need the extra 'payments': pip install 'creatorpool[payments]' ({error})"
    ) from error

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
_NOT_PROVIDED = "NOTPROVIDED"
"""What the standard writes for a bank that follows from the IBAN"""


@dataclass(frozen=True)
class Transfer:
    """One payment: its id, the payee's account, and the amount in the currency's unit."""

    payment_id: str
    account: BankAccount
    currency: str
    amount: Decimal


def credit_transfer(transfers: Sequence[Transfer], debtor: BankAccount, created_at: datetime, execution: date) -> str:
    """The message as XML, with one payment information for each currency and control sums over them and over all.

    The message's id is a hash of the payments, so that the same payments have the same id.
    """
    by_currency = sorted(transfers, key=lambda transfer: (transfer.currency, transfer.payment_id))
    digest = hashlib.sha256("".join(transfer.payment_id for transfer in by_currency).encode()).hexdigest()[:24]
    groups = [
        _payment_information(f"{digest}-{currency}", list(own), debtor, execution)
        for currency, own in groupby(by_currency, key=lambda transfer: transfer.currency)
    ]
    header = GroupHeader85(
        msg_id=digest,
        cre_dt_tm=XmlDateTime.from_datetime(created_at.replace(microsecond=0)),
        nb_of_txs=str(len(by_currency)),
        ctrl_sum=sum((transfer.amount for transfer in by_currency), Decimal(0)),
        initg_pty=PartyIdentification135(nm=debtor.name),
    )
    initiation = CustomerCreditTransferInitiationV09(grp_hdr=header, pmt_inf=groups)
    document = Document(cstmr_cdt_trf_initn=initiation)
    names: Mapping[str | None, str] = {None: NAMESPACE}
    return XmlSerializer(config=SerializerConfig(indent="  ")).render(document, ns_map=dict(names))


def _payment_information(
    name: str, transfers: Sequence[Transfer], debtor: BankAccount, execution: date
) -> PaymentInstruction30:
    return PaymentInstruction30(
        pmt_inf_id=name,
        pmt_mtd=PaymentMethod3Code.TRF,
        nb_of_txs=str(len(transfers)),
        ctrl_sum=sum((transfer.amount for transfer in transfers), Decimal(0)),
        reqd_exctn_dt=DateAndDateTime2Choice(dt=XmlDate.from_date(execution)),
        dbtr=PartyIdentification135(nm=debtor.name),
        dbtr_acct=_account(debtor),
        dbtr_agt=_bank(debtor),
        cdt_trf_tx_inf=[_transaction(transfer) for transfer in transfers],
    )


def _transaction(transfer: Transfer) -> CreditTransferTransaction34:
    amount = ActiveOrHistoricCurrencyAndAmount(value=transfer.amount, ccy=transfer.currency)
    return CreditTransferTransaction34(
        pmt_id=PaymentIdentification6(instr_id=transfer.payment_id, end_to_end_id=transfer.payment_id),
        amt=AmountType4Choice(instd_amt=amount),
        cdtr_agt=_bank(transfer.account) if transfer.account.bic else None,
        cdtr=PartyIdentification135(nm=transfer.account.name),
        cdtr_acct=_account(transfer.account),
    )


def _account(account: BankAccount) -> CashAccount38:
    return CashAccount38(id=AccountIdentification4Choice(iban=account.iban))


def _bank(account: BankAccount) -> BranchAndFinancialInstitutionIdentification6:
    if account.bic:
        bank = FinancialInstitutionIdentification18(bicfi=account.bic)
    else:
        bank = FinancialInstitutionIdentification18(othr=GenericFinancialIdentification1(id=_NOT_PROVIDED))
    return BranchAndFinancialInstitutionIdentification6(fin_instn_id=bank)
