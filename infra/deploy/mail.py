"""The sender of Cognito's e-mails to users: an identity that is verified in SES.

Source: Amazon SES API v2 reference, GetEmailIdentity; Cognito developer guide, "Email settings".
"""

from typing import Any

from infra.deploy.options import BadOption


def verified_identity(ses: Any, address: str) -> str:
    """The verified identity that may send from the address: itself, its domain or a domain above. Raises BadOption."""
    labels = address.partition("@")[2].split(".")
    domains = [".".join(labels[start:]) for start in range(len(labels) - 1)]
    for identity in (address, *domains):
        try:
            found = ses.get_email_identity(EmailIdentity=identity)
        except ses.exceptions.NotFoundException:
            continue
        if found["VerifiedForSendingStatus"]:
            return identity
    raise BadOption(
        f"--mail-from is {address!r}; verify {domains[0]} or the address in SES, in the region of the stage"
    )
