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
            en="A service that Argus depends on does not answer. See “checks” for details.",
            fr="Un service dont Argus dépend ne répond pas. Voir « checks » pour les détails.",
            es="Un servicio del que depende Argus no responde. Consulte «checks» para más detalles.",
        ),
    ),
}
