"""The sender of Cognito's e-mails to users: an identity that is verified in SES.

Source: Amazon SES API v2 reference, GetEmailIdentity; Cognito developer guide, "Email settings".
"""

from typing import Any

from infra.deploy.options import BadOption


def verified_identity(ses: Any, address: str) -> str:
    """The verified identity that may send from the address: the address or its domain. Raises BadOption."""
    _, _, domain = address.partition("@")
    for identity in (address, domain):
        try:
            found = ses.get_email_identity(EmailIdentity=identity)
        except ses.exceptions.NotFoundException:
            continue
        if found["VerifiedForSendingStatus"]:
            return identity
    raise BadOption(f"mail_from is {address!r}; verify {domain} or the address in SES, in the region of the stage")
