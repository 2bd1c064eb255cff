"""The door of identity: everything that other rooms may call."""

from server.identity.api_keys import (
    ApiKeyView,
    NewApiKey,
    create_api_key,
    list_api_keys,
    principal_of_key,
    revoke_api_key,
)
from server.identity.audit import AuditView, list_audit, record_audit
from server.identity.browsers import (
    SESSION_COOKIE,
    PasswordMustChange,
    origin_of,
    refuse_foreign_page,
)
from server.identity.devices import (
    DeviceView,
    PairedDevice,
    create_pairing_code,
    list_devices,
    pair_device,
    principal_of_device,
    revoke_device,
    revoked_devices,
)
from server.identity.people import (
    PersonView,
    UnknownPerson,
    create_person,
    ensure_first_admin,
    get_people,
    get_person,
    list_people,
)
from server.identity.person_changes import change_password, give_one_time_password, update_person
from server.identity.sessions import (
    LogIn,
    end_sessions,
    find_session,
    is_session_open,
    log_in,
    log_out,
    open_session,
    principal_of_session,
)

__all__ = [
    "SESSION_COOKIE",
    "ApiKeyView",
    "AuditView",
    "DeviceView",
    "LogIn",
    "NewApiKey",
    "PairedDevice",
    "PasswordMustChange",
    "PersonView",
    "UnknownPerson",
    "change_password",
    "create_api_key",
    "create_pairing_code",
    "create_person",
    "end_sessions",
    "ensure_first_admin",
    "find_session",
    "get_people",
    "get_person",
    "give_one_time_password",
    "is_session_open",
    "list_api_keys",
    "list_audit",
    "list_devices",
    "list_people",
    "log_in",
    "log_out",
    "open_session",
    "origin_of",
    "pair_device",
    "principal_of_device",
    "principal_of_key",
    "principal_of_session",
    "record_audit",
    "refuse_foreign_page",
    "revoke_api_key",
    "revoke_device",
    "revoked_devices",
    "update_person",
]
