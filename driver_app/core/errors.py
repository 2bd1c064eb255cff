"""What the phone itself refuses. The docstring is what the driver reads on the banner."""

import inspect


class PhoneError(Exception):
    """This does not work right now."""

    code = "phone.error"

    def __init__(self, **facts: object) -> None:
        self.facts = facts
        super().__init__(inspect.cleandoc(type(self).__doc__ or "").format(**facts))


class NotPaired(PhoneError):
    """This phone belongs to no driver yet. Ask your dispatcher for a pairing code."""

    code = "phone.not_paired"


class PairingRefused(PhoneError):
    """{detail}"""

    code = "phone.pairing_refused"


class ServerUnreachable(PhoneError):
    """The server at {server_url} does not answer. Check the address and the network, try again."""

    code = "phone.server_unreachable"


class AlreadyFinished(PhoneError):
    """This task is {state} already."""

    code = "phone.already_finished"


class ProofMissing(PhoneError):
    """Still needed here: {parts}."""

    code = "phone.proof_missing"


class NothingToSend(PhoneError):
    """Choose at least one {thing}."""

    code = "phone.nothing_to_send"


class WrongShiftChange(PhoneError):
    """Your shift is '{shift}': '{change}' does not follow from that."""

    code = "phone.wrong_shift_change"


class StorageFull(PhoneError):
    """The storage is full, so this could not be kept. Delete something else; then try again."""

    code = "phone.storage_full"


class UnknownCommand(PhoneError):
    """This entry is not waiting for your attention any more."""

    code = "phone.unknown_command"


class StoreTooNew(PhoneError):
    """The data on this phone were written by a newer app. Update the app; nothing is lost."""

    code = "phone.store_too_new"
