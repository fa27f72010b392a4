"""Messages of health for users."""

from argus.core.languages import Entry, Messages, Text

MESSAGES: Messages = {
    "dependency_unavailable": Entry(
        Text(
            en="Not ready",
            fr="Pas prêt",
            es="No está listo",
        ),
        Text(
            en="A service that Argus depends on does not answer; checks says which one.",
            fr="Un service dont Argus dépend ne répond pas ; checks indique lequel.",
            es="Un servicio del que depende Argus no responde; checks indica cuál.",
        ),
    ),
}
