"""Messages of health for users."""

from argus.core.languages import Entry, Messages, Text

MESSAGES: Messages = {
    "dependency_unavailable": Entry(
        Text(
            en="Argus is not ready",
            fr="Argus n’est pas prêt",
            es="Argus no está listo",
        ),
        Text(
            en="A service that Argus depends on does not respond. See “checks” for details.",
            fr="Un service dont Argus dépend ne répond pas. Consultez « checks » pour plus de détails.",
            es="Un servicio del que depende Argus no responde. Consulte «checks» para más detalles.",
        ),
    ),
}
