"""What can be wrong with invoices, credit notes and payments, each with what to do about it."""

from server.kit.errors import Conflict, Invalid, NotFound


class UnknownInvoice(NotFound):
    """There is no invoice {invoice_id}, or it is not yours."""

    code = "billing.unknown_invoice"


class UnknownPayment(NotFound):
    """There is no payment {payment_id}. Look for it at /api/payments."""

    code = "billing.unknown_payment"


class UnknownMatch(NotFound):
    """There is no match {match_id}, or it was undone already."""

    code = "billing.unknown_match"


class UnknownCompany(NotFound):
    """There is no company {company} of ours. An administrator makes it at
    PUT /api/companies/{company}."""

    code = "billing.unknown_company"


class NoBillingProfile(Conflict):
    """Account {account_id} has no billing address yet. Give it at
    PUT /api/accounts/{account_id}/billing-profile."""

    code = "billing.no_profile"


class NoVatRate(Conflict):
    """There is no {vat_code} VAT rate for {country} on {day}. An administrator gives it at
    PUT /api/vat-rates."""

    code = "billing.no_vat_rate"


class BadVatId(Invalid):
    """{vat_id!r} is not a VAT id of {country}. Write it with its letters, as on their own
    invoices."""

    code = "billing.bad_vat_id"


class BadIban(Invalid):
    """{iban!r} is not an IBAN: its check digits are wrong. Copy it again."""

    code = "billing.bad_iban"


class BadCountry(Invalid):
    """{country!r} is not a country of ISO 3166. Use its two letters, such as LI."""

    code = "billing.bad_country"


class BadZone(Invalid):
    """There is no time zone {timezone!r}. Write it like Europe/Vaduz."""

    code = "billing.bad_zone"


class PrefixTaken(Conflict):
    """The prefix {prefix} begins other numbers already. Choose another one for each series."""

    code = "billing.prefix_taken"


class ReasonNeeded(Invalid):
    """Say why no VAT is taken: give exemption_reason, and its VATEX code if there is one."""

    code = "billing.reason_needed"


class BadVatRate(Invalid):
    """A {vat_code} rate is {expected}."""

    code = "billing.bad_vat_rate"


class NothingToInvoice(Conflict):
    """Nothing is waiting to be invoiced for this account until then."""

    code = "billing.nothing_to_invoice"


class IssuedAlready(Conflict):
    """{number} is issued and cannot be discarded. Write a credit note for it."""

    code = "billing.issued_already"


class CorrectedByDraft(Conflict):
    """The draft of a credit note corrects this draft. Discard that one first."""

    code = "billing.corrected_by_draft"


class NotIssued(Conflict):
    """This is a draft. Issue it first."""

    code = "billing.not_issued"


class IssueInvoiceFirst(Conflict):
    """This credit note corrects an invoice that is a draft. Issue that one first."""

    code = "billing.issue_invoice_first"


class NotAnInvoice(Conflict):
    """{number} is a credit note. Name an invoice."""

    code = "billing.not_an_invoice"


class UnknownInvoiceLine(NotFound):
    """{number} has no line {line}."""

    code = "billing.unknown_line"


class NothingLeftToCredit(Conflict):
    """All of {number} is credited already."""

    code = "billing.nothing_left"


class CreditExceedsLine(Conflict):
    """Of line {line} of {number} only {left_minor} minor units are left to credit."""

    code = "billing.credit_exceeds_line"


class NothingOpen(Conflict):
    """{number} is settled already."""

    code = "billing.nothing_open"


class NothingUnused(Conflict):
    """All of this payment or credit note is used already. Undo one of its matches first."""

    code = "billing.nothing_unused"


class MatchTooLarge(Conflict):
    """Only {possible_minor} minor units can be matched: look at what is open and what is left."""

    code = "billing.match_too_large"


class OtherAccount(Conflict):
    """The payment or credit note belongs to another account or currency than the invoice."""

    code = "billing.other_account"


class PaymentAssigned(Conflict):
    """This payment belongs to another account already."""

    code = "billing.payment_assigned"


class PaymentUnassigned(Conflict):
    """Nobody knows yet who paid this. Assign it to an account first."""

    code = "billing.payment_unassigned"


class OtherPayment(Conflict):
    """The bank reference {bank_reference!r} belongs to another payment: {difference}. Look at it,
    and correct one of the two."""

    code = "billing.other_payment"


class PaidInFuture(Invalid):
    """A payment is recorded when it has come; {received_on} is not over yet."""

    code = "billing.paid_in_future"


class OneSourceOnly(Invalid):
    """Give either payment_id or credit_note_id."""

    code = "billing.one_source_only"


class BadPeriod(Invalid):
    """The first day lies after the last, or the period is longer than {days_max} days."""

    code = "billing.bad_period"


class NoPeppolId(Conflict):
    """{party} has no Peppol id, so {number} cannot go over Peppol. Give it in the profile; it holds
    for invoices that are issued from then on."""

    code = "billing.no_peppol_id"
